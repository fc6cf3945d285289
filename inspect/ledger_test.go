package inspect

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	nethpack "golang.org/x/net/http2/hpack"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/inspect/hpack"
	"github.com/wiregloss/wiregloss/record"
)

// ledgerOf decodes a recording and returns its ledger.
func ledgerOf(rec *record.Recording) (*Ledger, Trace) {
	t := Decode(rec)
	l := NewLedger(rec)
	l.Advance(t)
	return l, t
}

// facts is all that a ledger says without being asked for one stream.
type facts struct {
	Conn     [2]Window
	Streams  map[uint32][2]Window
	Costs    map[uint32][2]Cost
	Cost     [2]Cost
	Control  [2]Cost
	Series   [2][]Point
	Pings    []Ping
	Stats    [2]PingStats
	Settings []SettingsFrame
	Notices  []Notice
	HPACK    [2]HPACKTotals
	Weave    [2]Interleaving
	Most     int
	Dropped  Dropped
}

func factsOf(l *Ledger) facts {
	f := facts{
		Streams: map[uint32][2]Window{}, Costs: map[uint32][2]Cost{},
		Pings: l.Pings(), Settings: l.Settings(), Notices: l.Notices(), Dropped: l.Dropped(),
	}
	_, f.Most, _ = l.OpenStreams()
	for _, id := range l.Streams() {
		var w [2]Window
		var c [2]Cost
		for dir := range w {
			w[dir], _ = l.Window(id, record.Dir(dir))
			c[dir], _ = l.StreamCost(id, record.Dir(dir))
		}
		f.Streams[id], f.Costs[id] = w, c
	}
	for dir := range f.Conn {
		d := record.Dir(dir)
		f.Conn[dir], _ = l.Window(0, d)
		f.Cost[dir], f.Control[dir] = l.Cost(d), l.ConnectionCost(d)
		f.Series[dir], f.Stats[dir], f.HPACK[dir], f.Weave[dir] = l.Series(d), l.PingStats(d), l.HPACK(d), l.Interleaving(d)
	}
	return f
}

var factOptions = cmp.AllowUnexported(Interleaving{})

// checkLedger checks what must hold for any bytes.
func checkLedger(tb testing.TB, rec *record.Recording, l *Ledger, t Trace) {
	tb.Helper()
	checkCosts(tb, rec, l, t)
	checkWindows(tb, l, t)
	for i := range min(len(t.Headers), 100) {
		b := &t.Headers[i]
		table, ok := l.TableAt(t.Forgotten.Headers + i)
		if ok && b.HPACK != (hpack.Stats{}) && (table.Size != int(b.HPACK.TableSize) || len(table.Entries) != int(b.HPACK.TableEntries)) {
			tb.Fatalf("the table after block %d is %+v, want %+v", i, table, b.HPACK)
		}
	}
}

// checkCosts checks that costs tile their direction.
func checkCosts(tb testing.TB, rec *record.Recording, l *Ledger, t Trace) {
	tb.Helper()
	for d := range record.Dir(2) {
		c := l.Cost(d)
		if c.Sum() != rec.Size(d) || c.Opaque != t.Tail[d].Len && len(t.Parts) == 0 {
			tb.Fatalf("%v: cost %+v sums to %d of %d bytes, %d of them in the tail", d, c, c.Sum(), rec.Size(d), t.Tail[d].Len)
		}
		streams, frames := l.rest.cost[d].Sum()+l.ConnectionCost(d).Sum(), int64(0)
		for _, id := range l.Streams() {
			s, _ := l.StreamCost(id, d)
			streams += s.Sum()
		}
		for typ := range 256 {
			_, n := l.Frames(d, h2.Type(typ))
			frames += n
		}
		if len(t.Parts) == 0 && (streams != frames || frames != c.Sum()-c.Opaque-c.Preface) {
			tb.Fatalf("%v: %d bytes of streams, %d of frames, in all %+v", d, streams, frames, c)
		}
		for _, v := range []int64{c.Framing, c.Padding, c.Fields, c.Prefix, c.Payload, c.Control, c.Opaque} {
			if v < 0 {
				tb.Fatalf("%v: cost %+v", d, c)
			}
		}
	}
}

