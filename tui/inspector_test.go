package tui

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/demo/demov1"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/tui/detailpane"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/layout"
)

// file is a capture that holds recordings.
func file(types *catalog.Catalog, recs ...*record.Recording) Capture {
	return Capture{Label: "test.rec", Load: func(context.Context) (*Loaded, error) {
		l := &Loaded{Types: types, Notes: []string{"a note of the file"}}
		for i, r := range recs {
			l.Connections = append(l.Connections, Connection{
				Name: fmt.Sprintf("connection %c", 'A'+i), Recording: r, Decoder: inspect.NewDecoder(r),
			})
		}
		return l, nil
	}}
}

// fileScreen shows a file on an emulated terminal.
func fileScreen(t *testing.T, w, h int, c Capture) *screen {
	t.Helper()
	return show(t, Options{Captures: []Capture{c}}, w, h)
}

// walkDown goes down row by row, each once the one before is drawn, until a text
// appears.
func (s *screen) walkDown(text string) {
	s.t.Helper()
	const most = 30
	for range most {
		s.look()
		before := s.text()
		if strings.Contains(before, text) {
			return
		}
		s.press("down")
		s.waitFor("the next row", func() bool { return s.text() != before })
	}
	s.t.Fatalf("going down never led to %q:\n%s", text, s.text())
}

// Enter on a finding opens the message with the very bytes selected, in all columns
// and in the wire.
func TestEnterOnAFindingSelectsItsBytes(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 50}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			t.Parallel()
			s := fileScreen(t, size[0], size[1], file(demoCatalog(), oddCall()))
			s.shows("GetUser")
			s.press("tab")
			s.shows("←→ column")
			s.press("T")
			s.shows("RFC 9113 §6.7", "3 findings", "over-long value", "out of order", "unknown field")
			s.walkDown("payload bytes 4-8")
			s.press("enter")
			s.waitFor("the name selected", func() bool {
				return strings.Contains(strings.Join(s.reversed(), "|"), `12 03 41 64 61|name|"name": "Ada"`)
			})
			s.shows("payload bytes 4-8")
			s.press("esc") // back to the finding, not to the list
			s.shows("3 findings", "payload bytes 4-8")
		})
	}
}

// Enter on a broken rule shows the frame that breaks it, with the rule and its bytes.
func TestEnterOnABrokenRuleShowsItsFrame(t *testing.T) {
	t.Parallel()
	s := fileScreen(t, 80, 24, file(demoCatalog(), oddCall()))
	s.shows("GetUser")
	s.press("tab", "T")
	s.shows("RFC 9113 §6.7")
	s.press("down", "enter")
	s.shows("PING frame", "broken rules", "PROTOCOL_ERROR")
	s.shows("00 00 08 06 00 00 00 00 01") // the frame's header
}

