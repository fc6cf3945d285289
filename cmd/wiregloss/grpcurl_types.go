package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// curlTypes finds the types that messages name themselves, in a schema that may
// have to ask a server for them. It is for use by several goroutines.
type curlTypes struct {
	mu     sync.Mutex
	source curlSource
	found  map[protoreflect.FullName]protoreflect.MessageType
	own    *protoregistry.Types // extensions
	// known lets types that are linked into this program stand in for those that
	// the schema does not have: for error details, of which grpcurl shows bytes.
	known bool
}

func newCurlTypes(s curlSource) *curlTypes {
	return &curlTypes{source: s, found: map[protoreflect.FullName]protoreflect.MessageType{}, own: &protoregistry.Types{}}
}

// FindMessageByURL finds the type of an Any.
func (t *curlTypes) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	return t.FindMessageByName(protoreflect.FullName(url[strings.LastIndexByte(url, '/')+1:]))
}

// FindMessageByName finds a message type in the schema, or among those that
// every program with protobuf has.
func (t *curlTypes) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	mt, ok := t.found[name]
	if !ok {
		mt = t.look(name)
		t.found[name] = mt
	}
	if mt == nil {
		return nil, protoregistry.NotFound
	}
	return mt, nil
}

// look returns nil for a type that is not known.
func (t *curlTypes) look(name protoreflect.FullName) protoreflect.MessageType {
	if name.IsValid() {
		if d, err := t.source.symbol(string(name)); err == nil {
			if md, ok := d.(protoreflect.MessageDescriptor); ok {
				_ = t.extend(md, map[protoreflect.FullName]bool{}) // without them their fields are unknown
				return dynamicpb.NewMessageType(md)
			}
		}
	}
	if mt, err := protoregistry.GlobalTypes.FindMessageByName(name); err == nil && t.linked(name) {
		return mt
	}
	return nil
}

// linked reports whether grpcurl has a type too, or may be given a better one.
func (t *curlTypes) linked(name protoreflect.FullName) bool {
	return t.known || name.Parent() == "google.protobuf" || name == "google.rpc.Status"
}

// withKnown returns the same types with those that are linked into this program.
func (t *curlTypes) withKnown() *curlTypes {
	more := newCurlTypes(t.source)
	more.own, more.known = t.own, true
	return more
}

// FindExtensionByName finds an extension that extend has found.
func (t *curlTypes) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	return t.own.FindExtensionByName(name)
}

// FindExtensionByNumber finds an extension that extend has found.
func (t *curlTypes) FindExtensionByNumber(message protoreflect.FullName, field protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	return t.own.FindExtensionByNumber(message, field)
}

// extend finds the extensions of a message and of all messages in it.
func (t *curlTypes) extend(md protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) error {
	if seen[md.FullName()] {
		return nil
	}
	seen[md.FullName()] = true
	if md.ExtensionRanges().Len() > 0 {
		found, err := t.source.extensions(md.FullName())
		if err != nil {
			return fmt.Errorf("failed to query for extensions of type %s: %w", md.FullName(), err)
		}
		for _, x := range found {
			if _, err := t.own.FindExtensionByName(x.FullName()); err == nil {
				continue
			}
			if err := t.own.RegisterExtension(dynamicpb.NewExtensionType(x)); err != nil {
				return fmt.Errorf("could not register extension %s of type %s: %w", x.FullName(), md.FullName(), err)
			}
		}
	}
	for i := range md.Fields().Len() {
		if m := md.Fields().Get(i).Message(); m != nil {
			if err := t.extend(m, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

// byNumber returns the fields of a message in the order in which grpcurl writes
// them, which is not that of the source.
func byNumber(md protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	fields := make([]protoreflect.FieldDescriptor, md.Fields().Len())
	for i := range fields {
		fields[i] = md.Fields().Get(i)
	}
	slices.SortStableFunc(fields, func(a, b protoreflect.FieldDescriptor) int { return cmp.Compare(a.Number(), b.Number()) })
	return fields
}

// curlTemplate is a message with every message field set and one element in every
// list and map. A message inside itself is empty; path is what it is in.
func curlTemplate(md protoreflect.MessageDescriptor, path []protoreflect.FullName) protoreflect.Message {
	if m := knownTemplate(md.FullName()); m != nil {
		return m.ProtoReflect()
	}
	m := dynamicpb.NewMessage(md)
	if slices.Contains(path, md.FullName()) {
		return m
	}
	path = append(path, md.FullName())
	for _, fd := range declared(md) {
		switch {
		case fd.IsMap():
			value := m.NewField(fd).Map()
			element := value.NewValue()
			if sub := fd.MapValue().Message(); sub != nil {
				element = protoreflect.ValueOfMessage(curlTemplate(sub, path))
			}
			entries := m.Mutable(fd).Map()
			entries.Set(fd.MapKey().Default().MapKey(), element)
		case fd.IsList():
			list := m.Mutable(fd).List()
			element := list.NewElement()
			if fd.Message() != nil {
				element = protoreflect.ValueOfMessage(curlTemplate(fd.Message(), path))
			} else if fd.Enum() != nil {
				element = protoreflect.ValueOfEnum(0)
			}
			list.Append(element)
		case fd.Message() != nil:
			m.Set(fd, protoreflect.ValueOfMessage(curlTemplate(fd.Message(), path)))
		}
	}
	return m
}

func declared(md protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	fields := make([]protoreflect.FieldDescriptor, md.Fields().Len())
	for i := range fields {
		fields[i] = md.Fields().Get(i)
	}
	return fields
}

// knownTemplate is what stands in a template for a well-known type whose JSON
// would be invalid or say nothing if it were empty; nil for other types.
func knownTemplate(name protoreflect.FullName) proto.Message {
	object := func(text string) *structpb.Struct {
		return &structpb.Struct{Fields: map[string]*structpb.Value{string(name): structpb.NewStringValue(text)}}
	}
	switch name {
	case "google.protobuf.Any":
		m, _ := anypb.New(&emptypb.Empty{}) // of an empty message it cannot fail
		return m
	case "google.protobuf.Value":
		return structpb.NewStructValue(object("supports arbitrary JSON"))
	case "google.protobuf.ListValue":
		return &structpb.ListValue{Values: []*structpb.Value{structpb.NewStructValue(object("is an array of arbitrary JSON values"))}}
	case "google.protobuf.Struct":
		return object("supports arbitrary JSON objects")
	}
	return nil
}