// checkWindows compares with the windows that the decoder put into the frames.
func checkWindows(tb testing.TB, l *Ledger, t Trace) {
	tb.Helper()
	if l.Dropped().Beginning {
		return
	}
	last := map[uint32][2]*Frame{}
	changed := false
	for i := range t.Frames {
		f := &t.Frames[i]
		changed = changed || f.Type == h2.Settings && !f.Flags.Has(h2.Ack)
		dir := f.Dir
		switch f.Type {
		case h2.WindowUpdate:
			dir = dir.Other()
		case h2.Data:
		default:
			continue
		}
		if f.Type == h2.WindowUpdate && f.Length < 4 {
			continue
		}
		for _, id := range []uint32{0, f.Stream} {
			pair := last[id]
			if id != 0 || f.Type == h2.Data || f.Stream == 0 {
				pair[dir] = f
			}
			last[id] = pair
		}
	}
	for id, pair := range last {
		for d, f := range pair {
			if f == nil || changed && id != 0 {
				continue
			}
			w, ok := l.Window(id, record.Dir(d))
			if st, listed := t.StreamOf(id); !ok || id != 0 && (!listed || st.State != Open && f.StreamWindow == 0) {
				continue
			}
			want := f.StreamWindow
			if id == 0 {
				want = f.ConnWindow
			}
			if clamp(w.Now) != want {
				tb.Fatalf("window of stream %d, %v: %d, its last frame says %d", id, record.Dir(d), w.Now, want)
			}
		}
	}
}

func TestLedgerProperties(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 2))
		c := randomConversation(t, r)
		rec := c.recording(true)
		whole, tr := ledgerOf(rec)
		checkLedger(t, rec, whole, tr)
		d, l := NewDecoder(rec), NewLedger(rec)
		for more := true; more; {
			var part Trace
			part, more = d.Advance(1 + r.Int64N(300))
			l.Advance(part)
			if seed%2 == 0 {
				d.Forget(part)
			}
		}
		if diff := cmp.Diff(factsOf(whole), factsOf(l), factOptions); diff != "" {
			t.Fatalf("seed %d: a ledger that advances in steps differs:\n%s", seed, diff)
		}
	}
}

// A server stream that uses up both windows: what stops it, what ends that, and
// for how long. Chunks are a millisecond apart.
func TestStalls(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	c.must(c.framer[0].WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000}))
	c.request(1, "/a.B/C") // 0 ms
	c.flush(record.Sent)
	c.must(c.framer[1].WriteSettings())
	c.headers(record.Received, 1, false, 1000, ":status", "200")
	c.data(record.Received, 1, false, 500, make([]byte, 1000)) // 1 ms: at zero
	c.flush(record.Received)
	c.must(c.framer[0].WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 400}))
	c.flush(record.Sent) // 2 ms: at -600
	c.must(c.framer[0].WriteWindowUpdate(1, 600))
	c.flush(record.Sent) // 3 ms: at zero still
	c.must(c.framer[0].WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 401}))
	c.flush(record.Sent) // 4 ms: one byte
	c.data(record.Received, 1, false, 500, make([]byte, 1))
	c.flush(record.Received) // 5 ms: at zero
	c.must(c.framer[0].WritePing(false, [8]byte{}))
	l, tr := ledgerOf(c.recording(false)) // 6 ms
	w, ok := l.Window(1, record.Received)
	if !ok || w.Initial != 1000 || w.Now != 0 || w.Lowest != -600 || w.At != 2*time.Millisecond || w.Adjusted != -599 || w.Credit != 600 || w.Updates != 1 || w.Sent != 1001 {
		t.Errorf("window %+v", w)
	}
	frame := func(typ h2.Type, nth int) int {
		for i, f := range tr.Frames {
			if f.Type == typ {
				if nth--; nth == 0 {
					return i
				}
			}
		}
		return -1
	}
	want := []Stall{
		{From: 1 * time.Millisecond, To: 4 * time.Millisecond, Cause: frame(h2.Data, 2), End: frame(h2.Settings, 4), Lowest: -600},
		{From: 5 * time.Millisecond, To: 6 * time.Millisecond, Cause: frame(h2.Data, 3), End: -1},
	}
	if diff := cmp.Diff(want, w.Stalls); diff != "" || w.StallCount != 2 || w.Blocked != 4*time.Millisecond {
		t.Errorf("blocked %v in %d stalls:\n%s", w.Blocked, w.StallCount, diff)
	}
	conn, _ := l.Window(0, record.Received)
	if conn.Now != 65535-1001 || conn.Adjusted != 0 || conn.StallCount != 0 {
		t.Errorf("connection %+v", conn)
	}
	if s := tr.Series(1, record.Received, 100); len(s) != 4 || s[1].Window != 0 || s[2].Window != 0 {
		t.Errorf("series %v", s)
	}
	// Who ends its stream waits for no window.
	c.data(record.Received, 1, true, 500, nil)
	c.flush(record.Received)
	l, _ = ledgerOf(c.recording(false))
	if w, _ := l.Window(1, record.Received); w.Stalls[1].End < 0 || w.Blocked != 5*time.Millisecond {
		t.Errorf("after the end: %+v", w)
	}
}

