package protofile

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
)

// kind is what a name stands for.
type kind uint8

const (
	message kind = iota
	enum
	extension
)

// symbol is a definition.
type symbol struct {
	in   *source
	kind kind
}

// resolver gives the types that files use their full names, as the language says:
// a name is looked for in the scope where it is used and then in each around it.
type resolver struct {
	symbols  map[string][]symbol // by full name, without a leading dot
	visible  map[*source]map[*source]bool
	problems []catalog.Problem
}

func newResolver(sources []*source) *resolver {
	r := &resolver{symbols: map[string][]symbol{}, visible: map[*source]map[*source]bool{}}
	for _, s := range sources {
		if s.proto != nil {
			r.define(s)
		}
	}
	return r
}

func (r *resolver) define(s *source) {
	def := func(scope, name string, k kind) {
		full := join(scope, name)
		r.symbols[full] = append(r.symbols[full], symbol{s, k})
	}
	body := func(scope string, enums []*descriptorpb.EnumDescriptorProto, extensions []*descriptorpb.FieldDescriptorProto) {
		for _, e := range enums {
			def(scope, e.GetName(), enum)
		}
		for _, x := range extensions {
			def(scope, x.GetName(), extension)
		}
	}
	var messages func(scope string, in []*descriptorpb.DescriptorProto)
	messages = func(scope string, in []*descriptorpb.DescriptorProto) {
		for _, m := range in {
			def(scope, m.GetName(), message)
			inner := join(scope, m.GetName())
			body(inner, m.GetEnumType(), m.GetExtension())
			messages(inner, m.GetNestedType())
		}
	}
	pkg := s.proto.GetPackage()
	body(pkg, s.proto.GetEnumType(), s.proto.GetExtension())
	messages(pkg, s.proto.GetMessageType())
}

func join(scope, name string) string {
	if scope == "" {
		return name
	}
	return scope + "." + name
}

// Field numbers of the descriptors, for the places of problems.
const (
	tagMessages, tagServices, tagExtensions  = 4, 6, 7 // of a file
	tagFields, tagNested, tagNestedExtension = 2, 3, 6 // of a message
	tagExtendee, tagTypeName                 = 2, 6    // of a field
	tagMethods, tagInput, tagOutput          = 2, 2, 3 // of a service, and of its methods
)

// file resolves what a file uses.
func (r *resolver) file(s *source) {
	pkg := s.proto.GetPackage()
	for i, m := range s.proto.GetMessageType() {
		r.message(s, pkg, m, []int32{tagMessages, int32(i)}) //nolint:gosec // an index
	}
	r.fields(s, pkg, s.proto.GetExtension(), []int32{tagExtensions})
	for i, svc := range s.proto.GetService() {
		scope := join(pkg, svc.GetName())
		for j, m := range svc.GetMethod() {
			place := []int32{tagServices, int32(i), tagMethods, int32(j)} //nolint:gosec // indexes
			m.InputType, _ = r.name(s, scope, m.GetInputType(), message, append(place, tagInput))
			m.OutputType, _ = r.name(s, scope, m.GetOutputType(), message, append(place, tagOutput))
		}
	}
}

func (r *resolver) message(s *source, scope string, m *descriptorpb.DescriptorProto, place []int32) {
	scope = join(scope, m.GetName())
	r.fields(s, scope, m.GetField(), append(place, tagFields))
	r.fields(s, scope, m.GetExtension(), append(place, tagNestedExtension))
	for i, nested := range m.GetNestedType() {
		r.message(s, scope, nested, append(slices.Clip(place), tagNested, int32(i))) //nolint:gosec // an index
	}
}

