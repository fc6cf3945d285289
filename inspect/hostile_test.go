package inspect

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"github.com/wiregloss/wiregloss/record"
)

// problems returns the texts of the problems under a rule.
func problems(tr Trace, rule string) []string {
	var texts []string
	for _, p := range tr.Problems {
		if p.Rule == rule {
			texts = append(texts, p.Text)
		}
	}
	return texts
}

func wantProblem(t *testing.T, tr Trace, rule, text string) {
	t.Helper()
	for _, p := range problems(tr, rule) {
		if strings.Contains(p, text) {
			return
		}
	}
	t.Errorf("no problem under %q with %q; there are %v", rule, text, tr.Problems)
}

// RFC 9113 §6.6: a promise for a stream that is open leaves that stream as it is.
func TestPromiseOfAnOpenStream(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	c.request(1, "/pkg.Svc/Method")
	c.flush(record.Sent)
	c.headers(record.Received, 1, false, 1000, ":status", "200", "content-type", "application/grpc")
	for range 3 {
		c.hbuf[1].Reset()
		c.must(c.framer[1].WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: 1, BlockFragment: []byte{0x82}, EndHeaders: true}))
	}
	c.data(record.Received, 1, false, 100, prefixed([]byte("hello"), false))
	c.trailers(1, 0, "")
	tr := Decode(c.recording(true))
	if len(tr.Streams) != 1 {
		t.Fatalf("%d streams, want 1", len(tr.Streams))
	}
	if s := tr.Streams[0]; s.Path != "/pkg.Svc/Method" || s.Messages[record.Received] != 1 || s.Status == nil {
		t.Errorf("the stream was changed: %+v", s)
	}
	wantProblem(t, tr, "RFC 9113 §6.6", "stream 1 is open already")
}

// RFC 9113 §5.1: what a peer sends after END_STREAM is named.
func TestFramesAfterEndStream(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	c.request(1, "/pkg.Svc/Method")
	c.data(record.Sent, 1, true, 100, prefixed(nil, false))
	c.flush(record.Sent)
	c.headers(record.Received, 1, false, 1000, ":status", "200", "content-type", "application/grpc")
	c.trailers(1, 0, "")
	c.data(record.Received, 1, false, 100, []byte("more"))
	c.headers(record.Received, 1, true, 1000, "grpc-status", "3")
	tr := Decode(c.recording(true))
	wantProblem(t, tr, "RFC 9113 §5.1", "DATA after END_STREAM")
	wantProblem(t, tr, "RFC 9113 §5.1", "HEADERS after END_STREAM")
}

// A peer that names stream after stream cannot make the decoder hold them all.
func TestStreamsOfAPeer(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	for i := range 5 * maxMade {
		c.must(c.framer[1].WriteData(uint32(2*i+1), false, []byte("x")))
		c.must(c.framer[1].WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: uint32(2*i + 2), BlockFragment: []byte{0x82}, EndHeaders: true}))
	}
	rec := c.recording(true)
	tr := Decode(rec)
	if len(tr.Streams) > maxMade {
		t.Errorf("%d streams are listed, more than %d", len(tr.Streams), maxMade)
	}
	wantProblem(t, tr, "limit", "streams that no request opened")
	checkTiling(t, rec, tr)
}

// Frames under way when a stream was closed are no news once it is forgotten.
func TestFramesOfAForgottenStream(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	c.request(1, "/pkg.Svc/Method")
	c.flush(record.Sent)
	c.headers(record.Received, 1, false, 1000, ":status", "200", "content-type", "application/grpc")
	c.flush(record.Received)
	c.must(c.framer[0].WriteRSTStream(1, http2.ErrCodeCancel))
	rec := c.recording(false)
	d := NewDecoder(rec)
	tr, _ := d.Advance(math.MaxInt64)
	d.Forget(tr)

	c.chunks = nil
	c.data(record.Received, 1, true, 100, prefixed([]byte("late"), false))
	c.flush(record.Received)
	for _, ch := range c.chunks {
		rec.Add(ch.dir, 0, ch.bytes)
	}
	rec.Close(nil)
	tr, _ = d.Advance(math.MaxInt64)
	if len(tr.Problems) > 0 || len(tr.Streams) > 0 || len(tr.Messages) > 0 {
		t.Errorf("late frames gave problems %v, streams %v, messages %v", tr.Problems, tr.Streams, tr.Messages)
	}
	if len(tr.Frames) != 1 {
		t.Errorf("%d frames, want the late one", len(tr.Frames))
	}
}

