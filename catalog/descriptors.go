package catalog

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// FromDescriptors makes a catalog of descriptor files in any order. What cannot
// be resolved becomes a placeholder or a Problem, and the rest works. A file that
// is imported but not given is looked for among those linked into the program:
// the well-known types are there. The caller fills in Source and Origin.
func FromDescriptors(files []*descriptorpb.FileDescriptorProto) *Catalog {
	l := &linker{
		given: make(map[string]*descriptorpb.FileDescriptorProto, len(files)),
		state: map[string]state{},
		files: &protoregistry.Files{},
	}
	for _, f := range files {
		if _, ok := l.given[f.GetName()]; !ok {
			l.given[f.GetName()] = f
		}
	}
	c := &Catalog{Files: l.files}
	for _, f := range files {
		l.link(f.GetName())
	}
	c.Problems = l.problems
	c.Types = linked{dynamicpb.NewTypes(l.files)}
	for _, f := range files {
		if fd, err := l.files.FindFileByPath(f.GetName()); err == nil && l.given[f.GetName()] == f {
			c.addServices(fd)
		}
	}
	slices.SortStableFunc(c.Services, func(a, b Service) int { return strings.Compare(a.Name, b.Name) })
	return c
}

type state uint8

const (
	untouched state = iota
	under           // its imports are being linked
	done
)

// linker resolves files after their imports.
type linker struct {
	given    map[string]*descriptorpb.FileDescriptorProto
	state    map[string]state
	files    *protoregistry.Files
	index    map[string]string // type -> path of the given file; built when needed
	problems []Problem
}

func (l *linker) problem(where, format string, args ...any) {
	l.problems = append(l.problems, Problem{Where: where, Text: fmt.Sprintf(format, args...)})
}

// link resolves one file; afterwards it is in l.files, or a problem says why not.
// The depth of the recursion is that of the imports, which a hostile server can
// make as deep as it may send files; Go's stacks grow.
func (l *linker) link(path string) {
	if l.state[path] != untouched {
		return
	}
	l.state[path] = under
	defer func() { l.state[path] = done }()
	f := l.find(path)
	if f == nil {
		return
	}
	for _, dep := range f.GetDependency() {
		switch l.state[dep] {
		case under:
			l.problem(path, "imports %s, which imports it: the cycle is cut here", quoted(dep))
		case untouched:
			if l.link(dep); !l.has(dep) && l.given[dep] == nil {
				l.problem(path, "imports %s, which is missing", quoted(dep))
			}
		case done:
		}
	}
	l.register(path, f)
}

// find falls back to the linked files, as descriptor protos: their own descriptors
// would bring imports that are not those of this catalog.
func (l *linker) find(path string) *descriptorpb.FileDescriptorProto {
	if f := l.given[path]; f != nil {
		return f
	}
	if fd, err := protoregistry.GlobalFiles.FindFileByPath(path); err == nil {
		return protodesc.ToFileDescriptorProto(fd)
	}
	return nil
}

func (l *linker) has(path string) bool {
	_, err := l.files.FindFileByPath(path)
	return err == nil
}

func (l *linker) register(path string, f *descriptorpb.FileDescriptorProto) {
	lenient := protodesc.FileOptions{AllowUnresolvable: true}
	fd, err := lenient.New(f, l.files)
	if err != nil || vague(fd) {
		if again, failed := lenient.New(l.repaired(f), l.files); failed == nil {
			fd, err = again, nil
		}
	}
	if err == nil {
		err = l.files.RegisterFile(fd)
	}
	if err != nil {
		text := strings.ReplaceAll(err.Error(), "\u00a0", " ") // protobuf varies its spaces
		l.problem(path, "%s", strings.TrimPrefix(text, "proto: "))
	}
}

// quoted quotes names that come from a server only where they need it.
func quoted(s string) string {
	if q := fmt.Sprintf("%q", s); len(q) != len(s)+2 {
		return q
	}
	return s
}

// addServices lists the services of a file.
func (c *Catalog) addServices(fd protoreflect.FileDescriptor) {
	for i := range fd.Services().Len() {
		sd := fd.Services().Get(i)
		s := Service{Name: string(sd.FullName()), Doc: doc(sd), Desc: sd}
		for j := range sd.Methods().Len() {
			md := sd.Methods().Get(j)
			s.Operations = append(s.Operations, Operation{
				ID:   s.Name + "/" + string(md.Name()),
				Name: string(md.Name()),
				Doc:  doc(md),
				Call: RPC{Method: md},
			})
			for _, m := range []protoreflect.MessageDescriptor{md.Input(), md.Output()} {
				if m.IsPlaceholder() {
					c.Problems = append(c.Problems, Problem{string(md.FullName()), fmt.Sprintf("its message %s is not known", m.FullName())})
				}
			}
		}
		c.Services = append(c.Services, s)
	}
}

// doc returns the comment before a declaration, if the source was sent along.
func doc(d protoreflect.Descriptor) string {
	loc := d.ParentFile().SourceLocations().ByDescriptor(d)
	return strings.TrimSpace(loc.LeadingComments)
}

// linked finds types among the catalog's own files first, then among those that
// are linked into the program.
type linked struct{ own *dynamicpb.Types }

// FindMessageByName finds a message.
func (t linked) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	if m, err := t.own.FindMessageByName(name); err == nil {
		return m, nil
	}
	return protoregistry.GlobalTypes.FindMessageByName(name)
}

// FindMessageByURL finds the message of an Any.
func (t linked) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	if m, err := t.own.FindMessageByURL(url); err == nil {
		return m, nil
	}
	return protoregistry.GlobalTypes.FindMessageByURL(url)
}

// FindExtensionByName finds an extension.
func (t linked) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	if x, err := t.own.FindExtensionByName(name); err == nil {
		return x, nil
	}
	return protoregistry.GlobalTypes.FindExtensionByName(name)
}

// FindExtensionByNumber finds an extension of a message.
func (t linked) FindExtensionByNumber(message protoreflect.FullName, field protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	if x, err := t.own.FindExtensionByNumber(message, field); err == nil {
		return x, nil
	}
	return protoregistry.GlobalTypes.FindExtensionByNumber(message, field)
}
