package tui

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/demo/demov1"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/internal/golden"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/tui/detailpane"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/layout"
	"github.com/wiregloss/wiregloss/tui/theme"
)

// talk writes a recording of one call, with times that are always the same.
type talk struct {
	rec *record.Recording
	at  time.Duration
	buf bytes.Buffer
	fr  *http2.Framer
	enc [2]*hpack.Encoder // each direction has its own table, RFC 7541 §2.2
	blk bytes.Buffer
}

func newTalk() *talk {
	t := &talk{rec: record.New(record.Meta{
		Network: "tcp", Address: "127.0.0.1:50051", Peer: "127.0.0.1:50051", Dial: record.Dial{Connect: 120 * time.Microsecond},
	})}
	t.fr = http2.NewFramer(&t.buf, nil)
	t.enc = [2]*hpack.Encoder{hpack.NewEncoder(&t.blk), hpack.NewEncoder(&t.blk)}
	return t
}

// say records what write wrote as one chunk.
func (t *talk) say(d record.Dir, write func(*http2.Framer) error) {
	t.buf.Reset()
	if err := write(t.fr); err != nil {
		panic(err) // the buffer takes everything: only a wrong test comes here
	}
	t.at += 310 * time.Microsecond
	t.rec.Add(d, t.at, t.buf.Bytes())
}

func (t *talk) headers(d record.Dir, end bool, fields ...string) {
	t.block(d, 1, end, fields...)
}

// block records a header block of a stream.
func (t *talk) block(d record.Dir, stream uint32, end bool, fields ...string) {
	t.blk.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = t.enc[d].WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	t.say(d, func(f *http2.Framer) error {
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: t.blk.Bytes(), EndHeaders: true, EndStream: end})
	})
}

func (t *talk) data(d record.Dir, end bool, payload []byte) {
	t.say(d, func(f *http2.Framer) error { return f.WriteData(1, end, payload) })
}

// prefixed puts the prefix of gRPC before a message.
func prefixed(payload []byte) []byte {
	n := len(payload)
	return append([]byte{0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, payload...)
}

func encoded(m proto.Message) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic(err) // a message of this test
	}
	return b
}

// call records a call of a method with replies in DATA frames of perFrame.
func (t *talk) call(path string, request proto.Message, replies [][]byte, perFrame int, status string) *record.Recording {
	t.begin(path, request)
	t.headers(record.Received, false, ":status", "200", "content-type", "application/grpc")
	for len(replies) > 0 {
		n := min(perFrame, len(replies))
		t.data(record.Received, false, bytes.Join(replies[:n], nil))
		replies = replies[n:]
	}
	t.headers(record.Received, true, "grpc-status", status, "grpc-message", "")
	return t.rec
}

// begin opens a connection and sends a request.
func (t *talk) begin(path string, request proto.Message) {
	t.rec.Add(record.Sent, t.at, []byte(http2.ClientPreface))
	t.say(record.Sent, func(f *http2.Framer) error { return f.WriteSettings() })
	t.say(record.Received, func(f *http2.Framer) error {
		return f.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 100})
	})
	t.say(record.Sent, func(f *http2.Framer) error { return f.WriteSettingsAck() })
	t.headers(record.Sent, false, ":method", "POST", ":scheme", "http", ":path", path, ":authority", "127.0.0.1:50051",
		"content-type", "application/grpc", "te", "trailers")
	t.data(record.Sent, true, prefixed(encoded(request)))
}

func demoCatalog() *catalog.Catalog {
	c := &catalog.Catalog{Source: catalog.ReflectionV1, Origin: "127.0.0.1:50051"}
	for _, f := range []protoreflect.FileDescriptor{
		demov1.File_demo_v1_users_proto, demov1.File_demo_v1_load_proto, demov1.File_demo_v1_chat_proto,
	} {
		for i := range f.Services().Len() {
			c.Services = append(c.Services, service(f.Services().Get(i)))
		}
	}
	return c
}

