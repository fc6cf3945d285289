package tui

import (
	"context"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
)

// The follower's limits: how often the screen learns of new bytes, how long one
// decoding may take in between, and how many bytes are decoded before the clock is
// looked at.
const (
	updateEvery = 33 * time.Millisecond
	decodeFor   = 25 * time.Millisecond
	decodeSlice = 1 << 20
)

// connView is a connection of the call: its bytes and what they mean so far.
type connView struct {
	rec   *record.Recording
	trace inspect.Trace
}

// follower decodes the recordings of one call as they grow. Commands call next,
// one at a time; recordings are added from the goroutine that dials.
type follower struct {
	mu     sync.Mutex
	conns  []*followed
	poke   chan struct{} // closed and renewed when conns or sealed change
	sealed bool          // no more connections and no more bytes

	last time.Time // of the last update; used by next alone
}

type followed struct {
	rec    *record.Recording
	dec    *inspect.Decoder
	trace  inspect.Trace
	seen   [2]int64 // how many bytes the trace covers
	closed bool     // the trace covers the close
	more   bool     // bytes are waiting to be decoded
}

func newFollower() *follower { return &follower{poke: make(chan struct{})} }

// add begins to follow a recording.
func (f *follower) add(m record.Meta) *record.Recording {
	rec := record.New(m)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conns = append(f.conns, &followed{rec: rec, dec: inspect.NewDecoder(rec)})
	f.wake()
	return rec
}

// seal says that the call is over.
func (f *follower) seal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sealed = true
	f.wake()
}

func (f *follower) wake() {
	close(f.poke)
	f.poke = make(chan struct{})
}

// release frees the bytes of all recordings.
func (f *follower) release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.conns {
		c.rec.Release()
	}
}

// traceMsg is what a call's recordings mean so far. last is true when nothing
// more will come.
type traceMsg struct {
	call  int
	conns []connView
	last  bool
}

// follow returns the command that waits for news of a call, at most one every
// updateEvery, however much arrives.
func (f *follower) follow(ctx context.Context, id int) tea.Cmd {
	return func() tea.Msg {
		for {
			if !f.pause(ctx) {
				return traceMsg{call: id, last: true}
			}
			conns, poke, sealed := f.now()
			wait := changes(conns)
			news, over := advance(conns)
			if over = over && sealed; news || over {
				f.last = time.Now()
				return traceMsg{call: id, conns: views(conns), last: over}
			}
			select {
			case <-ctx.Done():
			case <-poke:
			case <-wait:
			}
		}
	}
}

// pause waits until the next update is due.
func (f *follower) pause(ctx context.Context) bool {
	due := time.Until(f.last.Add(updateEvery))
	if due <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(due)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func (f *follower) now() (conns []*followed, poke <-chan struct{}, sealed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.conns[:len(f.conns):len(f.conns)], f.poke, f.sealed
}

// changes returns the channel of the newest recording: the ones before it have
// been given up.
func changes(conns []*followed) <-chan struct{} {
	if len(conns) == 0 {
		return nil
	}
	return conns[len(conns)-1].rec.Changed()
}

// advance decodes what is new, for a bounded time.
func advance(conns []*followed) (news, over bool) {
	over = true
	start := time.Now()
	for _, c := range conns {
		news = c.advance(start) || news
		over = over && !c.more
	}
	return news, over
}

func (c *followed) advance(start time.Time) (news bool) {
	_, closed := c.rec.Closed()
	size := [2]int64{c.rec.Size(record.Sent), c.rec.Size(record.Received)}
	if size == c.seen && closed == c.closed && !c.more {
		return false
	}
	for {
		c.trace, c.more = c.dec.Advance(decodeSlice)
		if !c.more || time.Since(start) > decodeFor {
			break
		}
	}
	c.seen, c.closed = size, closed
	return true
}

func views(conns []*followed) []connView {
	out := make([]connView, len(conns))
	for i, c := range conns {
		out[i] = connView{rec: c.rec, trace: c.trace}
	}
	return out
}
