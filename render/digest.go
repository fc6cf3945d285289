package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/record"
)

// StreamHeading names a stream in one line: what was called, by which protocol.
func StreamHeading(s inspect.Stream) string {
	what := strings.TrimSpace(s.Method + " " + s.Path)
	if what == "" {
		what = "no request seen"
	}
	line := fmt.Sprintf("── stream %d · %s", s.ID, Escape(what))
	if s.RPC != inspect.NoRPC {
		line += " · " + s.RPC.String()
	}
	return line + " ──"
}

// ConnectionText says in a few lines what a connection was. name is empty where
// its addresses tell.
func ConnectionText(name string, rec *record.Recording, t inspect.Trace) string {
	m := rec.Meta()
	if name == "" {
		name = strings.TrimSpace(m.Local + " → " + m.Peer)
	}
	words := []string{
		name, protocolName(t.Protocol), plural(int64(len(t.Streams)), "stream"),
		fmt.Sprintf("%d bytes sent, %d received", rec.Size(record.Sent), rec.Size(record.Received)),
	}
	if m.TLS != nil {
		words = append(words, strings.TrimSpace(m.TLS.Version+" "+m.TLS.CipherSuite))
	}
	if !m.Start.IsZero() {
		words = append(words, "begun "+m.Start.UTC().Format("2006-01-02 15:04:05.000 UTC"))
	}
	switch err, closed := rec.Closed(); {
	case !closed, m.Peer == "" && m.Local == "": // bytes from a file, of which that is not known
	case err == nil:
		words = append(words, "closed by us")
	case errors.Is(err, io.EOF):
		words = append(words, "closed by the peer")
	default:
		words = append(words, "broken: "+err.Error())
	}
	return Escape(strings.Join(words, " · "))
}

func protocolName(p inspect.Protocol) string {
	switch p {
	case inspect.HTTP2:
		return "HTTP/2"
	case inspect.HTTP1:
		return "HTTP/1.1"
	case inspect.BareBody:
		return "a body without its connection"
	case inspect.Foreign:
		return "not HTTP"
	default:
		return "nothing decoded"
	}
}

// mostShown is how much of a body that is not a message the digest prints.
const mostShown = 16 << 10

// Digest returns a call as a person reads it: headers, messages as JSON, trailers
// and how it ended, in the order in which they came. The error is why the first
// message that cannot be decoded cannot; the text has it too.
func (c Call) Digest(showSecrets bool) (string, error) {
	d := digest{call: c, secrets: showSecrets}
	if c.Trace.Protocol != inspect.BareBody {
		d.line("%s", strings.TrimSuffix(strings.TrimPrefix(StreamHeading(c.Stream), "── "), " ──"))
	}
	d.events()
	d.status()
	for p := range c.problems() {
		d.line("  ! %s", ProblemText(p))
	}
	return d.text.String(), d.bad
}

type digest struct {
	call    Call
	secrets bool
	text    strings.Builder
	plans   [2]*inspect.Plan
	bad     error // of the first message that cannot be decoded
}

// fail keeps why a message cannot be decoded, if it is the first.
func (d *digest) fail(m inspect.Message, err error) {
	if d.bad == nil {
		d.bad = fmt.Errorf("%s: %w", MessageName(m), err)
	}
}

func (d *digest) line(format string, args ...any) {
	fmt.Fprintf(&d.text, format+"\n", args...)
}

// events merges header blocks and messages by the time of their last byte.
func (d *digest) events() {
	var messages []inspect.Message
	for m := range d.call.messages() {
		messages = append(messages, m)
	}
	for _, m := range d.call.Trace.Partial {
		if m.Stream == d.call.Stream.ID && m.Have > 0 {
			messages = append(messages, m)
		}
	}
	show := func(before time.Duration, dir record.Dir, trailers bool) {
		for len(messages) > 0 && (messages[0].At < before || messages[0].At == before && (trailers || messages[0].Dir != dir)) {
			d.message(messages[0])
			messages = messages[1:]
		}
	}
	for b := range d.call.headers() {
		show(b.At, b.Dir, b.Kind == inspect.Trailers)
		d.block(b)
	}
	for _, m := range messages {
		d.message(m)
	}
}

func arrowText(dir record.Dir) string {
	return map[record.Dir]string{record.Sent: ">", record.Received: "<"}[dir]
}

var blockNames = [...]string{"request headers", "response headers", "informational response", "trailers", "promised request"}

func (d *digest) block(b inspect.HeaderBlock) {
	arrow := arrowText(b.Dir)
	d.line("  %s %s · %s ms", arrow, blockNames[b.Kind], Millis(b.At))
	if b.StartLine != "" {
		d.line("      %s", Escape(b.StartLine))
	}
	shown, more := shownFields(b.Fields)
	for _, f := range shown {
		note := ""
		if f.Untrusted {
			note = "  (untrusted)"
		}
		d.line("      %s: %s%s%s", Escape(f.Name), HeaderValue(f.Name, f.Value, d.secrets), fieldNote(f.Name, f.Value), note)
		if strings.HasSuffix(f.Name, "-bin") && (d.secrets || !Secret(f.Name)) {
			d.binary(f.Name, f.Value)
		}
	}
	if more > 0 {
		d.line("      … and %d more fields", more)
	}
}