func service(sd protoreflect.ServiceDescriptor) catalog.Service {
	s := catalog.Service{Name: string(sd.FullName()), Doc: "A service of the demo server.", Desc: sd}
	for i := range sd.Methods().Len() {
		m := sd.Methods().Get(i)
		s.Operations = append(s.Operations, catalog.Operation{
			ID: string(sd.FullName()) + "/" + string(m.Name()), Name: string(m.Name()),
			Doc: "What " + string(m.Name()) + " does.", Call: catalog.RPC{Method: m},
		})
	}
	return s
}

// still is a model that is driven by hand: no terminal, no clock, no goroutine.
type still struct {
	m *Model
}

func newStill(w, h int) still {
	m := New(Options{Targets: []Target{{Label: "127.0.0.1:50051"}}, Version: "v0"})
	s := still{m}
	s.send(tea.WindowSizeMsg{Width: w, Height: h}, loadedMsg{catalog: demoCatalog()})
	return s
}

func (s still) send(msgs ...tea.Msg) {
	for _, msg := range msgs {
		s.m.Update(msg)
	}
	s.work()
}

// work runs what takes too long for the screen to wait for, and shows the results.
func (s still) work() {
	for job := s.m.detail.Job(); job != nil; job = s.m.detail.Job() {
		s.m.apply(s.m.detail.Deliver(job()))
	}
}

// do does what a user wants, as Update would.
func (s still) do(wants ...intent.Intent) {
	for _, w := range wants {
		s.m.apply(w)
		s.work()
		s.m.mark()
	}
}

// exchange opens an operation and shows a recording as its call.
func (s still) exchange(id string, rec *record.Recording, o exchange.Outcome) {
	open := intent.OpenOperation{ID: id}
	s.m.apply(open)
	s.begin(open)
	s.send(traceMsg{call: s.m.call.id, conns: []connView{{rec: rec, trace: inspect.Decode(rec)}}, last: true}, endedMsg{call: s.m.call.id, outcome: o})
}

// begin begins a call that nobody performs.
func (s still) begin(open intent.OpenOperation) {
	op, _ := s.m.operation(open)
	s.m.begin(open, op, op.Call.(catalog.RPC), exchange.Request{}, nil)
}

func (s still) screen() string {
	var b bytes.Buffer
	for _, l := range s.m.lines() {
		b.WriteString(ansi.Strip(l) + "\n")
	}
	return b.String()
}

var ada = &demov1.User{Id: "1", Name: "Ada Lovelace", Age: 36, Address: &demov1.Address{City: "London", Kind: demov1.Address_HOME}, Tags: []string{"maths", "日本"}}

func adaCall() *record.Recording {
	reply := append(encoded(ada), 0xc0, 0x3e, 0x96, 0x01) // field 1000, which the schema does not have
	return newTalk().call("/demo.v1.UserService/GetUser", &demov1.GetUserRequest{UserId: "1"}, [][]byte{prefixed(reply)}, 1, "0")
}

var sizes = [][2]int{{80, 24}, {120, 40}, {200, 50}, {30, 8}, {10, 3}}

