// Package testserver runs servers for tests: one that behaves and many that do
// not. They speak HTTP/2 and gRPC by hand, so that each can break exactly one rule.
// All of them answer reflection first, on any connection, so that a client gets as
// far as the misbehaviour. They listen on loopback only and end by themselves.
//
//	s, err := testserver.Start("rst-after-header", testserver.Options{})
//	defer s.Close()
package testserver

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// Limits on one server, whatever a test does with it.
const (
	maxConns     = 64
	connLifetime = 2 * time.Minute
)

// Options change how a server listens.
type Options struct {
	Listen string // an address on loopback; empty is a free port of 127.0.0.1
	TLS    bool   // any mode over TLS
	Mutual bool   // TLS that asks for a client certificate
	Dir    string // where the certificates are written: ca.pem, client.pem, client-key.pem
}

// Server is a running server.
type Server struct {
	Addr string // host:port

	mode     mode
	listener net.Listener
	config   *tls.Config

	mu    sync.Mutex
	conns map[net.Conn]bool
	seen  int
	done  sync.WaitGroup
}

// Modes returns the names of all modes, sorted.
func Modes() []string { return slices.Sorted(maps.Keys(modes)) }

// Start starts a server of a mode.
func Start(name string, o Options) (*Server, error) {
	m, ok := modes[name]
	if !ok {
		return nil, fmt.Errorf("start test server: no mode %q; there are %s", name, strings.Join(Modes(), ", "))
	}
	o.TLS = o.TLS || m.tls
	o.Mutual = o.Mutual || m.mutual
	l, err := listen(o.Listen)
	if err != nil {
		return nil, err
	}
	s := &Server{Addr: l.Addr().String(), mode: m, listener: l, conns: map[net.Conn]bool{}}
	if o.TLS {
		if s.config, err = serverTLS(o); err != nil {
			_ = l.Close() // the error that matters is the other
			return nil, err
		}
	}
	s.done.Add(1)
	go s.accept()
	return s, nil
}

// listen refuses everything but loopback.
func listen(address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", address, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("listen on %q: a test server listens on loopback only", address)
	}
	return net.Listen("tcp", address)
}

func (s *Server) accept() {
	defer s.done.Done()
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		index, ok := s.admit(c)
		if !ok {
			_ = c.Close() // over the limit
			continue
		}
		go func() {
			defer s.dismiss(c)
			_ = c.SetDeadline(time.Now().Add(connLifetime)) // a connection without deadlines cannot be bounded; TCP has them
			conn := c
			if s.config != nil {
				conn = tls.Server(c, s.config)
			}
			s.mode.serve(conn, index)
			_ = conn.Close() // over TLS it says goodbye first
		}()
	}
}

// admit counts a connection, from 0.
func (s *Server) admit(c net.Conn) (index int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns == nil || len(s.conns) >= maxConns {
		return 0, false
	}
	s.conns[c] = true
	s.seen++
	s.done.Add(1)
	return s.seen - 1, true
}

func (s *Server) dismiss(c net.Conn) {
	_ = c.Close() // it may be closed already
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.done.Done()
}

// Connections returns how many connections were accepted so far.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// Close ends the server and its connections, and waits for them.
func (s *Server) Close() {
	_ = s.listener.Close() // only a second Close fails
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close() // its goroutine sees the error
	}
	s.mu.Unlock()
	s.done.Wait()
}
