package testserver

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Proxy passes connections on to another address and keeps the bytes of both
// directions. Over TLS it ends the client's connection with its own certificate and
// makes one of its own to the server, so that it keeps plaintext.
type Proxy struct {
	Addr string // where it listens

	upstream string
	listener net.Listener
	server   *tls.Config // towards the client; nil for plaintext
	client   *tls.Config // towards the server; nil for plaintext
	log      string      // folder to write the bytes into; may be empty

	mu      sync.Mutex
	traffic []*Traffic
	open    map[net.Conn]bool
	closed  bool
	done    sync.WaitGroup
}

// Traffic is what passed over one connection.
type Traffic struct {
	mu             sync.Mutex
	sent, received bytes.Buffer
	ended          chan struct{}
}

// Sent returns what the client sent so far.
func (t *Traffic) Sent() []byte { return t.copy(&t.sent) }

// Received returns what the server sent so far.
func (t *Traffic) Received() []byte { return t.copy(&t.received) }

// Ended is closed once both directions are at their end.
func (t *Traffic) Ended() <-chan struct{} { return t.ended }

func (t *Traffic) copy(b *bytes.Buffer) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(b.Bytes())
}

// StartProxy starts a proxy to upstream. With o.TLS it writes its own ca.pem into
// o.Dir, and trusts the server whose authority is upstreamCA; without, both sides
// are plaintext. If log is not empty, the bytes of connection n are written to
// n.sent and n.received there when it ends.
func StartProxy(upstream, upstreamCA, log string, o Options) (*Proxy, error) {
	p := &Proxy{upstream: upstream, log: log, open: map[net.Conn]bool{}}
	if o.TLS {
		pem, err := os.ReadFile(upstreamCA)
		if err != nil {
			return nil, fmt.Errorf("start proxy: %w", err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		p.client = &tls.Config{RootCAs: pool, ServerName: "localhost", NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12}
		if p.server, err = serverTLS(o); err != nil {
			return nil, err
		}
	}
	l, err := listen(o.Listen)
	if err != nil {
		return nil, err
	}
	p.listener, p.Addr = l, l.Addr().String()
	p.done.Add(1)
	go p.accept()
	return p, nil
}

// Traffic returns the connections so far, in order.
func (p *Proxy) Traffic() []*Traffic {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*Traffic(nil), p.traffic...)
}

func (p *Proxy) accept() {
	defer p.done.Done()
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		n, t := p.begin()
		p.done.Add(1)
		go func() {
			defer p.done.Done()
			p.pass(c, t)
			p.write(n, t)
			close(t.ended)
		}()
	}
}

func (p *Proxy) begin() (int, *Traffic) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &Traffic{ended: make(chan struct{})}
	p.traffic = append(p.traffic, t)
	return len(p.traffic) - 1, t
}

// hold remembers a connection for Close; false if that has happened already.
func (p *Proxy) hold(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.open[c] = true
	return true
}

func (p *Proxy) release(c net.Conn) {
	_ = c.Close() // the other side has ended it, or does not matter any more
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

// pass copies both directions until both have ended.
func (p *Proxy) pass(client net.Conn, t *Traffic) {
	defer p.release(client)
	server, err := net.Dial("tcp", p.upstream)
	if err != nil || !p.hold(client) || !p.hold(server) {
		return
	}
	defer p.release(server)
	deadline := time.Now().Add(connLifetime)
	_, _ = client.SetDeadline(deadline), server.SetDeadline(deadline) // TCP has them
	if p.server != nil {
		client, server = tls.Server(client, p.server), tls.Client(server, p.client)
	}
	var both sync.WaitGroup
	both.Go(func() { t.copyTo(server, client, &t.sent) })
	both.Go(func() { t.copyTo(client, server, &t.received) })
	both.Wait()
}

// copyTo keeps bytes before it passes them on, as they would be lost if that fails.
func (t *Traffic) copyTo(to, from net.Conn, keep *bytes.Buffer) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		t.mu.Lock()
		keep.Write(b[:n])
		t.mu.Unlock()
		if _, failed := to.Write(b[:n]); failed != nil || err != nil {
			break
		}
	}
	if h, ok := to.(interface{ CloseWrite() error }); ok {
		_ = h.CloseWrite() // to may be closed already
	}
}

func (p *Proxy) write(n int, t *Traffic) {
	if p.log == "" {
		return
	}
	for name, b := range map[string][]byte{"sent": t.Sent(), "received": t.Received()} {
		file := filepath.Join(p.log, fmt.Sprintf("%d.%s", n, name))
		if err := os.WriteFile(file, b, 0o600); err != nil {
			fmt.Fprintln(os.Stderr, "testserver:", err)
		}
	}
}

// Close ends the proxy and its connections, and waits for them.
func (p *Proxy) Close() {
	_ = p.listener.Close() // only a second Close fails
	p.mu.Lock()
	p.closed = true
	for c := range p.open {
		_ = c.Close() // its copies see the error
	}
	p.mu.Unlock()
	p.done.Wait()
}
