package inspect

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/internal/testdata"
	"github.com/wiregloss/wiregloss/record"
)

// greeted is a conversation after both sides' SETTINGS and their ACKs.
func greeted(t *testing.T, server, client []http2.Setting) *conversation {
	t.Helper()
	c := newConversation(t)
	c.must(c.framer[0].WriteSettings(client...))
	c.flush(record.Sent)
	c.must(c.framer[1].WriteSettings(server...))
	c.must(c.framer[1].WriteSettingsAck())
	c.flush(record.Received)
	c.must(c.framer[0].WriteSettingsAck())
	return c
}

// get opens a stream with a request that has no body.
func (c *conversation) get(stream uint32, end bool, pairs ...string) {
	c.headers(record.Sent, stream, end, 1000, append([]string{":method", "GET", ":scheme", "http", ":path", "/", ":authority", "test"}, pairs...)...)
}

// ruleCase breaks one rule of a connection, once.
type ruleCase struct {
	name, rule, text string
	server, client   []http2.Setting
	write            func(c *conversation)
}

func checkRules(t *testing.T, cases []ruleCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := greeted(t, tc.server, tc.client)
			tc.write(c)
			rec := c.recording(false)
			tr := Decode(rec)
			checkTiling(t, rec, tr)
			if len(tr.Problems) != 1 || tr.Problems[0].Rule != tc.rule || !strings.Contains(tr.Problems[0].Text, tc.text) {
				t.Fatalf("problems %+v, want one of %q with %q", tr.Problems, tc.rule, tc.text)
			}
			if p := tr.Problems[0]; !strings.Contains(p.Text, "; ") || p.Span.Len == 0 {
				t.Errorf("problem without consequence or place: %+v", p)
			}
		})
	}
}

