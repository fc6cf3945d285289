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
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/wiregloss/wiregloss/catalog"
)

// Encode turns a ProtoJSON body into protobuf bytes, fields in order of number.
// Fields may have their JSON or their proto names. An empty body is an empty
// message. What is accepted is what protojson accepts; errors are *BodyError.
// types, which may be nil, resolves Any and extensions. Options.Encode takes more.
func Encode(md protoreflect.MessageDescriptor, types catalog.Types, body []byte) ([]byte, error) {
	return Options{Types: types, Strict: true}.Encode(md, body)
}

// Encode turns one message as a person writes it into protobuf bytes, fields in
// order of number; one in the binary format stays as it is. An empty body is an
// empty message. Errors are *BodyError.
func (o Options) Encode(md protoreflect.MessageDescriptor, body []byte) (msg []byte, err error) {
	if o.Format == Binary {
		return o.bare(body)
	}
	if md.IsPlaceholder() {
		return nil, &BodyError{Line: 1, Col: 1, Text: "the schema of " + string(md.FullName()) + " could not be read, so no body can be made for it"}
	}
	// Schemas come from strangers, and the library panics on some that it let pass
	// before, such as fields of no type.
	defer func() {
		if r := recover(); r != nil {
			err = &BodyError{Line: 1, Col: 1, Text: fmt.Sprintf("the schema of %s cannot be used: %v", md.FullName(), r)}
		}
	}()
	m := dynamicpb.NewMessage(md)
	if o.Format == Text {
		err = o.readText(m, body)
	} else {
		err = o.readJSON(m, body)
	}
	if err != nil {
		return nil, err
	}
	msg, err = proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, &BodyError{Line: 1, Col: 1, Text: "cannot be encoded: " + plain(err)}
	}
	return msg, nil
}

// readJSON fills m from JSON. Most bodies are plain JSON, so that is tried first;
// what protojson refuses is walked along the schema, which finds either the fault
// or what protojson can be given instead.
func (o Options) readJSON(m *dynamicpb.Message, body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	read := protojson.UnmarshalOptions{Resolver: o.types(), DiscardUnknown: o.AllowUnknown}
	cause := read.Unmarshal(body, m)
	if cause == nil {
		return nil
	}
	canonical, fault := o.walk(m.Descriptor(), body)
	if fault != nil {
		return fault
	}
	if canonical == nil {
		return lastResort(body, cause)
	}
	if err := read.Unmarshal(canonical, m); err != nil {
		e := lastResort(canonical, err)
		e.Line, e.Col, e.Offset = 1, 1, 0 // its place is one of another text
		return e
	}
	return nil
}

// walk returns the first fault of a body. If it finds none it returns the body as
// protojson takes it, nil if that is what was written.
func (o Options) walk(md protoreflect.MessageDescriptor, body []byte) (canonical []byte, problem *BodyError) {
	root, strict, err := o.parse(body)
	w := walker{o: o, body: body}
	if err == nil {
		err = w.message(root, md, "")
	}
	var f *fault
	if errors.As(err, &f) {
		return nil, located(body, f.at, &BodyError{Path: f.path, Text: f.text, Suggestion: f.suggestion})
	}
	if strict && len(w.instead) == 0 {
		return nil, nil
	}
	return w.appendJSON(nil, root), nil
}

// parse reads a body; strict is true if it is plain JSON.
func (o Options) parse(body []byte) (root value, strict bool, err error) {
	if o.Strict {
		root, err = parse(body)
		return root, true, err
	}
	return parseLoose(body)
}

// lastResort words an error of the protobuf module, whose own words lack the path
// and the expected type.
func lastResort(body []byte, cause error) *BodyError {
	text, offset := plain(cause), 0
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