// Empty CONTINUATION frames add nothing to a block, and there is an end to those
// with one byte.
func TestContinuationFlood(t *testing.T) {
	t.Parallel()
	for name, part := range map[string][]byte{"empty": nil, "one byte": {0x82}} {
		c := newConversation(t)
		c.must(c.framer[1].WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x88}}))
		for range 2 * maxFragments {
			c.must(c.framer[1].WriteContinuation(1, false, part))
		}
		c.must(c.framer[1].WriteContinuation(1, true, nil))
		rec := c.recording(true)
		tr := Decode(rec)
		if len(tr.Headers) != 1 || len(tr.Headers[0].Fragments) > maxFragments {
			t.Fatalf("%s: %d blocks, want one of at most %d fragments", name, len(tr.Headers), maxFragments)
		}
		if limited := len(problems(tr, "limit")); limited != min(len(part), 1) {
			t.Errorf("%s: %d problems of the limit", name, limited)
		}
		checkTiling(t, rec, tr)
	}
}

// One byte of HPACK can stand for a field: there is an end to how many are listed.
func TestFieldFlood(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	block := make([]byte, 16000)
	for i := range block {
		block[i] = 0x82
	}
	for range maxFields/len(block) + 10 {
		c.must(c.framer[1].WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block, EndHeaders: true}))
	}
	tr := Decode(c.recording(true))
	fields := 0
	for _, b := range tr.Headers {
		fields += len(b.Fields)
	}
	if fields > maxFields {
		t.Errorf("%d fields are listed, more than %d", fields, maxFields)
	}
	wantProblem(t, tr, "limit", "header fields on the connection")
}

// RFC 9113 §6.9.2: INITIAL_WINDOW_SIZE moves the window of each open stream, and
// of those that open later.
func TestInitialWindowSize(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	c.request(1, "/pkg.Svc/Method")
	c.data(record.Sent, 1, false, 1000, make([]byte, 1000))
	c.flush(record.Sent)
	c.must(c.framer[1].WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 70000}))
	c.must(c.framer[1].WriteWindowUpdate(1, 5))
	c.flush(record.Received)
	c.data(record.Sent, 1, false, 1000, make([]byte, 10))
	c.request(3, "/pkg.Svc/Method")
	c.data(record.Sent, 3, false, 1000, make([]byte, 10))
	tr := Decode(c.recording(true))
	var got []int32
	for _, f := range tr.Frames {
		if f.Type == 0 || f.Type == 8 {
			got = append(got, f.StreamWindow)
		}
	}
	want := []int32{65535 - 1000, 70000 - 1000 + 5, 70000 - 1000 + 5 - 10, 70000 - 10}
	if len(got) != len(want) {
		t.Fatalf("windows %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("windows %v, want %v", got, want)
			break
		}
	}
}

// A SETTINGS frame full of wrong values is a few problems, not a million.
func TestSettingsFlood(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	wrong := binary.BigEndian.AppendUint32([]byte{0, 2}, 9) // ENABLE_PUSH 9
	c.must(c.framer[1].WriteRawFrame(http2.FrameSettings, 0, 0, []byte(strings.Repeat(string(wrong), 10_000))))
	if tr := Decode(c.recording(true)); len(tr.Problems) == 0 || len(tr.Problems) > 50 {
		t.Errorf("%d problems", len(tr.Problems))
	}
}

// DATA may come before the HEADERS that say how to read it: its bytes are a
// message of their own, and what follows is cut as the headers say.
func TestDataBeforeHeaders(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"application/grpc", "application/grpc-web-text", "text/event-stream", "text/plain"} {
		c := newConversation(t)
		c.request(1, "/a.B/C")
		c.data(record.Received, 1, false, 100, []byte("0123456789"))
		c.headers(record.Received, 1, false, 100, ":status", "200", "content-type", contentType)
		c.data(record.Received, 1, false, 100, prefixed([]byte("reply"), false))
		c.trailers(1, 0, "")
		tr := Decode(c.recording(true))
		if len(tr.Messages) == 0 || tr.Messages[0].Framing != Whole || tr.Messages[0].Length != 10 {
			t.Errorf("%s: messages %+v, want the 10 bytes before the headers first", contentType, tr.Messages)
		}
		if contentType == "application/grpc" && (len(tr.Messages) != 2 || tr.Messages[1].Length != 5) {
			t.Errorf("messages %+v, want the reply second", tr.Messages)
		}
	}
}
