package capture

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/wiregloss/wiregloss/record"
)

// peekSize is the size of the read buffer: a packet that fits is not copied.
const peekSize = 256 << 10

// input is what is read: decompressed, bounded, counted.
type input struct {
	*bufio.Reader
	limited *limitedReader
	gzipErr error // the compressed file ended too early or is damaged
	off     int64 // of the next byte that take or skip returns
}

// open looks at the first bytes of in and undoes gzip.
func open(in io.Reader, o Options) (*input, error) {
	s := &input{}
	outer := bufio.NewReader(in)
	head, err := outer.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read input: %w", err)
	}
	var plain io.Reader = outer
	if bytes.Equal(head, []byte{0x1f, 0x8b}) && (o.Encoding == "" || o.Encoding == EncodingRaw) {
		z, err := gzip.NewReader(outer)
		if err != nil {
			return nil, fmt.Errorf("the input begins as a gzip file: %w", err)
		}
		plain = &gunzip{z: z, in: s}
	}
	s.limited = &limitedReader{r: plain, left: o.MaxBytes}
	s.Reader = bufio.NewReaderSize(s.limited, peekSize)
	if _, err := s.Peek(1); err != nil {
		if errors.Is(err, io.EOF) && s.gzipErr == nil {
			return nil, errEmpty
		}
		return nil, fmt.Errorf("read input: %w", errors.Join(s.gzipErr, err))
	}
	return s, nil
}

// gunzip turns damage into the end of the input, and remembers it.
type gunzip struct {
	z  *gzip.Reader
	in *input
}

func (g *gunzip) Read(b []byte) (int, error) {
	n, err := g.z.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		g.in.gzipErr, err = err, io.EOF
	}
	return n, err
}

// limitedReader ends after left bytes, and tells whether there were more.
type limitedReader struct {
	r    io.Reader
	left int64
	hit  bool
}

// ended reports whether the limit ended the input. There is none (nil) for an
// input that was held in memory.
func (l *limitedReader) ended() bool { return l != nil && l.hit }

func (l *limitedReader) Read(b []byte) (int, error) {
	if l.left == 0 {
		var one [1]byte
		n, err := io.ReadFull(l.r, one[:])
		if n > 0 {
			l.hit, err = true, io.EOF
		}
		return 0, err
	}
	n, err := l.r.Read(b[:min(int64(len(b)), l.left)])
	l.left -= int64(n)
	return n, err
}

// take returns the next n bytes. They are valid until the next call. Of an input
// that ends before, it returns what is there and io.ErrUnexpectedEOF, or io.EOF
// if that is nothing.
func (s *input) take(n int) ([]byte, error) {
	if n <= peekSize {
		b, err := s.Peek(n)
		_, _ = s.Discard(len(b))
		s.off += int64(len(b))
		return b, endOf(b, err)
	}
	// The buffer grows with what is there, whatever the length claims.
	var long bytes.Buffer
	_, err := io.CopyN(&long, s, int64(n))
	s.off += int64(long.Len())
	return long.Bytes(), endOf(long.Bytes(), err)
}

func endOf(got []byte, err error) error {
	if errors.Is(err, io.EOF) && len(got) > 0 {
		return io.ErrUnexpectedEOF
	}
	return err
}

// skip passes over n bytes.
func (s *input) skip(n int64) error {
	got, err := io.CopyN(io.Discard, s, n)
	s.off += got
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// magic tells the formats that begin with a fixed mark.
func (s *input) magic() Format {
	head, _ := s.Peek(len(record.Magic))
	return magicOf(head)
}

func magicOf(head []byte) Format {
	switch {
	case bytes.HasPrefix(head, []byte(record.Magic[:len(record.Magic)-2])): // whatever the version: the reader names it
		return FormatRecording
	case isPCAP(head) || isPCAPNG(head):
		return FormatPCAP
	}
	return ""
}
