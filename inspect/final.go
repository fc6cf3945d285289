package inspect

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/inspect/hpack"
	"github.com/wiregloss/wiregloss/record"
)

// maxFinal bounds the message that ends a stream, in bytes: it is read to know
// the status.
const maxFinal = 1 << 20

// statusReader collects a status from fields. gRPC-HTTP2, "Responses".
type statusReader struct {
	status Status
	found  bool
}

// field reads one field, and returns what is wrong with it.
func (r *statusReader) field(name, value string) (problem string) {
	switch {
	case len(name) < len("grpc-status") || !strings.EqualFold(name[:len("grpc-")], "grpc-"):
	case strings.EqualFold(name, "grpc-status"):
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			problem = fmt.Sprintf("grpc-status %q is not a number", value)
			n = 2 // UNKNOWN, as clients read it
		}
		r.status.Code, r.found = n, true
	case strings.EqualFold(name, "grpc-message"):
		r.status.Message = envelope.PercentDecode(value)
	case strings.EqualFold(name, "grpc-status-details-bin"):
		raw, err := envelope.DecodeBinary(value)
		if err != nil {
			problem = fmt.Sprintf("grpc-status-details-bin is not base64: %v", err)
		}
		r.status.Details = raw
	}
	return problem
}

// readStatus reads grpc-status and what comes with it from a header block.
func (d *Decoder) readStatus(st *stream, b *HeaderBlock, index int) {
	var r statusReader
	for _, f := range b.Fields {
		if problem := r.field(f.Name, f.Value); problem != "" {
			d.fieldProblem(b, f, problem)
		}
	}
	if !r.found {
		return
	}
	r.status.Block = index
	st.Status = &r.status
	st.TrailersOnly = b.Kind == ResponseHeaders
}

func (d *Decoder) fieldProblem(b *HeaderBlock, f hpack.Field, text string) {
	span := b.Fragments[0]
	if at := b.FieldSpans(f); len(at) > 0 {
		span = at[0]
	}
	d.problem(Problem{Span: span, Stream: b.Stream, Rule: "gRPC-HTTP2 Responses", Text: text})
}

// readFinal reads the status from the message that ends a stream: the trailers
// of gRPC-Web, the end-of-stream message of Connect.
func (d *Decoder) readFinal(st *stream, m Message) {
	payload, ok := d.finalPayload(st, m)
	if !ok {
		return
	}
	if m.Framing == Connect {
		end, err := envelope.ReadEndStream(payload)
		if err != nil {
			d.finalProblem(m, "Connect EndStreamResponse", err.Error())
		}
		if err == nil || end.Error != nil {
			st.Status = connectStatus(end.Error)
		}
		return
	}
	var r statusReader
	for _, l := range envelope.FieldLines(payload) {
		if problem := r.field(l.Name, l.Value); problem != "" {
			d.finalProblem(m, "PROTOCOL-WEB Trailers", problem)
		}
	}
	if r.found {
		r.status.Block = -1
		st.Status = &r.status
	}
}

// readConnectError reads the body of a unary Connect response that is an error.
func (d *Decoder) readConnectError(st *stream, m Message) {
	payload, ok := d.finalPayload(st, m)
	if !ok {
		return
	}
	e, err := envelope.ReadConnectError(payload)
	if err != nil {
		d.finalProblem(m, "Connect Error", err.Error())
	}
	if e != nil {
		st.Status = connectStatus(e)
	}
}

// connectStatus is the status that an error of Connect stands for; none is OK.
func connectStatus(e *envelope.ConnectError) *Status {
	s := &Status{Block: -1}
	if e != nil {
		s.Code, s.Message, s.Details = e.Number(), e.Message, e.Status()
	}
	return s
}

// finalPayload returns the payload of a message that is read to know the status.
func (d *Decoder) finalPayload(st *stream, m Message) ([]byte, bool) {
	if m.Length > maxFinal {
		d.finalProblem(m, "limit", fmt.Sprintf("the message that ends the stream has more than %d bytes: it is not read", maxFinal))
		return nil, false
	}
	payload, err := d.t.payload(d.rec, m, st.Encoding[m.Dir], maxFinal)
	if err != nil {
		d.finalProblem(m, "payload", "the message that ends the stream cannot be read: "+err.Error())
		return nil, false
	}
	return payload, true
}

func (d *Decoder) finalProblem(m Message, rule, text string) {
	d.problem(Problem{Span: d.t.Spans(m)[0], Stream: m.Stream, Rule: rule, Text: text})
}

// checkFinal names an answer to a call that ended without its status.
func (d *Decoder) checkFinal(st *stream, s record.Span) {
	if st.Status != nil {
		return
	}
	switch framing := st.body[record.Received].framing; {
	case st.RPC == RPCGRPC:
		d.problem(Problem{
			Span: s, Stream: st.ID, Rule: "gRPC-HTTP2 Responses",
			Text: "the server ended the stream without grpc-status: clients report UNKNOWN or INTERNAL",
		})
	case st.RPC == RPCWeb && (framing == GRPCWeb || framing == GRPCWebText):
		d.problem(Problem{
			Span: s, Stream: st.ID, Rule: "PROTOCOL-WEB Trailers",
			Text: "the body ended without the trailers that hold grpc-status: clients report UNKNOWN",
		})
	case st.RPC == RPCConnect && framing == Connect && !st.body[record.Received].ended:
		d.problem(Problem{
			Span: s, Stream: st.ID, Rule: "Connect EndStreamResponse",
			Text: "the body ended without an end-of-stream message: clients report an error",
		})
	}
}