func TestPingsAndSettings(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	probe := [8]byte{2, 4, 16, 16, 9, 14, 7, 7}
	c.must(c.framer[0].WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 20000}, http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 7}))
	c.must(c.framer[0].WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 8}))
	c.must(c.framer[0].WritePing(false, probe))
	c.must(c.framer[0].WritePing(false, [8]byte{}))
	c.must(c.framer[0].WritePing(false, probe))
	c.flush(record.Sent) // 0 ms
	c.must(c.framer[1].WriteSettings())
	c.must(c.framer[1].WriteSettingsAck())
	c.must(c.framer[1].WritePing(true, [8]byte{}))
	c.flush(record.Received) // 1 ms
	c.must(c.framer[1].WritePing(true, probe))
	rec := c.recording(false) // 2 ms
	l, tr := ledgerOf(rec)
	if len(tr.Problems) > 0 {
		t.Errorf("problems %+v", tr.Problems)
	}
	ms := time.Millisecond
	pings := []Ping{
		{Frame: 2, Ack: 8, AckAt: 2 * ms, Data: probe, Kind: h2.BDPProbe},
		{Frame: 3, Ack: 7, AckAt: ms, Kind: h2.Keepalive},
		{Frame: 4, Ack: -1, Data: probe, Kind: h2.BDPProbe},
	}
	if diff := cmp.Diff(pings, l.Pings()); diff != "" {
		t.Errorf("pings:\n%s", diff)
	}
	if s := l.PingStats(record.Sent); s.Sent != 3 || s.Answered != 2 || s.Least != ms || s.Most != 2*ms || s.Mean() != 1500*time.Microsecond {
		t.Errorf("stats %+v", s)
	}
	settings := []SettingsFrame{
		{Frame: 0, Ack: 6, AckAt: ms, Changes: []SettingChange{
			{ID: h2.MaxFrameSize, From: 16384, To: 20000, Limited: true}, {ID: h2.MaxConcurrentStreams, To: 7},
		}},
		{Frame: 1, Ack: -1, Changes: []SettingChange{{ID: h2.MaxConcurrentStreams, From: 7, To: 8, Limited: true}}},
		{Frame: 5, Ack: -1, Dir: record.Received, At: ms},
	}
	if diff := cmp.Diff(settings, l.Settings()); diff != "" {
		t.Errorf("settings:\n%s", diff)
	}
	if v, ok := l.Setting(record.Sent, h2.MaxConcurrentStreams); v != 8 || !ok {
		t.Errorf("MAX_CONCURRENT_STREAMS %d, %v", v, ok)
	}
}

