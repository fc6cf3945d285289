package detailpane

import (
	"fmt"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
)

// flowLines tells the flow control of both senders of DATA, on the connection and
// on the call's stream, and the frames that keep the connection going.
func (p *Pane) flowLines() []line {
	if p.trace.Protocol == inspect.HTTP1 && len(p.trace.Frames) == 0 {
		return []line{{value: "HTTP/1.1 has no flow control of its own: TCP's is not in the recording"}}
	}
	s := &p.survey
	if !s.ok || !s.flow {
		return []line{computing("windows and round trips")}
	}
	out := []line{heading("windows: what each sender of DATA may still send, in bytes (RFC 9113 §5.2)")}
	for _, dir := range []record.Dir{record.Sent, record.Received} {
		out = append(out, p.windowLines(s.sides[dir].window, s.sides[dir].series)...)
		if w := s.sides[dir].callWindow; w.Stream != 0 {
			out = append(out, p.windowLines(w, s.sides[dir].callSeries)...)
		}
	}
	out = append(out, p.stalledLines()...)
	out = append(out, p.settingsLines()...)
	out = append(out, p.pingLines()...)
	return append(out, p.noticeLines()...)
}

// windowLines tells one window: its series, drawn, its numbers and its stalls.
func (p *Pane) windowLines(w inspect.Window, points []inspect.Point) []line {
	name := render.Who(w.Dir) + " " + render.WindowName(w.Stream)
	out := []line{wrapped(name, render.WindowText(w))}
	if w.Sent > 0 && len(points) > 1 {
		top := w.Initial
		for _, pt := range points {
			top = max(top, pt.Window)
		}
		rows := 1
		if p.h >= 24 {
			rows = 3
		}
		for _, text := range drawn(points, min(p.valueWidth(), 96), rows, top) {
			out = append(out, line{value: text, note: seriesNote(points, top), copied: text})
		}
	}
	if w.Sent > 0 {
		credit := wrapped("", render.CreditText(w))
		credit.warn = w.StallCount > 0
		out = append(out, credit)
	}
	for _, st := range w.Stalls {
		text := render.StallText(p.trace, w, st)
		l := wrapped("blocked "+render.Millis(st.To-st.From)+" ms at 0", text)
		l.bad = true
		l.note = "⏎ shows the frame that brought it to zero"
		out = append(out, l.atFrame(st.Cause, p.trace))
	}
	if more := w.StallCount - len(w.Stalls); more > 0 {
		out = append(out, line{value: fmt.Sprintf("… and %d more stalls", more)})
	}
	return out
}

func seriesNote(points []inspect.Point, top int64) string {
	if len(points) == 0 {
		return ""
	}
	return fmt.Sprintf("from %s ms to %s ms, at most %d bytes; each column is the lowest of its time, 0 is at or below zero",
		render.Millis(points[0].At), render.Millis(points[len(points)-1].At), top)
}

// levels are the heights of a column, in eighths of a row.
var levels = []rune(" ▁▂▃▄▅▆▇█")

// drawn draws a window over time as rows of w columns: each column is as high as
// the lowest window in its time, of top; at zero it is a 0.
func drawn(points []inspect.Point, w, rows int, top int64) []string {
	if len(points) == 0 || w <= 0 || top <= 0 {
		return nil
	}
	lowest := columnsOf(points, w)
	out := make([]string, rows)
	for r := range out {
		var b strings.Builder
		above := 8 * (rows - 1 - r) // eighths below this row
		for _, v := range lowest {
			if v <= 0 && r == rows-1 {
				b.WriteByte('0')
				continue
			}
			eighths := int(v * int64(8*rows) / top)
			if v > 0 {
				eighths = max(eighths, 1)
			}
			b.WriteRune(levels[min(max(eighths-above, 0), 8)])
		}
		out[r] = b.String()
	}
	return out
}

// columnsOf returns the lowest window in each of w equal times. Where nothing
// changed it is that of the time before.
func columnsOf(points []inspect.Point, w int) []int64 {
	from, whole := points[0].At, points[len(points)-1].At-points[0].At
	out := make([]int64, w)
	next, now := 0, points[0].Window
	for i := range out {
		low := now
		for ; next < len(points) && (whole == 0 || int64(points[next].At-from)*int64(w) < int64(whole)*int64(i+1) || i == w-1); next++ {
			now = points[next].Window
			low = min(low, now)
		}
		out[i] = low
	}
	return out
}

