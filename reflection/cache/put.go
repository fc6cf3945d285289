package cache

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
)

// fresh is how old an entry may be that is not written again if nothing changed.
const fresh = 10 * time.Minute

// Snapshot is what a server said.
type Snapshot struct {
	Target   string
	Source   catalog.Source
	Origin   string
	Listed   []string // every service that the server offers
	Files    []*descriptorpb.FileDescriptorProto
	Complete bool // Files is all there is; otherwise what is known of other services stays
}

// Put stores what a server said, and evicts what has become too much. Nothing is
// written if it was stored lately and has not changed.
func (s *Store) Put(k Key, snap Snapshot) error {
	now := s.now().UTC().Truncate(time.Second)
	e := &Entry{Target: snap.Target, Source: snap.Source, Origin: snap.Origin, Stored: now, Complete: snap.Complete}
	data := make(map[string][]byte, len(snap.Files)) // by hash
	methods := map[string][]string{}
	var size int64
	for _, f := range snap.Files {
		b, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(f)
		if err != nil {
			continue // a server's text that is not UTF-8: known, but not kept
		}
		hash := hashOf(b)
		data[hash] = b
		size += int64(len(b))
		e.Refs = append(e.Refs, Ref{Path: f.GetName(), Hash: hash, Size: int64(len(b)), Seen: now})
		methodsOf(f, methods)
	}
	if size > s.maxBytes/2 {
		return fmt.Errorf("store %s: %w: %d MiB", snap.Target, ErrTooLarge, size>>20)
	}
	before, err := s.Entry(k)
	if err != nil {
		before = &Entry{}
	}
	e.join(before, snap.Listed, methods)
	if now.Sub(before.Stored) < fresh && same(before, e) && s.present(data) {
		return nil
	}
	for hash, b := range data {
		if err := s.keep(hash, b, now); err != nil {
			return fmt.Errorf("store %s: %w", snap.Target, err)
		}
	}
	rest, err := json.Marshal(e)
	if err == nil {
		err = write(s.index(k.id()), append(firstLine(rest), rest...), now)
	}
	if err != nil {
		return fmt.Errorf("store %s: %w", snap.Target, err)
	}
	s.evict()
	return nil
}

// methodsOf adds the methods of a file's services.
func methodsOf(f *descriptorpb.FileDescriptorProto, to map[string][]string) {
	for _, svc := range f.GetService() {
		name := strings.TrimPrefix(f.GetPackage()+"."+svc.GetName(), ".")
		to[name] = nil
		for _, m := range svc.GetMethod() {
			to[name] = append(to[name], m.GetName())
		}
	}
}

// join fills in the services. If e is not complete, what was known before of the
// services that it is not about stays.
func (e *Entry) join(before *Entry, listed []string, methods map[string][]string) {
	partial := !e.Complete
	known := map[string][]string{}
	if partial {
		e.keepFiles(before.Refs)
		for _, svc := range before.Services {
			known[svc.Name] = svc.Methods
		}
	}
	whole := before.Complete
	for _, name := range listed {
		own, has := methods[name]
		if !has {
			own, has = known[name]
		}
		whole = whole && has
		e.Services = append(e.Services, Service{Name: name, Methods: own})
	}
	e.Complete = !partial || whole
	slices.SortFunc(e.Refs, func(a, b Ref) int { return strings.Compare(a.Path, b.Path) })
	slices.SortFunc(e.Services, func(a, b Service) int { return strings.Compare(a.Name, b.Name) })
}

// keepFiles adds the files that e does not have.
func (e *Entry) keepFiles(before []Ref) {
	own := make(map[string]bool, len(e.Refs))
	for _, r := range e.Refs {
		own[r.Path] = true
	}
	for _, r := range before {
		if !own[r.Path] {
			e.Refs = append(e.Refs, r)
		}
	}
}

// same reports whether two entries say the same, times aside.
func same(a, b *Entry) bool {
	return a.Target == b.Target && a.Source == b.Source && a.Origin == b.Origin && a.Complete == b.Complete &&
		slices.EqualFunc(a.Refs, b.Refs, func(a, b Ref) bool { return a.Path == b.Path && a.Hash == b.Hash }) &&
		slices.EqualFunc(a.Services, b.Services, func(a, b Service) bool { return a.Name == b.Name && slices.Equal(a.Methods, b.Methods) })
}

// present reports whether all files are on disk.
func (s *Store) present(data map[string][]byte) bool {
	for hash, b := range data {
		if info, err := os.Stat(s.file(hash)); err != nil || info.Size() != int64(len(b)) {
			return false
		}
	}
	return true
}

// keep writes a file, or marks it as in use if it is there.
func (s *Store) keep(hash string, b []byte, now time.Time) error {
	path := s.file(hash)
	if info, err := os.Stat(path); err == nil && info.Size() == int64(len(b)) {
		if os.Chtimes(path, now, now) == nil {
			return nil
		}
	}
	return write(path, b, now)
}
