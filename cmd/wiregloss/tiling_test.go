package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/net/http2"

	"github.com/wiregloss/wiregloss/render"
)

// frame is one frame as the envelope tells it and as another reader finds it.
type frame struct {
	Type   string
	Stream uint32
	Offset int64
	Length uint32
}

// sawBytes checks the envelope on stdout against what the relay saw on the
// connection of the call: the spans of its frames, put together, are exactly
// the bytes of each direction, and each frame is what x/net/http2 finds there.
func sawBytes(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) > 0, "sawbytes")
	all := passed(ts)
	c := all[len(all)-1]
	var e render.Envelope
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &e))

	preface := int64(len(http2.ClientPreface))
	sent, rest, err := frames(c.Sent(), preface)
	ts.Check(err)
	if len(rest) > 0 || !slices.Equal(of(e, "sent"), sent) {
		ts.Fatalf("frames sent are told as %v, and were %v", of(e, "sent"), sent)
	}
	received, rest, err := frames(c.Received(), 0)
	ts.Check(err)
	told := of(e, "received")
	if len(rest) > 0 || len(told) > len(received) || !slices.Equal(told, received[:len(told)]) {
		ts.Fatalf("frames received are told as %v, and were %v", told, received)
	}
	// What a server sends after the client has closed reaches the relay alone.
	for _, late := range received[len(told):] {
		if late.Stream != 0 {
			ts.Fatalf("frame %v came and is not told", late)
		}
	}
}

func of(e render.Envelope, dir string) []frame {
	var out []frame
	for _, f := range e.Frames {
		if f.Dir == dir {
			out = append(out, frame{f.Type, f.Stream, f.Offset, f.Length})
		}
	}
	return out
}

// frames reads frame headers from offset at; rest is what does not make a frame.
func frames(b []byte, at int64) (found []frame, rest []byte, err error) {
	in := bytes.NewReader(b)
	if _, err := in.Seek(at, io.SeekStart); err != nil {
		return nil, nil, err
	}
	for {
		offset := int64(len(b)) - int64(in.Len())
		h, err := http2.ReadFrameHeader(in)
		switch {
		case errors.Is(err, io.EOF):
			return found, nil, nil
		case errors.Is(err, io.ErrUnexpectedEOF), err == nil && int64(h.Length) > int64(in.Len()):
			return found, b[offset:], nil
		case err != nil:
			return nil, nil, err
		}
		found = append(found, frame{h.Type.String(), h.StreamID, offset, h.Length})
		if _, err := in.Seek(int64(h.Length), io.SeekCurrent); err != nil {
			return nil, nil, err
		}
	}
}

// wireTiles checks that the field nodes in the envelope on stdout tile the
// payload of every message, on every level.
func wireTiles(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) > 0, "wiretiles")
	var e render.Envelope
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &e))
	messages := slices.Concat(e.Request.Messages, e.Response.Messages)
	fields := 0
	for i, m := range messages {
		size := m.Bytes
		if m.Compressed {
			ts.Fatalf("message %d is compressed: its size in the payload is not told", i)
		}
		n, err := tile(m.Wire, 0, int(size))
		if err != nil {
			ts.Fatalf("message %d: %v", i, err)
		}
		fields += n
	}
	if fields == 0 {
		ts.Fatalf("no message has a field")
	}
}

// tile counts the nodes of a range, which must follow each other without gap.
func tile(nodes []render.WirePart, from, to int) (int, error) {
	count := len(nodes)
	for _, n := range nodes {
		if n.Offset != from {
			return 0, fmt.Errorf("field %q begins at %d, want %d", n.Name, n.Offset, from)
		}
		from += n.Length
		if len(n.Fields) == 0 {
			continue
		}
		end := n.Offset + n.Length
		if n.ValueOffset+n.ValueLength != end && !strings.Contains(n.Wire, "group") {
			return 0, fmt.Errorf("the value of %q ends at %d, want %d", n.Name, n.ValueOffset+n.ValueLength, end)
		}
		inner, err := tile(n.Fields, n.ValueOffset, n.ValueOffset+n.ValueLength)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", n.Name, err)
		}
		count += inner
	}
	if from != to {
		return 0, fmt.Errorf("its fields end at %d, want %d", from, to)
	}
	return count, nil
}

// The checks that scripts rely on must see what they are there for.
func TestTile(t *testing.T) {
	t.Parallel()
	inner := []render.WirePart{{Offset: 2, Length: 2}, {Offset: 4, Length: 1}}
	good := []render.WirePart{{Length: 5, ValueOffset: 2, ValueLength: 3, Fields: inner}, {Offset: 5, Length: 4}}
	if n, err := tile(good, 0, 9); n != 4 || err != nil {
		t.Errorf("tile counts %d, %v; want 4", n, err)
	}
	for name, nodes := range map[string][]render.WirePart{
		"a gap":          {{Length: 4}, {Offset: 5, Length: 4}},
		"an overlap":     {{Length: 6}, {Offset: 5, Length: 4}},
		"too short":      {{Length: 8}},
		"too long":       {{Length: 10}},
		"nothing":        nil,
		"a gap inside":   {{Length: 9, ValueOffset: 2, ValueLength: 7, Fields: inner}},
		"a value beyond": {{Length: 9, ValueOffset: 2, ValueLength: 8, Fields: inner}},
	} {
		if _, err := tile(nodes, 0, 9); err == nil {
			t.Errorf("%s is not seen", name)
		}
	}
}

func TestFramesOfBytes(t *testing.T) {
	t.Parallel()
	b := []byte("preface!\x00\x00\x02\x06\x00\x00\x00\x00\x00hi\x00\x00\x00\x04\x01\x00\x00\x00\x00")
	found, rest, err := frames(b, 8)
	want := []frame{{"PING", 0, 8, 2}, {"SETTINGS", 0, 19, 0}}
	if !slices.Equal(found, want) || len(rest) > 0 || err != nil {
		t.Errorf("frames are %v, rest %q, %v; want %v", found, rest, err, want)
	}
	for _, cut := range []int{1, 9, 10} {
		if _, rest, _ := frames(b[:len(b)-cut], 8); len(rest) == 0 && cut != 9 {
			t.Errorf("%d bytes cut off are not seen", cut)
		}
	}
}
