// Package diff compares two calls: what a client that works put on the wire
// beside what one that fails did. It pairs headers, messages, frames, status and
// the facts of the connection, and says of each whether it is equal, changed, at
// another place, coded in other bytes, or only on one side, with the wire bytes
// of both. It reads recordings through their traces and does no I/O; words and
// redaction are render's.
//
//	report := diff.Calls(
//		diff.Side{Name: "good.rec", Recording: a, Trace: inspect.Decode(a), Stream: 1},
//		diff.Side{Name: "bad.rec", Recording: b, Trace: inspect.Decode(b), Stream: 1},
//	)
//	if !report.Same() { … }
//
// Time and memory are bounded whatever was recorded: what is not listed is
// counted, and the section says so.
package diff

import (
	"fmt"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
)

// Side is one of the two calls. Descriptors and types may be nil: without them
// fields are compared by number, and where one side has them they serve both.
type Side struct {
	Name      string // what to call it: a file, an entry of the history
	Recording *record.Recording
	Trace     inspect.Trace
	Stream    uint32 // the call's, of those on the connection

	// Index is of Trace, and all that is read of it then. It may be nil: whoever
	// compares many calls of a connection makes one.
	Index *Index

	Input, Output protoreflect.MessageDescriptor // of what was sent and received
	Types         inspect.Types                  // for Any and extensions
}

// Kind says how the two sides of an entry differ.
type Kind uint8

// The kinds of Entry.
const (
	Equal   Kind = iota
	Changed      // another value
	OnlyA        // absent in B
	OnlyB        // absent in A
	Moved        // the same thing at another place
	Encoded      // the same meaning in other bytes
)

// Kinds is how many kinds there are.
const Kinds = int(Encoded) + 1

// String returns the kind in lower case: "only in A".
func (k Kind) String() string {
	if int(k) >= Kinds {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return [Kinds]string{"equal", "changed", "only in A", "only in B", "moved", "encoded"}[k]
}

// Entry is one thing that was compared. All its texts are untrusted.
type Entry struct {
	Kind Kind

	// Name is a header's name, a field's path (address.city; 4.1 without a
	// schema; tags[2→3] where the places differ) or a frame's type. It is "…" for
	// what was counted and not listed.
	Name string

	A, B           string        // the values as text, long ones cut where they differ; "" where absent
	SpansA, SpansB []record.Span // the wire bytes; none where they cannot be located
	Note           string        // what else there is to know
}

// Topic is what a section is about.
type Topic uint8

// The topics, in the order of a report's sections.
const (
	Headers Topic = iota // entries are header fields: names may be those of credentials
	Message              // entries are fields, values, lines or offsets of one message
	Status
	Frames
	Connection
	Timing
)

// String returns the topic in lower case.
func (t Topic) String() string {
	if t > Timing {
		return fmt.Sprintf("topic %d", uint8(t))
	}
	return [...]string{"headers", "message", "status", "frames", "connection", "timing"}[t]
}

// Counts counts entries by kind.
type Counts [Kinds]int

// differences returns how many are not equal.
func (c Counts) differences() int {
	n := 0
	for _, of := range c[Equal+1:] {
		n += of
	}
	return n
}

// Section is what was compared of one part of the calls.
type Section struct {
	Topic    Topic
	Title    string // "request headers", "response message 2", "frames sent"
	Note     string // what holds for all of it; "" for nothing
	Entries  []Entry
	Unlisted Counts // what was compared and has no entry
}

// Counts returns how many things were compared, by how they differ.
func (s Section) Counts() Counts {
	c := s.Unlisted
	for _, e := range s.Entries {
		c[e.Kind]++
	}
	return c
}

// Same reports whether nothing differs. Times always do, and never count.
func (s Section) Same() bool { return s.Topic == Timing || s.Counts().differences() == 0 }

// Report is the comparison of two calls.
type Report struct {
	A, B     string // the names of the sides
	Sections []Section
}

// Same reports whether nothing but times differs.
func (r Report) Same() bool {
	for _, s := range r.Sections {
		if !s.Same() {
			return false
		}
	}
	return true
}

// Counts sums the counts of all sections but that of times.
func (r Report) Counts() Counts {
	var sum Counts
	for _, s := range r.Sections {
		if s.Topic == Timing {
			continue
		}
		for k, n := range s.Counts() {
			sum[k] += n
		}
	}
	return sum
}

// Calls compares two calls. The order of the sections is that of a call: the
// request's headers and messages, the response's, trailers, status, then frames,
// connection and times. A part that neither call has is left out. The cost is
// one pass over the calls' payloads, and one over the lists of each trace that
// comes without an Index. Reports may share Entries, which must not be changed.
func Calls(a, b Side) Report {
	c := calls{newCall(a, b), newCall(b, a)}
	r := Report{A: a.Name, B: b.Name}
	add := func(sections ...Section) {
		for _, s := range sections {
			if len(s.Entries) > 0 || s.Note != "" {
				r.Sections = append(r.Sections, s)
			}
		}
	}
	add(c.headers("request headers", requestHeaders))
	add(c.messages(record.Sent)...)
	add(c.headers("request trailers", requestTrailers))
	add(c.headers("informational headers", informational))
	add(c.headers("response headers", responseHeaders))
	add(c.messages(record.Received)...)
	add(c.headers("trailers", responseTrailers))
	add(c.status(), c.frames(record.Sent), c.frames(record.Received), c.connection(), c.timing())
	return r
}

// calls are the two calls of a comparison.
type calls struct{ a, b *call }

// call is a Side with what its stream says.
type call struct {
	Side
	*lists   // of its stream
	stream   inspect.Stream
	contents [2]func() format // by Dir, what the content-type stands for
}

// newCall looks a side's stream up. What the side does not know of types it
// takes from the other.
func newCall(s, other Side) *call {
	if s.Input == nil {
		s.Input = other.Input
	}
	if s.Output == nil {
		s.Output = other.Output
	}
	if s.Types == nil {
		s.Types = other.Types
	}
	s.Index = indexOf(s)
	s.Trace = s.Index.trace // positions are of no other
	c := &call{Side: s, lists: s.Index.of(s.Stream)}
	if c.lists.stream >= 0 {
		c.stream = s.Trace.Streams[c.lists.stream]
	}
	for _, d := range []record.Dir{record.Sent, record.Received} {
		c.contents[d] = sync.OnceValue(func() format { return c.contentFormat(d) })
	}
	return c
}

// message returns the i-th message of the call in a direction.
func (c *call) message(d record.Dir, i int) inspect.Message {
	at := c.places[d][i]
	if at < 0 {
		return c.Trace.Partial[-1-at]
	}
	return c.Trace.Messages[at]
}

// read returns the recorded bytes of a span, at most a limit of them.
func (c *call) read(s record.Span, limit int64) []byte {
	s.Len = min(s.Len, limit)
	return c.Recording.Append(nil, s)
}
