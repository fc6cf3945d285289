package compose

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Message is one message of a request.
type Message struct {
	Bytes   []byte // protobuf
	Written []byte // as it was given: JSON, text, or bytes with their prefix
	Number  int    // in the stream, from 1
	Offset  int64  // where in the stream it was written
}

// Reader reads the messages of a request from a stream, in any format.
type Reader struct {
	md     protoreflect.MessageDescriptor
	o      Options
	in     *bufio.Reader
	split  *Splitter // of JSON
	count  int
	offset int64
	line   int // of the text format: where the next message begins
	col    int
	err    error
}

// Read returns a Reader of messages of type md.
//
// JSON values follow one another with or without white space; a message is handed
// out once its last byte has arrived, so that a person can type the next while the
// first is answered. N separators of the text format make N+1 messages, of which
// any may be empty. Binary is one message, or any number behind gRPC prefixes; the
// first byte tells which.
func Read(r io.Reader, md protoreflect.MessageDescriptor, o Options) *Reader {
	in := bufio.NewReader(r)
	reader := &Reader{md: md, o: o, in: in, line: 1, col: 1}
	if o.Format == JSON {
		reader.split = o.Split(in)
	}
	return reader
}

// Next returns the next message, io.EOF after the last. Errors are those of the
// stream, or *BodyError; all are final.
func (r *Reader) Next() (Message, error) {
	if r.err != nil {
		return Message{}, r.err
	}
	m, err := r.next()
	if err != nil {
		r.err = err
		return Message{}, err
	}
	return m, nil
}

func (r *Reader) next() (Message, error) {
	switch r.o.Format {
	case Text:
		return r.nextText()
	case Binary:
		return r.nextBinary()
	case JSON:
	}
	b, err := r.split.Next()
	if err != nil {
		return Message{}, err
	}
	msg, err := r.o.Encode(r.md, b.JSON)
	if err != nil {
		return Message{}, b.shift(err)
	}
	return Message{Bytes: msg, Written: b.JSON, Number: b.Message, Offset: b.Offset}, nil
}

func (r *Reader) nextText() (Message, error) {
	if r.count < 0 {
		return Message{}, io.EOF
	}
	text, ended, err := readTo(r.in, textSeparator, r.o.maxBody())
	at := Body{Message: r.count + 1, Line: r.line, Col: r.col, Offset: r.offset}
	if err != nil {
		return Message{}, at.shift(err)
	}
	msg, err := r.o.Encode(r.md, text)
	if err != nil {
		return Message{}, at.shift(err)
	}
	r.count++
	// The separator is one character of the line it stands in.
	end := located(text, len(text), &BodyError{})
	if end.Line == 1 {
		end.Col += r.col - 1
	}
	r.line, r.col, r.offset = r.line+end.Line-1, end.Col+1, r.offset+int64(len(text))+1
	if ended {
		r.count = -1
	}
	return Message{Bytes: msg, Written: text, Number: at.Message, Offset: at.Offset}, nil
}

// readTo reads up to a byte, which is taken but not returned, or to the end.
func readTo(in *bufio.Reader, stop byte, most int64) (text []byte, ended bool, err error) {
	for {
		part, err := in.ReadSlice(stop)
		text = append(text, part...)
		if int64(len(text)) > most {
			return nil, false, located(text, int(most), &BodyError{Text: fmt.Sprintf("the message is larger than %d bytes, the limit of one message", most)})
		}
		switch {
		case err == nil:
			return text[:len(text)-1], false, nil
		case errors.Is(err, io.EOF):
			return text, true, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, false, fmt.Errorf("read body: %w", err)
		}
	}
}

func (r *Reader) nextBinary() (Message, error) {
	first, err := r.in.Peek(1)
	if len(first) == 0 && (r.count > 0 || !errors.Is(err, io.EOF)) {
		return Message{}, readFault(err, r.offset)
	}
	var body []byte
	if len(first) == 1 && (r.count > 0 || framed(first[0])) {
		body, err = r.readPrefixed()
	} else {
		body, err = r.readBare()
	}
	at := Body{Message: r.count + 1, Line: 1, Col: int(r.offset) + 1, Offset: r.offset}
	if err != nil {
		return Message{}, numbered(err, at.Message)
	}
	msg, err := r.o.bare(body)
	if err != nil {
		return Message{}, at.shift(err)
	}
	r.count++
	r.offset += int64(len(body))
	return Message{Bytes: msg, Written: body, Number: at.Message, Offset: at.Offset}, nil
}

// numbered adds the number of the message to an error that has its place already.
func numbered(err error, message int) error {
	var e *BodyError
	if errors.As(err, &e) {
		e.Message = message
	}
	return err
}

// readBare reads the one message that is all of the stream.
func (r *Reader) readBare() ([]byte, error) {
	var body bytes.Buffer
	n, err := body.ReadFrom(io.LimitReader(r.in, r.o.maxBody()+1))
	if err != nil {
		return nil, readFault(err, r.offset+n)
	}
	if n > r.o.maxBody() {
		return nil, binaryFault(r.o.maxBody(), "the message is larger than %d bytes, the limit of one message", r.o.maxBody())
	}
	return body.Bytes(), nil
}
