package compose

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/wiregloss/wiregloss/catalog"
)

// Encode turns a JSON body into protobuf bytes, fields in order of number. Fields
// may have their JSON or their proto names. An empty body is an empty message.
// What is accepted is what protojson accepts; errors are *BodyError. types, which
// may be nil, resolves Any and extensions.
func Encode(md protoreflect.MessageDescriptor, types catalog.Types, body []byte) ([]byte, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	if types == nil {
		types = protoregistry.GlobalTypes
	}
	if md.IsPlaceholder() {
		return nil, &BodyError{Line: 1, Col: 1, Text: "the schema of " + string(md.FullName()) + " could not be read, so no body can be made for it"}
	}
	return encode(md, types, body)
}

// encode turns a panic of the library into an error: schemas come from strangers,
// and it gives up on some that it let pass before, such as fields of no type.
func encode(md protoreflect.MessageDescriptor, types catalog.Types, body []byte) (msg []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &BodyError{Line: 1, Col: 1, Text: fmt.Sprintf("the schema of %s cannot be used: %v", md.FullName(), r)}
		}
	}()
	m := dynamicpb.NewMessage(md)
	if err := (protojson.UnmarshalOptions{Resolver: types}).Unmarshal(body, m); err != nil {
		return nil, diagnose(md, types, body, err)
	}
	msg, err = proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, &BodyError{Line: 1, Col: 1, Text: "cannot be encoded: " + plain(err)}
	}
	return msg, nil
}

// diagnose finds the place and reason of what protojson refused. The library's
// own words are the last resort: they lack the path and the expected type.
func diagnose(md protoreflect.MessageDescriptor, types catalog.Types, body []byte, cause error) *BodyError {
	fault := explain(md, types, body)
	if fault != nil {
		return fault
	}
	text := plain(cause)
	offset := 0
	if m := position.FindStringSubmatch(text); m != nil {
		line, _ := strconv.Atoi(m[1])
		col, _ := strconv.Atoi(m[2])
		offset = offsetOf(body, line, col)
		text = strings.Replace(text, m[0], "", 1)
	}
	return located(body, offset, &BodyError{Text: text})
}

var position = regexp.MustCompile(`\(line (\d+):(\d+)\): `)

// plain strips the prefix that the protobuf module puts on its errors, whose
// space is sometimes U+00A0 on purpose so that nobody compares the text.
func plain(err error) string {
	s := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	return strings.TrimPrefix(s, "proto: ")
}

// explain returns the first fault of a body, nil if it finds none.
func explain(md protoreflect.MessageDescriptor, types catalog.Types, body []byte) *BodyError {
	root, err := parse(body)
	if err == nil {
		w := walker{types: types, body: body}
		err = w.message(root, md, "")
	}
	var f *fault
	if !errors.As(err, &f) {
		return nil
	}
	return located(body, f.at, &BodyError{Path: f.path, Text: f.text, Suggestion: f.suggestion})
}

// fault is a BodyError before its offset was turned into line and column.
type fault struct {
	at         int
	path       string
	text       string
	suggestion string
}

func (f *fault) Error() string { return f.text }

// located fills in the position of an offset into body.
func located(body []byte, offset int, e *BodyError) *BodyError {
	before := body[:min(offset, len(body))]
	e.Offset = int64(len(before))
	e.Line = bytes.Count(before, []byte("\n")) + 1
	e.Col = utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return e
}

// offsetOf is the inverse of located.
func offsetOf(body []byte, line, col int) int {
	at := 0
	for ; line > 1; line-- {
		n := bytes.IndexByte(body[at:], '\n')
		if n < 0 {
			return at
		}
		at += n + 1
	}
	for ; col > 1 && at < len(body); col-- {
		_, n := utf8.DecodeRune(body[at:])
		at += n
	}
	return at
}
