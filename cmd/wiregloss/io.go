package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/charmbracelet/x/term"

	"github.com/wiregloss/wiregloss/render"
)

// ioStreams are the three streams and what they are connected to.
type ioStreams struct {
	in     io.Reader
	out    *idleWriter
	err    io.Writer
	inTTY  bool
	outTTY bool
}

func systemIO() *ioStreams {
	return &ioStreams{
		in: os.Stdin, out: newIdleWriter(os.Stdout), err: os.Stderr,
		inTTY: term.IsTerminal(os.Stdin.Fd()), outTTY: term.IsTerminal(os.Stdout.Fd()),
	}
}

func (s *ioStreams) flush() error { return s.out.Flush() }

// talk writes one line for the person to stderr, escaped.
func (s *ioStreams) talk(format string, args ...any) {
	_, _ = fmt.Fprintln(s.err, render.EscapeLines(fmt.Sprintf(format, args...))) // nobody is left to tell
}

// text writes result text. What came from a server has been escaped by the
// words of package render.
func (s *ioStreams) text(lines string) error {
	_, err := io.WriteString(s.out, lines)
	return err
}

// json writes JSON and a line feed: to a terminal without anything that could
// change it, to a pipe byte for byte.
func (s *ioStreams) json(b []byte) error {
	if s.outTTY {
		b = render.EscapeJSON(b)
	}
	if _, err := s.out.Write(b); err != nil {
		return err
	}
	_, err := s.out.Write(newline)
	return err
}

var newline = []byte{'\n'}

// outputError is a failed write of the result.
type outputError struct{ err error }

func (e *outputError) Error() string { return "write the result: " + e.err.Error() }

func (e *outputError) Unwrap() error { return e.err }

// outputClosed reports whether the reader of our output has gone. A connection's
// broken pipe is another matter.
func outputClosed(err error) bool {
	var out *outputError
	return errors.As(err, &out) && errors.Is(out.err, syscall.EPIPE)
}

// idleDelay is how long output may wait for more: too short to notice, long
// enough that a stream of messages is written in large pieces.
const idleDelay = 2 * time.Millisecond

// idleWriter buffers, and flushes when nothing more was written for a moment.
type idleWriter struct {
	mu    sync.Mutex
	buf   *bufio.Writer
	timer *time.Timer
	armed bool
	err   error // of a flush that nobody waited for
}

func newIdleWriter(w io.Writer) *idleWriter {
	iw := &idleWriter{buf: bufio.NewWriterSize(w, 64<<10)}
	iw.timer = time.AfterFunc(time.Hour, iw.idle)
	iw.timer.Stop()
	return iw
}

func (w *idleWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.buf.Write(b)
	if err != nil {
		return n, &outputError{err}
	}
	if !w.armed && w.buf.Buffered() > 0 {
		w.armed = true
		w.timer.Reset(idleDelay)
	}
	return n, nil
}

func (w *idleWriter) idle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = false
	w.flush()
}

// flush writes what is buffered and keeps the first error.
func (w *idleWriter) flush() {
	if err := w.buf.Flush(); err != nil && w.err == nil {
		w.err = &outputError{err}
	}
}

// Flush writes what is buffered and returns the first error of any flush.
func (w *idleWriter) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flush()
	return w.err
}
