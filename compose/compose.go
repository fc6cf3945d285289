// Package compose reads what a person writes to make a call and turns it into what
// is sent: bodies in JSON, the protobuf text format or bytes, metadata, items of
// the short form, and the rows of a form. It makes a body to fill in from a
// message's schema, and its errors say where the fault is and what was likely
// meant. It does no I/O except for the stream handed to Read or Split and, where
// the caller allows it, the files that a bytes field names.
//
//	body := compose.Template(method.Input())
//	msg, err := compose.Options{Types: types}.Encode(method.Input(), body)
package compose

import (
	"fmt"
	"strings"

	"github.com/wiregloss/wiregloss/catalog"
)

// BodyError says what is wrong in a body, and where.
type BodyError struct {
	Message    int    // number of the message in a stream, from 1; 0 if it is not of a stream
	Line, Col  int    // from 1; Col counts characters
	Offset     int64  // bytes before the fault
	Path       string // "address.lines[2].city"; empty at the top
	Text       string
	Suggestion string // the nearest name; empty if none is near
}

// Error returns the place, the fault and the suggestion. The first message has no
// number: it is the only one most of the time.
func (e *BodyError) Error() string {
	var b strings.Builder
	b.WriteString("body: ")
	if e.Message > 1 {
		fmt.Fprintf(&b, "message %d, ", e.Message)
	}
	fmt.Fprintf(&b, "line %d, column %d: ", e.Line, e.Col)
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Text)
	if e.Suggestion != "" {
		fmt.Fprintf(&b, "; did you mean %q?", e.Suggestion)
	}
	return b.String()
}

// Nearest returns the name that word was likely meant to be.
func Nearest(word string, among []string) (string, bool) { return catalog.Nearest(word, among) }
