package render

import (
	"encoding/json"
	"iter"
	"net/http"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// Call is one call of a recording, as the outputs tell it.
type Call struct {
	Exchange  exchange.Exchange
	Recording *record.Recording
	Trace     inspect.Trace
	Stream    inspect.Stream // the call's own, of those on the connection

	index *index // of a connection with many calls; nil for one call
	types TypesOf
}

// TypesOf returns the types of the messages of a path: of what is sent and of
// what is received. Both are nil without a schema.
type TypesOf func(path string) (input, output protoreflect.MessageDescriptor)

// index holds where in a trace's lists the entries of each stream are.
type index struct{ headers, messages, frames map[uint32][]int32 }

func newIndex(t inspect.Trace) *index {
	x := &index{headers: map[uint32][]int32{}, messages: map[uint32][]int32{}, frames: map[uint32][]int32{}}
	for i := range t.Headers {
		x.headers[t.Headers[i].Stream] = append(x.headers[t.Headers[i].Stream], int32(i))
	}
	for i := range t.Messages {
		x.messages[t.Messages[i].Stream] = append(x.messages[t.Messages[i].Stream], int32(i))
	}
	for i := range t.Frames {
		x.frames[t.Frames[i].Stream] = append(x.frames[t.Frames[i].Stream], int32(i))
	}
	return x
}

// entries goes through the entries of a list that belong to a stream.
func entries[T any](list []T, at map[uint32][]int32, stream uint32) iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, i := range at[stream] {
			if !yield(list[i]) {
				return
			}
		}
	}
}

// filter goes through the entries of a list that are wanted.
func filter[T any](list []T, wanted func(T) bool) iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, e := range list {
			if wanted(e) && !yield(e) {
				return
			}
		}
	}
}

func (c Call) headers() iter.Seq[inspect.HeaderBlock] {
	if c.index != nil {
		return entries(c.Trace.Headers, c.index.headers, c.Stream.ID)
	}
	return filter(c.Trace.Headers, func(b inspect.HeaderBlock) bool { return b.Stream == c.Stream.ID })
}

func (c Call) messages() iter.Seq[inspect.Message] {
	if c.index != nil {
		return entries(c.Trace.Messages, c.index.messages, c.Stream.ID)
	}
	return filter(c.Trace.Messages, func(m inspect.Message) bool { return m.Stream == c.Stream.ID })
}

// frames goes through the frames of the connection; where it has many calls, of
// the call's stream.
func (c Call) frames() iter.Seq[inspect.Frame] {
	if c.index != nil {
		return entries(c.Trace.Frames, c.index.frames, c.Stream.ID)
	}
	return filter(c.Trace.Frames, func(inspect.Frame) bool { return true })
}

func (c Call) problems() iter.Seq[inspect.Problem] {
	return filter(c.Trace.Problems, func(p inspect.Problem) bool { return c.index == nil || p.Stream == c.Stream.ID })
}

// FindCall picks the call's stream: the last one that the client opened with the
// operation's path, or the first with any path where the operation is not known.
// What a server promises is never it. RFC 9113 §5.1.1.
func FindCall(x exchange.Exchange, rec *record.Recording, t inspect.Trace) (Call, bool) {
	c := Call{Exchange: x, Recording: rec, Trace: t}
	found := false
	for _, s := range t.Streams {
		if s.Path != "" && s.ID%2 == 1 && (!found || "/"+x.Request.Operation == s.Path) {
			c.Stream, found = s, true
		}
	}
	return c, found
}

// Calls returns every call of a connection, in the order of their streams. types
// may be nil: then those of x say.
func Calls(x exchange.Exchange, rec *record.Recording, t inspect.Trace, types TypesOf) []Call {
	at := newIndex(t)
	out := make([]Call, 0, len(t.Streams))
	for _, s := range t.Streams {
		if s.ID == 0 && t.Protocol != inspect.BareBody {
			continue // made up for frames that belong to a stream and name none
		}
		c := Call{Exchange: x, Recording: rec, Trace: t, Stream: s, index: at, types: types}
		c.Exchange.Outcome = seen(s)
		out = append(out, c)
	}
	return out
}

// seen is the outcome of a call of which only the wire is known.
func seen(s inspect.Stream) exchange.Outcome {
	const cancelled, unknown = 1, 2 // google.rpc.Code
	const cancel h2.ErrCode = 8     // RFC 9113 §7
	if s.Status != nil {
		return exchange.Outcome{Code: s.Status.Code, Message: s.Status.Message, At: s.Ended}
	}
	o := exchange.Outcome{Code: unknown, Local: true, At: s.Ended, Message: "no status was seen"}
	if s.State == inspect.Reset {
		o.Message = "the stream was reset by the " + map[record.Dir]string{record.Sent: "client", record.Received: "server"}[s.ResetBy] +
			": " + s.ResetCode.String()
		if s.ResetCode == cancel {
			o.Code = cancelled
		}
	}
	return o
}

// Protocol names what the call was made with: "grpc", "grpc-web", "connect", "h2"
// or "http/1.1"; "" of a body without its connection.
func (c Call) Protocol() string {
	switch {
	case c.Stream.RPC != inspect.NoRPC:
		return c.Stream.RPC.String()
	case c.Trace.Protocol == inspect.HTTP1:
		return "http/1.1"
	case c.Trace.Protocol == inspect.BareBody:
		return ""
	case c.Stream.ID == 0:
		return "grpc" // a call that was never begun on the wire
	default:
		return "h2"
	}
}

// Descriptors returns the types of the call's messages: of what was sent and of
// what was received. Both are nil without a schema.
func (c Call) Descriptors() (input, output protoreflect.MessageDescriptor) {
	if c.types != nil {
		return c.types(c.Stream.Path)
	}
	if c.Exchange.Types == nil {
		return nil, nil
	}
	rpc, ok := c.Exchange.Types.RPC(c.Stream.Path)
	if !ok {
		return nil, nil
	}
	return rpc.Method.Input(), rpc.Method.Output()
}

// Types resolves what messages name themselves.
func (c Call) Types() inspect.Types { return Types(c.Exchange.Types) }

// Types returns a catalog's types with the well-known and google.rpc types
// behind them. cat may be nil.
func Types(cat *catalog.Catalog) inspect.Types {
	if cat == nil || cat.Types == nil {
		return envelope.Fallback(nil)
	}
	return envelope.Fallback(cat.Types)
}

// Status returns the call's status: from the wire if one came, unless the call
// failed here all the same, as by a limit; else the outcome that was decided here.
func (c Call) Status() StatusPart {
	o := c.Exchange.Outcome
	if c.Stream.RPC == inspect.NoRPC && c.Stream.HTTP != 0 && c.Exchange.Request.Operation == "" {
		return StatusPart{Code: c.Stream.HTTP, Name: http.StatusText(c.Stream.HTTP), Details: []json.RawMessage{}, Source: "wire"}
	}
	if s := c.Stream.Status; s != nil && (!o.Local || o.Code == 0 || o.Code == s.Code) {
		return StatusPart{
			Code: s.Code, Name: envelope.CodeName(s.Code), Message: s.Message, Details: detailsJSON(s.Details, c.Types()), Source: "wire",
		}
	}
	return StatusPart{Code: o.Code, Name: envelope.CodeName(o.Code), Message: o.Message, Details: []json.RawMessage{}, Source: "local"}
}
