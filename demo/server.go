// Package demo is the server that wiregloss tries itself out on: users, orders,
// files, a chat and a few calls that strain a client, offered over gRPC and over
// REST at the same address and from the same data.
//
// Everything lives in memory, is bounded and is gone when the server stops. The
// package knows nothing of the rest of wiregloss: it is an ordinary server, so
// that what works against it works against others.
//
// Request metadata is sent back under the same names, both in the response
// headers and in the trailers, "-bin" values too; see echo.go for what is left
// out. A request that comes compressed with gzip, or has "demo-compress: gzip"
// in its metadata, is answered compressed.
//
//	server, err := demo.Start(demo.Config{Listen: "127.0.0.1:0"})
//	if err != nil {
//		return err
//	}
//	defer server.Close()
//	fmt.Fprintln(os.Stderr, server.Ready())
package demo

//go:generate sh proto/generate.sh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/netutil"
	"google.golang.org/grpc"
)

// Bounds on what clients can make the server hold.
const (
	maxConnections  = 1024
	maxStreams      = 256 // per connection
	maxHeaderBytes  = 64 << 10
	maxBodyBytes    = 1 << 20  // of a REST request
	maxMessageBytes = 4 << 20  // of a gRPC request
	maxCallBytes    = 16 << 20 // of all messages a client sends in one call on the shared port
)

// Config says where to listen. Port 0 means any free port.
type Config struct {
	Listen     string // gRPC over h2c, and REST over HTTP/1.1 and h2c
	GRPCListen string // the same gRPC services on a plain grpc-go server; empty for none
}

// Server is a running demo server.
type Server struct {
	shared, plain net.Listener // plain is nil without Config.GRPCListen

	http *http.Server
	grpc *grpc.Server

	cancel  context.CancelFunc // ends every HTTP request and so every call on the shared port
	serving sync.WaitGroup     // the accept loops
	conns   sync.WaitGroup     // the connections of the shared port
}

// Start listens and serves until Close.
func Start(cfg Config) (*Server, error) {
	data, err := newData(time.Now)
	if err != nil {
		return nil, err
	}
	services, err := newGRPC(data)
	if err != nil {
		return nil, err
	}
	s := &Server{grpc: services}
	if s.shared, err = listen(cfg.Listen, "--listen"); err != nil {
		return nil, err
	}
	if cfg.GRPCListen != "" {
		if s.plain, err = listen(cfg.GRPCListen, "--grpc-listen"); err != nil {
			return nil, errors.Join(err, s.shared.Close())
		}
	}
	s.serveHTTP(newREST(data))
	s.serving.Go(func() { _ = s.http.Serve(s.shared) })
	if s.plain != nil {
		s.serving.Go(func() { _ = s.grpc.Serve(s.plain) })
	}
	return s, nil
}

// listen opens a bounded listener, and says which flag to change when it cannot.
func listen(addr, flag string) (net.Listener, error) {
	if addr == "" { // net.Listen would open a port to every network
		return nil, fmt.Errorf("listen on %q: give %s an address such as 127.0.0.1:50051", addr, flag)
	}
	ln, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listen on %s: the port is taken; try %s with another port, or port 0 for any free one: %w", addr, flag, err)
	case err != nil:
		return nil, fmt.Errorf("listen on %q: give %s an address of this machine such as 127.0.0.1:50051: %w", addr, flag, err)
	}
	return netutil.LimitListener(ln, maxConnections), nil
}

// serveHTTP prepares the HTTP server of the shared port. HTTP/1.1 and HTTP/2 are
// told apart by net/http, gRPC and REST by the content type.
func (s *Server) serveHTTP(rest http.Handler) {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	s.http = &http.Server{
		Protocols:         &protocols,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       5 * time.Minute,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(io.Discard, "", 0), // a demo has nobody to read it
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState:         s.countConn,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
				adoptCompression(r)
				// grpc-go reads the body of such a call ahead of the handler, without end.
				r.Body = http.MaxBytesReader(w, r.Body, maxCallBytes)
				s.grpc.ServeHTTP(w, r)
				return
			}
			rest.ServeHTTP(w, r)
		}),
	}
}

// countConn lets Close wait for connections, which http.Server.Close does not.
func (s *Server) countConn(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.conns.Done()
	case http.StateActive, http.StateIdle:
	}
}

// Addr returns host:port of the port that gRPC and REST share.
func (s *Server) Addr() string { return s.shared.Addr().String() }

// GRPCAddr returns host:port of the plain gRPC listener, or "" if there is none.
func (s *Server) GRPCAddr() string {
	if s.plain == nil {
		return ""
	}
	return s.plain.Addr().String()
}

// Ready returns one line for people and scripts: "ready", then the addresses.
func (s *Server) Ready() string {
	line := fmt.Sprintf("ready %s (gRPC, http://%s/ and http://%s/openapi.json)", s.Addr(), s.Addr(), s.Addr())
	if s.plain != nil {
		line += fmt.Sprintf(" %s (gRPC only)", s.GRPCAddr())
	}
	return line
}

// Close stops listening, ends the calls in flight and returns when all have ended.
func (s *Server) Close() error {
	s.cancel()
	err := s.http.Close()
	s.grpc.Stop()
	s.serving.Wait()
	s.conns.Wait()
	return err
}