func TestConnectionRules(t *testing.T) {
	t.Parallel()
	bare := http2.HeadersFrameParam{BlockFragment: []byte{0x88}, EndHeaders: true}
	on := func(p http2.HeadersFrameParam, stream uint32) http2.HeadersFrameParam {
		p.StreamID = stream
		return p
	}
	checkRules(t, []ruleCase{
		{name: "ACK of nothing", rule: "RFC 9113 §6.5.3", text: "not sent", write: func(c *conversation) { c.must(c.framer[1].WriteSettingsAck()) }},
		{name: "PING ACK of nothing", rule: "RFC 9113 §6.7", text: "not sent", write: func(c *conversation) { c.must(c.framer[1].WritePing(true, [8]byte{1})) }},
		{name: "WINDOW_UPDATE on an idle stream", rule: "RFC 9113 §5.1", text: "idle", write: func(c *conversation) { c.must(c.framer[0].WriteWindowUpdate(1, 1)) }},
		{name: "RST_STREAM on an idle stream", rule: "RFC 9113 §5.1", text: "idle", write: func(c *conversation) { c.must(c.framer[1].WriteRSTStream(2, 1)) }},
		{name: "DATA on an idle stream", rule: "RFC 9113 §5.1", text: "before any HEADERS", write: func(c *conversation) { c.must(c.framer[0].WriteData(1, false, []byte("x"))) }},
		{name: "an even stream of a client", rule: "RFC 9113 §5.1.1", text: "odd", write: func(c *conversation) { c.get(2, true) }},
		{name: "a stream below the last", rule: "RFC 9113 §5.1.1", text: "after stream 5", write: func(c *conversation) { c.get(5, true); c.get(3, true) }},
		{name: "a stream that nobody asked for", rule: "RFC 9113 §5.1", text: "no request or promise", write: func(c *conversation) { c.must(c.framer[1].WriteHeaders(on(bare, 2))) }},
		{name: "HEADERS after own RST_STREAM", rule: "RFC 9113 §5.1", text: "after RST_STREAM", write: func(c *conversation) {
			c.get(1, false)
			c.flush(record.Sent)
			c.must(c.framer[1].WriteRSTStream(1, 2))
			c.must(c.framer[1].WriteHeaders(on(bare, 1)))
		}},
		{name: "DATA after own RST_STREAM", rule: "RFC 9113 §5.1", text: "after RST_STREAM", write: func(c *conversation) {
			c.get(1, false)
			c.must(c.framer[0].WriteRSTStream(1, 2))
			c.must(c.framer[0].WriteData(1, false, []byte("x")))
		}},
		{
			name: "push though it is off", rule: "RFC 9113 §8.4", text: "ENABLE_PUSH is 0",
			client: []http2.Setting{{ID: http2.SettingEnablePush}},
			write: func(c *conversation) {
				c.get(1, true)
				c.flush(record.Sent)
				c.must(c.framer[1].WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: 2, BlockFragment: []byte{0x82, 0x84, 0x86}, EndHeaders: true}))
			},
		},
		{name: "a promise below the last", rule: "RFC 9113 §5.1.1", text: "not above stream 4", write: func(c *conversation) {
			c.get(1, true)
			c.flush(record.Sent)
			for _, id := range []uint32{4, 2} {
				c.must(c.framer[1].WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: id, BlockFragment: []byte{0x82, 0x84, 0x86}, EndHeaders: true}))
			}
		}},
		{name: "a promise on an idle stream", rule: "RFC 9113 §6.6", text: "idle", write: func(c *conversation) {
			c.must(c.framer[1].WritePushPromise(http2.PushPromiseParam{StreamID: 9, PromiseID: 2, BlockFragment: []byte{0x82, 0x84, 0x86}, EndHeaders: true}))
		}},
		{
			name: "too many streams", rule: "RFC 9113 §5.1.2", text: "beside 2 others",
			server: []http2.Setting{{ID: http2.SettingMaxConcurrentStreams, Val: 2}},
			write: func(c *conversation) {
				c.get(1, false)
				c.must(c.framer[0].WriteRSTStream(1, 8)) // gives its place back
				c.get(3, true)
				c.get(5, true)
				c.get(7, true)
			},
		},
		{
			name: "too many fields", rule: "RFC 9113 §10.5.1", text: "MAX_HEADER_LIST_SIZE is 100",
			server: []http2.Setting{{ID: http2.SettingMaxHeaderListSize, Val: 100}},
			write:  func(c *conversation) { c.get(1, true) },
		},
		{name: "flood of CONTINUATION", rule: "RFC 9113 §10.5.1", text: "ENHANCE_YOUR_CALM", write: func(c *conversation) {
			c.must(c.framer[0].WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82, 0x84, 0x86}}))
			for range 2 * floodFrames {
				c.must(c.framer[0].WriteContinuation(1, false, nil))
			}
			c.must(c.framer[0].WriteContinuation(1, true, nil))
		}},
		{name: "GOAWAY that takes back", rule: "RFC 9113 §6.8", text: "from 1 to 3", write: func(c *conversation) {
			c.must(c.framer[1].WriteGoAway(1, 0, nil))
			c.must(c.framer[1].WriteGoAway(3, 0, nil))
		}},
		{name: "window above the most", rule: "RFC 9113 §6.9.1", text: "2^31-1", write: func(c *conversation) {
			c.must(c.framer[1].WriteWindowUpdate(0, 1<<31-1))
		}},
	})
}

// RFC 9113 §3.4: SETTINGS come first; a client's preface says that nothing was
// before them.
func TestFirstFrame(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	c.get(1, true)
	tr := Decode(c.recording(false))
	if len(tr.Problems) != 1 || tr.Problems[0].Rule != "RFC 9113 §3.4" || !strings.Contains(tr.Problems[0].Text, "HEADERS as the first frame") {
		t.Errorf("problems %+v", tr.Problems)
	}
}

