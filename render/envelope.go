package render

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/inspect/pb"
	"github.com/wiregloss/wiregloss/record"
)

// Call is one gRPC call of a recording, as the JSON envelope tells it.
type Call struct {
	Exchange  exchange.Exchange
	Recording *record.Recording
	Trace     inspect.Trace
	Stream    inspect.Stream // the call's own, of those on the connection
}

// Envelope is the machine-readable form of a call: `-o json`, version 1.
type Envelope struct {
	Schema    int           `json:"schema"`
	Operation string        `json:"operation"`
	Protocol  string        `json:"protocol"`
	Target    string        `json:"target"`
	Request   RequestPart   `json:"request"`
	Response  ResponsePart  `json:"response"`
	Timing    Timing        `json:"timing"`
	TLS       *TLSPart      `json:"tls"`
	Frames    []FramePart   `json:"frames"`
	Problems  []ProblemPart `json:"problems"`
}

// RequestPart is what was sent.
type RequestPart struct {
	Method   string        `json:"method"`
	Path     string        `json:"path"`
	Headers  []HeaderPart  `json:"headers"`
	Messages []MessagePart `json:"messages"`
}

// ResponsePart is what was received.
type ResponsePart struct {
	Status   StatusPart    `json:"status"`
	Headers  []HeaderPart  `json:"headers"`
	Trailers []HeaderPart  `json:"trailers"`
	Messages []MessagePart `json:"messages"`
	Body     any           `json:"body"`
}

// HeaderPart is one field, in wire order, repeated ones too.
type HeaderPart struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// MessagePart is one message. JSON is null and Base64 holds the payload when it
// could not be decoded; Problem says why.
type MessagePart struct {
	JSON       json.RawMessage `json:"json"`
	Bytes      int64           `json:"bytes"`
	Compressed bool            `json:"compressed"`
	AtMS       float64         `json:"at_ms"`
	Base64     string          `json:"base64,omitempty"`
	Problem    string          `json:"problem,omitempty"`
	Wire       []WirePart      `json:"wire,omitempty"`
}

// WirePart is a field node, with ranges in the message's payload.
type WirePart struct {
	Offset      int        `json:"offset"`
	Length      int        `json:"length"`
	ValueOffset int        `json:"value_offset"`
	ValueLength int        `json:"value_length"`
	Number      int32      `json:"number"`
	Name        string     `json:"name,omitempty"`
	Wire        string     `json:"wire"`
	Kind        string     `json:"kind"`
	Problem     string     `json:"problem,omitempty"`
	Fields      []WirePart `json:"fields,omitempty"`
}

// StatusPart is a gRPC status. Source is "wire", or "local" when it was decided
// here: deadline, cancel, lost connection.
type StatusPart struct {
	Code    int               `json:"code"`
	Name    string            `json:"name"`
	Message string            `json:"message"`
	Details []json.RawMessage `json:"details"`
	Source  string            `json:"source"`
}

// Timing is in milliseconds from the start of dialing.
type Timing struct {
	DNS       float64 `json:"dns_ms"`
	Connect   float64 `json:"connect_ms"`
	TLS       float64 `json:"tls_ms"`
	FirstByte float64 `json:"first_byte_ms"`
	Total     float64 `json:"total_ms"`
}

// TLSPart is what the handshake settled.
type TLSPart struct {
	Version      string   `json:"version"`
	CipherSuite  string   `json:"cipher_suite"`
	ServerName   string   `json:"server_name"`
	ALPN         string   `json:"alpn"`
	Verified     bool     `json:"verified"`
	Certificates []string `json:"certificates"` // DER, base64
}

// FramePart is one frame. Offset is its header's first byte in its direction's
// bytes; it takes 9 + Length bytes.
type FramePart struct {
	AtMS   float64  `json:"at_ms"`
	Dir    string   `json:"dir"`
	Type   string   `json:"type"`
	Flags  []string `json:"flags"`
	Stream uint32   `json:"stream"`
	Offset int64    `json:"offset"`
	Length uint32   `json:"length"`
	Unsent bool     `json:"unsent,omitempty"` // a failed write: it did not leave whole
}

