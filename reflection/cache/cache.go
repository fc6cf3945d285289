// Package cache keeps on disk what servers said they offer: for looking things up
// while a server cannot be reached, for completing names without waiting for it,
// and as a guess of what to ask it for. It is never the last word: whoever calls a
// server asks it again, and says so if the answer had to come from here.
//
// What a server sent is stored in packs, each under the hash of its bytes, so that
// the same server at several addresses is stored once; each target has an index of
// its files, with the hash of each. Everything is written to a new file and renamed, so that any number of processes may read and write at once,
// and checked when it is read: what is damaged or gone counts as not there, and is
// written again the next time. Only the user can read it. It holds no metadata, and
// so no credentials.
//
//	s := cache.New(dir, cache.Options{})
//	err := s.Put(key, cache.Snapshot{Listed: names, Files: files, Complete: true})
//	e, err := s.Entry(key)
//	files, lost := s.Files(e)
package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/wiregloss/wiregloss/catalog"
)

// version is part of the folder's name: programs with another one do not meet.
const version = "schemas-v1"

// Limits, where Options gives none.
const (
	defaultMaxBytes = 64 << 20
	maxTargets      = 256
	maxIndex        = 16 << 20 // bytes of one index
)

// ErrTooLarge says that a schema is too large to be kept.
var ErrTooLarge = errors.New("the schema is too large for the cache")

// Options change a store's limits. The zero value has the usual ones.
type Options struct {
	MaxBytes int64            // of all files together; 0 is 64 MiB
	Now      func() time.Time // nil is time.Now
}

// Store is a cache in a folder. It may be used from several goroutines, and the
// folder by several processes.
type Store struct {
	dir      string
	maxBytes int64
	now      func() time.Time
}

// New returns the store in a folder, which need not exist. It does no I/O.
func New(dir string, o Options) *Store {
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultMaxBytes
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Store{dir: filepath.Join(dir, version), maxBytes: o.MaxBytes, now: o.Now}
}

// Dir returns the user's folder for it: wiregloss in $XDG_CACHE_HOME, or else in
// what the system has for caches.
func Dir() (string, error) {
	base := os.Getenv("XDG_CACHE_HOME")
	if !filepath.IsAbs(base) { // the specification: a relative path is invalid
		var err error
		if base, err = os.UserCacheDir(); err != nil {
			return "", fmt.Errorf("find the cache folder: %w", err)
		}
	}
	return filepath.Join(base, "wiregloss"), nil
}

// Key is what makes two targets the same: where they are and how they are spoken
// to. Metadata is not part of it.
type Key struct {
	Network, Address string // as for net.Dial
	Authority        string
	TLS              bool
}

// id is the name of the key's index.
func (k Key) id() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %v", k.Network, k.Address, k.Authority, k.TLS))
	return hex.EncodeToString(sum[:16])
}

// Entry is what is known of one target.
type Entry struct {
	Target   string         `json:"target"` // as the user wrote it
	Source   catalog.Source `json:"source"` // the version of reflection that answered
	Origin   string         `json:"origin"` // the address that answered
	Stored   time.Time      `json:"stored"` // when the server said so last
	Complete bool           `json:"complete"`
	Services []Service      `json:"services"` // all that the server lists, sorted by name
	Refs     []Ref          `json:"files"`    // sorted by path
}

// Service is a service as its names go.
type Service struct {
	Name    string   `json:"name"`
	Methods []string `json:"methods,omitempty"` // none are known if its file is not among Refs
}

// Ref is a file that a target has.
type Ref struct {
	Path string    `json:"path"` // as it is imported
	Hash string    `json:"hash"` // SHA-256 of its bytes, in hex
	Pack string    `json:"pack"` // SHA-256 of the pack that they are in
	Off  int64     `json:"off"`  // where in it
	Size int64     `json:"size"`
	Seen time.Time `json:"seen"` // when the server sent it last
}

// Entry reads the index of a target. The error is fs.ErrNotExist if there is none,
// or one that cannot be used.
func (s *Store) Entry(k Key) (*Entry, error) { return s.read(s.index(k.id())) }

// Targets returns every entry, the one used last first: for completing targets.
// What cannot be read is left out.
func (s *Store) Targets() []*Entry {
	var all []*Entry
	for _, f := range s.indices() {
		if e, err := s.read(f.path); err == nil {
			all = append(all, e)
		}
	}
	return all
}

func (s *Store) index(id string) string { return filepath.Join(s.dir, "targets", id) }

func (s *Store) pack(hash string) string { return filepath.Join(s.dir, "packs", hash) }

// Remove forgets everything.
func (s *Store) Remove() error {
	if err := os.RemoveAll(s.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the schema cache: %w", err)
	}
	return nil
}
