package demo

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// masked returns prev with the fields a mask names taken from patch. A field
// that is not set in patch is cleared. Without a mask those set in patch are
// taken, sub-messages field by field.
func masked[M resource](subject string, prev, patch M, mask *fieldmaskpb.FieldMask) (M, error) {
	next := proto.CloneOf(prev)
	paths := mask.GetPaths()
	switch {
	case len(paths) == 0:
		paths = setPaths(patch.ProtoReflect(), "")
	case len(paths) == 1 && paths[0] == "*":
		return patch, nil
	}
	for _, path := range paths {
		if !(&fieldmaskpb.FieldMask{Paths: []string{path}}).IsValid(next) {
			return next, errField(subject, "update_mask", "has no such field: "+clip(path))
		}
		take(next.ProtoReflect(), patch.ProtoReflect(), strings.Split(path, "."))
	}
	return next, nil
}

// take copies one field, or clears it, creating the messages it lies in.
func take(dst, src protoreflect.Message, path []string) {
	field := dst.Descriptor().Fields().ByName(protoreflect.Name(path[0]))
	switch {
	case len(path) > 1 && (src.Has(field) || dst.Has(field)):
		take(dst.Mutable(field).Message(), src.Get(field).Message(), path[1:])
	case len(path) == 1 && src.Has(field):
		dst.Set(field, src.Get(field))
	case len(path) == 1:
		dst.Clear(field)
	}
}

// setPaths returns the paths of all fields that are set, down to the leaves of
// a message's own package: of a timestamp or a struct no half is taken.
func setPaths(m protoreflect.Message, prefix string) []string {
	var paths []string
	for field := range setFields(m) {
		path := prefix + string(field.Name())
		if field.Message() != nil && field.Cardinality() != protoreflect.Repeated &&
			field.Message().ParentFile().Package() == m.Descriptor().ParentFile().Package() {
			if inner := setPaths(m.Get(field).Message(), path+"."); len(inner) > 0 {
				paths = append(paths, inner...)
				continue
			}
		}
		paths = append(paths, path)
	}
	return paths
}

// setFields ranges over the fields that are set, in the order of declaration.
func setFields(m protoreflect.Message) func(func(protoreflect.FieldDescriptor) bool) {
	return func(yield func(protoreflect.FieldDescriptor) bool) {
		fields := m.Descriptor().Fields()
		for i := range fields.Len() {
			if m.Has(fields.Get(i)) && !yield(fields.Get(i)) {
				return
			}
		}
	}
}
