package tui

import (
	"context"
	"testing"
	"time"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
)

// However many reads there are, the screen learns of them at most once in
// updateEvery, and in the end of all of them.
func TestUpdatesDoNotGrowWithTheWire(t *testing.T) {
	t.Parallel()
	whole := adaCall()
	f := newFollower()
	rec := f.add(record.Meta{})
	start := time.Now()
	go func() {
		for _, c := range whole.Chunks(0) {
			for _, b := range whole.Append(nil, c.Span) {
				rec.Add(c.Span.Dir, c.At, []byte{b})
			}
		}
		rec.Close(nil)
		f.seal()
	}()
	var last traceMsg
	updates := 0
	for !last.last {
		last = f.follow(t.Context(), 1)().(traceMsg)
		updates++
	}
	if most := int(time.Since(start)/updateEvery) + 2; updates > most {
		t.Errorf("%d updates, want at most %d", updates, most)
	}
	want := inspect.Decode(whole)
	if got := last.conns[0].trace; len(got.Frames) != len(want.Frames) || len(got.Messages) != len(want.Messages) {
		t.Errorf("the last update has %d frames and %d messages, want %d and %d",
			len(got.Frames), len(got.Messages), len(want.Frames), len(want.Messages))
	}
}

// A follower of a call that was given up ends at once, though nothing happens.
func TestFollowingEndsWithItsCall(t *testing.T) {
	t.Parallel()
	f := newFollower()
	f.add(record.Meta{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if msg := f.follow(ctx, 1)().(traceMsg); !msg.last {
		t.Error("the follower wants to go on")
	}
}

// Connections that come later are followed too: a redial gets its own recording.
func TestASecondConnectionIsFollowed(t *testing.T) {
	t.Parallel()
	f := newFollower()
	first := f.add(record.Meta{})
	first.Close(nil)
	f.follow(t.Context(), 1)()
	second := f.add(record.Meta{})
	second.Add(record.Sent, 0, []byte("PRI"))
	if msg := f.follow(t.Context(), 1)().(traceMsg); len(msg.conns) != 2 || msg.last {
		t.Errorf("%d connections, last %v", len(msg.conns), msg.last)
	}
}
