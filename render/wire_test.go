package render

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	nethpack "golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/wiregloss/wiregloss/demo/demov1"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/internal/golden"
	"github.com/wiregloss/wiregloss/record"
)

// wire writes a connection, a frame a chunk, each a millisecond later.
type wire struct {
	t    *testing.T
	rec  *record.Recording
	at   time.Duration
	buf  bytes.Buffer
	fr   *http2.Framer
	enc  [2]*nethpack.Encoder
	hbuf [2]bytes.Buffer
}

func newWire(t *testing.T) *wire {
	t.Helper()
	w := &wire{t: t, rec: record.New(record.Meta{})}
	w.fr = http2.NewFramer(&w.buf, nil)
	w.fr.AllowIllegalWrites = true
	for d := range w.enc {
		w.enc[d] = nethpack.NewEncoder(&w.hbuf[d])
	}
	w.rec.Add(record.Sent, 0, []byte(h2.Preface))
	return w
}

// add records what write wrote.
func (w *wire) add(d record.Dir, write func(fr *http2.Framer) error) {
	w.t.Helper()
	w.buf.Reset()
	if err := write(w.fr); err != nil {
		w.t.Fatal(err)
	}
	w.at += time.Millisecond
	w.rec.Add(d, w.at, w.buf.Bytes())
}

func (w *wire) block(d record.Dir, pairs ...string) []byte {
	w.hbuf[d].Reset()
	for i := 0; i < len(pairs); i += 2 {
		if err := w.enc[d].WriteField(nethpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}); err != nil {
			w.t.Fatal(err)
		}
	}
	return bytes.Clone(w.hbuf[d].Bytes())
}

func (w *wire) headers(d record.Dir, stream uint32, end bool, pairs ...string) {
	block := w.block(d, pairs...)
	w.add(d, func(fr *http2.Framer) error {
		return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block, EndHeaders: true, EndStream: end})
	})
}

func (w *wire) data(d record.Dir, stream uint32, end bool, b []byte) {
	w.add(d, func(fr *http2.Framer) error { return fr.WriteData(stream, end, b) })
}

func (w *wire) request(stream uint32, path string, pairs ...string) {
	w.headers(record.Sent, stream, false, append([]string{":method", "POST", ":scheme", "http", ":path", path, ":authority", "test", "content-type", "application/grpc"}, pairs...)...)
}

func prefixed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(b))), b...)
}

// everyFrame has each frame type, plain and odd.
func everyFrame(t *testing.T) *wire {
	t.Helper()
	w := newWire(t)
	const sent, received = record.Sent, record.Received
	raw := func(d record.Dir, typ http2.FrameType, flags http2.Flags, stream uint32, payload string) {
		w.add(d, func(fr *http2.Framer) error { return fr.WriteRawFrame(typ, flags, stream, []byte(payload)) })
	}
	w.add(sent, func(fr *http2.Framer) error { return fr.WriteSettings() })
	w.add(received, func(fr *http2.Framer) error {
		return fr.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 7}, http2.Setting{ID: 0xff, Val: 1})
	})
	w.add(sent, func(fr *http2.Framer) error { return fr.WriteSettingsAck() })
	w.request(1, "/pkg.Svc/Method", "authorization", "Bearer s3cret", "x-evil", "a\u202eb\u009bc")
	w.data(sent, 1, false, prefixed([]byte("one")))
	w.data(sent, 1, true, nil)
	w.add(received, func(fr *http2.Framer) error { return fr.WriteWindowUpdate(0, 8) })
	w.add(received, func(fr *http2.Framer) error { return fr.WriteWindowUpdate(1, 8) })
	w.headers(received, 1, false, ":status", "103")
	block := w.block(received, ":status", "200", "content-type", "application/grpc+proto", "set-cookie", "sid=1")
	w.add(received, func(fr *http2.Framer) error {
		return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:3], PadLength: 4})
	})
	w.add(received, func(fr *http2.Framer) error { return fr.WriteContinuation(1, true, block[3:]) })
	two := prefixed([]byte("two"))
	w.data(received, 1, false, two[:6])
	w.data(received, 1, false, append(bytes.Clone(two[6:]), bytes.Repeat(two, 5)...))
	w.add(received, func(fr *http2.Framer) error { return fr.WriteDataPadded(1, false, two[:2], make([]byte, 3)) })
	promise := w.block(received, ":method", "GET", ":path", "/pushed")
	w.add(received, func(fr *http2.Framer) error {
		return fr.WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: 2, BlockFragment: promise, EndHeaders: true})
	})
	w.add(sent, func(fr *http2.Framer) error {
		return fr.WritePriority(1, http2.PriorityParam{StreamDep: 3, Weight: 15, Exclusive: true})
	})
	w.add(sent, func(fr *http2.Framer) error { return fr.WritePing(false, [8]byte{2, 4, 16, 16, 9, 14, 7, 7}) })
	w.add(received, func(fr *http2.Framer) error { return fr.WritePing(true, [8]byte{1, 2, 3}) })
	raw(received, 0xa, 0, 0, "\x00\x00h2=\":1\"")
	raw(received, 0xc, 0, 0, "")
	raw(sent, 0x10, 0, 0, "\x00\x00\x00\x01u=1")
	raw(received, 0x42, 0xff, 9, "what is this? more than sixteen bytes")
	w.headers(received, 1, true, "grpc-status", "5", "grpc-message", "no%20%1B[31muser")
	w.add(received, func(fr *http2.Framer) error { return fr.WriteRSTStream(3, http2.ErrCodeEnhanceYourCalm) })
	w.add(received, func(fr *http2.Framer) error { return fr.WriteRSTStream(5, 0x99) })
	w.add(received, func(fr *http2.Framer) error {
		return fr.WriteGoAway(1, http2.ErrCodeNo, []byte("bye\x1b[2J"))
	})
	raw(received, http2.FrameGoAway, 0, 0, "\x00")
	raw(received, http2.FrameHeaders, 0, 7, "")
	return w
}

