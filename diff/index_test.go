package diff

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"

	"github.com/wiregloss/wiregloss/record"
)

const (
	altSvc         = 0x0a // RFC 7838 §4
	priorityUpdate = 0x10 // RFC 9218 §7.1
)

// onConnection writes a frame of stream 0.
func onConnection(w *wire, t http2.FrameType, payload ...byte) {
	w.frame(record.Sent, func(fr *http2.Framer) error { return fr.WriteRawFrame(t, 0, 0, payload) })
}

// indexed gives a side an index of its own.
func indexed(s Side) Side {
	s.Index = NewIndex(s.Trace)
	return s
}

// wantIndexed checks that an index changes nothing but the cost, on either side.
func wantIndexed(tb testing.TB, a, b Side) {
	tb.Helper()
	want := Calls(a, b)
	for _, got := range []Report{Calls(indexed(a), indexed(b)), Calls(a, indexed(b)), Calls(indexed(a), b)} {
		if !reflect.DeepEqual(want, got) {
			tb.Errorf("with an index the report is another (-without +with)\n%s", cmp.Diff(want, got))
		}
	}
}

// Of many calls on a connection each is compared with its like and no other, and
// an index says what a comparison of its own does, in any order.
func TestIndexOfManyCalls(t *testing.T) {
	t.Parallel()
	const n = 120
	a := busy(t, n, nil)
	b := busy(t, n, func(w *wire, i int) {
		if i == 7 {
			w.frame(record.Received, func(fr *http2.Framer) error { return fr.WriteGoAway(15, http2.ErrCodeNo, nil) })
		}
	})
	plainA, plainB := allSides(a, "a", n, false), allSides(b, "b", n, false)
	fastA, fastB := allSides(a, "a", n, true), allSides(b, "b", n, true)
	for i := range n {
		j := (i + 31) % n
		if d := cmp.Diff(Calls(plainA[i], plainB[j]), Calls(fastA[i], fastB[j])); d != "" {
			t.Fatalf("call %d with %d (-without index +with)\n%s", i, j, d)
		}
	}
	wantLines(t, section(t, Calls(fastA[3], fastB[4]), "request message 1"), "changed 1: 3 | 4")
	wantLines(t, section(t, Calls(fastA[3], fastB[3]), "frames received"), "only in B GOAWAY:  | 8 bytes")
	wantMirrored(t, fastA[0], fastB[9])
}

// The connections are compared once for all their calls, but not once for all
// connections.
func TestIndexKeepsConnectionsApart(t *testing.T) {
	t.Parallel()
	a := indexed(busy(t, 2, nil).side("a"))
	for i := range 2 * maxCompared {
		w := newWire(t)
		w.settings(record.Sent, http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1<<15 + uint32(i)})
		w.request()
		b := indexed(w.side("b"))
		for range 2 {
			if got := section(t, Calls(a, b), "connection"); (i == 0) != got.Same() {
				t.Fatalf("connection %d: %q", i, lines(got))
			}
		}
	}
	if len(a.Index.compared) > maxCompared {
		t.Errorf("%d comparisons are kept", len(a.Index.compared))
	}
}

// Of a connection with many calls, frames of its own that are as many are folded;
// those that are rare are compared with each call.
func TestFrequentConnectionFramesFold(t *testing.T) {
	t.Parallel()
	const n = 2500
	write := func(rare bool) func(w *wire, i int) {
		return func(w *wire, i int) {
			onConnection(w, priorityUpdate, 0, 0, 0, 1, 'u')
			if rare && i == 5 {
				onConnection(w, altSvc, 0, 0)
			}
		}
	}
	a, b := busy(t, n, write(true)).side("a"), busy(t, n, write(false)).side("b")
	s := section(t, Calls(a, b), "frames sent")
	wantLines(t, s, "only in A ALTSVC: 2 bytes | ")
	if !strings.Contains(s.Note, "2500 PRIORITY_UPDATE") {
		t.Errorf("note %q", s.Note)
	}
	wantIndexed(t, a, b)
	wantMirrored(t, a, b)

	// What one side folds, the other does too: two calls have all of it.
	few := busy(t, 2, write(false)).side("few")
	s = section(t, Calls(a, few), "frames sent")
	wantLines(t, s, "only in A ALTSVC: 2 bytes | ")
	if !strings.Contains(s.Note, "B: 2 PRIORITY_UPDATE") {
		t.Errorf("note %q", s.Note)
	}
	s = section(t, Calls(few, few), "frames sent")
	if got := s.Counts()[Equal]; got != 4 || strings.Contains(s.Note, "PRIORITY_UPDATE") {
		t.Errorf("%d frames are compared, note %q", got, s.Note)
	}
	wantMirrored(t, a, few)
}

// An index has its own trace: positions in another mean nothing.
func TestIndexOfAnotherTrace(t *testing.T) {
	t.Parallel()
	a := busy(t, 3, nil).side("a")
	b := a
	b.Index = NewIndex(a.Trace)
	b.Trace = newWire(t).side("nothing").Trace
	if r := Calls(a, b); !r.Same() {
		t.Errorf("a call differs from itself: %+v", r.Counts())
	}
}
