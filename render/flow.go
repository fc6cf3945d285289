package render

import (
	"fmt"
	"strings"
	"time"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// Who names the side that sends in a direction.
func Who(d record.Dir) string {
	if d == record.Sent {
		return "client"
	}
	return "server"
}

// windowsOf returns the windows of the connection and of each stream on which
// there was anything to send; with only, of that stream.
func windowsOf(l *inspect.Ledger, only uint32) []inspect.Window {
	var out []inspect.Window
	for _, id := range append([]uint32{0}, l.Streams()...) {
		if only != 0 && id != 0 && id != only {
			continue
		}
		for _, dir := range []record.Dir{record.Sent, record.Received} {
			if w, ok := l.Window(id, dir); ok && (id == 0 || w.Sent > 0 || w.StallCount > 0) {
				out = append(out, w)
			}
		}
	}
	return out
}

// WindowName returns "connection" or "stream 3".
func WindowName(stream uint32) string {
	if stream == 0 {
		return "connection"
	}
	return fmt.Sprintf("stream %d", stream)
}

// FlowText returns the report on flow control and on the frames that keep a
// connection going: windows and the time at zero, SETTINGS with their ACK, PINGs
// with their round trip, and what ended streams. With only, of streams just that.
func FlowText(t inspect.Trace, l *inspect.Ledger, only uint32) string {
	var b strings.Builder
	b.WriteString("flow control: what each sender of DATA may still send, in bytes (RFC 9113 §5.2)\n")
	fmt.Fprintf(&b, "  %-8s %-12s %10s %10s %12s %10s %11s %11s %8s  %s\n",
		"sender", "window", "initial", "lowest", "at ms", "now", "sent", "credit", "updates", "at zero")
	windows := windowsOf(l, only)
	for _, w := range windows {
		blocked := "never"
		if w.StallCount > 0 {
			blocked = fmt.Sprintf("%s ms in %s", Millis(w.Blocked), plural(int64(w.StallCount), "stall"))
		}
		fmt.Fprintf(&b, "  %-8s %-12s %10d %10d %12s %10d %11d %11d %8d  %s\n",
			Who(w.Dir), WindowName(w.Stream), w.Initial, w.Lowest, Millis(w.At), w.Now, w.Sent, w.Credit, w.Updates, blocked)
	}
	for _, w := range windows {
		for _, s := range w.Stalls {
			fmt.Fprintf(&b, "  %s\n", StallText(t, w, s))
		}
		if more := w.StallCount - len(w.Stalls); more > 0 {
			fmt.Fprintf(&b, "  … and %d more of %s, %s\n", more, Who(w.Dir), WindowName(w.Stream))
		}
	}
	b.WriteString(connectionFacts(l))
	return b.String()
}

// StallText says when and between which frames a window stood at zero.
func StallText(t inspect.Trace, w inspect.Window, s inspect.Stall) string {
	text := fmt.Sprintf("%s could not send DATA on the %s for %s ms: from %s ms (%s)",
		Who(w.Dir), WindowName(w.Stream), Millis(s.To-s.From), Millis(s.From), frameName(t, s.Cause))
	if s.End < 0 {
		return text + ", until the end"
	}
	return text + fmt.Sprintf(" to %s ms (%s)", Millis(s.To), frameName(t, s.End))
}

// frameName names a frame by its number and type.
func frameName(t inspect.Trace, index int) string {
	if i := index - t.Forgotten.Frames; i >= 0 && i < len(t.Frames) {
		return fmt.Sprintf("%s, frame %d", t.Frames[i].Type, index+1)
	}
	return fmt.Sprintf("frame %d", index+1)
}

// ConnectionFacts returns what the frames that carry no call say, or "".
func ConnectionFacts(l *inspect.Ledger) string {
	if l == nil {
		return ""
	}
	if facts := connectionFacts(l); facts != "" {
		return "\nconnection\n" + facts
	}
	return ""
}

func connectionFacts(l *inspect.Ledger) string {
	var b strings.Builder
	for _, s := range l.Settings() {
		fmt.Fprintf(&b, "  %s\n", SettingsText(s))
	}
	const mostPings = 20
	pings := l.Pings()
	for _, p := range pings[:min(len(pings), mostPings)] {
		fmt.Fprintf(&b, "  %s\n", PingText(p))
	}
	for _, dir := range []record.Dir{record.Sent, record.Received} {
		if s := l.PingStats(dir); s.Sent > mostPings {
			fmt.Fprintf(&b, "  %s sent %s, %d answered: %s to %s ms, %s on average\n",
				Who(dir), plural(int64(s.Sent), "PING"), s.Answered, Millis(s.Least), Millis(s.Most), Millis(s.Mean()))
		}
	}
	for _, n := range l.Notices() {
		fmt.Fprintf(&b, "  %s\n", Escape(noticeText(n)))
	}
	if now, most, at := l.OpenStreams(); most > 1 {
		fmt.Fprintf(&b, "  at most %s open at once, at %s ms; %d at the end\n", plural(int64(most), "stream"), Millis(at), now)
	}
	for _, dir := range []record.Dir{record.Sent, record.Received} {
		if w := l.Interleaving(dir); w.Switches > 1 {
			fmt.Fprintf(&b, "  %s changed streams %d times in %d frames; %d frames of stream %d was the longest run\n",
				Who(dir), w.Switches, w.Frames, w.Longest.Frames, w.Longest.Stream)
		}
	}
	return b.String()
}

// SettingsText words a SETTINGS frame with its acknowledgement.
func SettingsText(s inspect.SettingsFrame) string {
	words := make([]string, len(s.Changes))
	for i, c := range s.Changes {
		words[i] = fmt.Sprintf("%s %d", c.ID, c.To)
		if c.Limited && c.From != c.To {
			words[i] += fmt.Sprintf(" (was %d)", c.From)
		}
	}
	if len(words) == 0 {
		words = []string{"all defaults"}
	}
	return fmt.Sprintf("%s SETTINGS at %s ms, %s: %s", Who(s.Dir), Millis(s.At), answered("ACK", s.Latency), strings.Join(words, ", "))
}

func answered(what string, latency func() (time.Duration, bool)) string {
	if d, ok := latency(); ok {
		return fmt.Sprintf("%s after %s ms", what, Millis(d))
	}
	return "no " + what
}

// PingText words a PING with its round trip.
func PingText(p inspect.Ping) string {
	return fmt.Sprintf("%s PING at %s ms, %s: %s", Who(p.Dir), Millis(p.At), answered("answer", p.RTT), p.Kind)
}

// noticeText words a frame that seldom comes.
func noticeText(n inspect.Notice) string {
	text := fmt.Sprintf("%s %s at %s ms", Who(n.Dir), n.Type, Millis(n.At))
	if n.Stream != 0 {
		text += fmt.Sprintf(" on stream %d", n.Stream)
	}
	if what := noticeWords(n); what != "" {
		text += ": " + what
	}
	return text
}

// WindowPart is a window as data. Times are milliseconds.
type WindowPart struct {
	Sender    string      `json:"sender"`
	Stream    uint32      `json:"stream"` // 0 is the connection
	Initial   int64       `json:"initial"`
	Lowest    int64       `json:"lowest"`
	LowestMS  float64     `json:"lowest_at_ms"`
	Now       int64       `json:"now"`
	Sent      int64       `json:"sent"`
	Credit    int64       `json:"credit"`
	Updates   int         `json:"updates"`
	BlockedMS float64     `json:"blocked_ms"`
	Stalls    []StallPart `json:"stalls"`
}

// StallPart is a span of time at zero. Frames count from 0; -1 is none.
type StallPart struct {
	FromMS float64 `json:"from_ms"`
	ToMS   float64 `json:"to_ms"`
	Cause  int     `json:"cause_frame"`
	End    int     `json:"end_frame"`
}

// FlowJSON returns the report of FlowText as data.
func FlowJSON(l *inspect.Ledger, only uint32) any {
	windows := []WindowPart{}
	for _, w := range windowsOf(l, only) {
		p := WindowPart{
			Sender: Who(w.Dir), Stream: w.Stream, Initial: w.Initial, Lowest: w.Lowest, LowestMS: ms(w.At), Now: w.Now,
			Sent: w.Sent, Credit: w.Credit, Updates: w.Updates, BlockedMS: ms(w.Blocked), Stalls: []StallPart{},
		}
		for _, s := range w.Stalls {
			p.Stalls = append(p.Stalls, StallPart{ms(s.From), ms(s.To), s.Cause, s.End})
		}
		windows = append(windows, p)
	}
	return map[string]any{
		"schema": 1, "report": "windows", "windows": windows, "settings": settingsParts(l), "pings": pingParts(l), "notices": noticeParts(l),
	}
}

func settingsParts(l *inspect.Ledger) []map[string]any {
	out := []map[string]any{}
	for _, s := range l.Settings() {
		values := map[string]uint32{}
		for _, c := range s.Changes {
			values[c.ID.String()] = c.To
		}
		part := map[string]any{"from": Who(s.Dir), "at_ms": ms(s.At), "values": values, "ack_ms": nil}
		if d, ok := s.Latency(); ok {
			part["ack_ms"] = ms(d)
		}
		out = append(out, part)
	}
	return out
}

func pingParts(l *inspect.Ledger) []map[string]any {
	out := []map[string]any{}
	for _, p := range l.Pings() {
		part := map[string]any{"from": Who(p.Dir), "at_ms": ms(p.At), "kind": p.Kind.String(), "rtt_ms": nil}
		if d, ok := p.RTT(); ok {
			part["rtt_ms"] = ms(d)
		}
		out = append(out, part)
	}
	return out
}

func noticeParts(l *inspect.Ledger) []map[string]any {
	out := []map[string]any{}
	for _, n := range l.Notices() {
		out = append(out, map[string]any{
			"from": Who(n.Dir), "at_ms": ms(n.At), "type": n.Type.String(), "stream": n.Stream, "frame": n.Frame, "text": noticeWords(n),
		})
	}
	return out
}

// noticeWords says what a frame that seldom comes tells.
func noticeWords(n inspect.Notice) string {
	switch n.Type {
	case h2.GoAway:
		text := fmt.Sprintf("%s, last stream %d", n.Code, n.Other)
		if n.Text != "" {
			text += fmt.Sprintf(", %q", n.Text)
		}
		return text
	case h2.RSTStream:
		return n.Code.String()
	case h2.Priority:
		return dependencyText(n.Dependency)
	case h2.PriorityUpdate:
		return fmt.Sprintf("stream %d: %s", n.Other, n.Text)
	case h2.PushPromise:
		return fmt.Sprintf("promises stream %d", n.Other)
	default:
		return strings.TrimSpace(n.Origin + " " + n.Text)
	}
}
