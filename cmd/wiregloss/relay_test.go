package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/wiregloss/wiregloss/internal/testserver"
)

// relayKey is where a script keeps its relay.
type relayKey struct{}

// startRelay puts a proxy before $ADDR that keeps what passes, and $ADDR is its
// address from then on. "relay tls" takes TLS and passes it on as TLS; ca.pem is
// the server's authority before, and the relay's after.
func startRelay(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) > 1 || len(args) == 1 && args[0] != "tls", "relay [tls]")
	dir := ts.MkAbs(".")
	p, err := testserver.StartProxy(ts.Getenv("ADDR"), filepath.Join(dir, "ca.pem"), "", testserver.Options{TLS: len(args) == 1, Dir: dir})
	ts.Check(err)
	ts.Defer(p.Close)
	ts.Setenv("ADDR", p.Addr)
	*ts.Value(relayKey{}).(**testserver.Proxy) = p
}

// passed returns what the relay saw of each connection, once it is over.
func passed(ts *testscript.TestScript) []*testserver.Traffic {
	p := *ts.Value(relayKey{}).(**testserver.Proxy)
	usage(ts, p == nil, "relay, before what looks at it")
	all := p.Traffic()
	if len(all) == 0 {
		ts.Fatalf("the relay saw no connection")
	}
	for _, t := range all {
		<-t.Ended()
	}
	return all
}

// sawCall checks that the relay saw a request other than for reflection.
func sawCall(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) > 0, "[!] sawcall")
	var paths []string
	saw := false
	for _, t := range passed(ts) {
		found, err := requestPaths(t.Sent())
		ts.Check(err)
		for _, p := range found {
			saw = saw || !strings.HasPrefix(p, "/grpc.reflection.")
		}
		paths = append(paths, found...)
	}
	switch {
	case len(paths) == 0:
		ts.Fatalf("the relay saw no request at all")
	case saw == neg:
		ts.Fatalf("the relay saw %q", paths)
	}
}

// requestPaths reads a client's side of a connection with another decoder than ours.
func requestPaths(sent []byte) ([]string, error) {
	in, ok := bytes.CutPrefix(sent, []byte(http2.ClientPreface))
	if !ok {
		return nil, fmt.Errorf("a connection began with %q", sent[:min(len(sent), 24)])
	}
	framer := http2.NewFramer(nil, bytes.NewReader(in))
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	var paths []string
	for {
		f, err := framer.ReadFrame()
		if errors.Is(err, io.EOF) {
			return paths, nil
		}
		if err != nil {
			return nil, err
		}
		if h, ok := f.(*http2.MetaHeadersFrame); ok {
			paths = append(paths, h.PseudoValue("path"))
		}
	}
}
