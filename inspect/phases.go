package inspect

import (
	"time"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// Phase is a state of a stream as RFC 9113 §5.1 has them, seen from the client:
// its local side is what was sent.
type Phase uint8

// The states. A client reserves no stream, so one kind of reserved is enough.
const (
	PhaseIdle     Phase = iota
	PhaseReserved       // by the server's PUSH_PROMISE: reserved (remote)
	PhaseOpen
	PhaseHalfLocal  // the client has ended its side
	PhaseHalfRemote // the server has ended its side
	PhaseClosed
)

var phaseNames = [...]string{"idle", "reserved (remote)", "open", "half-closed (local)", "half-closed (remote)", "closed"}

// String returns the RFC's name.
func (p Phase) String() string { return phaseNames[p] }

// Transition is a change of a stream's state.
type Transition struct {
	Frame int // index of the frame that made it
	At    time.Duration
	To    Phase
}

// Phases returns how the state of a stream changed, as the listed frames tell; it
// begins as idle. A flag END_STREAM counts from its HEADERS, not from the
// CONTINUATION after it. The cost is that of a look at each listed frame.
func (t Trace) Phases(rec *record.Recording, stream uint32) []Transition {
	var out []Transition
	now := PhaseIdle
	for i := range t.Frames {
		f := &t.Frames[i]
		to := now
		switch {
		case f.Type == h2.PushPromise && now == PhaseIdle && stream%2 == 0 && promisedBy(rec, f) == stream:
			to = PhaseReserved
		case f.Stream == stream && stream != 0:
			to = now.after(f)
		}
		// One frame can open a stream and end a side of it.
		if now == PhaseIdle && to > PhaseOpen && f.Type == h2.Headers {
			out = append(out, Transition{Frame: t.Forgotten.Frames + i, At: f.At, To: PhaseOpen})
		}
		if to != now {
			out = append(out, Transition{Frame: t.Forgotten.Frames + i, At: f.At, To: to})
			now = to
		}
		if now == PhaseClosed {
			break
		}
	}
	return out
}

// after returns the state after a frame of the stream. RFC 9113 §5.1, figure 2.
func (p Phase) after(f *Frame) Phase {
	if f.Type == h2.RSTStream && p != PhaseIdle {
		return PhaseClosed
	}
	if f.Type == h2.Headers {
		switch p {
		case PhaseIdle:
			p = PhaseOpen
		case PhaseReserved:
			p = PhaseHalfLocal
		case PhaseOpen, PhaseHalfLocal, PhaseHalfRemote, PhaseClosed:
		}
	}
	if f.Type != h2.Headers && f.Type != h2.Data || !f.Flags.Has(h2.EndStream) {
		return p
	}
	switch {
	case p == PhaseOpen && f.Dir == record.Sent:
		return PhaseHalfLocal
	case p == PhaseOpen:
		return PhaseHalfRemote
	case p == PhaseHalfLocal && f.Dir == record.Received, p == PhaseHalfRemote && f.Dir == record.Sent:
		return PhaseClosed
	}
	return p
}

// promisedBy returns the stream that a PUSH_PROMISE announces; 0 if its bytes are gone.
func promisedBy(rec *record.Recording, f *Frame) uint32 {
	s := f.PayloadSpan()
	s.Len = min(s.Len, 8)
	promised, _ := h2.PromisePart(h2.Header{Length: f.Length, Type: f.Type, Flags: f.Flags, Stream: f.Stream}, rec.Append(nil, s))
	return promised
}