func frames(rec *record.Recording, tr inspect.Trace, secrets bool) string {
	var b strings.Builder
	fmt.Fprintln(&b, FrameHeading)
	fmt.Fprintln(&b, PrefaceText())
	for i := range tr.Frames {
		fmt.Fprintln(&b, FrameText(rec, tr, i, secrets))
	}
	for _, p := range tr.Problems {
		fmt.Fprintln(&b, "!", ProblemText(p))
	}
	return b.String()
}

func TestFrames(t *testing.T) {
	t.Parallel()
	w := everyFrame(t)
	w.rec.Close(nil)
	text := frames(w.rec, inspect.Decode(w.rec), false)
	golden.Check(t, "testdata/frames.golden", []byte(text))
	if r, bad := acts(text, "\n"); bad {
		t.Errorf("a frame line holds %U", r)
	}
	if strings.Contains(text, "s3cret") || strings.Contains(text, "sid=1") {
		t.Error("a credential is shown")
	}
	if shown := frames(w.rec, inspect.Decode(w.rec), true); !strings.Contains(shown, "s3cret") {
		t.Error("a credential that was asked for is not shown")
	}
}

// A frame's words are the same however far the decoding is once it is listed, but
// for what only later frames tell: they never change, and need no whole trace.
func TestFramesWhileForgetting(t *testing.T) {
	t.Parallel()
	w := everyFrame(t)
	w.rec.Close(nil)
	whole := inspect.Decode(w.rec)
	var want []string
	for i := range whole.Frames {
		want = append(want, FrameText(w.rec, whole, i, false))
	}
	d := inspect.NewDecoder(w.rec)
	var got []string
	for more := true; more; {
		var tr inspect.Trace
		tr, more = d.Advance(1)
		for i := range tr.Frames {
			got = append(got, FrameText(w.rec, tr, i, false))
		}
		d.Forget(tr)
	}
	if len(got) != len(want) {
		t.Fatalf("%d frames, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("frame %d reads\n%s\nwant\n%s", i, got[i], want[i])
		}
	}
}

// order is a message with everything: nested, repeated, map, packed, unknown.
func order(t *testing.T) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(&demov1.User{
		Id: "1\x1b\u202e", Name: "Zoë", Age: 36, Address: &demov1.Address{City: "London"}, Tags: []string{"a", "b"},
	})
	if err != nil {
		t.Fatal(err)
	}
	b = protowire.AppendTag(b, 99, protowire.BytesType)
	return protowire.AppendString(b, "not in the schema")
}

func TestWireText(t *testing.T) {
	t.Parallel()
	load, err := proto.MarshalOptions{Deterministic: true}.Marshal(&demov1.FloodItem{
		Variant: 1, Source: &demov1.Source{Name: "probe"}, Samples: []int32{3, 270}, Counts: map[string]int32{"ok": 203}, Level: demov1.Level_INFO, Mean: 1.5,
	})
	if err != nil {
		t.Fatal(err)
	}
	user := (*demov1.User)(nil).ProtoReflect().Descriptor()
	flood := (*demov1.FloodItem)(nil).ProtoReflect().Descriptor()
	for name, c := range map[string]struct {
		payload []byte
		md      protoreflect.MessageDescriptor
	}{
		"wire-user":       {order(t), user},
		"wire-flood":      {load, flood},
		"wire-schemaless": {order(t), nil},
		"wire-cut":        {order(t)[:10], user},
		"wire-empty":      {nil, user},
		"wire-garbage":    {[]byte("\xff\xff\xff\x1b[2J"), user},
	} {
		text := WireText(c.payload, c.md, Types(nil))
		golden.Check(t, "testdata/"+name+".golden", []byte(text))
		if r, bad := acts(text, "\n"); bad {
			t.Errorf("%s holds %U", name, r)
		}
	}
}

// The bytes of the rows are those of the payload, each once.
func TestLayoutTiles(t *testing.T) {
	t.Parallel()
	payload := order(t)
	for _, md := range []protoreflect.MessageDescriptor{nil, (*demov1.User)(nil).ProtoReflect().Descriptor(), (*structpb.Value)(nil).ProtoReflect().Descriptor()} {
		body := Layout(payload, md, Types(nil))
		at := 0
		for i, r := range body.Rows {
			if r.Head.Off != at {
				t.Errorf("row %d begins at %d, want %d", i, r.Head.Off, at)
			}
			at = r.Head.End()
			if r.Parent >= i || (r.Depth == 0) != (r.Parent == -1) {
				t.Errorf("row %d at depth %d has parent %d", i, r.Depth, r.Parent)
			}
			if r.Link >= len(body.Links) {
				t.Errorf("row %d has link %d of %d", i, r.Link, len(body.Links))
			}
		}
		if at != len(payload) {
			t.Errorf("the rows end at %d of %d", at, len(payload))
		}
	}
}

func TestHex(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		per  int
		want []string
	}{
		{"", 4, []string{}},
		{"\x00\xff", 4, []string{"00 ff"}},
		{"abcde", 2, []string{"61 62", "63 64", "65"}},
	} {
		if got := Hex([]byte(c.in), c.per); strings.Join(got, "|") != strings.Join(c.want, "|") {
			t.Errorf("Hex(%q, %d) = %q, want %q", c.in, c.per, got, c.want)
		}
	}
}
