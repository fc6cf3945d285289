package record

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

// fakeConn answers each Read and Write with the next scripted result.
type fakeConn struct {
	net.Conn
	rec    *Recording
	writes []result
	reads  []result
	before []int64 // Size(Sent) when each write reached the kernel
	closed bool
}

type result struct {
	n   int
	err error
}

func (c *fakeConn) Write([]byte) (int, error) {
	c.before = append(c.before, c.rec.Size(Sent))
	w := c.writes[0]
	c.writes = c.writes[1:]
	return w.n, w.err
}

func (c *fakeConn) Read(b []byte) (int, error) {
	w := c.reads[0]
	c.reads = c.reads[1:]
	return copy(b, bytes.Repeat([]byte("r"), w.n)), w.err
}

func (c *fakeConn) Close() error { c.closed = true; return nil }

func TestTapMarksWhatWasNotSent(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken pipe")
	for _, c := range []struct {
		name    string
		writes  []result // of 10 bytes each
		want    Span
		problem bool
	}{
		{"all sent", []result{{10, nil}, {10, nil}}, Span{}, false},
		{"short write", []result{{10, nil}, {4, broken}}, Span{Sent, 14, 6}, false},
		{"failed write", []result{{0, broken}}, Span{Sent, 0, 10}, false},
		{"two failed writes", []result{{3, broken}, {0, broken}}, Span{Sent, 3, 17}, false},
		{"deadline", []result{{9, os.ErrDeadlineExceeded}}, Span{Sent, 9, 1}, false},
		{"written to after a failure", []result{{3, broken}, {10, nil}, {5, broken}}, Span{Sent, 25, 5}, true},
	} {
		r := New(Meta{Start: time.Now()})
		fake := &fakeConn{rec: r, writes: slices.Clone(c.writes)}
		conn := Tap(fake, r)
		for i, w := range c.writes {
			n, err := conn.Write(make([]byte, 10))
			if n != w.n || !errors.Is(err, w.err) {
				t.Errorf("%s: write %d gives %d, %v", c.name, i, n, err)
			}
			if want := int64(10 * (i + 1)); fake.before[i] != want {
				t.Errorf("%s: %d bytes were recorded before write %d, want %d", c.name, fake.before[i], i, want)
			}
		}
		if got, ok := r.Unsent(); got != c.want || ok != (c.want.Len > 0) {
			t.Errorf("%s: unsent is %v, want %v", c.name, got, c.want)
		}
		if got := r.Problem() != nil; got != c.problem {
			t.Errorf("%s: problem is %v", c.name, r.Problem())
		}
	}
}

func TestTapSaysHowTheConnectionEnded(t *testing.T) {
	t.Parallel()
	reset, pipe := errors.New("reset"), errors.New("broken pipe")
	for _, c := range []struct {
		name   string
		reads  []result
		writes []result
		close  bool
		want   error
		ended  bool
	}{
		{"still open", []result{{3, nil}}, nil, false, nil, false},
		{"peer closed", []result{{3, nil}, {0, io.EOF}}, nil, true, io.EOF, true},
		{"last bytes with the end", []result{{3, io.EOF}}, nil, false, io.EOF, true},
		{"reset", []result{{0, reset}}, nil, true, reset, true},
		{"read deadline", []result{{0, os.ErrDeadlineExceeded}}, nil, false, nil, false},
		{"we closed", []result{{3, nil}}, nil, true, nil, true},
		{"we closed after a failed write", nil, []result{{0, pipe}}, true, pipe, true},
		{"write deadline", nil, []result{{0, os.ErrDeadlineExceeded}}, true, nil, true},
		{"reply read after a failed write", []result{{3, nil}, {0, io.EOF}}, []result{{0, pipe}}, true, io.EOF, true},
	} {
		r := New(Meta{})
		fake := &fakeConn{rec: r, reads: c.reads, writes: c.writes}
		conn := Tap(fake, r)
		for range c.writes {
			_, _ = conn.Write([]byte("w"))
		}
		for want := int64(0); len(fake.reads) > 0; {
			want += int64(fake.reads[0].n)
			_, _ = conn.Read(make([]byte, 10))
			if r.Size(Received) != want {
				t.Errorf("%s: %d bytes received, want %d", c.name, r.Size(Received), want)
			}
		}
		if c.close {
			if err := conn.Close(); err != nil || !fake.closed {
				t.Errorf("%s: Close gives %v, reached the connection: %v", c.name, err, fake.closed)
			}
		}
		err, ended := r.Closed()
		if ended != c.ended || !errors.Is(err, c.want) || (c.want == nil && err != nil) {
			t.Errorf("%s: Closed gives %v, %v", c.name, err, ended)
		}
	}
}

