package catalog

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// repaired returns a copy of a file that protodesc refused, without what it
// refuses most often: imports under another path than the imported file gives
// itself, imports given twice, and message sets. Files of generators and servers
// have these, and their wire format is none the worse for it.
func (l *linker) repaired(f *descriptorpb.FileDescriptorProto) *descriptorpb.FileDescriptorProto {
	f = proto.CloneOf(f)
	imports := slices.Clone(f.GetDependency())
	slices.Sort(imports)
	imports = slices.Compact(imports)
	eachReference(f, func(name string) {
		path, ok := l.definedIn()[strings.TrimPrefix(name, ".")]
		if !ok || path == f.GetName() || slices.Contains(imports, path) || l.state[path] == under {
			return
		}
		l.link(path)
		imports = append(imports, path)
	})
	f.Dependency = imports
	f.PublicDependency, f.WeakDependency, f.OptionDependency = nil, nil, nil // by index, which has changed
	eachMessage(f.GetMessageType(), "", func(m *descriptorpb.DescriptorProto, _ string) {
		if m.GetOptions().GetMessageSetWireFormat() {
			m.Options.MessageSetWireFormat = nil
			for _, r := range m.GetExtensionRange() {
				r.End = proto.Int32(min(r.GetEnd(), 1<<29)) // what other messages may have
			}
		}
	})
	return f
}

// definedIn maps messages and enums to the given file that defines them.
func (l *linker) definedIn() map[string]string {
	if l.index != nil {
		return l.index
	}
	l.index = map[string]string{}
	for path, f := range l.given {
		scope := ""
		if p := f.GetPackage(); p != "" {
			scope = p + "."
		}
		for _, e := range f.GetEnumType() {
			l.index[scope+e.GetName()] = path
		}
		eachMessage(f.GetMessageType(), scope, func(m *descriptorpb.DescriptorProto, name string) {
			l.index[name] = path
			for _, e := range m.GetEnumType() {
				l.index[name+"."+e.GetName()] = path
			}
		})
	}
	return l.index
}

// eachMessage visits messages and those nested in them with their full names.
func eachMessage(in []*descriptorpb.DescriptorProto, scope string, visit func(*descriptorpb.DescriptorProto, string)) {
	for _, m := range in {
		name := scope + m.GetName()
		visit(m, name)
		eachMessage(m.GetNestedType(), name+".", visit)
	}
}

// eachReference visits the names of types that a file uses.
func eachReference(f *descriptorpb.FileDescriptorProto, visit func(string)) {
	fields := func(in []*descriptorpb.FieldDescriptorProto) {
		for _, fd := range in {
			for _, name := range []string{fd.GetTypeName(), fd.GetExtendee()} {
				if name != "" {
					visit(name)
				}
			}
		}
	}
	fields(f.GetExtension())
	eachMessage(f.GetMessageType(), "", func(m *descriptorpb.DescriptorProto, _ string) {
		fields(m.GetField())
		fields(m.GetExtension())
	})
	for _, s := range f.GetService() {
		for _, m := range s.GetMethod() {
			visit(m.GetInputType())
			visit(m.GetOutputType())
		}
	}
}
