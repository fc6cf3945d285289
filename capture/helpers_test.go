package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/wiregloss/wiregloss/record"
)

// start is when the recordings of these tests begin.
var start = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

func meta() record.Meta {
	return record.Meta{Start: start, Network: "tcp", Address: "127.0.0.1:50051", Local: "127.0.0.1:40000", Peer: "127.0.0.1:50051"}
}

// conversation is a recording of n requests and replies with made-up bytes that
// begin as HTTP/2 does.
func conversation(m record.Meta, seed uint64, n int) *record.Recording {
	r := record.New(m)
	rng := rand.New(rand.NewPCG(seed, 1))
	at := time.Millisecond
	r.Add(record.Sent, at, []byte(preface))
	for range n {
		for _, d := range []record.Dir{record.Sent, record.Received} {
			b := make([]byte, 1+rng.IntN(3000))
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			at += time.Duration(1 + rng.IntN(1000000))
			r.Add(d, at, b)
		}
	}
	return r
}

// written returns recordings as a pcapng file.
func written(t testing.TB, recs ...*record.Recording) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WritePCAPNG(&b, recs); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// mustRead reads a file that has no fault.
func mustRead(t testing.TB, b []byte, o Options) *Capture {
	t.Helper()
	c, err := Read(bytes.NewReader(b), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Release)
	return c
}

// only returns the only connection of a capture.
func only(t testing.TB, c *Capture) Connection {
	t.Helper()
	if len(c.Connections) != 1 {
		t.Fatalf("%d connections, skipped: %q", len(c.Connections), c.Skipped)
	}
	return c.Connections[0]
}

func content(r *record.Recording, d record.Dir) []byte {
	return r.Append(nil, record.Span{Dir: d, Len: r.Size(d)})
}

// checkBytes compares the bytes and holes of both directions.
func checkBytes(t testing.TB, got, want *record.Recording) {
	t.Helper()
	for _, d := range []record.Dir{record.Sent, record.Received} {
		if g, w := got.Size(d), want.Size(d); g != w {
			t.Errorf("%v: %d bytes, want %d", d, g, w)
		}
		if g, w := got.Holes(d), want.Holes(d); !slices.Equal(g, w) {
			t.Errorf("%v: holes %v, want %v", d, g, w)
		}
		for _, c := range want.Chunks(0) {
			if !bytes.Equal(got.Append(nil, c.Span), want.Append(nil, c.Span)) {
				t.Fatalf("the bytes of %v differ", c.Span)
			}
		}
	}
}

// checkChunks compares the chunks with their absolute times.
func checkChunks(t testing.TB, got, want *record.Recording) {
	t.Helper()
	g, w := got.Chunks(0), want.Chunks(0)
	shift := got.Meta().Start.Sub(want.Meta().Start)
	if len(g) != len(w) {
		t.Fatalf("%d chunks, want %d", len(g), len(w))
	}
	for i := range g {
		if g[i].Span != w[i].Span || g[i].At+shift != w[i].At {
			t.Fatalf("chunk %d is %v, want %v", i, g[i], w[i])
		}
	}
}

func checkClosed(t testing.TB, r *record.Recording, want error) {
	t.Helper()
	err, ok := r.Closed()
	switch {
	case !ok, (err == nil) != (want == nil):
		t.Errorf("closed is %v, %v, want %v", err, ok, want)
	case errors.Is(want, io.EOF) != errors.Is(err, io.EOF):
		t.Errorf("closed with %v, want %v", err, want)
	}
}

var (
	le = binary.LittleEndian
	be = binary.BigEndian
)
