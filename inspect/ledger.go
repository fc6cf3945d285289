package inspect

import (
	"time"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// Limits of what a Ledger keeps of an endless connection. What lies beyond is
// counted in totals, and Ledger.Dropped says that it is not listed.
const (
	maxLedgerStreams = 1 << 17
	maxNotices       = 1 << 13
	maxPingList      = 1 << 12
	maxSettingsList  = 1 << 10
	maxSettingValues = 64
	maxStalls        = 64 // of one window
	maxNoticeText    = 1 << 10
)

// Ledger accumulates what frames mean only in the light of others: windows and
// the time at zero, round trips of PING, SETTINGS and their ACK, who sent how many
// bytes for what. It reads traces of one recording as they grow, each frame once.
// It is not safe for concurrent use; what its methods return is a copy or is not
// changed later.
//
//	l := inspect.NewLedger(rec)
//	for … { t, _ := d.Advance(n); l.Advance(t); d.Forget(t) }
//	w, ok := l.Window(1, record.Sent)
type Ledger struct {
	rec   *record.Recording
	trace Trace // the newest
	seen  Counts
	now   time.Duration // of the newest frame

	conn    [2]flow // by sender of DATA
	initial [2]int64
	changes [2][]initialChange
	late    [2]initialChange // the newest of those beyond maxChanges
	series  [2]series
	streams map[uint32]*account
	order   []*account
	rest    account  // of the streams that are too many, and of frames on none
	latest  *account // the one found last

	pings     pingList
	settings  settingsList
	notices   []Notice
	costs     [2]directionCost
	weave     [2]Interleaving
	open      openStreams
	points    [2][]checkpoint
	pointSize int // entries in points
	dropped   Dropped
}

// Dropped counts what a Ledger saw but does not list, or could not see.
type Dropped struct {
	StreamFrames int  // frames of streams beyond the first 131072: in the totals only
	Notices      int  // GOAWAY, RST_STREAM and the like
	Pings        int  // the oldest ones
	Settings     int  // SETTINGS frames, and values of one
	Unread       int  // frames whose bytes were discarded before the Ledger looked
	Missed       int  // frames that were forgotten before the Ledger looked
	Beginning    bool // the connection's beginning was not captured: windows count from the default as if it had begun here
}

// account is what a Ledger keeps of one stream.
type account struct {
	id    uint32
	flow  [2]flow // by sender of DATA
	cost  [2]Cost
	ended [2]bool
	state accountState
}

type accountState uint8

const (
	notOpen accountState = iota
	accountOpen
	accountClosed
)

// NewLedger returns an empty Ledger of a recording.
func NewLedger(rec *record.Recording) *Ledger {
	l := &Ledger{rec: rec, streams: map[uint32]*account{}}
	for dir := range l.conn {
		l.initial[dir] = h2.DefaultWindow
		l.conn[dir] = newFlow(h2.DefaultWindow)
	}
	l.settings.init()
	return l
}

// Advance takes in what a trace has beyond those it was given before. The trace is
// of the ledger's recording, and its bytes are still held. The cost is that of
// what is new.
func (l *Ledger) Advance(t Trace) {
	l.trace = t
	if skipped := t.Forgotten.Frames - l.seen.Frames; skipped > 0 {
		l.dropped.Missed += skipped
		l.seen.Frames = t.Forgotten.Frames
	}
	for i := l.seen.Frames - t.Forgotten.Frames; i < len(t.Frames); i++ {
		l.frame(&t.Frames[i], t.Forgotten.Frames+i)
	}
	l.seen.Frames = t.Forgotten.Frames + len(t.Frames)
	l.dropped.Beginning = l.seen.Frames > 0 && t.Preface.Len == 0

	from := max(l.seen.Parts, t.Forgotten.Parts)
	for _, p := range t.Parts[from-t.Forgotten.Parts:] {
		l.part(p)
	}
	l.seen.Parts = t.Forgotten.Parts + len(t.Parts)
	from = max(l.seen.Headers, t.Forgotten.Headers)
	for i := from - t.Forgotten.Headers; i < len(t.Headers); i++ {
		l.costs[t.Headers[i].Dir].hpack.add(&t.Headers[i])
	}
	l.seen.Headers = t.Forgotten.Headers + len(t.Headers)
	from = max(l.seen.Messages, t.Forgotten.Messages)
	for i := from - t.Forgotten.Messages; i < len(t.Messages); i++ {
		l.message(t, &t.Messages[i])
	}
	l.seen.Messages = t.Forgotten.Messages + len(t.Messages)
}

// Dropped says what the ledger does not list.
func (l *Ledger) Dropped() Dropped { return l.dropped }

// frame takes in one frame.
func (l *Ledger) frame(f *Frame, index int) {
	l.now = f.At
	var buf [64]byte
	a := l.account(f)
	l.cost(f, a, &buf)
	switch f.Type {
	case h2.Data:
		l.sent(f, index, a)
		l.weave[f.Dir].add(f, index)
		l.progress(f, a, index)
	case h2.Headers:
		l.weave[f.Dir].add(f, index)
		l.progress(f, a, index)
	case h2.Continuation:
		l.weave[f.Dir].add(f, index)
	case h2.WindowUpdate:
		l.credit(f, index, a, l.payload(f, buf[:0], 4))
	case h2.Settings:
		l.setting(f, index)
	case h2.Ping:
		l.ping(f, index, l.payload(f, buf[:0], 8))
	case h2.RSTStream:
		l.close(a, f.At, index)
		l.notice(f, index)
	case h2.GoAway, h2.Priority, h2.PriorityUpdate, h2.PushPromise, h2.AltSvc, h2.Origin:
		l.notice(f, index)
	}
}

// account returns the account of a frame's stream. HEADERS and DATA open one;
// other frames on a stream without one belong to the rest.
func (l *Ledger) account(f *Frame) *account {
	if f.Stream == 0 {
		return nil
	}
	if l.latest != nil && l.latest.id == f.Stream {
		return l.latest
	}
	a, ok := l.streams[f.Stream]
	switch {
	case ok:
	case f.Type != h2.Headers && f.Type != h2.Data:
		return &l.rest
	case len(l.order) >= maxLedgerStreams:
		l.dropped.StreamFrames++
		return &l.rest
	default:
		a = &account{id: f.Stream}
		for dir := range a.flow {
			a.flow[dir] = newFlow(l.initial[dir])
			a.flow[dir].epoch = int32(len(l.changes[dir]))
		}
		l.streams[f.Stream] = a
		l.order = append(l.order, a)
	}
	l.latest = a
	return a
}

// Streams returns the ids of the streams that have windows and costs of their own,
// in the order in which they appeared.
func (l *Ledger) Streams() []uint32 {
	ids := make([]uint32, len(l.order))
	for i, a := range l.order {
		ids[i] = a.id
	}
	return ids
}

// payload returns at most n bytes of a frame's payload, in buf or as they lie in
// the recording; bytes that are gone are counted.
func (l *Ledger) payload(f *Frame, buf []byte, n int64) []byte {
	s := f.PayloadSpan()
	s.Len = min(s.Len, n)
	b, ok := l.rec.View(s)
	if !ok {
		b = l.rec.Append(buf, s)
	}
	if int64(len(b)) < s.Len {
		l.dropped.Unread++
	}
	return b
}
