package render

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/inspect/pb"
	"github.com/wiregloss/wiregloss/record"
)

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
	Body     any           `json:"body,omitempty"`
}

// ResponsePart is what was received.
type ResponsePart struct {
	Status   *StatusPart   `json:"status"` // null of a body without its connection
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
		Schema: 1, Operation: c.operation(), Protocol: c.Protocol(), Target: c.Exchange.Request.Target.Address,
		Request:  RequestPart{Method: c.Stream.Method, Path: c.Stream.Path, Headers: []HeaderPart{}, Messages: []MessagePart{}},
		Response: ResponsePart{Headers: []HeaderPart{}, Trailers: []HeaderPart{}, Messages: []MessagePart{}},
		Frames:   []FramePart{}, Problems: []ProblemPart{},
	}
	if status := c.Status(); c.Trace.Protocol != inspect.BareBody {
		e.Response.Status = &status
	}
	c.addHeaders(&e)
	c.addMessages(&e, withWire)
	c.addFrames(&e)
	c.addConnection(&e)
	return e
}

// operation returns what was called: as it was asked for, or as the wire tells.
func (c Call) operation() string {
	switch op := c.Exchange.Request.Operation; {
	case op != "":
		return op
	case c.Stream.RPC != inspect.NoRPC:
		return strings.TrimPrefix(c.Stream.Path, "/")
	case c.Stream.Method == "":
		return ""
	default:
		return c.Stream.Method + " " + c.Stream.Path
	}
}

func (c Call) addHeaders(e *Envelope) {
	for b := range c.headers() {
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
	for m := range c.messages() {
		switch {
		case m.Framing == inspect.Whole && c.Stream.RPC == inspect.NoRPC && m.Dir == record.Sent:
			e.Request.Body = c.body(sent, m)
		case m.Framing == inspect.Whole && c.Stream.RPC == inspect.NoRPC:
			e.Response.Body = c.body(received, m)
		case m.Dir == record.Sent:
			e.Request.Messages = append(e.Request.Messages, sent.message(c, m))
		default:
			e.Response.Messages = append(e.Response.Messages, received.message(c, m))
		}
	}
}

// BodyPart is the body of a message that is not of a call: one of the three.
type BodyPart struct {
	JSON    json.RawMessage `json:"json,omitempty"`
	Text    *string         `json:"text,omitempty"`
	Base64  *string         `json:"base64,omitempty"`
	Problem string          `json:"problem,omitempty"`
	Wire    []WirePart      `json:"wire,omitempty"`
}

// Undecoded says which message cannot be decoded, the first of them, and why; ""
// if all can.
func (e Envelope) Undecoded() string {
	for _, side := range []struct {
		name     string
		messages []MessagePart
		body     any
	}{{"request", e.Request.Messages, e.Request.Body}, {"message", e.Response.Messages, e.Response.Body}} {
		for i, m := range side.messages {
			if m.Problem != "" {
				return fmt.Sprintf("%s %d: %s", side.name, i+1, m.Problem)
			}
		}
		if b, ok := side.body.(BodyPart); ok && b.Problem != "" {
			return "body: " + b.Problem
		}
	}
	return ""
}

// body returns the body of a message that is not of a call. One of protobuf has
// JSON if its type is known.
func (c Call) body(d *decoder, m inspect.Message) BodyPart {
	if m.Content == inspect.Protobuf && d.plan != nil {
		part := d.message(c, m)
		p := BodyPart{Problem: part.Problem, Wire: part.Wire}
		if part.Problem == "" {
			p.JSON = part.JSON
		} else {
			p.Base64 = &part.Base64
		}
		return p
	}
	payload, err := c.Trace.Payload(c.Recording, m)
	var p BodyPart
	if err != nil {
		p.Problem = err.Error()
	}
	if d.wire && m.Content == inspect.Protobuf {
		p.Wire = wireParts(inspect.Fields(payload, nil, d.types))
	}
	switch {
	case m.Content == inspect.JSON && json.Valid(payload):
		p.JSON = payload
	case utf8.Valid(payload):
		text := string(payload)
		p.Text = &text
	default:
		text := base64.StdEncoding.EncodeToString(payload)
		p.Base64 = &text
	}
	return p
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
	if err == nil && m.Content == inspect.JSON && json.Valid(payload) {
		p.JSON = payload
		return p
	}
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
	for f := range c.frames() {
		flags := f.Flags.Names(f.Type)
		if flags == nil {
			flags = []string{}
		}
		e.Frames = append(e.Frames, FramePart{
			AtMS: ms(f.At), Dir: f.Dir.String(), Type: f.Type.String(), Flags: flags, Stream: f.Stream, Offset: f.Off, Length: f.Length,
			Unsent: cut && f.Dir == unsent.Dir && f.Span().End() > unsent.Off,
		})
	}
	for p := range c.problems() {
		e.Problems = append(e.Problems, ProblemPart{
			Dir: p.Span.Dir.String(), Offset: p.Span.Off, Length: p.Span.Len, Stream: p.Stream, Rule: p.Rule, Text: p.Text,
		})
	}
}

func (c Call) addConnection(e *Envelope) {
	meta := c.Recording.Meta()
	if e.Target == "" {
		e.Target = meta.Peer // of a capture: nobody said where it was to go
	}
	e.Timing = Timing{DNS: ms(meta.Dial.DNS), Connect: ms(meta.Dial.Connect), TLS: ms(meta.Dial.TLS), Total: ms(c.Exchange.Outcome.At)}
	if c.index != nil {
		e.Timing.Total = ms(c.Stream.Ended)
	}
	for b := range c.headers() {
		if b.Dir == record.Received {
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