// A capture that begins in the middle of a connection breaks none of the rules
// about what must have come before, and trusts what it can.
func TestAttach(t *testing.T) {
	t.Parallel()
	c := greeted(t, nil, nil)
	for i := range 3 {
		c.request(uint32(2*i+1), "/a.B/C", "x-number", "1")
		c.data(record.Sent, uint32(2*i+1), true, 100, prefixed([]byte("q"), false))
		c.flush(record.Sent)
		c.headers(record.Received, uint32(2*i+1), false, 1000, ":status", "200", "content-type", "application/grpc", "x-server", "a")
		c.flush(record.Received)
	}
	c.chunks = nil // what was before is not captured
	c.must(c.framer[1].WriteSettingsAck())
	c.must(c.framer[1].WritePing(true, [8]byte{7}))
	c.must(c.framer[1].WriteData(1, false, prefixed(make([]byte, 15000), false)))
	for range 6 {
		c.must(c.framer[1].WriteData(5, false, make([]byte, 16000)))
	}
	c.trailers(1, 0, "")
	c.flush(record.Received)
	c.must(c.framer[0].WriteWindowUpdate(5, 100))
	c.must(c.framer[0].WriteWindowUpdate(11, 100))
	c.request(7, "/a.B/C", "x-number", "1")
	c.request(9, "/a.B/New", "x-new", "2")
	c.request(11, "/a.B/New", "x-new", "2")
	rec := c.recording(false)
	tr := Decode(rec)
	checkTiling(t, rec, tr)
	rules := map[string]int{}
	for _, p := range tr.Problems {
		rules[p.Rule]++
	}
	// The preface, and once for each direction's table if it is used.
	if rules["RFC 9113 §3.4"] != 1 || rules["recording"] > 2 || len(rules) > 2 {
		t.Errorf("problems %+v", tr.Problems)
	}
	last := tr.Headers[len(tr.Headers)-1]
	trusted := map[string]string{}
	for _, f := range last.Fields {
		if !f.Untrusted {
			trusted[f.Name] = f.Value
		}
	}
	if trusted[":method"] != "POST" || trusted[":path"] != "/a.B/New" || trusted["x-new"] != "2" || trusted["content-type"] != "" {
		t.Errorf("trusted %v of %+v", trusted, last.Fields)
	}
	if len(last.Fields) != 7 {
		t.Errorf("%d fields, want all 7", len(last.Fields))
	}
	if l, _ := ledgerOf(rec); !l.Dropped().Beginning {
		t.Error("the ledger does not say that the beginning is missing")
	}
}

// Each public vector inside a connection: its frame is listed, the one that is
// wrong is named at its bytes, and the frame after it is read.
func TestVectorsInConnection(t *testing.T) {
	t.Parallel()
	root := testdata.Dir(t, "wire/http2-frame-test-case")
	files, err := filepath.Glob(filepath.Join(root, "*", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v struct {
			Error []int  `json:"error"`
			Wire  string `json:"wire"`
		}
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		wire, err := hex.DecodeString(v.Wire)
		if err != nil {
			t.Fatal(err)
		}
		h := h2.ParseHeader(wire)
		wire = append(wire, make([]byte, max(0, h2.HeaderLen+int(h.Length)-len(wire)))...) // one vector leaves its data out
		dir := record.Sent
		if h.Type == h2.PushPromise {
			dir = record.Received
		}
		c := greeted(t, nil, nil)
		c.flush(record.Sent)
		c.buf[dir].Write(wire)
		c.must(c.framer[dir].WritePing(false, [8]byte{9}))
		rec := c.recording(false)
		tr := Decode(rec)
		checkTiling(t, rec, tr)
		n := len(tr.Frames)
		if f := tr.Frames[n-1]; f.Type != h2.Ping || f.Length != 8 {
			t.Errorf("%s: the frame after it is %+v", file, f)
		}
		f := tr.Frames[n-2]
		if f.Type != h.Type || f.Length != h.Length || f.Stream != h.Stream || f.Flags != h.Flags {
			t.Errorf("%s: the frame is %+v, want %+v", file, f, h)
		}
		named := false
		for _, p := range tr.Problems {
			named = named || p.Span == f.Span() && strings.HasPrefix(p.Rule, "RFC 9113 §")
		}
		if v.Error != nil && !named {
			t.Errorf("%s: no problem at its bytes: %+v", file, tr.Problems)
		}
	}
}