func TestTapOverTCP(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var server sync.WaitGroup
	server.Go(func() {
		c, err := listener.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = io.Copy(c, c) // until the client has closed its writing side
	})
	inner, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := New(Meta{Start: time.Now()})
	conn := Tap(inner, r)
	if conn.LocalAddr() != inner.LocalAddr() || conn.RemoteAddr() != inner.RemoteAddr() {
		t.Error("addresses are not those of the connection")
	}
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := range int64(100) {
			if _, err := conn.Write(pattern(Sent, i*5000, 5000)); err != nil {
				t.Error(err)
			}
		}
		half, ok := conn.(interface{ CloseWrite() error })
		if !ok {
			t.Error("CloseWrite is not offered")
			_ = conn.Close()
			return
		}
		if err := half.CloseWrite(); err != nil {
			t.Error(err)
		}
	})
	got, err := io.ReadAll(conn)
	writer.Wait()
	server.Wait()
	if err != nil || !bytes.Equal(got, pattern(Sent, 0, 500_000)) {
		t.Fatalf("the echo has %d bytes: %v", len(got), err)
	}
	for _, d := range []Dir{Sent, Received} {
		if !bytes.Equal(r.Append(nil, Span{d, 0, 1 << 30}), got) {
			t.Errorf("what was %s is not what was recorded", d)
		}
	}
	if err, ok := r.Closed(); !ok || !errors.Is(err, io.EOF) {
		t.Errorf("Closed gives %v, %v", err, ok)
	}
	checkEchoOrder(t, r)
}

// checkEchoOrder checks that an echo never stands before what it echoes, and
// that time does not go back.
func checkEchoOrder(t *testing.T, r *Recording) {
	t.Helper()
	var sent int64
	var at time.Duration
	for i, c := range r.Chunks(0) {
		if c.At < at {
			t.Errorf("chunk %d is at %v, the one before at %v", i, c.At, at)
		}
		at = c.At
		if c.Span.Dir == Sent {
			sent = c.Span.End()
		} else if c.Span.End() > sent {
			t.Errorf("chunk %d: %d bytes received after %d sent", i, c.Span.End(), sent)
		}
	}
}

func TestTapPassesDeadlinesOn(t *testing.T) {
	t.Parallel()
	a, b := net.Pipe()
	defer b.Close()
	r := New(Meta{})
	conn := Tap(a, r)
	if _, ok := conn.(interface{ CloseWrite() error }); ok {
		t.Error("CloseWrite is offered over a pipe, which has none")
	}
	if err := conn.SetDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read gives %v", err)
	}
	if _, err := conn.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Write gives %v", err)
	}
	if _, ended := r.Closed(); ended {
		t.Error("a deadline ended the recording")
	}
}

// A Read that waits while we close fails with net.ErrClosed, which must not be
// taken for how the connection ended.
func TestTapCloseWhileReading(t *testing.T) {
	t.Parallel()
	a, b := net.Pipe()
	defer b.Close()
	r := New(Meta{})
	conn := Tap(a, r)
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			if _, err := conn.Read(make([]byte, 10)); err != nil {
				return
			}
		}
	})
	if _, err := b.Write([]byte("one")); err != nil { // the reader is in its loop
		t.Fatal(err)
	}
	_ = conn.Close()
	reader.Wait()
	if err, ok := r.Closed(); !ok || err != nil {
		t.Errorf("Closed gives %v, %v", err, ok)
	}
}
