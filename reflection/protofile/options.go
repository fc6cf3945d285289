package protofile

import (
	"google.golang.org/protobuf/reflect/protoreflect"
)

const uninterpreted = protoreflect.FieldNumber(999) // of every options message

func interpretOptions(sources []*source, r *resolver) {
	for _, s := range sources {
		if s.proto != nil {
			eachOptions(s.proto.ProtoReflect(), s.proto.GetPackage(), func(o protoreflect.Message, _ string) {
				o.Clear(o.Descriptor().Fields().ByNumber(uninterpreted))
			})
		}
	}
}

// eachOptions visits the options messages that the parser could not interpret
// wholly, with the scope that they are in.
func eachOptions(m protoreflect.Message, scope string, visit func(protoreflect.Message, string)) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if fd.Message() == nil || fd.Message().Name() == "SourceCodeInfo" {
			return true
		}
		if fd.Name() == "options" {
			o := v.Message()
			if u := o.Descriptor().Fields().ByNumber(uninterpreted); u != nil && o.Has(u) {
				visit(o, scope)
			}
			return true
		}
		if !fd.IsList() {
			return true
		}
		for i := range v.List().Len() {
			child := v.List().Get(i).Message()
			inner := scope
			if name := child.Descriptor().Fields().ByName("name"); name != nil && fd.Number() != tagFields {
				inner = join(scope, child.Get(name).String())
			}
			eachOptions(child, inner, visit)
		}
		return true
	})
}
