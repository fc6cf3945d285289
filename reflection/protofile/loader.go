package protofile

import (
	"bytes"
	"cmp"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
)

// loader makes a catalog of the sources of .proto files. Each file is parsed by
// itself, so that what is wrong with one is not that of another; its imports are
// found and read in turn, then names are resolved across all of them.
type loader struct {
	importPaths []string // absolute
	given       []string // the paths that were given, as they were
	alone       bool     // there is no disk: nothing but well-known imports

	sources  []*source
	byAbs    map[string]*source
	bundled  map[string]*source   // by import path
	disk     map[string]bool      // whether a file is there
	roots    map[string]int       // folder that imports were relative to -> how many
	bases    map[string][]*source // by file name; of the first based sources
	based    int
	missing  map[string]*absence
	problems []catalog.Problem
}

// source is one file: its text, and what came of it.
type source struct {
	path    string // as the user would write it
	abs     string // cleaned, absolute; empty for a bundled file
	under   string // the folder that was given and has it, absolute
	src     []byte // nil until it is read
	proto   *descriptorpb.FileDescriptorProto
	errs    []catalog.Problem
	name    string         // what others import it as
	votes   map[string]int // by which names it is imported
	needs   []*source      // of each dependency; nil if it is missing
	lost    bool           // some type of it is not known
	parsed  bool
	instead *source // what is used in its place; nil for a file that is used itself
	told    int     // problems of resolving it
}

// absence is an import that nobody has.
type absence struct {
	where string
	by    []*source
}

func newLoader(o Options) *loader {
	l := &loader{
		byAbs: map[string]*source{}, bundled: map[string]*source{}, disk: map[string]bool{},
		roots: map[string]int{}, bases: map[string][]*source{}, missing: map[string]*absence{},
	}
	for _, p := range o.ImportPaths {
		l.importPaths = append(l.importPaths, absolute(p))
	}
	return l
}

func (l *loader) problem(where, format string, args ...any) {
	l.problems = append(l.problems, catalog.Problem{Where: where, Text: fmt.Sprintf(format, args...)})
}

// file returns the source of a path, new if it is not known yet.
func (l *loader) file(path, under string) *source {
	abs := absolute(path)
	if s := l.byAbs[abs]; s != nil {
		return s
	}
	s := &source{path: path, abs: abs, under: absolute(under), votes: map[string]int{}}
	l.byAbs[abs] = s
	l.sources = append(l.sources, s)
	return s
}

// catalog reads, parses and links everything.
func (l *loader) catalog() *catalog.Catalog {
	for begin := 0; begin < len(l.sources); {
		wave := l.sources[begin:]
		begin = len(l.sources)
		parallel(wave, (*source).parse)
		for _, s := range wave {
			l.imports(s)
		}
	}
	l.nameAll()
	for _, s := range l.sources {
		l.problems = append(l.problems, s.errs...)
	}
	r := newResolver(l.all())
	for _, s := range l.sources {
		if s.proto != nil {
			r.file(s)
		}
	}
	l.problems = append(l.problems, r.problems...)
	l.tellMissing()
	interpretOptions(l.sources, r)
	for _, s := range l.sources {
		s.prune()
	}
	c := catalog.FromDescriptors(l.protos())
	c.Source = catalog.ProtoFiles
	c.Problems = append(l.problems, c.Problems...)
	return c
}

// protos returns what was parsed, in the order given.
func (l *loader) protos() []*descriptorpb.FileDescriptorProto {
	var files []*descriptorpb.FileDescriptorProto
	for _, s := range l.sources {
		if s.proto != nil {
			files = append(files, s.proto)
		}
	}
	return files
}

// all returns the sources and the bundled files that they need.
func (l *loader) all() []*source {
	all := slices.Clone(l.sources)
	for _, s := range l.bundled {
		all = append(all, s)
	}
	return all
}

