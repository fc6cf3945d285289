package catalog

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
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
	eachField(f, func(fd *descriptorpb.FieldDescriptorProto) {
		if fd.Type == nil && l.definedIn()[strings.TrimPrefix(fd.GetTypeName(), ".")] == "" {
			fd.Type = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
		}
	})
	return f
}

// vague reports whether a field of fd has no type: its file leaves it to the type's
// name to tell, and that is not known.
func vague(fd protoreflect.FileDescriptor) bool {
	found := false
	eachType(fd, func(d protoreflect.Descriptor) {
		switch d := d.(type) {
		case protoreflect.MessageDescriptor:
			for i := range d.Fields().Len() {
				found = found || !d.Fields().Get(i).Kind().IsValid()
			}
		case protoreflect.ExtensionDescriptor:
			found = found || !d.Kind().IsValid()
		}
	})
	return found
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

// eachField visits the fields and extensions of a file.
func eachField(f *descriptorpb.FileDescriptorProto, visit func(*descriptorpb.FieldDescriptorProto)) {
	for _, x := range f.GetExtension() {
		visit(x)
	}
	eachMessage(f.GetMessageType(), "", func(m *descriptorpb.DescriptorProto, _ string) {
		for _, fd := range m.GetField() {
			visit(fd)
		}
		for _, x := range m.GetExtension() {
			visit(x)
		}
	})
}

// eachReference visits the names of types that a file uses.
func eachReference(f *descriptorpb.FileDescriptorProto, visit func(string)) {
	eachField(f, func(fd *descriptorpb.FieldDescriptorProto) {
		for _, name := range []string{fd.GetTypeName(), fd.GetExtendee()} {
			if name != "" {
				visit(name)
			}
		}
	})
	for _, s := range f.GetService() {
		for _, m := range s.GetMethod() {
			visit(m.GetInputType())
			visit(m.GetOutputType())
		}
	}
}
