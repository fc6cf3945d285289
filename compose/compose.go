// Package compose helps to write the messages of a call: it makes a JSON body to
// fill in from a message's schema, and turns a JSON body into protobuf bytes with
// errors that say where in the body the fault is and what was likely meant. It
// does no I/O except for reading the stream handed to Split.
//
//	body := compose.Template(method.Input())
//	msg, err := compose.Encode(method.Input(), types, body)
package compose

import (
	"errors"
	"io"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/catalog"
)

// BodyError says what is wrong in a JSON body, and where.
type BodyError struct {
	Message    int    // number of the message in a stream of several, from 1; 0 for the only one
	Line, Col  int    // from 1; Col counts characters
	Offset     int64  // bytes before the fault
	Path       string // "address.lines[2].city"; empty at the top
	Text       string
	Suggestion string // the nearest name; empty if none is near
}

// Error returns the place, the fault and the suggestion.
func (e *BodyError) Error() string { return e.Text }

// Template returns a JSON body with every field of md, in schema order.
func Template(md protoreflect.MessageDescriptor) []byte { return []byte("{}") }

// Encode turns a JSON body into protobuf bytes. Its errors are *BodyError.
func Encode(md protoreflect.MessageDescriptor, types catalog.Types, body []byte) ([]byte, error) {
	return nil, errors.New("encode: not built yet")
}

// Body is one JSON value of a stream and where it begins.
type Body struct {
	JSON      []byte
	Message   int // its number in the stream, from 1
	Line, Col int
	Offset    int64
}

// Encode is the package's Encode with positions counted from the start of the stream.
func (b Body) Encode(md protoreflect.MessageDescriptor, types catalog.Types) ([]byte, error) {
	return Encode(md, types, b.JSON)
}

// Splitter cuts a stream into JSON values.
type Splitter struct{ r io.Reader }

// Split returns a Splitter of r.
func Split(r io.Reader) *Splitter { return &Splitter{r} }

// Next returns the next value as soon as its last byte arrived; io.EOF after the last.
func (s *Splitter) Next() (Body, error) { return Body{}, io.EOF }

// Nearest returns the name that word was likely meant to be.
func Nearest(word string, among []string) (string, bool) { return catalog.Nearest(word, among) }