// tellMissing tells each missing import once, where it is imported first.
func (l *loader) tellMissing() {
	names := make([]string, 0, len(l.missing))
	for name := range l.missing {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		a := l.missing[name]
		others := ""
		if n := len(a.by) - 1; n == 1 {
			others = " (one more file imports it)"
		} else if n > 1 {
			others = fmt.Sprintf(" (%d more files import it)", n)
		}
		effect := "options that it declares are left out, the rest works"
		if slices.ContainsFunc(a.by, func(s *source) bool { return s.lost }) {
			effect = "what it declares is not known, the rest works"
		}
		l.problem(a.where, "imports %q, which is missing%s: %s; give the folder that has it as an import path", name, others, effect)
	}
}

// linkedIn returns a file that is linked into the program, and those that it needs.
func (l *loader) linkedIn(name string) *source {
	if s := l.bundled[name]; s != nil {
		return s
	}
	fd, err := protoregistry.GlobalFiles.FindFileByPath(name)
	if err != nil {
		return nil
	}
	s := &source{path: name, name: name, proto: protodesc.ToFileDescriptorProto(fd)}
	l.bundled[name] = s
	for _, dep := range s.proto.GetDependency() {
		s.needs = append(s.needs, l.linkedIn(dep))
	}
	return s
}

// parallel calls do for each source, as many at once as there are processors.
func parallel(sources []*source, do func(*source)) {
	work := make(chan *source)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(sources)) {
		wg.Go(func() {
			for s := range work {
				do(s)
			}
		})
	}
	for _, s := range sources {
		work <- s
	}
	close(work)
	wg.Wait()
}

// nameAll gives each file the name that others import it as. No two have the same:
// of two files that claim one, the first in the order given has it, and a copy of
// it is left out.
func (l *loader) nameAll() {
	taken := map[string]*source{}
	for _, s := range l.sources {
		if s.proto == nil {
			continue
		}
		for _, name := range l.names(s) {
			first := taken[name]
			if first == nil {
				s.name, taken[name] = name, s
				break
			}
			if sameText(first, s) {
				s.name, s.proto, s.instead = name, nil, first
				break
			}
		}
	}
	l.dropSecond()
	for _, s := range l.sources {
		s.src = nil
		if s.proto != nil {
			s.proto.Name = &s.name
			s.rename(taken)
		}
	}
}

// sameText reports whether two files declare the same in the same words.
func sameText(a, b *source) bool {
	if bytes.Equal(a.src, b.src) {
		return true
	}
	infoA, infoB := a.proto.GetSourceCodeInfo(), b.proto.GetSourceCodeInfo()
	a.proto.SourceCodeInfo, b.proto.SourceCodeInfo = nil, nil
	equal := proto.Equal(a.proto, b.proto)
	a.proto.SourceCodeInfo, b.proto.SourceCodeInfo = infoA, infoB
	return equal
}

// dropSecond leaves out files that declare what a file before them has declared, as
// versions of one API side by side do. Those that import them get the first.
func (l *loader) dropSecond() {
	owner := map[string]*source{}
	for _, s := range l.sources {
		if s.proto == nil {
			continue
		}
		names := topLevel(s.proto)
		if i := slices.IndexFunc(names, func(n string) bool { return owner[n] != nil }); i >= 0 {
			s.instead = owner[names[i]]
			s.proto = nil
			l.problem(s.path, "left out: %s is declared in %s, too, which is used; load one of them", names[i], s.instead.path)
			continue
		}
		for _, n := range names {
			owner[n] = s
		}
	}
}

// topLevel returns the full names that a file declares outside of messages.
func topLevel(f *descriptorpb.FileDescriptorProto) []string {
	var names []string
	add := func(name string) { names = append(names, join(f.GetPackage(), name)) }
	for _, m := range f.GetMessageType() {
		add(m.GetName())
	}
	for _, e := range f.GetEnumType() {
		add(e.GetName())
		for _, v := range e.GetValue() {
			add(v.GetName())
		}
	}
	for _, x := range f.GetExtension() {
		add(x.GetName())
	}
	for _, s := range f.GetService() {
		add(s.GetName())
	}
	return names
}

