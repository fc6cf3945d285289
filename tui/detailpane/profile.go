package detailpane

import (
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/pb"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/tui/intent"
)

// profile is what the fields of a call's messages cost, as far as they have been
// counted.
type profile struct {
	rec     *record.Recording
	stream  uint32
	started bool
	running bool
	next    int // index of the message to go on with
	whole   bool
	sides   [2]profileSide
	counter *counter
}

type profileSide struct {
	costs           []pb.Cost
	messages, bytes int64
	left            int // messages that could not be read
	name            string
}

// counter is what a job counts with; only one job at a time has it.
type counter struct {
	sides [2]*pb.Profile
	left  [2]int
	stop  atomic.Bool // nobody wants the answer any more
}

// profileFor is how long a job counts before it tells how far it is.
const profileFor = 100 * time.Millisecond

// profileBytes is how large a message may be to be counted.
const profileBytes = 64 << 20

func (p *Pane) planProfile() {
	v := &p.profile
	if p.tab != Cost {
		if v.running {
			v.counter.stop.Store(true)
		}
		return
	}
	if stream := p.call(); !v.started || v.rec != p.rec || v.stream != stream {
		if v.running {
			v.counter.stop.Store(true)
		}
		*v = p.newProfile(stream)
	}
	if v.running || v.next >= len(p.trace.Messages) {
		v.whole = v.whole || !v.running
		return
	}
	v.running, v.whole = true, false
	v.counter.stop.Store(false)
	c, next, t, rec, stream, epoch := v.counter, v.next, p.trace, p.rec, v.stream, p.epoch
	p.later(func() Result { return c.count(rec, t, stream, next, epoch) })
}

func (p *Pane) newProfile(stream uint32) profile {
	c := &counter{}
	v := profile{rec: p.rec, stream: stream, started: true, next: firstOf(p.trace, stream), counter: c}
	for _, dir := range []record.Dir{record.Sent, record.Received} {
		md := p.typeOf(stream, dir)
		c.sides[dir] = pb.NewProfile(md, p.resolver())
		if md != nil {
			v.sides[dir].name = string(md.Name())
		}
	}
	return v
}

// typeOf returns the message type of a call's direction; nil without a schema.
func (p *Pane) typeOf(stream uint32, dir record.Dir) protoreflect.MessageDescriptor {
	return p.descriptor(inspect.Message{Stream: stream, Dir: dir, Content: inspect.Protobuf})
}

type counted struct {
	counter *counter
	rec     *record.Recording
	epoch   int
	next    int
	sides   [2]profileSide
}

// count goes on with the messages of a call from one index, for a while.
func (c *counter) count(rec *record.Recording, t inspect.Trace, stream uint32, next, epoch int) Result {
	start := time.Now()
	_, to, until := span(t, stream)
	for n := 0; next < len(t.Messages) && !c.stop.Load(); next, n = next+1, n+1 {
		m := &t.Messages[next]
		if until && m.At > to {
			next = len(t.Messages)
			break
		}
		if n%256 == 255 && time.Since(start) > profileFor {
			break
		}
		if m.Stream == stream {
			c.add(rec, t, *m)
		}
	}
	out := counted{counter: c, rec: rec, epoch: epoch, next: next}
	for dir, p := range c.sides {
		out.sides[dir] = profileSide{costs: p.Costs(), messages: p.Messages(), bytes: p.Bytes(), left: c.left[dir]}
	}
	return out
}

func (c *counter) add(rec *record.Recording, t inspect.Trace, m inspect.Message) {
	if m.Content != inspect.Protobuf || m.Final() {
		c.left[m.Dir]++
		return
	}
	payload, err := t.PayloadLimit(rec, m, profileBytes)
	if err != nil {
		c.left[m.Dir]++
		return
	}
	c.sides[m.Dir].Add(payload)
}

func (c counted) deliver(p *Pane) intent.Intent {
	v := &p.profile
	if c.rec != p.rec || c.epoch != p.epoch || c.counter != v.counter {
		return nil
	}
	v.running, v.next = false, c.next
	v.whole = v.next >= len(p.trace.Messages)
	for dir := range v.sides {
		c.sides[dir].name = v.sides[dir].name
	}
	v.sides = c.sides
	p.refresh()
	return nil
}
