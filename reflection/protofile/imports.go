package protofile

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// imports finds the files that a source imports, adds those that are new, and notes
// those that nobody has.
func (l *loader) imports(s *source) {
	if s.proto == nil {
		return
	}
	if n := len(s.proto.GetDependency()) + len(s.proto.GetOptionDependency()); n > maxImports {
		s.err(s.path, "%d imports: more than %d are not looked for", n, maxImports)
		s.needs = make([]*source, n)
		return
	}
	for i, name := range s.proto.GetDependency() {
		s.needs = append(s.needs, l.need(s, name, tagDependency, int32(i))) //nolint:gosec // a count of imports
	}
	for i, name := range s.proto.GetOptionDependency() {
		s.needs = append(s.needs, l.need(s, name, tagOptionDependency, int32(i))) //nolint:gosec // a count of imports
	}
}

// maxImports is how many imports of one file are looked for, each in some folders.
const maxImports = 5000

// Field numbers of FileDescriptorProto.
const (
	tagDependency       = 3
	tagOptionDependency = 15
)

func (l *loader) need(s *source, name string, place ...int32) *source {
	if abs, root := l.find(s, name); abs != "" {
		l.roots[root]++
		dep := l.byAbs[abs]
		if dep == nil {
			dep = l.file(shown(s, abs), "")
		}
		dep.votes[name]++
		return dep
	}
	if dep := l.linkedIn(name); dep != nil {
		return dep
	}
	a := l.missing[name]
	if a == nil {
		a = &absence{where: s.path}
		if len(l.missing) < maxPlaces {
			a.where = s.atImport(name, place)
		}
		l.missing[name] = a
	}
	a.by = append(a.by, s)
	return nil
}

// atImport returns where a file imports another: the parser has no place for import
// option.
func (s *source) atImport(name string, place []int32) string {
	where := s.at(place...)
	at := bytes.Index(s.src, []byte(strconv.Quote(name)))
	if where != s.path || at < 0 {
		return where
	}
	before := s.src[:at]
	return fmt.Sprintf("%s:%d:%d", s.path, bytes.Count(before, []byte{'\n'})+1, at-bytes.LastIndexByte(before, '\n'))
}

// maxPlaces is for how many missing imports their place in the file is looked up.
const maxPlaces = 500

// shown writes the path of an import like that of the file which imports it:
// relative if that one is.
func shown(s *source, abs string) string {
	if filepath.IsAbs(s.path) {
		return abs
	}
	wd, err := os.Getwd()
	if err != nil {
		return abs
	}
	rel, err := filepath.Rel(wd, abs)
	if err != nil {
		return abs
	}
	return rel
}

// find returns the file of an import and the folder that it is relative to: an
// import path; a folder above the importing file, the nearest first; or any folder,
// if a file that was given ends with the import, the one nearest to the importing
// file.
func (l *loader) find(s *source, name string) (abs, root string) {
	if l.alone || !fs.ValidPath(name) {
		return "", "" // a file may not reach out of its folders with ..
	}
	rel := filepath.FromSlash(name)
	for _, dir := range l.importPaths {
		if abs := filepath.Join(dir, rel); l.exists(abs) {
			return abs, dir
		}
	}
	for dir := filepath.Dir(s.abs); ; dir = filepath.Dir(dir) {
		if abs := filepath.Join(dir, rel); l.exists(abs) {
			return abs, dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	nearest := -1
	for _, other := range l.byBase()[filepath.Base(rel)] {
		if before, ok := strings.CutSuffix(other.abs, string(filepath.Separator)+rel); ok {
			if n := shared(s.abs, other.abs); n > nearest {
				nearest, abs, root = n, other.abs, before
			}
		}
	}
	return abs, root
}

// exists asks the disk once for each path.
func (l *loader) exists(abs string) bool {
	if l.byAbs[abs] != nil {
		return true
	}
	there, known := l.disk[abs]
	if !known {
		info, err := os.Stat(abs)
		there = err == nil && info.Mode().IsRegular()
		l.disk[abs] = there
	}
	return there
}

// byBase maps the names of files without their folders to the files.
func (l *loader) byBase() map[string][]*source {
	for _, s := range l.sources[l.based:] {
		b := filepath.Base(s.abs)
		l.bases[b] = append(l.bases[b], s)
	}
	l.based = len(l.sources)
	return l.bases
}

// shared returns how many bytes two paths have in common.
func shared(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
