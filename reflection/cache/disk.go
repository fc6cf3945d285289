package cache

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// header is the first line of an index, before the hash of the rest.
const header = "wiregloss schema cache 1 "

// headerLen is the length of the first line with its line feed.
const headerLen = len(header) + 2*sha256.Size + 1

// read reads an index and checks it.
func (s *Store) read(path string) (*Entry, error) {
	data, err := readBounded(path, maxIndex)
	if err != nil {
		return nil, fmt.Errorf("read the schema cache: %w", err)
	}
	var e Entry
	if len(data) < headerLen || !bytes.Equal(data[:headerLen], firstLine(data[headerLen:])) || json.Unmarshal(data[headerLen:], &e) != nil {
		return nil, fmt.Errorf("read the schema cache: %s is damaged: %w", path, fs.ErrNotExist)
	}
	for _, r := range e.Refs {
		if !isHash(r.Hash) || !isHash(r.Pack) || r.Off < 0 || r.Size < 0 {
			return nil, fmt.Errorf("read the schema cache: %s is damaged: %w", path, fs.ErrNotExist)
		}
	}
	return &e, nil
}

func isHash(text string) bool {
	sum, err := hex.DecodeString(text)
	return err == nil && len(sum) == sha256.Size
}

func firstLine(rest []byte) []byte {
	sum := sha256.Sum256(rest)
	return fmt.Appendf(nil, "%s%x\n", header, sum)
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return data, err
}

// Files reads the files of an entry. lost is how many of them are gone or damaged;
// the packs that they are in are removed, so that they are written again.
func (s *Store) Files(e *Entry) (files []*descriptorpb.FileDescriptorProto, lost int) {
	packs := map[string][]byte{}
	for _, r := range e.Refs {
		data, read := packs[r.Pack]
		if !read {
			data, _ = readBounded(s.pack(r.Pack), s.maxBytes) // what was not read has not the hash
			packs[r.Pack] = data
		}
		file := &descriptorpb.FileDescriptorProto{}
		if part := cut(data, r); hashOf(part) != r.Hash || proto.Unmarshal(part, file) != nil {
			lost++
			_ = os.Remove(s.pack(r.Pack)) // it is of no use, whether it goes or not
			continue
		}
		files = append(files, file)
	}
	return files, lost
}

// cut returns the part of a pack that is a file, as far as it is there.
func cut(pack []byte, r Ref) []byte {
	n := int64(len(pack))
	off := min(r.Off, n)
	return pack[off : off+min(r.Size, n-off)]
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// write puts data in a file that appears whole or not at all, for the user only, with
// a time of its own.
func write(path string, data []byte, at time.Time) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), tempPrefix+"*") // mode 0600
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			tmp, err = os.CreateTemp(filepath.Dir(path), tempPrefix+"*")
		}
	}
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Chtimes(tmp.Name(), at, at)
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // the next eviction tries again
	}
	return err
}

const tempPrefix = ".new-"

// grace is how long a file stays that nothing refers to: another process may be
// about to.
const grace = time.Minute

// stored is a file on disk.
type stored struct {
	path string
	name string
	size int64
	used time.Time
}

// indices returns the index files, the one used last first.
func (s *Store) indices() []stored {
	all := list(filepath.Join(s.dir, "targets"))
	slices.SortFunc(all, func(a, b stored) int {
		return cmp.Or(b.used.Compare(a.used), cmp.Compare(a.name, b.name))
	})
	return all
}

// list returns the files in a folder; none if it cannot be read.
func list(dir string) []stored {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var all []stored
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			all = append(all, stored{filepath.Join(dir, e.Name()), e.Name(), info.Size(), info.ModTime()})
		}
	}
	return all
}

// evict forgets the targets that were not used for longest until the rest is
// within the limits, and removes the packs that none has. What cannot be removed
// stays; the next eviction tries again.
func (s *Store) evict() {
	packs := list(filepath.Join(s.dir, "packs"))
	sizes := make(map[string]int64, len(packs))
	for _, p := range packs {
		sizes[p.name] = p.size
	}
	kept := map[string]bool{}
	var size int64
	for i, index := range s.indices() {
		e, err := s.read(index.path)
		if err != nil { // damaged, or another process is writing it
			s.drop(index)
			continue
		}
		size += index.size
		own := map[string]bool{}
		for _, r := range e.Refs {
			if !kept[r.Pack] && !own[r.Pack] {
				own[r.Pack] = true
				size += sizes[r.Pack]
			}
		}
		if size > s.maxBytes || i >= maxTargets {
			_ = os.Remove(index.path)
			continue
		}
		maps.Copy(kept, own)
	}
	for _, p := range packs {
		if !kept[p.name] {
			s.drop(p)
		}
	}
}

// drop removes a file unless it is so young that a process may be at it.
func (s *Store) drop(f stored) {
	if s.now().Sub(f.used) > grace {
		_ = os.Remove(f.path) // as evict says
	}
}