func TestNotices(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	c.must(c.framer[0].WriteSettings())
	c.request(1, "/a/b")
	c.must(c.framer[0].WritePriority(1, http2.PriorityParam{StreamDep: 3, Weight: 9, Exclusive: true}))
	c.must(c.framer[0].WriteRawFrame(http2.FrameType(h2.PriorityUpdate), 0, 0, []byte("\x00\x00\x00\x01u=1, i")))
	c.flush(record.Sent)
	c.must(c.framer[1].WriteSettings())
	c.must(c.framer[1].WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: 2, BlockFragment: []byte{0x82, 0x84, 0x86}, EndHeaders: true, PadLength: 3}))
	c.must(c.framer[1].WriteRawFrame(http2.FrameType(h2.AltSvc), 0, 0, []byte("\x00\x03a:1h2")))
	c.must(c.framer[1].WriteRawFrame(http2.FrameType(h2.Origin), 0, 0, []byte("\x00\x03a:1\x00\x03b:2")))
	c.must(c.framer[1].WriteRSTStream(1, http2.ErrCodeCancel))
	c.must(c.framer[1].WriteGoAway(1, http2.ErrCodeEnhanceYourCalm, []byte("too_many_pings")))
	rec := c.recording(false)
	l, tr := ledgerOf(rec)
	if len(tr.Problems) > 0 {
		t.Errorf("problems %+v", tr.Problems)
	}
	type row struct {
		Type         h2.Type
		Other        uint32
		Code         h2.ErrCode
		Text, Origin string
		Urgency      h2.Urgency
		Weight       int
	}
	var got []row
	for _, n := range l.Notices() {
		if !n.Whole || tr.Frames[n.Frame].Type != n.Type {
			t.Errorf("notice %+v", n)
		}
		got = append(got, row{n.Type, n.Other, n.Code, n.Text, n.Origin, n.Urgency, n.Dependency.Weight})
	}
	want := []row{
		{Type: h2.Priority, Weight: 10},
		{Type: h2.PriorityUpdate, Other: 1, Text: "u=1, i", Urgency: h2.Urgency{Level: 1, Incremental: true}},
		{Type: h2.PushPromise, Other: 2},
		{Type: h2.AltSvc, Text: "h2", Origin: "a:1"},
		{Type: h2.Origin, Text: "a:1 b:2"},
		{Type: h2.RSTStream, Code: 8},
		{Type: h2.GoAway, Other: 1, Code: 11, Text: "too_many_pings"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var phases []Phase
	for _, p := range tr.Phases(rec, 1) {
		phases = append(phases, p.To)
	}
	if !cmp.Equal(phases, []Phase{PhaseOpen, PhaseClosed}) {
		t.Errorf("stream 1: %v", phases)
	}
	if p := tr.Phases(rec, 2); len(p) != 1 || p[0].To != PhaseReserved {
		t.Errorf("stream 2: %v", p)
	}
	if !Noise(tr.Frames[0]) || Noise(tr.Frames[1]) {
		t.Error("SETTINGS are noise, HEADERS are none")
	}
	checkLedger(t, rec, l, tr)
}

func TestInterleavingAndPhases(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	c.must(c.framer[0].WriteSettings())
	c.headers(0, 1, false, 1000, ":method", "GET", ":scheme", "http", ":path", "/")
	c.headers(0, 3, true, 1000, ":method", "GET", ":scheme", "http", ":path", "/")
	c.data(0, 1, true, 10, make([]byte, 40))
	c.flush(0)
	c.must(c.framer[1].WriteSettings())
	c.headers(1, 1, true, 1000, ":status", "204")
	rec := c.recording(false)
	l, tr := ledgerOf(rec)
	want := Interleaving{Frames: 6, Switches: 2, Longest: Run{Stream: 1, First: 3, Frames: 4, Bytes: 76}, run: Run{Stream: 1, First: 3, Frames: 4, Bytes: 76}}
	if got := l.Interleaving(record.Sent); got != want {
		t.Errorf("interleaving %+v", got)
	}
	if now, most, _ := l.OpenStreams(); now != 1 || most != 2 {
		t.Errorf("%d streams open, %d at most", now, most)
	}
	var phases []Phase
	for _, p := range tr.Phases(rec, 1) {
		phases = append(phases, p.To)
	}
	if !cmp.Equal(phases, []Phase{PhaseOpen, PhaseHalfLocal, PhaseClosed}) {
		t.Errorf("stream 1: %v", phases)
	}
	phases = phases[:0]
	for _, p := range tr.Phases(rec, 3) {
		phases = append(phases, p.To)
	}
	if !cmp.Equal(phases, []Phase{PhaseOpen, PhaseHalfLocal}) {
		t.Errorf("stream 3: %v", phases)
	}
}

// Costs of a padded, compressed call, each to the byte.
func TestCosts(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	c.must(c.framer[0].WriteSettings())
	c.request(1, "/a.B/C", "grpc-encoding", "gzip")
	body := prefixed(gzipped(t, bytes.Repeat([]byte("x"), 500)), true)
	c.must(c.framer[0].WriteDataPadded(1, true, body, make([]byte, 7)))
	rec := c.recording(false)
	l, tr := ledgerOf(rec)
	got, _ := l.StreamCost(1, record.Sent)
	fields := int64(tr.Headers[0].HPACK.Wire)
	frames := int64(len(tr.Headers[0].Fragments) + 1)
	want := Cost{Framing: 9 * frames, Padding: 8, Fields: fields, Prefix: 5, Payload: int64(len(body) - 5)}
	if got != want {
		t.Errorf("cost %+v, want %+v", got, want)
	}
	if sent, plain, unknown := tr.Unpacked(rec, 1, record.Sent, 1000); sent != want.Payload || plain != 500 || unknown != 0 {
		t.Errorf("%d bytes sent, %d plain, %d unknown", sent, plain, unknown)
	}
	h := l.HPACK(record.Sent)
	if h.Blocks != 1 || h.Wire != fields || h.Fields != 7 || h.Saved() <= 0 || h.Inserted == 0 {
		t.Errorf("HPACK %+v", h)
	}
	checkLedger(t, rec, l, tr)
}

// The table at any block, by the trace and by the ledger's checkpoints, is that of
// x/net; and each field from it says which block had added it.
func TestTableAt(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	c.must(c.framer[0].WriteSettings())
	for i := range 500 {
		c.request(uint32(2*i+1), "/a.B/C", "x-number", string(rune('a'+i%26))+string(rune('a'+i/26)))
	}
	rec := c.recording(true)
	l, tr := ledgerOf(rec)
	oracle := nethpack.NewDecoder(4096, nil)
	tables := make([]hpack.Table, 0, len(tr.Headers))
	for i, b := range tr.Headers {
		var raw []byte
		for _, s := range b.Fragments {
			raw = rec.Append(raw, s)
		}
		if _, err := oracle.DecodeFull(raw); err != nil {
			t.Fatal(err)
		}
		table, ok := l.TableAt(i)
		if !ok || len(table.Entries) == 0 {
			t.Fatalf("no table at %d", i)
		}
		for j, e := range table.Entries {
			if index := hpack.FirstIndex + j; index < 127 {
				want, err := oracle.DecodeFull([]byte{0x80 | byte(index)})
				if err != nil || want[0].Name != e.Name || want[0].Value != e.Value {
					t.Fatalf("block %d, index %d: %+v, x/net has %v", i, index, e, want)
				}
			}
		}
		tables = append(tables, table)
		for _, f := range b.Fields {
			if at, ok := tr.AddedBy(b, f); ok != (f.Entry > 0) || ok && at >= i {
				t.Fatalf("block %d, %+v: added by %d, %v", i, f, at, ok)
			}
		}
	}
	for _, i := range []int{0, 63, 64, 200, 499} {
		table, ok := tr.TableAt(rec, record.Sent, i)
		again, _ := l.TableAt(i)
		if !ok || !cmp.Equal(table, tables[i]) || !cmp.Equal(again, tables[i]) {
			t.Errorf("table at %d differs", i)
		}
		if b, ok := l.Block(i); !ok || b.Stats != tr.Headers[i].HPACK || len(b.Fields) != len(tr.Headers[i].Fields) {
			t.Errorf("block %d: %+v", i, b.Stats)
		}
	}
	if _, ok := tr.TableAt(rec, record.Received, 3); ok {
		t.Error("a table at a block of the other direction")
	}
	if len(l.points[record.Sent]) < 5 {
		t.Errorf("%d checkpoints", len(l.points[record.Sent]))
	}
}

// What is forgotten leaves the tables unknown in part, and they say so.
func TestTableAfterForget(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	c.request(1, "/a.B/C", "x-old", "1")
	first := c.recording(false)
	d, l := NewDecoder(first), NewLedger(first)
	tr, _ := d.Advance(math.MaxInt64)
	l.Advance(tr)
	d.Forget(tr)
	c.chunks = nil
	c.request(3, "/a.B/C", "x-new", "1")
	c.flush(record.Sent)
	for _, ch := range c.chunks {
		first.Add(ch.dir, 0, ch.bytes)
	}
	tr, _ = d.Advance(math.MaxInt64)
	l.Advance(tr)
	table, ok := l.TableAt(1)
	if !ok || !table.Lost || len(table.Entries) != 1 || table.Entries[0].Name != "x-new" || table.Entries[0].Untrusted || table.Entries[0].Block != 1 {
		t.Errorf("table %+v, %v", table, ok)
	}
	if _, ok := l.TableAt(0); ok {
		t.Error("a table at a block that is forgotten")
	}
}

// Costs of HTTP/1.1 sum up too, before an upgrade and after it.
func TestCostsOfHTTP1(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	c.must(c.framer[0].WriteSettings())
	c.must(c.framer[1].WriteSettings())
	head := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	rec, tr := decodeTalk(t,
		sent("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"),
		received(head+"5\r\nhello\r\n0\r\n\r\n"),
		sent("GET /2 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"),
		received("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"+c.buf[1].String()), sent(c.buf[0].String()))
	l := NewLedger(rec)
	l.Advance(tr)
	checkLedger(t, rec, l, tr)
	got := l.Cost(record.Received)
	if got.Payload != 5 || got.Opaque != 0 || got.Fields <= int64(len(head)) || got.Framing != 3+2+3+9 {
		t.Errorf("cost %+v", got)
	}
	if got := l.Cost(record.Sent); got.Preface != 24 || got.Opaque != 0 {
		t.Errorf("cost %+v", got)
	}
}

// An endless connection is kept within bounds, and what is left out is counted.
func TestLedgerLimits(t *testing.T) {
	t.Parallel()
	c := newConversation(t)
	for i := range 3 * maxPingList {
		c.must(c.framer[0].WritePing(false, [8]byte{byte(i), byte(i >> 8)}))
	}
	for i := range 2 * maxSettingsList {
		c.must(c.framer[0].WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(i)}, http2.Setting{ID: http2.SettingID(1000 + i), Val: 1}))
	}
	for i := range 2 * maxNotices {
		c.must(c.framer[0].WritePriority(uint32(2*i+1), http2.PriorityParam{Weight: 1}))
	}
	c.flush(record.Sent)
	for i := range maxLedgerStreams + 5 {
		c.must(c.framer[1].WriteData(uint32(2*i+1), false, nil))
	}
	for range 2 * maxSeries {
		c.must(c.framer[1].WriteData(1, false, []byte("x")))
	}
	rec := c.recording(false)
	t.Cleanup(rec.Release)
	l, tr := ledgerOf(rec)
	d := l.Dropped()
	if d.StreamFrames != 5 || d.Notices != maxNotices || d.Pings == 0 || d.Settings < maxSettingsList {
		t.Errorf("dropped %+v", d)
	}
	if n := len(l.Streams()); n != maxLedgerStreams {
		t.Errorf("%d streams", n)
	}
	if n := len(l.Pings()); n < maxPingList || n > 2*maxPingList {
		t.Errorf("%d pings", n)
	}
	if len(l.changes[record.Received]) > maxChanges || len(l.settings.values[record.Sent]) > maxSettingValues || len(l.pings.waiting[record.Sent]) > maxPings {
		t.Error("a list without bounds")
	}
	for dir := range record.Dir(2) {
		if n := len(l.Series(dir)); n > maxSeries {
			t.Errorf("%d points", n)
		}
	}
	if n := len(tr.Series(1, record.Received, 50)); n > 50 || n < 20 {
		t.Errorf("%d points of 50", n)
	}
	// A window follows the changes that are not listed as well.
	if w, _ := l.Window(1, record.Received); w.Now != int64(2*maxSettingsList-1-2*maxSeries) {
		t.Errorf("window %+v", w)
	}
	checkCosts(t, rec, l, tr)
}