// ProblemPart is a broken rule at its bytes.
type ProblemPart struct {
	Dir    string `json:"dir"`
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
	Stream uint32 `json:"stream"`
	Rule   string `json:"rule"`
	Text   string `json:"text"`
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

// Descriptors returns the types of the call's messages: of what was sent and of
// what was received. Both are nil without a schema.
func (c Call) Descriptors() (input, output protoreflect.MessageDescriptor) {
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
	if s := c.Stream.Status; s != nil && (!o.Local || o.Code == 0 || o.Code == s.Code) {
		return StatusPart{
			Code: s.Code, Name: envelope.CodeName(s.Code), Message: s.Message, Details: detailsJSON(s.Details, c.Types()), Source: "wire",
		}
	}
	return StatusPart{Code: o.Code, Name: envelope.CodeName(o.Code), Message: o.Message, Details: []json.RawMessage{}, Source: "local"}
}

// detailsJSON decodes rich errors, each as the JSON of its Any. One whose type
// is not known keeps its bytes.
func detailsJSON(raw []byte, types inspect.Types) []json.RawMessage {
	out := []json.RawMessage{}
	details, err := envelope.Details(raw)
	if err != nil {
		return append(out, mustJSON(map[string]string{"problem": err.Error(), "base64": base64.StdEncoding.EncodeToString(raw)}))
	}
	for _, d := range details {
		out = append(out, detailJSON(d, types))
	}
	return out
}

func detailJSON(d envelope.Detail, types inspect.Types) json.RawMessage {
	unknown := func(err error) json.RawMessage {
		return mustJSON(map[string]string{"@type": d.TypeURL, "base64": base64.StdEncoding.EncodeToString(d.Value), "problem": err.Error()})
	}
	if _, err := types.FindMessageByURL(d.TypeURL); err != nil {
		return unknown(errors.New("the schema has no such type"))
	}
	// As an Any, since a well-known type's JSON may be no object: {"@type": …, "value": "3s"}.
	raw, err := proto.Marshal(&anypb.Any{TypeUrl: d.TypeURL, Value: d.Value})
	if err != nil {
		return unknown(err)
	}
	body, err := inspect.NewPlan(anyDescriptor, types, inspect.Options{}).AppendJSON(nil, raw)
	if err != nil {
		return unknown(err)
	}
	return body
}

var anyDescriptor = (*anypb.Any)(nil).ProtoReflect().Descriptor()

func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null") // strings and maps of strings always marshal
	}
	return b
}

// Envelope returns the call as data. withWire adds the field nodes of each message.
func (c Call) Envelope(withWire bool) Envelope {
	e := Envelope{
		Schema: 1, Operation: c.Exchange.Request.Operation, Protocol: "grpc", Target: c.Exchange.Request.Target.Address,
		Request:  RequestPart{Method: c.Stream.Method, Path: c.Stream.Path, Headers: []HeaderPart{}, Messages: []MessagePart{}},
		Response: ResponsePart{Headers: []HeaderPart{}, Trailers: []HeaderPart{}, Messages: []MessagePart{}},
		Frames:   []FramePart{}, Problems: []ProblemPart{},
	}
	e.Response.Status = c.Status()
	c.addHeaders(&e)
	c.addMessages(&e, withWire)
	c.addFrames(&e)
	c.addConnection(&e)
	return e
}

func (c Call) addHeaders(e *Envelope) {
	for _, b := range c.Trace.Headers {
		if b.Stream != c.Stream.ID {
			continue
		}
		var to *[]HeaderPart
		switch {
		case b.Kind == inspect.RequestHeaders:
			to = &e.Request.Headers
		case b.Kind == inspect.Trailers && b.Dir == record.Received:
			to = &e.Response.Trailers
		case b.Kind == inspect.ResponseHeaders:
			to = &e.Response.Headers
		default:
			continue
		}
		for _, f := range b.Fields {
			*to = append(*to, HeaderPart{f.Name, f.Value})
		}
	}
}