func (r *resolver) fields(s *source, scope string, fields []*descriptorpb.FieldDescriptorProto, place []int32) {
	for i, f := range fields {
		here := append(slices.Clip(place), int32(i)) //nolint:gosec // an index
		if f.Extendee != nil {
			f.Extendee, _ = r.name(s, scope, f.GetExtendee(), message, append(here, tagExtendee))
		}
		if f.TypeName == nil {
			continue
		}
		want := message
		if f.Type == nil {
			want = enum // or a message
		}
		var k kind
		f.TypeName, k = r.name(s, scope, f.GetTypeName(), want, append(slices.Clip(here), tagTypeName))
		switch {
		case f.Type != nil: // a group
		case k == enum:
			f.Type = descriptorpb.FieldDescriptorProto_TYPE_ENUM.Enum()
			enumDefault(f)
		default:
			f.Type = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
		}
	}
}

// enumDefault takes the default of an enum field from the options: the parser does
// not, as it cannot tell that the field's type is an enum.
func enumDefault(f *descriptorpb.FieldDescriptorProto) {
	opts := f.GetOptions()
	for i, o := range opts.GetUninterpretedOption() {
		n := o.GetName()
		if len(n) != 1 || n[0].GetNamePart() != "default" || n[0].GetIsExtension() || o.IdentifierValue == nil {
			continue
		}
		f.DefaultValue = o.IdentifierValue
		opts.UninterpretedOption = slices.Delete(opts.UninterpretedOption, i, i+1)
		if proto.Size(opts) == 0 {
			f.Options = nil
		}
		return
	}
}

// name returns the full name, with a leading dot, of a type used in a scope. Of
// want, enum stands for either. A type that is not known keeps the likeliest name.
func (r *resolver) name(s *source, scope, name string, want kind, place []int32) (*string, kind) {
	fits := func(k kind) bool { return k == message || k == want }
	found, sym := r.look(s, scope, name, fits)
	if sym == nil {
		s.lost = true
		likely := join(s.proto.GetPackage(), name)
		if strings.HasPrefix(name, ".") {
			likely = name[1:]
		} else if strings.Contains(name, ".") {
			likely = name
		}
		r.problem(s, place, "type %s is not known", name)
		dotted := "." + likely
		return &dotted, message
	}
	if !r.sees(s)[sym.in] {
		r.problem(s, place, "type %s is used, but %s, which declares it, is not imported: it is used all the same", name, sym.in.name)
		s.proto.Dependency = append(s.proto.Dependency, sym.in.name)
		s.needs = append(s.needs, sym.in)
		r.sees(s)[sym.in] = true
	}
	dotted := "." + found
	return &dotted, sym.kind
}

// look finds a definition: one that the file may see before any other.
func (r *resolver) look(s *source, scope, name string, fits func(kind) bool) (string, *symbol) {
	if full, ok := strings.CutPrefix(name, "."); ok {
		scope, name = "", full
	}
	sees := r.sees(s)
	for _, anywhere := range []bool{false, true} {
		for at := scope; ; at = outer(at) {
			full := join(at, name)
			for i := range r.symbols[full] {
				if sym := &r.symbols[full][i]; fits(sym.kind) && (anywhere || sees[sym.in]) {
					return full, sym
				}
			}
			if at == "" {
				break
			}
		}
	}
	return "", nil
}

// outer returns the scope around a scope.
func outer(scope string) string {
	if i := strings.LastIndexByte(scope, '.'); i >= 0 {
		return scope[:i]
	}
	return ""
}

// sees returns the files whose definitions a file may use: its own, those of its
// imports, and those that these import publicly.
func (r *resolver) sees(s *source) map[*source]bool {
	if v := r.visible[s]; v != nil {
		return v
	}
	v := map[*source]bool{s: true}
	r.visible[s] = v
	var public func(*source)
	public = func(dep *source) {
		if dep == nil || v[dep] || dep.proto == nil {
			return
		}
		v[dep] = true
		for _, i := range dep.proto.GetPublicDependency() {
			if int(i) < len(dep.needs) {
				public(dep.needs[i])
			}
		}
	}
	for _, dep := range s.needs {
		public(dep)
	}
	return v
}

func (r *resolver) problem(s *source, place []int32, format string, args ...any) {
	if s.told++; s.told <= maxTold {
		r.problems = append(r.problems, catalog.Problem{Where: s.at(place...), Text: fmt.Sprintf(format, args...)})
	}
}