// rename writes the imports by the names that their files have, each once, and
// without those that are missing.
func (s *source) rename(taken map[string]*source) {
	p := s.proto
	at := map[string]int32{}
	var deps []string
	var needs []*source
	old := make([]int32, len(p.GetDependency()))
	for i, dep := range s.needs {
		s.needs[i] = used(dep, taken)
	}
	for i, dep := range s.needs[:len(old)] {
		if old[i] = -1; dep == nil || dep == s {
			continue
		}
		j, ok := at[dep.name]
		if !ok {
			j = int32(len(deps)) //nolint:gosec // as many as there were
			at[dep.name] = j
			deps, needs = append(deps, dep.name), append(needs, dep)
		}
		old[i] = j
	}
	options := s.needs[len(old):]
	p.Dependency = deps
	p.PublicDependency = moved(p.GetPublicDependency(), old)
	p.WeakDependency = moved(p.GetWeakDependency(), old)
	p.OptionDependency = nil // only to interpret options, which is done here
	s.needs = slices.DeleteFunc(append(needs, options...), func(s *source) bool { return s == nil })
}

// used returns the file that is linked where dep is imported; nil if there is none.
func used(dep *source, taken map[string]*source) *source {
	for dep != nil && dep.instead != nil {
		dep = dep.instead
	}
	switch {
	case dep == nil || dep.proto == nil:
		return nil // missing, or it does not parse
	case dep.abs == "" && taken[dep.name] != nil:
		return used(taken[dep.name], nil) // bundled, but a file that was read has its name
	}
	return dep
}

// moved maps indexes of imports to where the imports are now.
func moved(indexes, to []int32) []int32 {
	var out []int32
	for _, i := range indexes {
		if i >= 0 && int(i) < len(to) && to[i] >= 0 {
			out = append(out, to[i])
		}
	}
	return slices.Compact(out)
}

// names returns what a file may be called, the best first: as it is imported; below
// an import path or a folder that imports are relative to; as its package says;
// below the folder that was given; and its whole path.
func (l *loader) names(s *source) []string {
	var names []string
	for _, p := range l.importPaths {
		if rel, ok := below(p, s.abs); ok {
			names = append(names, rel)
			break
		}
	}
	voted := make([]string, 0, len(s.votes))
	for name := range s.votes {
		voted = append(voted, name)
	}
	slices.SortFunc(voted, func(a, b string) int {
		return cmp.Or(cmp.Compare(s.votes[b], s.votes[a]), cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	names = append(names, voted...)
	if root := l.commonRoot(s.abs); root != "" {
		rel, _ := below(root, s.abs)
		names = append(names, rel)
	}
	if pkg := strings.ReplaceAll(s.proto.GetPackage(), ".", "/"); pkg != "" && strings.HasSuffix(filepath.ToSlash(filepath.Dir(s.abs)), "/"+pkg) {
		names = append(names, pkg+"/"+filepath.Base(s.abs))
	}
	if rel, ok := below(s.under, s.abs); ok {
		names = append(names, rel)
	}
	return append(names, strings.TrimPrefix(filepath.ToSlash(s.abs), "/"))
}

// commonRoot returns the folder above a file that most imports were relative to.
func (l *loader) commonRoot(abs string) string {
	best := ""
	for dir := filepath.Dir(abs); ; dir = filepath.Dir(dir) {
		if l.roots[dir] > l.roots[best] {
			best = dir
		}
		if dir == filepath.Dir(dir) {
			return best
		}
	}
}

// below returns the path of a file from a folder above it, with slashes.
func below(dir, abs string) (string, bool) {
	if dir == "" {
		return "", false
	}
	rel, err := filepath.Rel(dir, abs)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

// absolute cleans a path; none stays none. Where there is no working folder the path stays relative.
func absolute(path string) string {
	if path == "" {
		return ""
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return filepath.Clean(path)
}
