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
	pack, methods := e.fill(snap.Files, now)
	if int64(len(pack)) > s.maxBytes/2 {
		return fmt.Errorf("store %s: %w: %d MiB", snap.Target, ErrTooLarge, len(pack)>>20)
	}
	before, err := s.Entry(k)
	if err != nil {
		before = &Entry{}
	}
	known := s.reuse(e, before)
	e.join(before, snap.Listed, methods)
	if known && now.Sub(before.Stored) < fresh && same(before, e) {
		return nil
	}
	rest, err := json.Marshal(e)
	if err == nil && !known {
		err = write(s.pack(hashOf(pack)), pack, now)
	}
	if err == nil {
		err = write(s.index(k.id()), append(firstLine(rest), rest...), now)
	}
	if err != nil {
		return fmt.Errorf("store %s: %w", snap.Target, err)
	}
	s.evict()
	return nil
}

// fill makes one pack of files and refers to them there.
func (e *Entry) fill(files []*descriptorpb.FileDescriptorProto, now time.Time) (pack []byte, methods map[string][]string) {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b *descriptorpb.FileDescriptorProto) int { return strings.Compare(a.GetName(), b.GetName()) })
	methods = map[string][]string{}
	marshal := proto.MarshalOptions{Deterministic: true, AllowPartial: true}
	for _, f := range files {
		from := len(pack)
		longer, err := marshal.MarshalAppend(pack, f)
		if err != nil {
			continue // it can be known, but not kept
		}
		pack = longer
		e.Refs = append(e.Refs, Ref{
			Path: f.GetName(), Hash: hashOf(pack[from:]), Off: int64(from), Size: int64(len(pack) - from), Seen: now,
		})
		methodsOf(f, methods)
	}
	sum := hashOf(pack)
	for i := range e.Refs {
		e.Refs[i].Pack = sum
	}
	return pack, methods
}

// reuse refers to the files where they are, if all are on disk already, and reports
// whether it is so.
func (s *Store) reuse(e, before *Entry) bool {
	at := make(map[string]Ref, len(before.Refs))
	for _, r := range before.Refs {
		at[r.Path] = r
	}
	sizes := map[string]int64{}
	refs := slices.Clone(e.Refs)
	for i, r := range refs {
		old, ok := at[r.Path]
		if !ok || old.Hash != r.Hash {
			return false
		}
		if _, looked := sizes[old.Pack]; !looked {
			if info, err := os.Stat(s.pack(old.Pack)); err == nil {
				sizes[old.Pack] = info.Size()
			}
		}
		if sizes[old.Pack] < old.Off+old.Size {
			return false
		}
		refs[i].Pack, refs[i].Off = old.Pack, old.Off
	}
	e.Refs = refs
	return true
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
