package compose

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/catalog"
)

// Body is one JSON value of a stream, and where in the stream it begins.
type Body struct {
	JSON      []byte
	Message   int // its number in the stream, from 1
	Line, Col int
	Offset    int64
}

// Encode is the package's Encode; positions in its errors count from the start of
// the stream.
func (b Body) Encode(md protoreflect.MessageDescriptor, types catalog.Types) ([]byte, error) {
	msg, err := Encode(md, types, b.JSON)
	return msg, b.shift(err)
}

// shift moves a position within the value to one within the stream.
func (b Body) shift(err error) error {
	var e *BodyError
	if !errors.As(err, &e) {
		return err
	}
	if e.Line == 1 {
		e.Col += b.Col - 1
	}
	e.Line += b.Line - 1
	e.Offset += b.Offset
	e.Message = b.Message
	return e
}

// Splitter cuts a stream into JSON values, one after another with or without
// white space between them. It reads no further than needed to see the end of a
// value, so that a message can be sent while the next is still being typed.
type Splitter struct {
	o         Options
	r         *bufio.Reader
	line, col int
	offset    int64
	count     int
	err       error
}

// Split returns a Splitter of r that takes plain JSON.
func Split(r io.Reader) *Splitter { return Options{Strict: true}.Split(r) }

// Split returns a Splitter of r. Between values there may be comments, unless the
// options are strict.
func (o Options) Split(r io.Reader) *Splitter {
	return &Splitter{o: o, r: bufio.NewReader(r), line: 1, col: 1}
}

// Next returns the next value once its last byte has arrived, and io.EOF after
// the last value. Its errors are those of the reader, or *BodyError; all are final.
func (s *Splitter) Next() (Body, error) {
	if s.err != nil {
		return Body{}, s.err
	}
	b, err := s.next()
	if err != nil {
		s.err = err
		return Body{}, err
	}
	return b, nil
}

func (s *Splitter) next() (Body, error) {
	first, err := s.skipSpace()
	if err != nil {
		return Body{}, err
	}
	s.count++
	b := Body{Message: s.count, Line: s.line, Col: s.col - 1, Offset: s.offset - 1}
	b.JSON, err = s.value(first)
	if err != nil {
		return Body{}, err
	}
	_, _, err = s.o.parse(b.JSON)
	var f *fault
	if errors.As(err, &f) {
		return Body{}, b.shift(located(b.JSON, f.at, &BodyError{Text: f.text}))
	}
	return b, nil
}

// skipSpace returns the first byte that is not white space. A byte order mark at
// the start and record separators (RFC 7464) count as white space.
func (s *Splitter) skipSpace() (byte, error) {
	if s.offset == 0 {
		if mark, _ := s.r.Peek(3); string(mark) == "\ufeff" {
			_, _ = s.r.Discard(3)
			s.offset = 3
		}
	}
	for {
		c, err := s.read()
		if err != nil {
			return 0, s.readError(err)
		}
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0x1e:
		case c == '/' && !s.o.Strict:
			// A slash begins no value: there is nothing to lose by waiting for more.
			comment, err := s.comment()
			if err != nil {
				return 0, err
			}
			switch {
			case comment == nil:
				return c, nil
			case comment[0] == '*' && (len(comment) < 3 || !bytes.HasSuffix(comment, []byte("*/"))):
				return 0, &BodyError{Message: s.count + 1, Line: s.line, Col: s.col, Offset: s.offset, Text: "the body ends inside a comment; add */"}
			}
		default:
			return c, nil
		}
	}
}

// comment reads the rest of the comment whose slash was just read, with its end;
// nil if the slash begins none.
func (s *Splitter) comment() ([]byte, error) {
	next, err := s.r.Peek(1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, s.readError(err)
	}
	if len(next) == 0 || next[0] != '/' && next[0] != '*' {
		return nil, nil
	}
	line := next[0] == '/'
	var out []byte
	for {
		c, err := s.read()
		if errors.Is(err, io.EOF) {
			return out, nil // parse says what is missing, if the value goes on
		}
		if err != nil {
			return nil, s.readError(err)
		}
		if out = append(out, c); int64(len(out)) > s.o.maxBody() {
			return nil, s.tooLarge()
		}
		if line && c == '\n' || !line && len(out) > 2 && c == '/' && out[len(out)-2] == '*' {
			return out, nil
		}
	}
}

// tooLarge is the error of a value that goes on past the limit.
func (s *Splitter) tooLarge() error {
	return &BodyError{
		Message: s.count, Line: s.line, Col: s.col, Offset: s.offset,
		Text: fmt.Sprintf("the message is larger than %d bytes, the limit of one message", s.o.maxBody()),
	}
}

func (s *Splitter) readError(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return fmt.Errorf("read body at line %d, column %d: %w", s.line, s.col, err)
}

// read returns the next byte and counts it. Columns count characters: all bytes
// but those that continue one.
func (s *Splitter) read() (byte, error) {
	c, err := s.r.ReadByte()
	if err != nil {
		return 0, err
	}
	s.offset++
	switch {
	case c == '\n':
		s.line++
		s.col = 1
	case utf8.RuneStart(c):
		s.col++
	}
	return c, nil
}

// value returns the bytes of the value that begins with first. It looks only for
// the value's end; whether it is valid is for parse to say.
func (s *Splitter) value(first byte) ([]byte, error) {
	switch {
	case first == '{' || first == '[' || first == '"' || first == '\'' && !s.o.Strict:
		return s.delimited(first)
	}
	out := []byte{first}
	for {
		next, err := s.r.Peek(1)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, s.readError(err)
		}
		if !joins(first) || !joins(next[0]) {
			return out, nil
		}
		c, _ := s.read() // it was just seen
		if out = append(out, c); int64(len(out)) > s.o.maxBody() {
			return nil, s.tooLarge()
		}
	}
}

// delimited reads up to the bracket or quote that ends the value.
func (s *Splitter) delimited(first byte) ([]byte, error) {
	n := nesting{loose: !s.o.Strict}
	n.pass(first)
	out := []byte{first}
	for !n.complete() {
		c, err := s.read()
		if errors.Is(err, io.EOF) {
			return out, nil // parse names what is missing
		}
		if err != nil {
			return nil, s.readError(err)
		}
		out = append(out, c)
		if c == '/' && n.loose && n.quote == 0 {
			comment, err := s.comment()
			if err != nil {
				return nil, err
			}
			out = append(out, comment...)
		} else {
			n.pass(c)
		}
		if int64(len(out)) > s.o.maxBody() {
			return nil, s.tooLarge()
		}
	}
	return out, nil
}

// nesting follows brackets and strings to the end of a value.
type nesting struct {
	loose   bool
	depth   int
	quote   byte // that ends the open string; 0 outside of strings
	escaped bool
}

func (n *nesting) complete() bool { return n.depth <= 0 && n.quote == 0 }

func (n *nesting) pass(c byte) {
	switch {
	case n.escaped:
		n.escaped = false
	case n.quote != 0:
		n.escaped = c == '\\'
		if c == n.quote {
			n.quote = 0
		}
	case c == '"' || c == '\'' && n.loose:
		n.quote = c
	case c == '{' || c == '[':
		n.depth++
	case c == '}' || c == ']':
		n.depth--
	}
}
