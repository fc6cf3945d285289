package cache

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
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
		if sum, err := hex.DecodeString(r.Hash); err != nil || len(sum) != sha256.Size {
			return nil, fmt.Errorf("read the schema cache: %s is damaged: %w", path, fs.ErrNotExist)
		}
	}
	return &e, nil
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
// those are removed, so that they are written again.
func (s *Store) Files(e *Entry) (files []*descriptorpb.FileDescriptorProto, lost int) {
	for _, r := range e.Refs {
		data, err := readBounded(s.file(r.Hash), r.Size)
		file := &descriptorpb.FileDescriptorProto{}
		if err != nil || hashOf(data) != r.Hash || proto.Unmarshal(data, file) != nil {
			lost++
			_ = os.Remove(s.file(r.Hash)) // it is of no use, whether it goes or not
			continue
		}
		files = append(files, file)
	}
	return files, lost
}

func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// write puts data in a file that appears whole or not at all, for the user only,
// with a time of its own.
func write(path string, data []byte, at time.Time) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), tempPrefix+"*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // gone after the rename
	_, err = tmp.Write(data)
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Chtimes(tmp.Name(), at, at)
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
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
// within the limits, and removes the files that none has. What cannot be removed
// stays; the next eviction tries again.
func (s *Store) evict() {
	kept := map[string]bool{}
	var size int64
	for i, index := range s.indices() {
		e, err := s.read(index.path)
		if err == nil {
			size += index.size
			for _, r := range e.Refs {
				if !kept[r.Hash] {
					size += r.Size
				}
			}
		}
		switch {
		case err != nil: // damaged, or another process is writing it
			s.drop(index)
			continue
		case size > s.maxBytes || i >= maxTargets:
			_ = os.Remove(index.path)
			continue
		}
		for _, r := range e.Refs {
			kept[r.Hash] = true
		}
	}
	folders, err := os.ReadDir(filepath.Join(s.dir, "files"))
	if err != nil {
		return
	}
	for _, folder := range folders {
		for _, f := range list(filepath.Join(s.dir, "files", folder.Name())) {
			if !kept[f.name] {
				s.drop(f)
			}
		}
	}
}

// drop removes a file unless it is so young that a process may be at it.
func (s *Store) drop(f stored) {
	if s.now().Sub(f.used) > grace {
		_ = os.Remove(f.path) // as evict says
	}
}
