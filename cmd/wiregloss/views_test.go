package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
)

// TestFramesOfUpgrade: the lines of an upgraded connection stand in the order of
// its bytes: the preface after the request that asked for HTTP/2.
func TestFramesOfUpgrade(t *testing.T) {
	const settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	rec := record.New(record.Meta{})
	defer rec.Release()
	rec.Add(record.Sent, 0, []byte("GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"))
	rec.Add(record.Received, 1, []byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"+settings))
	rec.Add(record.Sent, 2, []byte(h2.Preface+settings))

	var out bytes.Buffer
	ios := &ioStreams{out: newIdleWriter(&out)}
	v := &framesView{ios: ios}
	c := &scene{Call: render.Call{Recording: rec, Trace: inspect.Decode(rec)}, all: true}
	if err := v.advance(c, inspect.Counts{}); err != nil {
		t.Fatal(err)
	}
	if err := ios.flush(); err != nil {
		t.Fatal(err)
	}
	at := -1
	for _, want := range []string{"GET /x HTTP/1.1", "101 Switching", "PRI * HTTP/2.0", "SETTINGS"} {
		i := strings.Index(out.String(), want)
		if i <= at {
			t.Errorf("%q at %d, want it after what came before it:\n%s", want, i, out.String())
		}
		at = i
	}
}