// What the tabs tell of a recording is what its bytes are.
func TestTabsTellTrueValues(t *testing.T) {
	t.Parallel()
	rec := blockedCall()
	trace := inspect.Decode(rec)
	cause, end := -1, -1
	for i, f := range trace.Frames {
		switch {
		case cause < 0 && f.ConnWindow == 0 && f.Type == 0:
			cause = i
		case cause >= 0 && end < 0 && f.Type == 8:
			end = i
		}
	}
	stall := trace.Frames[end].At - trace.Frames[cause].At
	reply := &demov1.ChatMessage{From: "server", Text: strings.Repeat("x", 30_000), Number: 7, Mood: demov1.ChatMessage_FRIENDLY}

	s := newStill(200, 120)
	s.blocked()
	for tab, want := range map[detailpane.Tab][]string{
		detailpane.Flow: {
			fmt.Sprintf("blocked %.2f ms at 0", ms(stall)), fmt.Sprintf("frame %d) to", cause+1), fmt.Sprintf("frame %d)", end+1),
			"credit 1048576 in 1 update", "MAX_CONCURRENT_STREAMS 100", "INITIAL_WINDOW_SIZE 1048576 (was 65535)",
			"answer after 0.31 ms: BDP probe", "NO_ERROR, last stream 1", `"bye"`,
		},
		detailpane.Cost: {
			fmt.Sprintf("received · %d bytes on the connection", rec.Size(record.Received)),
			fmt.Sprintf("sent · %d bytes on the connection", rec.Size(record.Sent)),
			fmt.Sprintf("%9d", 9*received(trace)), // framing
			fmt.Sprintf("%9d", 3*5),               // prefixes
			"ChatMessage · 3 messages", fmt.Sprintf("%9d", 2*proto.Size(reply)+proto.Size(short(reply))),
		},
		detailpane.Headers: {":status", "indexed 8 · 1 of 10 B", "literal, added 31 Huffman · 13 of 28 B", "2 blocks, 3 fields"},
	} {
		s.do(intent.Tab{Number: int(tab)})
		for _, text := range want {
			if !strings.Contains(s.screen(), text) {
				t.Errorf("tab %d does not say %q:\n%s", tab, text, s.screen())
			}
		}
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// received counts the frames of the server.
func received(t inspect.Trace) int {
	n := 0
	for _, f := range t.Frames {
		if f.Dir == record.Received {
			n++
		}
	}
	return n
}

func short(m *demov1.ChatMessage) *demov1.ChatMessage {
	m = proto.Clone(m).(*demov1.ChatMessage)
	m.Text = m.Text[:16_000]
	return m
}

// A frame tells what it changed and which frame it belongs with; Enter goes there.
func TestFramesThatBelongTogether(t *testing.T) {
	t.Parallel()
	s := newStill(200, 120)
	s.blocked()
	trace := s.m.views[0].trace
	for _, c := range []struct {
		frame int
		want  []string
	}{
		{1, []string{"MAX_CONCURRENT_STREAMS  100, without a limit before", "ACK                     after 0.31 ms"}},
		{2, []string{"acknowledges     the SETTINGS of the server, 0.31 ms after it"}},
		{9, []string{"blocked 1.24 ms at 0", "server may send  connection 0 · stream 0"}},
		{10, []string{"kind             BDP probe", "ACK              after 0.31 ms, PING, frame 12"}},
		{11, []string{"answers          the PING of the client: round trip 0.31 ms, BDP probe"}},
		{len(trace.Frames) - 1, []string{"last stream      1", "NO_ERROR (0)", "debug data       bye"}},
	} {
		s.do(intent.EnterFrame{Index: c.frame})
		for _, text := range c.want {
			if !strings.Contains(s.screen(), text) {
				t.Errorf("frame %d does not say %q:\n%s", c.frame, text, s.screen())
			}
		}
	}
	s.do(intent.EnterFrame{Index: 11})
	for range 20 {
		s.do(intent.Move{Rows: 1})
		if strings.Contains(s.screen(), "⏎ shows it") {
			break
		}
	}
	s.do(intent.Enter{})
	if !strings.Contains(s.screen(), "frame 11 of") {
		t.Errorf("Enter on the answer does not lead to the PING:\n%s", s.screen())
	}
}

// petsCall is two requests on one HTTP/1.1 connection, the second answered in chunks.
func petsCall() *record.Recording {
	rec := record.New(record.Meta{})
	at := time.Duration(0)
	say := func(d record.Dir, text string) {
		at += time.Millisecond
		rec.Add(d, at, []byte(text))
	}
	say(record.Sent, "GET /pets/7?x=1 HTTP/1.1\r\nHost: example.test\r\n\r\n")
	say(record.Received, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 36\r\n\r\n")
	say(record.Received, `{"id": 7, "tags": ["big", "\u001b"]}`)
	say(record.Sent, "GET /pets/8 HTTP/1.1\r\nHost: example.test\r\n\r\n")
	say(record.Received, "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
	say(record.Received, "10\r\n{\"error\": \"none\"\r\n1\r\n}\r\n0\r\n\r\n")
	return rec
}

// REST replies are linked as protobuf is: bytes, values, JSON and the parts of the
// wire; every call of a file is in the catalog.
func TestAFileOfHTTP1(t *testing.T) {
	t.Parallel()
	s := fileScreen(t, 120, 40, file(nil, petsCall()))
	s.shows("test.rec", "connection A", "GET /pets/7?x=1", "200", "GET /pets/8", "404")
	s.press("up", "up")
	s.shows("1 connection · a note of the")
	s.press("down", "down")
	s.press("tab")
	s.shows("←→ column", `"tags": [`)
	s.press("g", "down", "down", "down")
	s.waitFor("the element selected", func() bool {
		return strings.Contains(strings.Join(s.reversed(), "|"), `22 62 69 67 22|[0]|"big"`)
	})
	s.shows("tags[0] · payload bytes 19-23", "◂ bytes 19-23")
	s.press("^c") // nothing runs: this must not end the program
	s.shows("^C again quits")
	s.press("shift+tab")
	s.press("down")
	s.shows("· stream 2 ·") // the note of the second call
	s.press("enter")
	s.shows("404 ·", `"error": "none"`, "chunk", "received · body · 17 B")
}

// A call of gRPC in a file has its schema; the wire shows the call's own stream.
func TestAFileOfGRPC(t *testing.T) {
	t.Parallel()
	s := fileScreen(t, 80, 24, file(demoCatalog(), adaCall(), oddCall()))
	s.shows("connection A", "connection B", "demo.v1.UserService/GetUser")
	s.press("tab")
	s.shows("OK · 1.24 ms", `"name": "Ada Lovelace"`, "stream 1 ─")
	s.press("tab", "c")
	s.shows("connection 2 of 2", `"name": "Ada"`)
	s.press("esc")
	s.shows("preface", "SETTINGS") // of the whole connection
}

func TestAFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := fileScreen(t, 80, 24, Capture{Label: "broken.pcap", Load: func(context.Context) (*Loaded, error) {
		return nil, errors.New("broken.pcap: not a capture")
	}})
	s.shows("broken.pcap: not a capture", "r reload")
}

// The skeleton that is copied is made of the messages, whatever the schema says.
func TestSkeletonIsCopied(t *testing.T) {
	t.Parallel()
	s := fileScreen(t, 80, 24, file(nil, oddCall()))
	s.shows("GetUser")
	s.press("tab")
	s.shows("←→ column", "or ")
	s.press("S")
	s.shows("copied the proto skeleton")
	copied := ""
	for _, part := range strings.Split(s.out.all(), "\x1b]52;c;")[1:] {
		b64, _, _ := strings.Cut(part, "\a")
		b, _ := base64.StdEncoding.DecodeString(b64)
		copied = string(b)
	}
	if !strings.Contains(copied, "package demo.v1;") || !strings.Contains(copied, "message GetUserResponse") || !strings.Contains(copied, "= 1000;") {
		t.Errorf("copied %q", copied)
	}
}

// Every tab and level at the smallest full screen, with all that can be in it: no
// line is too long or too short.
func TestInspectorFillsSmallScreens(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{80, 24}, {100, 24}, {60, 20}, {24, 6}} {
		for name, play := range map[string]func(still){"blocked": still.blocked, "odd": still.odd, "user": still.user} {
			s := newStill(size[0], size[1])
			play(s)
			for tab := range int(detailpane.Problems) + 1 {
				s.do(intent.Tab{Number: tab})
				for _, want := range []intent.Intent{
					intent.Last{},
					intent.Page{Screens: -1},
					intent.OpenTable{},
					intent.Back{},
					intent.Move{Rows: 2},
					intent.Enter{},
					intent.Move{Rows: 1},
					intent.Enter{},
					intent.Back{},
					intent.Back{},
				} {
					s.do(intent.Focus{Pane: layout.Detail}, want)
					checkSize(t, s, size[0], size[1])
				}
			}
			for range s.m.views[0].trace.Frames {
				s.do(intent.Focus{Pane: layout.Wire}, intent.Move{Rows: 1})
				checkSize(t, s, size[0], size[1])
			}
			if t.Failed() {
				t.Fatalf("%s at %v", name, size)
			}
		}
	}
}