// Whole screens, as a person sees them.
func TestScreens(t *testing.T) {
	t.Parallel()
	for _, size := range sizes {
		for _, c := range []struct {
			name string
			play func(s still)
		}{
			{"catalog", func(still) {}},
			{"request", func(s still) { s.do(intent.OpenOperation{ID: "demo.v1.UserService/GetUser"}) }},
			{"message", func(s still) {
				s.user()
				s.do(intent.Move{Rows: 3})
			}},
			{"field", func(s still) {
				s.user()
				s.do(intent.Last{})
				s.do(intent.Enter{})
			}},
			{"headers", func(s still) {
				s.user()
				s.do(intent.NextTab{})
				s.do(intent.Move{Rows: 3})
			}},
			{"timing", func(s still) {
				s.user()
				s.do(intent.Tab{Number: 3})
			}},
			{"flow", func(s still) {
				s.blocked()
				s.do(intent.Tab{Number: int(detailpane.Flow)})
				s.do(intent.Move{Rows: 2})
			}},
			{"cost", func(s still) {
				s.blocked()
				s.do(intent.Tab{Number: int(detailpane.Cost)})
			}},
			{"problems", func(s still) {
				s.odd()
				s.do(intent.Tab{Number: int(detailpane.Problems)})
				s.do(intent.Move{Rows: 5})
			}},
			{"table", func(s still) {
				s.user()
				s.do(intent.NextTab{})
				s.do(intent.OpenTable{})
			}},
			{"stall", func(s still) {
				s.blocked()
				s.do(intent.Focus{Pane: layout.Wire})
				s.do(intent.First{})
				s.do(intent.Move{Rows: 7})
			}},
			{"frame", func(s still) {
				s.user()
				s.do(intent.Focus{Pane: layout.Wire})
				s.do(intent.Move{Rows: -1})
			}},
			{"stream", func(s still) {
				s.flood(1000)
				s.do(intent.Move{Rows: -2})
			}},
			{"help", func(s still) { s.do(intent.Help{}) }},
		} {
			t.Run(fmt.Sprintf("%s %dx%d", c.name, size[0], size[1]), func(t *testing.T) {
				t.Parallel()
				s := newStill(size[0], size[1])
				c.play(s)
				golden.Check(t, filepath.Join("testdata", fmt.Sprintf("%s-%dx%d.golden", c.name, size[0], size[1])), []byte(s.screen()))
				checkSize(t, s, size[0], size[1])
			})
		}
	}
}

// The same screen with its styles, for both backgrounds.
func TestThemedScreen(t *testing.T) {
	t.Parallel()
	for name, dark := range map[string]bool{"dark": true, "light": false} {
		s := newStill(80, 24)
		s.m.theme = theme.New(dark)
		s.user()
		s.do(intent.Move{Rows: 3})
		var b bytes.Buffer
		for _, l := range s.m.lines() {
			fmt.Fprintf(&b, "%q\n", l)
		}
		golden.Check(t, filepath.Join("testdata", "message-80x24-"+name+".golden"), b.Bytes())
	}
}

// checkSize checks that the screen is filled exactly: a line that is too wide or
// too short would tear the others.
func checkSize(t *testing.T, s still, w, h int) {
	t.Helper()
	lines := s.m.lines()
	if s.m.lay.Mode == layout.TooSmall {
		if len(lines) != 1 || ansi.StringWidth(lines[0]) > w {
			t.Errorf("a tiny terminal shows %q", lines)
		}
		return
	}
	if len(lines) != h {
		t.Errorf("%d lines, want %d", len(lines), h)
	}
	for y, l := range lines {
		if got := ansi.StringWidth(l); got != w {
			t.Errorf("line %d has %d cells, want %d: %q", y, got, w, ansi.Strip(l))
		}
	}
}

// blocked shows a stream whose server had to wait for credit, on a connection with
// PINGs, changed SETTINGS and a GOAWAY.
func (s still) blocked() {
	s.exchange("demo.v1.ChatService/Chat", blockedCall(), exchange.Outcome{})
	s.do(intent.Focus{Pane: layout.Detail})
}

