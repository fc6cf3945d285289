package demo

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"unicode"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// readPatch reads a body that is a merge patch (RFC 7396).
func readPatch(r *http.Request) (map[string]any, error) {
	raw, err := readObject(r, mergeMedia, jsonMedia)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(raw)
	if err != nil {
		return nil, err
	}
	return decodeObject(text)
}

// decodeObject decodes an object, keeping its numbers as they are written.
func decodeObject(text []byte) (map[string]any, error) {
	var object map[string]any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	err := dec.Decode(&object)
	return object, err
}

// applyMergePatch sets next to what a patch makes of prev.
func applyMergePatch(prev, next proto.Message, patch map[string]any) error {
	text, err := protojson.Marshal(prev)
	if err != nil {
		return err
	}
	object, err := decodeObject(text)
	if err != nil {
		return err
	}
	mergePatch(object, patch, prev.ProtoReflect().Descriptor())
	return unmarshalMessage(object, next)
}

// mergePatch is MergePatch of RFC 7396 §2 for the JSON of a message. It knows
// what a plain merge cannot: that a field has two spellings, and that setting
// one member of a oneof takes the others out. md is nil inside free JSON.
func mergePatch(target, patch map[string]any, md protoreflect.MessageDescriptor) {
	for key, value := range patch {
		var inner protoreflect.MessageDescriptor
		if field := fieldNamed(md, key); field != nil {
			key = field.JSONName()
			if value != nil {
				clearSiblings(target, field)
			}
			if !field.IsMap() && !field.IsList() {
				inner = field.Message()
			}
		}
		object, isObject := value.(map[string]any)
		switch {
		case value == nil:
			delete(target, key)
		case isObject:
			old, ok := target[key].(map[string]any)
			if !ok {
				old = map[string]any{} // RFC 7396 §2: nulls inside have nothing to delete
			}
			mergePatch(old, object, inner)
			target[key] = old
		default:
			target[key] = value
		}
	}
}

// fieldNamed finds a field by its JSON name or its proto name.
func fieldNamed(md protoreflect.MessageDescriptor, key string) protoreflect.FieldDescriptor {
	if md == nil {
		return nil
	}
	if field := md.Fields().ByJSONName(key); field != nil {
		return field
	}
	return md.Fields().ByName(protoreflect.Name(key))
}

// clearSiblings deletes the other members of a field's oneof.
func clearSiblings(target map[string]any, field protoreflect.FieldDescriptor) {
	oneof := field.ContainingOneof()
	if oneof == nil {
		return
	}
	for i := range oneof.Fields().Len() {
		if sibling := oneof.Fields().Get(i); sibling != field {
			delete(target, sibling.JSONName())
		}
	}
}

// protoPath turns a field path of JSON, "address.postCode", into one of proto.
func protoPath(path string) string {
	var b strings.Builder
	for _, c := range path {
		if unicode.IsUpper(c) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}