func (c Call) addMessages(e *Envelope, withWire bool) {
	input, output := c.Descriptors()
	types := c.Types()
	side := func(md protoreflect.MessageDescriptor) *decoder {
		d := &decoder{md: md, types: types, wire: withWire}
		if md != nil {
			d.plan = inspect.NewPlan(md, types, inspect.Options{})
		}
		return d
	}
	sent, received := side(input), side(output)
	for _, m := range c.Trace.Messages {
		switch {
		case m.Stream != c.Stream.ID:
		case m.Dir == record.Sent:
			e.Request.Messages = append(e.Request.Messages, sent.message(c, m))
		default:
			e.Response.Messages = append(e.Response.Messages, received.message(c, m))
		}
	}
}

// decoder turns the messages of one direction into parts of the envelope.
type decoder struct {
	md    protoreflect.MessageDescriptor
	plan  *inspect.Plan
	types inspect.Types
	wire  bool
}

func (d *decoder) message(c Call, m inspect.Message) MessagePart {
	p := MessagePart{Bytes: m.Length, Compressed: m.Compressed, AtMS: ms(m.At), JSON: json.RawMessage("null")}
	payload, err := c.Trace.Payload(c.Recording, m)
	if err == nil && d.plan != nil {
		var text []byte
		if text, err = d.plan.AppendJSON(nil, payload); err == nil {
			p.JSON = text
		}
	}
	if err != nil {
		p.Problem = err.Error()
	}
	if err != nil || d.plan == nil {
		p.Base64 = base64.StdEncoding.EncodeToString(payload)
	}
	if d.wire {
		p.Wire = wireParts(inspect.Fields(payload, d.md, d.types))
	}
	return p
}

func wireParts(nodes []inspect.Node) []WirePart {
	parts := make([]WirePart, len(nodes))
	for i, n := range nodes {
		parts[i] = WirePart{
			Offset: n.Range.Off, Length: n.Range.Len, ValueOffset: n.Value.Off, ValueLength: n.Value.Len,
			Number: int32(n.Number), Wire: n.Wire.String(), Kind: n.Kind.String(), Problem: n.Problem, Fields: wireParts(n.Children),
		}
		if n.Field != nil && n.Kind == pb.FieldNode {
			parts[i].Name = string(n.Field.Name())
		}
	}
	return parts
}

func (c Call) addFrames(e *Envelope) {
	unsent, cut := c.Recording.Unsent()
	for _, f := range c.Trace.Frames {
		flags := f.Flags.Names(f.Type)
		if flags == nil {
			flags = []string{}
		}
		e.Frames = append(e.Frames, FramePart{
			AtMS: ms(f.At), Dir: f.Dir.String(), Type: f.Type.String(), Flags: flags, Stream: f.Stream, Offset: f.Off, Length: f.Length,
			Unsent: cut && f.Dir == unsent.Dir && f.Span().End() > unsent.Off,
		})
	}
	for _, p := range c.Trace.Problems {
		e.Problems = append(e.Problems, ProblemPart{
			Dir: p.Span.Dir.String(), Offset: p.Span.Off, Length: p.Span.Len, Stream: p.Stream, Rule: p.Rule, Text: p.Text,
		})
	}
}

func (c Call) addConnection(e *Envelope) {
	meta := c.Recording.Meta()
	e.Timing = Timing{DNS: ms(meta.Dial.DNS), Connect: ms(meta.Dial.Connect), TLS: ms(meta.Dial.TLS), Total: ms(c.Exchange.Outcome.At)}
	for _, b := range c.Trace.Headers {
		if b.Stream == c.Stream.ID && b.Dir == record.Received {
			e.Timing.FirstByte = ms(b.At)
			break
		}
	}
	if t := meta.TLS; t != nil {
		e.TLS = &TLSPart{
			Version: t.Version, CipherSuite: t.CipherSuite, ServerName: t.ServerName, ALPN: t.ALPN, Verified: t.Verified, Certificates: []string{},
		}
		for _, der := range t.Chain {
			e.TLS.Certificates = append(e.TLS.Certificates, base64.StdEncoding.EncodeToString(der))
		}
	}
}

// ms returns a duration in milliseconds, to the microsecond.
func ms(d time.Duration) float64 {
	f, err := strconv.ParseFloat(strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 3, 64), 64)
	if err != nil {
		return 0 // what FormatFloat wrote always parses
	}
	return f
}