// blockedCall sends 64 KiB at once, waits, and goes on.
func blockedCall() *record.Recording {
	t := newTalk()
	t.begin("/demo.v1.ChatService/Chat", &demov1.ChatMessage{Text: "hello"})
	t.headers(record.Received, false, ":status", "200", "content-type", "application/grpc")
	long := func(n int) []byte {
		return prefixed(encoded(&demov1.ChatMessage{From: "server", Text: strings.Repeat("x", n), Number: 7, Mood: demov1.ChatMessage_FRIENDLY}))
	}
	stream := append(append(long(16_000), long(30_000)...), long(30_000)...)
	for _, n := range []int{16_384, 16_384, 16_384, 16_383} { // 65535 in all: the initial window, RFC 9113 §6.9.2
		t.data(record.Received, false, stream[:n])
		stream = stream[n:]
	}
	ping := [8]byte{2, 4, 16, 16, 9, 14, 7, 7} // as grpc-go has them
	t.say(record.Sent, func(f *http2.Framer) error { return f.WritePing(false, ping) })
	t.say(record.Received, func(f *http2.Framer) error { return f.WritePing(true, ping) })
	t.say(record.Sent, func(f *http2.Framer) error {
		return f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
	})
	t.say(record.Sent, func(f *http2.Framer) error { return f.WriteWindowUpdate(0, 1<<20) })
	t.say(record.Received, func(f *http2.Framer) error { return f.WriteSettingsAck() })
	t.data(record.Received, false, stream)
	t.headers(record.Received, true, "grpc-status", "0")
	t.say(record.Received, func(f *http2.Framer) error { return f.WriteGoAway(1, http2.ErrCodeNo, []byte("bye")) })
	return t.rec
}

// odd shows a reply that is not canonical, over a connection that breaks a rule.
func (s still) odd() {
	s.exchange("demo.v1.UserService/GetUser", oddCall(), exchange.Outcome{})
	s.do(intent.Focus{Pane: layout.Detail})
}

// oddCall answers with age before name, an over-long varint and an unknown field, and
// with a PING on a stream.
func oddCall() *record.Recording {
	t := newTalk()
	t.begin("/demo.v1.UserService/GetUser", &demov1.GetUserRequest{UserId: "1"})
	t.headers(record.Received, false, ":status", "200", "content-type", "application/grpc")
	t.data(record.Received, false, prefixed([]byte{0x18, 0xa4, 0x80, 0x00, 0x12, 0x03, 'A', 'd', 'a', 0xc0, 0x3e, 0x96, 0x01}))
	t.say(record.Received, func(f *http2.Framer) error { return f.WriteRawFrame(http2.FramePing, 0, 1, make([]byte, 8)) })
	t.headers(record.Received, true, "grpc-status", "0")
	return t.rec
}

func (s still) user() {
	s.exchange("demo.v1.UserService/GetUser", adaCall(), exchange.Outcome{})
	s.do(intent.Focus{Pane: layout.Detail})
}

// flood shows a stream of n messages.
func (s still) flood(n int) {
	replies := make([][]byte, n)
	for i := range replies {
		replies[i] = prefixed(encoded(&demov1.ChatMessage{From: "server", Text: "you said something", Number: int32(i), Mood: demov1.ChatMessage_FRIENDLY}))
	}
	rec := newTalk().call("/demo.v1.ChatService/Chat", &demov1.ChatMessage{Text: "hello"}, replies, 100, "0")
	s.exchange("demo.v1.ChatService/Chat", rec, exchange.Outcome{})
	s.do(intent.Focus{Pane: layout.Detail})
}

// At any size, in any pane, after any of many actions the screen is filled
// exactly and nothing panics.
func TestEverySizeIsFilledExactly(t *testing.T) {
	t.Parallel()
	for w := 1; w <= 210; w += 13 {
		for h := 1; h <= 60; h += 7 {
			s := newStill(w, h)
			s.user()
			for p := range layout.Count {
				s.do(intent.Focus{Pane: p})
				for _, want := range []intent.Intent{
					intent.Move{Rows: 2},
					intent.Enter{},
					intent.NextTab{},
					intent.FoldAll{},
					intent.Enter{},
					intent.Last{},
					intent.Help{},
					intent.Back{},
					intent.FullPane{},
					intent.Fold{},
					intent.Back{},
				} {
					s.do(want)
					checkSize(t, s, w, h)
				}
			}
			if t.Failed() {
				t.Fatalf("at %dx%d", w, h)
			}
		}
	}
}

func BenchmarkKeyToFrame(b *testing.B) {
	for _, n := range []int{1_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := newStill(200, 50)
			s.flood(n)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				s.do(intent.Move{Rows: 1 - 2*(i&1)})
				s.m.mark()
				s.m.View()
			}
		})
	}
}
