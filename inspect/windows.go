package inspect

import (
	"math"
	"time"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// Window is the flow control of one sender of DATA, on one stream or on the
// connection. RFC 9113 §5.2, §6.9. Sizes are bytes.
type Window struct {
	Stream  uint32     // 0 is the connection
	Dir     record.Dir // the way the DATA goes; its credit comes the other way
	Initial int64      // when the stream was opened
	Now     int64      // negative after INITIAL_WINDOW_SIZE was lowered, §6.9.2
	Lowest  int64
	At      time.Duration // when it was lowest, the first time

	Sent     int64 // DATA payload, padding included
	Credit   int64 // sum of the WINDOW_UPDATEs
	Updates  int   // how many
	Adjusted int64 // by changes of INITIAL_WINDOW_SIZE while the stream was open

	// Blocked is how long the window was at or below zero before its sender ended
	// the stream: it could not send DATA then, whether or not it had any.
	Blocked    time.Duration
	Stalls     []Stall // the spans of that time, the first 64
	StallCount int
}

// Stall is a span of time in which a window was at or below zero.
type Stall struct {
	From, To time.Duration // To is that of the newest frame while it lasts
	Cause    int           // index of the frame that brought it to zero
	End      int           // index of the frame that ended it; -1 while it lasts
	Lowest   int64
}

// Point is a window's size at a time.
type Point struct {
	At     time.Duration
	Window int64
}

// flow is a Window while it is followed.
type flow struct {
	initial, base    int64 // at the stream's opening; what later changes started from
	now, lowest      int64
	lowestAt         time.Duration
	sent, credit     int64
	blocked          time.Duration
	updates, stalled int32
	epoch            int32 // how many of Ledger.changes are in now
	ended            bool  // its sender can send no more
	stalling         bool
	stalls           []Stall
	stall            Stall // with stalling: the one that lasts
}

// initialChange is a change of INITIAL_WINDOW_SIZE.
type initialChange struct {
	at    time.Duration
	frame int
	to    int64
}

// maxChanges bounds how many changes are applied to a stream one by one; those
// beyond come as one.
const maxChanges = 256

func newFlow(initial int64) flow {
	return flow{initial: initial, base: initial, now: initial, lowest: initial}
}

// move adds to the window, at a time and by a frame.
func (w *flow) move(by int64, at time.Duration, frame int) {
	w.now += by
	if w.now < w.lowest {
		w.lowest, w.lowestAt = w.now, at
	}
	switch {
	case w.stalling && w.now > 0:
		w.endStall(at, frame)
	case w.stalling:
		w.stall.Lowest = min(w.stall.Lowest, w.now)
	case w.now <= 0 && !w.ended:
		w.stalling = true
		w.stall = Stall{From: at, Cause: frame, End: -1, Lowest: w.now}
		w.stalled++
	}
}

func (w *flow) endStall(at time.Duration, frame int) {
	w.stalling = false
	w.stall.To, w.stall.End = at, frame
	w.blocked += at - w.stall.From
	if len(w.stalls) < maxStalls {
		w.stalls = append(w.stalls, w.stall)
	}
}

// end says that the sender can send no more.
func (w *flow) end(at time.Duration, frame int) {
	if w.stalling {
		w.endStall(at, frame)
	}
	w.ended = true
}

// catchUp applies the changes of INITIAL_WINDOW_SIZE since the stream was looked
// at last: not when they come, so that a frame costs the same however many streams
// are open. RFC 9113 §6.9.2.
func (l *Ledger) catchUp(w *flow, dir record.Dir) {
	if w.ended {
		return
	}
	changes := l.changes[dir]
	for ; int(w.epoch) < len(changes); w.epoch++ {
		c := changes[w.epoch]
		by := c.to - w.base
		w.base = c.to
		w.move(by, c.at, c.frame)
	}
	if by := l.initial[dir] - w.base; by != 0 {
		w.base = l.initial[dir]
		w.move(by, l.late[dir].at, l.late[dir].frame)
	}
}

// changeInitial notes INITIAL_WINDOW_SIZE for the DATA of a direction.
func (l *Ledger) changeInitial(dir record.Dir, to int64, at time.Duration, frame int) {
	if to == l.initial[dir] {
		return
	}
	l.initial[dir] = to
	c := initialChange{at: at, frame: frame, to: to}
	if len(l.changes[dir]) >= maxChanges {
		l.late[dir] = c
		return
	}
	l.changes[dir] = append(l.changes[dir], c)
}

// sent takes DATA from the windows of its sender.
func (l *Ledger) sent(f *Frame, index int, a *account) {
	n := int64(f.Length)
	conn := &l.conn[f.Dir]
	conn.sent += n
	if n > 0 {
		conn.move(-n, f.At, index)
		l.series[f.Dir].add(Point{f.At, conn.now})
	}
	if a == nil || a == &l.rest {
		return
	}
	w := &a.flow[f.Dir]
	l.catchUp(w, f.Dir)
	w.sent += n
	if f.Flags.Has(h2.EndStream) {
		w.end(f.At, index)
	}
	if n > 0 {
		w.move(-n, f.At, index)
	}
}

// credit adds a WINDOW_UPDATE to the window of the other side.
func (l *Ledger) credit(f *Frame, index int, a *account, payload []byte) {
	n, ok := h2.ReadWindowUpdate(payload)
	if !ok || a == &l.rest {
		return
	}
	dir := f.Dir.Other()
	w := &l.conn[dir]
	if a != nil {
		w = &a.flow[dir]
		l.catchUp(w, dir)
	}
	w.credit += int64(n)
	w.updates++
	w.move(int64(n), f.At, index)
	if a == nil {
		l.series[dir].add(Point{f.At, w.now})
	}
}

// Window returns the window of a stream, 0 being the connection, for the DATA of
// a direction. It is not ok for a stream that has none of its own.
func (l *Ledger) Window(stream uint32, dir record.Dir) (Window, bool) {
	w := &l.conn[dir]
	if stream != 0 {
		a, ok := l.streams[stream]
		if !ok {
			return Window{}, false
		}
		w = &a.flow[dir]
		l.catchUp(w, dir)
	}
	out := Window{
		Stream: stream, Dir: dir, Initial: w.initial, Now: w.now, Lowest: w.lowest, At: w.lowestAt,
		Sent: w.sent, Credit: w.credit, Updates: int(w.updates), Adjusted: w.base - w.initial,
		Blocked: w.blocked, Stalls: w.stalls[:len(w.stalls):len(w.stalls)], StallCount: int(w.stalled),
	}
	if w.stalling {
		s := w.stall
		s.To = l.now
		out.Blocked += s.To - s.From
		if len(out.Stalls) < maxStalls {
			out.Stalls = append(out.Stalls, s)
		}
	}
	return out, true
}

// Series returns how the connection's window went for the DATA of a direction, to
// be drawn: at most 2048 points, each the lowest of its time. Trace.Series does
// so for one stream.
func (l *Ledger) Series(dir record.Dir) []Point { return l.series[dir].list() }

// Series returns how the window of a stream went for the DATA of a direction, as
// the listed frames tell: at most most points, each the lowest of its time. The
// cost is that of a look at each listed frame.
func (t Trace) Series(stream uint32, dir record.Dir, most int) []Point {
	s := series{most: max(most, 4)}
	for i := range t.Frames {
		f := &t.Frames[i]
		sends := f.Type == h2.Data && f.Dir == dir
		if f.Stream != stream && (stream != 0 || !sends) || !sends && (f.Type != h2.WindowUpdate || f.Dir == dir) {
			continue
		}
		w := f.StreamWindow
		if stream == 0 {
			w = f.ConnWindow
		}
		s.add(Point{f.At, int64(w)})
	}
	return s.list()
}

// maxSeries is how many points a series has: more than any screen has columns.
const maxSeries = 2048

// series holds the points of a window, thinned out as they become too many.
type series struct {
	points []Point
	most   int // 0 is maxSeries
	stride int // how many changes a point stands for
	count  int // how many the newest point stands for
	last   Point
}

func (s *series) add(p Point) {
	if s.most == 0 {
		s.most = maxSeries
	}
	s.stride = max(s.stride, 1)
	s.last = p
	if s.count > 0 && s.count < s.stride {
		s.count++
		if newest := &s.points[len(s.points)-1]; p.Window < newest.Window {
			*newest = p
		}
		return
	}
	if len(s.points)+1 >= s.most {
		s.thin()
	}
	s.points = append(s.points, p)
	s.count = 1
}

// thin halves the points: of each pair the lower one stays.
func (s *series) thin() {
	if s.stride <= math.MaxInt/2 {
		s.stride *= 2
	}
	kept := s.points[:0]
	for i := 0; i < len(s.points); i += 2 {
		p := s.points[i]
		if i+1 < len(s.points) && s.points[i+1].Window < p.Window {
			p = s.points[i+1]
		}
		kept = append(kept, p)
	}
	s.points = kept
}

// list returns the points, and where the window is at last.
func (s *series) list() []Point {
	out := append(make([]Point, 0, len(s.points)+1), s.points...)
	if n := len(out); n > 0 && out[n-1] != s.last {
		out = append(out, s.last)
	}
	return out
}
