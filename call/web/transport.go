package web

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// maxHeader bounds the header and trailers of an answer, in bytes.
const maxHeader = 1 << 20

// grace is how long is waited for what should come at once: the end of a body
// whose last message has come, frames that say goodbye.
const grace = 250 * time.Millisecond

// tripper is a client of HTTP on one connection.
type tripper interface {
	http.RoundTripper
	// close ends what runs on the connection, saying goodbye if the protocol has a
	// way. It does not close the connection.
	close()
}

// newTripper returns a client that speaks a version of HTTP on c.
func newTripper(version string, c net.Conn) (tripper, error) {
	if version == "2" {
		return newHTTP2(c)
	}
	return newHTTP1(c), nil
}

// http1 is a client of HTTP/1.1.
type http1 struct{ *http.Transport }

func newHTTP1(c net.Conn) http1 {
	var once sync.Once
	dial := func(context.Context, string, string) (net.Conn, error) {
		err := errors.New("the connection was lost")
		once.Do(func() { err = nil })
		if err != nil {
			return nil, err
		}
		return c, nil
	}
	return http1{&http.Transport{
		DialContext:    dial,
		DialTLSContext: dial, // c is secured already
		// Bodies are for inspect: they stay as they came.
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		// Idle connections are listened to, and what comes is written to the log.
		MaxIdleConnsPerHost: -1,
	}}
}

func (t http1) close() { t.CloseIdleConnections() }

// http2Conn is a client of HTTP/2. It is that of x/net, since net/http speaks no
// HTTP/2 over a TLS connection that is wrapped, as a tapped one is.
type http2Conn struct{ *http2.ClientConn }

// newHTTP2 sends the preface and the settings.
func newHTTP2(c net.Conn) (tripper, error) {
	//nolint:staticcheck // See http2Conn.
	t := &http2.Transport{AllowHTTP: true, DisableCompression: true, MaxHeaderListSize: maxHeader}
	conn, err := t.NewClientConn(c) //nolint:staticcheck // See http2Conn.
	if err != nil {
		return nil, err
	}
	return http2Conn{conn}, nil
}

// close sends GOAWAY, and waits until the stream has been reset if it was cut.
func (t http2Conn) close() {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	_ = t.Shutdown(ctx) // the connection is closed next, whatever this gives
}

// firstBytes is how much of what a server says first is kept.
const firstBytes = 16

// lastWords is how long a failed write waits for the reader to see the reason.
const lastWords = 200 * time.Millisecond

// conn is a connection that keeps the first bytes received on it, which tell what
// the server speaks.
type conn struct {
	net.Conn
	mu    sync.Mutex
	first []byte
	shut  bool // Close was called
	wrong bool // a read or write failed

	once   sync.Once
	closed chan struct{}
	err    error // of Close

	write sync.Once
	wrote chan struct{} // closed when the first write begins

	fail   sync.Once
	failed chan struct{} // closed when a read fails
}

func newConn(c net.Conn) *conn {
	return &conn{Conn: c, wrote: make(chan struct{}), closed: make(chan struct{}), failed: make(chan struct{})}
}

// Read reads, and keeps what comes first. Nothing is read before something was
// written: net/http takes what a server says unasked for the end of the connection.
// What comes after Close is not in the recording, and so does not count.
func (c *conn) Read(b []byte) (int, error) {
	select {
	case <-c.wrote:
	case <-c.closed:
	}
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.shut {
		n, err = 0, net.ErrClosed
	}
	if err != nil {
		c.wrong = c.wrong || !errors.Is(err, io.EOF)
		c.fail.Do(func() { close(c.failed) })
	}
	if room := firstBytes - len(c.first); room > 0 {
		c.first = append(c.first, b[:min(n, room)]...)
	}
	return n, err
}

// Write lets the reader come first when it fails: a peer that hung up has often
// answered before, and clients close the connection at the first failed write.
func (c *conn) Write(b []byte) (int, error) {
	c.write.Do(func() { close(c.wrote) })
	n, err := c.Conn.Write(b)
	if err != nil {
		c.mu.Lock()
		c.wrong = true
		c.mu.Unlock()
		timer := time.NewTimer(lastWords)
		defer timer.Stop()
		select {
		case <-c.failed:
		case <-c.closed:
		case <-timer.C:
		}
	}
	return n, err
}

// Close closes the connection once. Of one that had failed before, closing is no
// news: it gives no error.
func (c *conn) Close() error {
	c.once.Do(func() {
		c.mu.Lock()
		c.shut = true
		wrong := c.wrong
		c.mu.Unlock()
		close(c.closed)
		if c.err = c.Conn.Close(); wrong {
			c.err = nil
		}
	})
	return c.err
}

// speaks returns what the server's first bytes are: "1.1" or "2" for HTTP, "tls",
// or "" if they do not tell.
func (c *conn) speaks() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return speaks(c.first)
}

func speaks(first []byte) string {
	switch {
	case len(first) >= 7 && string(first[:7]) == "HTTP/1.":
		return "1.1"
	// RFC 9113 §3.4: the server begins with SETTINGS, on stream 0.
	case len(first) >= 9 && first[3] == 4 && string(first[5:9]) == "\x00\x00\x00\x00" && first[0] == 0:
		return "2"
	// RFC 8446 §5.1: an alert, or a handshake, of a legacy version 3.x.
	case len(first) >= 3 && (first[0] == 0x15 || first[0] == 0x16) && first[1] == 3:
		return "tls"
	default:
		return ""
	}
}