// stalledLines lists the other streams that stood at zero.
func (p *Pane) stalledLines() []line {
	if len(p.survey.stalled) == 0 {
		return nil
	}
	out := []line{heading("other streams that stood at zero")}
	for _, w := range p.survey.stalled {
		l := fact(render.Who(w.Dir)+" "+render.WindowName(w.Stream), render.AtZero(w)+" · "+render.WindowText(w))
		l.warn = true
		if len(w.Stalls) > 0 {
			l = l.atFrame(w.Stalls[0].Cause, p.trace)
		}
		out = append(out, l)
	}
	if len(p.survey.stalled) >= mostStalled {
		out = append(out, line{value: "… and maybe more: wiregloss inspect --windows lists all"})
	}
	return out
}

func (p *Pane) settingsLines() []line {
	out := []line{heading("SETTINGS")}
	for _, s := range p.survey.settings {
		text := strings.TrimPrefix(render.SettingsText(s), render.Who(s.Dir)+" SETTINGS ")
		out = append(out, wrapped(render.Who(s.Dir), text).atFrame(s.Frame, p.trace))
	}
	if len(out) == 1 {
		out = append(out, line{value: "none seen"})
	}
	return out
}

// mostPings is how many PINGs are listed: the newest.
const mostPings = 100

func (p *Pane) pingLines() []line {
	s := &p.survey
	if len(s.pings) == 0 {
		return nil
	}
	out := []line{heading("PING")}
	for _, dir := range []record.Dir{record.Sent, record.Received} {
		if st := s.sides[dir].pings; st.Sent > 1 && st.Answered > 0 {
			out = append(out, fact(render.Who(dir), fmt.Sprintf("%d sent, %d answered: %s to %s ms, %s on average",
				st.Sent, st.Answered, render.Millis(st.Least), render.Millis(st.Most), render.Millis(st.Mean()))))
		}
	}
	shown := s.pings[max(len(s.pings)-mostPings, 0):]
	for _, pg := range shown {
		l := fact(render.Who(pg.Dir), strings.TrimPrefix(render.PingText(pg), render.Who(pg.Dir)+" PING "))
		l.warn = pg.Ack < 0
		out = append(out, l.atFrame(pg.Frame, p.trace))
	}
	if n := s.sides[0].pings.Sent + s.sides[1].pings.Sent - len(shown); n > 0 {
		out = append(out, line{value: fmt.Sprintf("… and %d before them", n)})
	}
	return out
}

// noticeLines lists GOAWAY, RST_STREAM and the like, and how streams were mixed.
func (p *Pane) noticeLines() []line {
	s := &p.survey
	var out []line
	const most = 500
	for _, n := range s.notices[:min(len(s.notices), most)] {
		who := render.Who(n.Dir) + " " + n.Type.String()
		text := strings.TrimSuffix(fmt.Sprintf("at %s ms%s: %s", render.Millis(n.At), onStream(n.Stream), render.NoticeWords(n)), ": ")
		l := wrapped(who, text)
		l.warn = true
		out = append(out, l.atFrame(n.Frame, p.trace))
	}
	if n := len(s.notices) - most; n > 0 {
		out = append(out, line{value: fmt.Sprintf("… and %d more", n)})
	}
	if len(out) > 0 {
		out = append([]line{heading("what ended, reset or reordered streams")}, out...)
	}
	return append(out, p.weaveLines()...)
}

func onStream(id uint32) string {
	if id == 0 {
		return ""
	}
	return fmt.Sprintf(" on stream %d", id)
}

// weaveLines tells how many streams were open at once and how they were mixed.
func (p *Pane) weaveLines() []line {
	s := &p.survey
	if s.openMost < 2 {
		return nil
	}
	out := []line{
		heading("streams"),
		fact("open at once", fmt.Sprintf("at most %d, at %s ms; %d at the end", s.openMost, render.Millis(s.openAt), s.openNow)),
	}
	for _, dir := range []record.Dir{record.Sent, record.Received} {
		if w := s.sides[dir].weave; w.Switches > 1 {
			out = append(out, wrapped(render.Who(dir), fmt.Sprintf("changed streams %d times in %d frames; %d frames of stream %d was the longest run",
				w.Switches, w.Frames, w.Longest.Frames, w.Longest.Stream)))
		}
	}
	return out
}
