package diff

import (
	"slices"
	"sync"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// Bounds on what calls of one connection share.
const (
	maxSettings  = 1 << 12 // SETTINGS frames that are read in a direction: a hostile peer sends nothing else
	maxCompared  = 64      // other connections whose comparison with one is kept
	sharedBudget = 1 << 16 // frames of stream 0 over the comparisons of all calls of a connection,
	sharedLeast  = 32      // of which each call has these at least
)

// Index finds what belongs to each call of a trace. With it, comparing all calls
// of a connection costs one pass over the lists of its trace; without, each
// comparison makes that pass. The reports are the same. Several goroutines may
// use it at once.
type Index struct {
	trace   inspect.Trace
	streams map[uint32]*lists
	shared  [2]shared // by Dir

	mu       sync.Mutex
	compared map[ends]*entries
}

// lists are the positions of what belongs to one stream, in the lists of the
// trace.
type lists struct {
	stream   int32               // -1 if the trace has none
	places   [2][]int32          // of messages by Dir: in Trace.Messages, then -1 - that in Trace.Partial
	trailers [2]*inspect.Message // by Dir, the message that holds them in gRPC-Web
	headers  []int32
	parts    [2][]int32
	frames   [2][]int32 // none of stream 0
}

// shared are the frames of a connection in a direction, which are those of stream 0.
type shared struct {
	settings []int32         // SETTINGS that are no ACK
	told     []int32         // what is compared with the frames of each call
	counts   map[h2.Type]int // of all
	folded   map[h2.Type]bool
}

// ends are the connections that a comparison is of, besides that of its index.
type ends struct {
	a, b  *record.Recording
	other *Index
}

// NewIndex indexes a trace by its streams, in one pass. The lists of the trace
// must not change; a newer trace of the same recording needs an index of its own.
func NewIndex(t inspect.Trace) *Index { return newIndex(t, func(uint32) bool { return true }) }

// newIndex indexes the streams of a trace that are wanted.
func newIndex(t inspect.Trace, wanted func(uint32) bool) *Index {
	x := &Index{trace: t, streams: map[uint32]*lists{}, compared: map[ends]*entries{}}
	var last *lists // elements of a stream often come in a row
	var lastID uint32
	of := func(id uint32) *lists {
		if !wanted(id) {
			return nil
		}
		if last == nil || id != lastID {
			if last = x.streams[id]; last == nil {
				last = &lists{stream: -1}
				x.streams[id] = last
			}
			lastID = id
		}
		return last
	}
	for i := range t.Streams {
		if l := of(t.Streams[i].ID); l != nil {
			l.stream = int32(i) // the newest, as Trace.StreamOf has it
		}
	}
	x.addMessages(of)
	for i := range t.Headers {
		if l := of(t.Headers[i].Stream); l != nil {
			l.headers = append(l.headers, int32(i))
		}
	}
	for i := range t.Parts {
		p := &t.Parts[i]
		if l := of(p.Stream); l != nil {
			l.parts[p.Span.Dir] = append(l.parts[p.Span.Dir], int32(i))
		}
	}
	x.addFrames(of)
	return x
}

func (x *Index) addMessages(of func(uint32) *lists) {
	add := func(m *inspect.Message, at int32) {
		switch l := of(m.Stream); {
		case l == nil:
		case m.Content == inspect.FieldLines:
			l.trailers[m.Dir] = m
		default:
			l.places[m.Dir] = append(l.places[m.Dir], at)
		}
	}
	for i := range x.trace.Messages {
		add(&x.trace.Messages[i], int32(i))
	}
	for i := range x.trace.Partial {
		add(&x.trace.Partial[i], -1-int32(i))
	}
}

func (x *Index) addFrames(of func(uint32) *lists) {
	for d := range x.shared {
		x.shared[d].counts = map[h2.Type]int{}
	}
	for i := range x.trace.Frames {
		f := &x.trace.Frames[i]
		if f.Stream == 0 {
			x.shared[f.Dir].add(f, int32(i))
		} else if l := of(f.Stream); l != nil {
			l.frames[f.Dir] = append(l.frames[f.Dir], int32(i))
		}
	}
	for d := range x.shared {
		x.shared[d].fold(&x.trace)
	}
}

func (s *shared) add(f *inspect.Frame, at int32) {
	s.counts[f.Type]++
	if f.Type == h2.Settings && !f.Flags.Has(h2.Ack) && len(s.settings) < maxSettings {
		s.settings = append(s.settings, at)
	}
	if !noise(f.Type) {
		s.told = append(s.told, at)
	}
}

// fold leaves out the types of which a connection of many calls has so many that
// they cannot be compared with each: browsers send a PRIORITY_UPDATE a call. The
// rare ones, as GOAWAY is, stay.
func (s *shared) fold(t *inspect.Trace) {
	room := max(sharedLeast, sharedBudget/max(len(t.Streams), 1))
	if len(t.Streams) <= 1 || len(s.told) <= room {
		return
	}
	var types []h2.Type
	for ty := range s.counts {
		if !noise(ty) {
			types = append(types, ty)
		}
	}
	slices.SortFunc(types, func(a, b h2.Type) int {
		if n := s.counts[a] - s.counts[b]; n != 0 {
			return n
		}
		return int(a) - int(b)
	})
	s.folded = map[h2.Type]bool{}
	for _, ty := range types {
		if room -= s.counts[ty]; room < 0 {
			s.folded[ty] = true
		}
	}
	kept := make([]int32, 0, sharedLeast)
	for _, at := range s.told {
		if !s.folded[t.Frames[at].Type] {
			kept = append(kept, at)
		}
	}
	s.told = kept
}

// indexOf returns the index of a side, or one of its stream alone.
func indexOf(s Side) *Index {
	if s.Index != nil {
		return s.Index
	}
	return newIndex(s.Trace, func(id uint32) bool { return id == s.Stream })
}

// of returns what belongs to a stream.
func (x *Index) of(id uint32) *lists {
	if l := x.streams[id]; l != nil {
		return l
	}
	return &lists{stream: -1}
}

// once returns a comparison of connections, which all pairs of their calls share.
func (x *Index) once(e ends, compare func() *entries) *entries {
	x.mu.Lock()
	defer x.mu.Unlock()
	if known := x.compared[e]; known != nil {
		return known
	}
	if len(x.compared) >= maxCompared {
		clear(x.compared)
	}
	x.compared[e] = compare()
	return x.compared[e]
}
