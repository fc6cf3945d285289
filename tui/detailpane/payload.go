package detailpane

import (
	"fmt"
	"time"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/render"
)

// payloadLines tells what a frame's payload says, by its type.
func (p *Pane) payloadLines(i int, f inspect.Frame) []line {
	span := f.PayloadSpan()
	span.Len = min(span.Len, 16<<10)
	payload := p.rec.Append(nil, span)
	h := h2.Header{Length: f.Length, Type: f.Type, Flags: f.Flags, Stream: f.Stream}
	switch f.Type {
	case h2.Settings:
		return p.settingFacts(i, f, payload)
	case h2.Ping:
		return p.pingFacts(i, f, payload)
	case h2.GoAway:
		return goAwayFacts(payload)
	case h2.RSTStream:
		code, _ := h2.ReadRSTStream(payload)
		return []line{fact("error", fmt.Sprintf("%s (%d)", code, uint32(code)))}
	case h2.Priority:
		d, _ := h2.ReadPriority(payload)
		return []line{fact("priority", render.DependencyText(d)+" (RFC 7540 §5.3, deprecated)")}
	case h2.Data:
		return append(paddingFact(f, h2.DataPart(h, payload), payload), p.carried(f.Span())...)
	case h2.Headers, h2.PushPromise, h2.Continuation:
		return p.fragmentFacts(f, h, payload)
	case h2.PriorityUpdate, h2.AltSvc, h2.Origin:
		return extensionFacts(f.Type, payload)
	default: // the line of the frame has said it all
		return nil
	}
}

// settingFacts tells each setting with what it changed, and the ACK.
func (p *Pane) settingFacts(i int, f inspect.Frame, payload []byte) []line {
	if f.Flags.Has(h2.Ack) {
		for _, s := range p.survey.settings {
			if s.Ack == p.trace.Forgotten.Frames+i {
				l := fact("acknowledges", fmt.Sprintf("the SETTINGS of the %s, %s ms after it", render.Who(s.Dir), render.Millis(s.AckAt-s.At)))
				l.note = "⏎ shows it"
				return []line{l.atFrame(s.Frame, p.trace)}
			}
		}
		return p.unpaired("acknowledges", "nothing that was seen")
	}
	known := map[h2.SettingID]inspect.SettingChange{}
	out := []line{}
	for _, s := range p.survey.settings {
		if s.Frame != p.trace.Forgotten.Frames+i {
			continue
		}
		for _, c := range s.Changes {
			known[c.ID] = c
		}
		out = append(out, p.ackFact(s.Ack, s.Latency))
	}
	if len(out) == 0 {
		out = p.unpaired("ACK", "none")
	}
	for _, s := range h2.ReadSettings(payload) {
		l := fact(s.ID.String(), fmt.Sprint(s.Value))
		if c, ok := known[s.ID]; ok {
			l.value = changeText(c)
		}
		l.note = fmt.Sprintf("setting 0x%04x · RFC 9113 §6.5.2", uint16(s.ID))
		out = append(out, l)
	}
	return out
}

// unpaired is the line of a frame whose other half is not known, or not yet.
func (p *Pane) unpaired(name, text string) []line {
	if !p.survey.ok || p.surveying {
		text = "computing…"
	}
	return []line{fact(name, text)}
}

// ackFact tells the ACK that a frame had, and after how long.
func (p *Pane) ackFact(ack int, latency func() (time.Duration, bool)) line {
	d, ok := latency()
	if !ok {
		l := fact("ACK", "none")
		l.warn = true
		return l
	}
	l := fact("ACK", fmt.Sprintf("after %s ms, %s", render.Millis(d), render.FrameName(p.trace, ack)))
	l.note = "⏎ shows it"
	return l.atFrame(ack, p.trace)
}

func changeText(c inspect.SettingChange) string {
	switch {
	case !c.Limited:
		return fmt.Sprintf("%d, without a limit before", c.To)
	case c.From == c.To:
		return fmt.Sprintf("%d, as before", c.To)
	default:
		return fmt.Sprintf("%d, was %d", c.To, c.From)
	}
}

