package diff

import (
	"strconv"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/record"
)

// status compares how the calls ended.
func (c calls) status() Section {
	out := &entries{}
	a, b := c.a, c.b
	out.fact("grpc status", a.code(), b.code())
	out.fact("message", a.statusText(), b.statusText())
	out.fact("http status", a.httpStatus(), b.httpStatus())
	out.fact("stream", a.ending(), b.ending())
	c.details(out)
	return out.section(Status, "status")
}

// statusSpans returns the wire bytes of a field of the block that holds the
// status.
func (c *call) statusSpans(name string) []record.Span {
	b, ok := c.Trace.Block(c.stream.Status.Block)
	if !ok || c.stream.Status.Block < 0 {
		return nil
	}
	for _, f := range b.Fields {
		if f.Name == name {
			return b.FieldSpans(f)
		}
	}
	return nil
}

func (c *call) code() fact {
	s := c.stream.Status
	if s == nil {
		return fact{}
	}
	return known(strconv.Itoa(s.Code)+" "+envelope.CodeName(s.Code), c.statusSpans("grpc-status")...)
}

func (c *call) statusText() fact {
	s := c.stream.Status
	if s == nil || s.Message == "" {
		return fact{}
	}
	return known(s.Message, c.statusSpans("grpc-message")...)
}

func (c *call) httpStatus() fact {
	if c.stream.HTTP == 0 {
		return fact{}
	}
	f := known(strconv.Itoa(c.stream.HTTP))
	for _, h := range c.fields(responseHeaders) {
		if h.key == ":status" {
			f.spans = h.spans
			break
		}
	}
	return f
}

// ending says how far the stream came.
func (c *call) ending() fact {
	if c.stream.ID == 0 {
		return fact{}
	}
	switch s := c.stream; s.State {
	case inspect.Closed:
		return known("ended by both sides")
	case inspect.Reset:
		who := "client"
		if s.ResetBy == record.Received {
			who = "server"
		}
		return known("reset by the " + who + ": " + s.ResetCode.String())
	case inspect.HalfClosedSent:
		return known("ended by the client only")
	case inspect.HalfClosedRecvd:
		return known("ended by the server only")
	default:
		return known("open")
	}
}

// details compares rich errors field by field: google.rpc.Status, whose code and
// message repeat those of the trailers.
func (c calls) details(out *entries) {
	raw := func(c *call) []byte {
		if c.stream.Status == nil {
			return nil
		}
		return c.stream.Status.Details
	}
	rawA, rawB := raw(c.a), raw(c.b)
	if len(rawA) == 0 && len(rawB) == 0 || len(rawA) > maxFields || len(rawB) > maxFields {
		return
	}
	parse := func(c *call, raw []byte) (*value, error) {
		return protoValue(raw, envelope.StatusDescriptor(), envelope.Fallback(c.Types))
	}
	va, errA := parse(c.a, rawA)
	vb, errB := parse(c.b, rawB)
	if errA != nil || errB != nil {
		return // the header field that holds them has been compared as text
	}
	cmp := comparison{out: out, a: c.a.detailSpans, b: c.b.detailSpans}
	cmp.values("details", va, vb)
}

// detailSpans returns the field that holds the details: it is base64, of which
// no part is a part of them.
func (c *call) detailSpans(inspect.Range) []record.Span {
	if c.stream.Status == nil {
		return nil
	}
	return c.statusSpans("grpc-status-details-bin")
}