// deadlineText says how an ended call stood to its deadline.
func deadlineText(s inspect.Stream) string {
	dl, ok := s.Deadline(s.Ended)
	switch {
	case !ok || s.Ended == 0:
		return ""
	case dl.Margin < 0:
		return fmt.Sprintf(" · deadline %s passed by %s ms", dl.Timeout, Millis(-dl.Margin))
	default:
		return fmt.Sprintf(" · deadline %s, %s ms left", dl.Timeout, Millis(dl.Margin))
	}
}

// fieldNote says what a field's value stands for, where it does not say so itself.
func fieldNote(name, value string) string {
	switch name {
	case "grpc-timeout":
		if t, ok := envelope.ParseTimeout(value); ok {
			return "  (" + t.String() + ")"
		}
	case "grpc-status":
		var code int
		if _, err := fmt.Sscanf(value, "%d", &code); err == nil {
			return "  (" + envelope.CodeName(code) + ")"
		}
	}
	return ""
}

// binary shows the values of a -bin field: as JSON where its type is known, as
// hex where not.
func (d *digest) binary(name, value string) {
	for _, v := range envelope.DecodeBinaryList(value) {
		if v.Err != nil {
			d.line("        not base64: %s", Escape(v.Err.Error()))
			continue
		}
		if full, ok := envelope.BinaryType(name); ok {
			if mt, err := d.call.Types().FindMessageByURL(string(full)); err == nil {
				if text, err := inspect.NewPlan(mt.Descriptor(), d.call.Types(), inspect.Options{}).AppendJSON(nil, v.Bytes); err == nil {
					d.line("        %s %s", full, EscapeJSON(text))
					continue
				}
			}
		}
		for _, line := range Hex(v.Bytes[:min(len(v.Bytes), 256)], 24) {
			d.line("        %s", line)
		}
	}
}

func (d *digest) message(m inspect.Message) {
	size := plural(m.Length, "byte")
	payload, err := d.call.Trace.Payload(d.call.Recording, m)
	if m.Compressed {
		size += fmt.Sprintf(" compressed, %d without", len(payload))
	}
	if m.Have < m.Length || err != nil && m.Have == m.Length && len(payload) == 0 {
		size = fmt.Sprintf("%d of %s, cut", m.Have, size)
	} else if m.Have > m.Length { // its length was not known before its end, which did not come
		size = plural(m.Have, "byte") + ", cut"
	}
	d.line("  %s %s · %s · %s ms", arrowText(m.Dir), MessageName(m), size, Millis(m.At))
	if err != nil {
		d.line("      cannot be read: %s", Escape(err.Error()))
		if m.Have == m.Length { // of one that was cut the decoder tells
			d.fail(m, err)
		}
		return
	}
	d.body(m, payload)
}

// body prints a payload by what it holds.
func (d *digest) body(m inspect.Message, payload []byte) {
	input, output := d.call.Descriptors()
	md := map[record.Dir]protoreflect.MessageDescriptor{record.Sent: input, record.Received: output}[m.Dir]
	switch {
	case m.Content == inspect.Protobuf && md != nil:
		if d.plans[m.Dir] == nil {
			d.plans[m.Dir] = inspect.NewPlan(md, d.call.Types(), inspect.Options{})
		}
		text, err := d.plans[m.Dir].AppendJSON(nil, payload)
		if err == nil {
			d.json(text)
			return
		}
		d.fail(m, err)
		d.indented(NewSchema(md, d.call.Types()).WireText(payload))
	case m.Content == inspect.Protobuf:
		d.indented(NewSchema(nil, d.call.Types()).WireText(payload))
	case m.Content == inspect.JSON && json.Valid(payload):
		d.json(payload)
	case m.Content == inspect.Opaque && !printable(payload):
		d.indented(strings.Join(Hex(payload[:min(len(payload), mostShown/8)], 16), "\n"))
	default:
		d.indented(EscapeLines(string(payload[:min(len(payload), mostShown)])))
	}
	if m.Content != inspect.Protobuf && m.Content != inspect.JSON && len(payload) > mostShown {
		d.line("      … %d bytes in all; -o body prints them", len(payload))
	}
}

func printable(b []byte) bool {
	return bytes.IndexFunc(b[:min(len(b), 512)], func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0xfffd }) < 0
}

func (d *digest) json(b []byte) {
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		d.indented(EscapeLines(string(b)))
		return
	}
	d.indented(string(EscapeJSON(out.Bytes())))
}

func (d *digest) indented(text string) {
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		d.line("      %s", strings.TrimRight(line, "\n"))
	}
}

// status says how the call ended, and how much of its deadline was left.
func (d *digest) status() {
	if d.call.Trace.Protocol == inspect.BareBody {
		return
	}
	s := d.call.Status()
	text := s.Name
	if d.call.Stream.RPC == inspect.NoRPC && s.Source == "wire" {
		text = fmt.Sprintf("%d %s", s.Code, s.Name)
	}
	if s.Message != "" {
		text += ": " + Escape(s.Message)
	}
	if s.Source != "wire" {
		text += " (not from the wire)"
	}
	if d.call.Stream.Ended > 0 {
		text += fmt.Sprintf(" · %s ms", Millis(d.call.Stream.Ended-d.call.Stream.Opened))
	}
	text += deadlineText(d.call.Stream)
	d.line("  = %s", text)
	for _, detail := range s.Details {
		d.json(detail)
	}
}
