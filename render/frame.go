package render

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// FrameLine is one frame in the columns of the frame list. All text is escaped.
type FrameLine struct {
	At     string // milliseconds: "1.80"
	Arrow  string // "→" sent, "←" received
	Type   string // "HEADERS"
	Stream string // "1"; "·" for the connection
	Length string // RFC 9113 Length
	Flags  string // "END_HEADERS END_STREAM"
	Window string // "connection/stream" bytes left to the sender; "" where none is at stake
	What   string // what it is for: "POST /a.B/C · 9 fields"
}

// Millis formats a duration as milliseconds with two decimals.
func Millis(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 2, 64)
}

// Arrow returns the sign of a direction.
func Arrow(d record.Dir) string {
	if d == record.Sent {
		return "→"
	}
	return "←"
}

// Frame words the frame at index i of t.Frames.
func Frame(rec *record.Recording, t inspect.Trace, i int) FrameLine {
	f := t.Frames[i]
	line := FrameLine{
		At: Millis(f.At), Arrow: Arrow(f.Dir), Type: f.Type.String(), Stream: "·",
		Length: strconv.FormatUint(uint64(f.Length), 10),
		Flags:  strings.Join(f.Flags.Names(f.Type), " "),
	}
	if f.Stream != 0 {
		line.Stream = strconv.FormatUint(uint64(f.Stream), 10)
	}
	switch {
	case f.Type == h2.Data:
		line.Window = fmt.Sprintf("%d/%d", f.ConnWindow, f.StreamWindow)
	case f.Type == h2.WindowUpdate && f.Stream == 0:
		line.Window = fmt.Sprintf("%d/·", f.ConnWindow)
	case f.Type == h2.WindowUpdate:
		line.Window = fmt.Sprintf("·/%d", f.StreamWindow)
	}
	line.What = Escape(what(rec, t, i))
	if s, cut := rec.Unsent(); cut && f.Dir == s.Dir && f.Span().End() > s.Off {
		line.What = "not sent: the write failed · " + line.What
	}
	return line
}

// what says what a frame is for.
func what(rec *record.Recording, t inspect.Trace, i int) string {
	f := t.Frames[i]
	if b, ok := t.Block(int(f.Block)); ok && f.Block >= 0 {
		return blockSummary(b)
	}
	const most = 1 << 10
	p := rec.Append(nil, record.Span{Dir: f.Dir, Off: f.Off + h2.HeaderLen, Len: min(int64(f.Length), most)})
	switch f.Type {
	case h2.Data:
		return dataSummary(t, i)
	case h2.Headers, h2.PushPromise, h2.Continuation:
		return "header block goes on"
	case h2.Settings:
		return settingsSummary(f, p)
	case h2.Ping:
		return pingSummary(p)
	}
	if text, ok := valueSummary(f.Type, p); ok {
		return text
	}
	return strings.Join(Hex(p[:min(len(p), 16)], 16), " ")
}

// valueSummary words a payload with fixed fields; false if it is too short for
// them, or of another type.
func valueSummary(typ h2.Type, p []byte) (text string, ok bool) {
	switch typ {
	case h2.WindowUpdate:
		n, ok := h2.ReadWindowUpdate(p)
		return fmt.Sprintf("+%d", n), ok
	case h2.RSTStream:
		code, ok := h2.ReadRSTStream(p)
		return code.String(), ok
	case h2.GoAway:
		g, ok := h2.ReadGoAway(p)
		text := fmt.Sprintf("%s, last stream %d", g.Code, g.LastStream)
		if len(g.Debug) > 0 {
			text += fmt.Sprintf(", %q", g.Debug)
		}
		return text, ok
	case h2.Priority:
		d, ok := h2.ReadPriority(p)
		return dependencyText(d), ok
	}
	return "", false
}

func dependencyText(d h2.Dependency) string {
	text := fmt.Sprintf("depends on %d, weight %d", d.Stream, d.Weight)
	if d.Exclusive {
		text += ", exclusive"
	}
	return text
}

// bdpPing is the payload of the pings by which grpc-go measures bandwidth.
const bdpPing = "\x02\x04\x10\x10\x09\x0e\x07\x07"

func pingSummary(p []byte) string {
	if string(p) == bdpPing {
		return "grpc-go bandwidth probe"
	}
	return strings.Join(Hex(p, 16), " ")
}

func settingsSummary(f inspect.Frame, p []byte) string {
	if f.Flags.Has(h2.Ack) {
		return "acknowledged"
	}
	settings := h2.ReadSettings(p)
	if len(settings) == 0 {
		return "all defaults"
	}
	words := make([]string, len(settings))
	for i, s := range settings {
		words[i] = fmt.Sprintf("%s %d", s.ID, s.Value)
	}
	return strings.Join(words, ", ")
}

// blockSummary words a header block by what matters in it.
func blockSummary(b inspect.HeaderBlock) string {
	get := func(name string) string { v, _ := b.Get(name); return v }
	fields := plural(int64(len(b.Fields)), "field")
	switch b.Kind {
	case inspect.RequestHeaders:
		return fmt.Sprintf("%s %s · %s", get(":method"), get(":path"), fields)
	case inspect.Promise:
		return fmt.Sprintf("promises %s %s · %s", get(":method"), get(":path"), fields)
	default: // of a response
	}
	var words []string
	if s := get(":status"); s != "" {
		words = append(words, s)
	}
	if s := get("content-type"); s != "" {
		words = append(words, s)
	}
	if s := get("grpc-status"); s != "" {
		text := "grpc-status " + s
		if code, err := strconv.Atoi(s); err == nil {
			text += " " + envelope.CodeName(code)
		}
		if m := get("grpc-message"); m != "" {
			text += ": " + envelope.PercentDecode(m)
		}
		words = append(words, text)
	}
	return strings.Join(append(words, fields), " · ")
}

// dataSummary says which messages a DATA frame carries.
func dataSummary(t inspect.Trace, i int) string {
	f := t.Frames[i]
	if f.Length == 0 {
		return "empty"
	}
	const most = 3
	all, partial := t.MessagesIn(f)
	words := make([]string, 0, most+1)
	for i, m := range all {
		if i == most {
			words = append(words, fmt.Sprintf("… %d messages", len(all)))
			break
		}
		words = append(words, messageWord(t, m, f, !partial || i+1 < len(all)))
	}
	return strings.Join(words, ", ")
}

func messageWord(t inspect.Trace, m inspect.Message, f inspect.Frame, complete bool) string {
	word := MessageName(m)
	spans := t.Spans(m)
	frame := f.Span()
	begins := spans[0].Off >= frame.Off
	ends := complete && spans[len(spans)-1].End() <= frame.End()
	switch {
	case begins && ends:
	case begins:
		word += " begins"
	case ends:
		word += " ends"
	default:
		word += " goes on"
	}
	if m.Compressed && begins {
		word += " (compressed)"
	}
	return word
}

// MessageName returns "request 2" or "message 1"; the body of a stream that is
// not gRPC is "request body" or "body".
func MessageName(m inspect.Message) string {
	switch {
	case !m.Prefixed() && m.Dir == record.Sent:
		return "request body"
	case !m.Prefixed():
		return "body"
	case m.Dir == record.Sent:
		return fmt.Sprintf("request %d", m.Seq+1)
	default:
		return fmt.Sprintf("message %d", m.Seq+1)
	}
}