// goAwayFacts tells who stops, why, and what the debug data says.
func goAwayFacts(payload []byte) []line {
	g, _ := h2.ReadGoAway(payload)
	l := fact("error", fmt.Sprintf("%s (%d)", g.Code, uint32(g.Code)))
	l.bad = g.Code != 0
	debug := fact("debug data", orNone(string(g.Debug)))
	return []line{fact("last stream", fmt.Sprintf("%d: streams after it were not processed", g.LastStream)), l, debug}
}

// pingFacts tells what a PING is for, and its round trip.
func (p *Pane) pingFacts(i int, f inspect.Frame, payload []byte) []line {
	data, kind, ok := h2.ReadPing(payload)
	if !ok {
		return nil
	}
	out := []line{fact("data", hexText(data[:]))}
	index := p.trace.Forgotten.Frames + i
	for _, pg := range p.survey.pings {
		switch index {
		case pg.Frame:
			out = append(out, fact("kind", pg.Kind.String()), p.ackFact(pg.Ack, pg.RTT))
			return out
		case pg.Ack:
			rtt, _ := pg.RTT()
			l := fact("answers", fmt.Sprintf("the PING of the %s: round trip %s ms, %s", render.Who(pg.Dir), render.Millis(rtt), pg.Kind))
			l.note = "⏎ shows it"
			return append(out, l.atFrame(pg.Frame, p.trace))
		}
	}
	if f.Flags.Has(h2.Ack) {
		return append(out, p.unpaired("answers", "no PING that was seen")...)
	}
	return append(append(out, fact("kind", kind.String())), p.unpaired("ACK", "none")...)
}

// fragmentFacts tells the priority and padding of a frame of a header block, and
// the block.
func (p *Pane) fragmentFacts(f inspect.Frame, h h2.Header, payload []byte) []line {
	var out []line
	switch f.Type {
	case h2.Headers:
		part, dep, has := h2.HeadersPart(h, payload)
		if has {
			out = append(out, fact("priority", render.DependencyText(dep)+" (RFC 7540 §5.3, deprecated)"))
		}
		out = append(out, paddingFact(f, part, payload)...)
	case h2.PushPromise:
		promised, part := h2.PromisePart(h, payload)
		out = append(out, fact("promises", fmt.Sprintf("stream %d", promised)))
		out = append(out, paddingFact(f, part, payload)...)
	}
	if b := int(f.Block) - p.trace.Forgotten.Headers; f.Block >= 0 && b >= 0 && b < len(p.trace.Headers) {
		out = append(out, wrapped("HPACK", render.BlockText(p.trace.Headers[b].HPACK)))
		return append(out, p.blockLines(b)...)
	}
	return append(out, fact("header block", "goes on in the next CONTINUATION"))
}

// paddingFact tells how many bytes of a payload are padding. RFC 9113 §6.1.
func paddingFact(f inspect.Frame, content h2.Part, payload []byte) []line {
	if !f.Flags.Has(h2.Padded) || len(payload) == 0 {
		return nil
	}
	return []line{fact("padding", fmt.Sprintf("%d bytes and the one that says so; content is payload bytes %s",
		payload[0], byteRange(int64(content.Off), int64(content.Len))))}
}

// extensionFacts tells the frames of RFC 7838, RFC 8336 and RFC 9218.
func extensionFacts(t h2.Type, payload []byte) []line {
	switch t {
	case h2.PriorityUpdate:
		u, _ := h2.ReadPriorityUpdate(payload)
		out := []line{fact("prioritized stream", fmt.Sprint(u.Stream)), fact("priority", string(u.Value))}
		if urgency, ok := h2.ParsePriority(string(u.Value)); ok {
			out = append(out, fact("urgency", fmt.Sprintf("%d of 0 (first) to 7, incremental %v", urgency.Level, urgency.Incremental)))
		}
		return out
	case h2.AltSvc:
		a, _ := h2.ReadAltSvc(payload)
		return []line{fact("origin", orNone(string(a.Origin))), fact("Alt-Svc", string(a.Value))}
	default:
		origins, _ := h2.ReadOrigins(payload)
		var out []line
		for _, o := range origins {
			out = append(out, fact("origin", string(o)))
		}
		return out
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
