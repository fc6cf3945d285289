package record

import (
	"errors"
	"net"
	"os"
	"sync"
)

// Tap returns a connection that records into r what is written to and read from
// c. Put it above TLS to see plaintext. A write is recorded before it is made
// and a read after it, so that a reply never precedes its request in chunk
// order; what a short or failed write did not hand over is Unsent.
//
// The recording ends with the first read error, or with Close. A read that only
// met its deadline ends nothing. CloseWrite is offered if c has it.
func Tap(c net.Conn, r *Recording) net.Conn {
	t := &tap{Conn: c, rec: r}
	if h, ok := c.(halfCloser); ok {
		return &halfTap{tap: t, half: h}
	}
	return t
}

type halfCloser interface{ CloseWrite() error }

// tap is a recorded connection. Deadlines and addresses are those of Conn.
type tap struct {
	net.Conn
	rec *Recording

	mu       sync.Mutex
	writeErr error // the first that was not a deadline
}

// halfTap is a tap over a connection whose writing side can be closed alone.
type halfTap struct {
	*tap
	half halfCloser
}

// CloseWrite closes the writing side of the connection.
func (t *halfTap) CloseWrite() error { return t.half.CloseWrite() }

// NetConn returns the connection below.
func (t *tap) NetConn() net.Conn { return t.Conn }

// Read reads from the connection and records what came.
func (t *tap) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	if n > 0 {
		t.rec.addNow(Received, b[:n])
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.rec.Close(err)
	}
	return n, err
}

// Write records b and writes it.
func (t *tap) Write(b []byte) (int, error) {
	s := t.rec.addNow(Sent, b)
	n, err := t.Conn.Write(b)
	if n < len(b) && s.Len > 0 {
		sent := int64(max(n, 0))
		t.rec.markUnsent(Span{Dir: Sent, Off: s.Off + sent, Len: s.Len - sent})
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.writeErr == nil {
			t.writeErr = err
		}
	}
	return n, err
}

// Close closes the connection. If a write had failed, that is how the connection
// ended, though replies may have been read since.
func (t *tap) Close() error {
	t.mu.Lock()
	err := t.writeErr
	t.mu.Unlock()
	// First the recording: a Read that waits fails as soon as the connection is
	// closed, and would claim that the connection broke.
	t.rec.Close(err)
	return t.Conn.Close()
}
