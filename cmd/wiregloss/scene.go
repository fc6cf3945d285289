package main

import (
	"iter"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
)

// scene is what views are shown: a connection as far as it has been decoded, and
// which of its streams are meant. Those of a call show its own; those of a file
// from elsewhere show them all, or one that was asked for.
type scene struct {
	render.Call

	bodies record.Dir // of the messages that -o body prints

	all  bool
	only uint32 // with all: the stream that was asked for; 0 is every one
	// forced is the type of every message, whatever its stream; nil if not told.
	forced protoreflect.MessageDescriptor
	json   inspect.Options // of -o body

	ledger *inspect.Ledger // nil where no view needs it

	last  stage            // of the stream that was looked at last
	stage map[string]stage // by path
}

// stage is what the messages of one path are decoded with.
type stage struct {
	stream  uint32
	set     bool
	path    string
	types   [2]protoreflect.MessageDescriptor // by record.Dir; nil without a schema
	schemas [2]*render.Schema
	plans   [2]*inspect.Plan
}

// shows reports whether a stream is meant.
func (c *scene) shows(stream uint32) bool {
	if c.all {
		return c.only == 0 || c.only == stream
	}
	return stream == c.Stream.ID
}

// stream returns a stream of the connection.
func (c *scene) stream(id uint32) inspect.Stream {
	if !c.all {
		return c.Stream
	}
	s, _ := c.Trace.StreamOf(id)
	return s
}

// of returns what the messages of a stream are decoded with.
func (c *scene) of(stream uint32) *stage {
	if c.last.set && c.last.stream == stream {
		return &c.last
	}
	path := c.stream(stream).Path
	st, ok := c.stage[path]
	if !ok {
		st = stage{set: true, path: path}
		st.types[record.Sent], st.types[record.Received] = c.types(path)
		if c.stage == nil || len(c.stage) >= maxStages {
			c.stage = map[string]stage{}
		}
	}
	if c.last.set {
		c.stage[c.last.path] = c.last // with what was compiled for it meanwhile
	}
	c.last = st
	c.last.stream = stream
	return &c.last
}

// calls returns the calls of the streams that are meant.
func (c *scene) calls() []render.Call {
	return slices.DeleteFunc(render.Calls(c.Exchange, c.Recording, c.Trace, c.types), func(one render.Call) bool {
		return !c.shows(one.Stream.ID)
	})
}

// unfinished reports whether a call was cut off: a connection that breaks once
// all calls have ended loses nothing.
func (c *scene) unfinished() bool {
	return slices.ContainsFunc(c.Trace.Streams, func(s inspect.Stream) bool {
		return c.shows(s.ID) && s.State != inspect.Closed && s.State != inspect.Reset
	})
}

// maxStages bounds the paths that are remembered.
const maxStages = 1000

func (c *scene) types(path string) (input, output protoreflect.MessageDescriptor) {
	if c.forced != nil {
		return c.forced, c.forced
	}
	if c.Exchange.Types == nil {
		return nil, nil
	}
	rpc, ok := c.Exchange.Types.RPC(path)
	if !ok {
		return nil, nil
	}
	return rpc.Method.Input(), rpc.Method.Output()
}

// protobuf goes through the protobuf messages that are new, with their payloads.
// Those that cannot be read are left out: the views tell of them.
func (c *scene) protobuf(since inspect.Counts) iter.Seq2[inspect.Message, []byte] {
	return func(yield func(inspect.Message, []byte) bool) {
		for _, m := range newer(c.Trace.Messages, c.Trace.Forgotten.Messages, since.Messages) {
			if !c.shows(m.Stream) || m.Content != inspect.Protobuf || m.Final() {
				continue
			}
			if payload, err := c.Trace.Payload(c.Recording, m); err == nil && !yield(m, payload) {
				return
			}
		}
	}
}

// schema returns what lays out a message.
func (c *scene) schema(m inspect.Message) *render.Schema {
	st := c.of(m.Stream)
	if st.schemas[m.Dir] == nil {
		st.schemas[m.Dir] = render.NewSchema(st.types[m.Dir], c.Types())
	}
	return st.schemas[m.Dir]
}

// plan returns what makes JSON of a message; nil without a schema.
func (c *scene) plan(m inspect.Message) *inspect.Plan {
	st := c.of(m.Stream)
	if st.plans[m.Dir] == nil && st.types[m.Dir] != nil {
		st.plans[m.Dir] = inspect.NewPlan(st.types[m.Dir], c.Types(), c.json)
	}
	return st.plans[m.Dir]
}
