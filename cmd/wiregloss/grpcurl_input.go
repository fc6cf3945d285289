package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/wiregloss/wiregloss/compose"
)

// curlInput gives the messages to send, encoded, in the order of -d. next returns
// io.EOF after the last.
type curlInput interface {
	next() ([]byte, error)
	// count is how many messages were read, those with an error included.
	count() int
}

// input reads -d, in the format that the flags name.
func (c *curl) input(md protoreflect.MessageDescriptor, types *curlTypes) curlInput {
	in := io.Reader(strings.NewReader(c.data))
	if c.data == "@" {
		in = c.ios.in
	}
	if c.format == "text" {
		return &textInput{in: bufio.NewReader(in), md: md, types: types}
	}
	return &jsonInput{in: compose.Split(in), md: md, types: types, allowUnknown: c.allowUnknown}
}

// jsonInput reads JSON values, one after another.
type jsonInput struct {
	in           *compose.Splitter
	md           protoreflect.MessageDescriptor
	types        *curlTypes
	allowUnknown bool
	n            int
}

func (j *jsonInput) count() int { return j.n }

// next encodes the next value. What ProtoJSON does not allow and grpcurl takes is
// tried when the strict reading, which explains faults best, has failed; and where
// there may be a null, with which grpcurl chooses a member of a oneof.
func (j *jsonInput) next() ([]byte, error) {
	body, err := j.in.Next()
	if err != nil {
		return nil, err
	}
	j.n++
	msg, err := body.Encode(j.md, j.types)
	if err == nil && !bytes.Contains(body.JSON, []byte("null")) {
		return msg, nil
	}
	r := relaxer{types: j.types, allowUnknown: j.allowUnknown}
	loose, failed := r.text(body.JSON, j.md)
	if failed != nil {
		return msg, err
	}
	if taken, failed := compose.Encode(j.md, j.types, loose); failed == nil {
		return taken, nil
	}
	return msg, err
}

// textInput reads messages in the text format, with a separator between them. No
// text at all is an empty message, once.
type textInput struct {
	in    *bufio.Reader
	md    protoreflect.MessageDescriptor
	types *curlTypes
	ended bool
	n     int
}

// textSeparator stands between messages of the text format.
const textSeparator = 0x1e

func (t *textInput) count() int { return t.n }

func (t *textInput) next() (msg []byte, err error) {
	defer guard(&err)
	if t.ended {
		return nil, io.EOF
	}
	text, err := t.in.ReadBytes(textSeparator)
	switch {
	case errors.Is(err, io.EOF):
		t.ended = true
	case err != nil:
		return nil, err
	}
	t.n++
	m := dynamicpb.NewMessage(t.md)
	if err := (prototext.UnmarshalOptions{Resolver: t.types}).Unmarshal(bytes.TrimSuffix(text, []byte{textSeparator}), m); err != nil {
		return nil, err
	}
	return proto.Marshal(m)
}

// relaxer rewrites JSON that grpcurl takes as JSON that ProtoJSON allows: one value
// for a list, a list for one value, numbers of enums in quotes, and the paths of a
// FieldMask as a list.
type relaxer struct {
	types        *curlTypes
	allowUnknown bool
}

func (r relaxer) text(body []byte, md protoreflect.MessageDescriptor) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if v == nil {
		v = map[string]any{}
	}
	return json.Marshal(r.message(v, md))
}

// ownJSON are the types whose JSON is left as it is: it is read as it is written.
func ownJSON(md protoreflect.MessageDescriptor) bool {
	return knownJSON[md.FullName()] != nil && md.FullName() != "google.protobuf.Any"
}

func (r relaxer) message(v any, md protoreflect.MessageDescriptor) any {
	object, ok := v.(map[string]any)
	if !ok || ownJSON(md) {
		return v
	}
	switch md.FullName() {
	case "google.protobuf.Any":
		return r.any(object)
	case "google.protobuf.FieldMask":
		return fieldMask(object)
	}
	for key, value := range object {
		fd := r.field(md, key)
		switch {
		case fd == nil:
			if r.allowUnknown {
				delete(object, key)
			}
		case value == nil && !takesNull(fd):
			delete(object, key)
			if fd.ContainingOneof() != nil && fd.Message() != nil {
				object[key] = map[string]any{} // it chooses the member of the oneof
			}
		default:
			object[key] = r.value(value, fd)
		}
	}
	return object
}

func takesNull(fd protoreflect.FieldDescriptor) bool {
	return fd.Message() != nil && fd.Message().FullName() == "google.protobuf.Value"
}

// field finds a field by its JSON name, its name, or in brackets an extension.
func (r relaxer) field(md protoreflect.MessageDescriptor, key string) protoreflect.FieldDescriptor {
	if name, ok := strings.CutPrefix(key, "["); ok {
		if x, err := r.types.FindExtensionByName(protoreflect.FullName(strings.TrimSuffix(name, "]"))); err == nil {
			return x.TypeDescriptor()
		}
		return nil
	}
	if fd := md.Fields().ByJSONName(key); fd != nil {
		return fd
	}
	return md.Fields().ByTextName(key)
}

func (r relaxer) value(v any, fd protoreflect.FieldDescriptor) any {
	list, isList := v.([]any)
	switch {
	case fd.IsMap():
		entries, ok := v.(map[string]any)
		if !ok {
			return v
		}
		for k, e := range entries {
			entries[k] = r.single(e, fd.MapValue())
		}
		return entries
	case fd.IsList() && !isList:
		return []any{r.single(v, fd)}
	case fd.IsList():
		for i := range list {
			list[i] = r.single(list[i], fd)
		}
		return list
	case isList && !takesList(fd):
		if len(list) == 0 {
			return nil
		}
		return r.single(list[len(list)-1], fd)
	}
	return r.single(v, fd)
}

func takesList(fd protoreflect.FieldDescriptor) bool {
	return takesNull(fd) || fd.Message() != nil && fd.Message().FullName() == "google.protobuf.ListValue"
}

func (r relaxer) single(v any, fd protoreflect.FieldDescriptor) any {
	switch {
	case fd.Message() != nil:
		return r.message(v, fd.Message())
	case fd.Enum() != nil:
		text, ok := v.(string)
		if !ok {
			return v
		}
		if n, err := strconv.ParseInt(text, 10, 32); err == nil {
			return n
		}
	}
	return v
}

// any relaxes what an Any holds, if its type is known.
func (r relaxer) any(object map[string]any) any {
	url, _ := object["@type"].(string)
	mt, err := r.types.FindMessageByURL(url)
	if err != nil || knownJSON[mt.Descriptor().FullName()] != nil {
		return object
	}
	delete(object, "@type")
	inner, ok := r.message(object, mt.Descriptor()).(map[string]any)
	if !ok {
		return object
	}
	inner["@type"] = url
	return inner
}

// fieldMask turns {"paths": ["a_b"]} into "aB".
func fieldMask(object map[string]any) any {
	list, ok := object["paths"].([]any)
	if !ok {
		return object
	}
	var paths []string
	for _, p := range list {
		text, ok := p.(string)
		if !ok {
			return object
		}
		paths = append(paths, camel(text))
	}
	return strings.Join(paths, ",")
}

// camel turns a_b into aB.
func camel(s string) string {
	var b strings.Builder
	up := false
	for _, c := range s {
		switch {
		case c == '_':
			up = true
		case up && c >= 'a' && c <= 'z':
			b.WriteRune(c - 'a' + 'A')
			up = false
		default:
			b.WriteRune(c)
			up = false
		}
	}
	return b.String()
}
