package detailpane

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/tui/cell"
	"github.com/wiregloss/wiregloss/tui/theme"
)

func (p *Pane) tabNames() []string {
	messages := "Messages"
	if n := p.count(); n > 0 {
		messages += " " + strconv.Itoa(n)
	}
	return []string{messages, "Headers", "Trailers", "Timing", "TLS", "Flow", "Cost", "Problems " + strconv.Itoa(p.problemCount())}
}

// tabRow is where the names of the tabs stand: those from first to last, with a
// number of cells around each.
type tabRow struct{ first, last, pad int }

// tabRow finds the place for all tabs, or for as many as there is room for around
// the one in view.
func (p *Pane) tabRow(names []string) tabRow {
	wide := 0
	for _, n := range names {
		wide += cell.Width(n)
	}
	r := tabRow{last: len(names) - 1, pad: 2}
	if wide+2*len(names) <= p.w {
		return r
	}
	r.pad = 1
	if wide+len(names)+1 <= p.w {
		return r
	}
	// Signs at both ends say that there is more.
	r.first, r.last = int(p.tab), int(p.tab)
	room := p.w - 4 - cell.Width(names[p.tab]) - 2
	for {
		switch {
		case r.last+1 < len(names) && cell.Width(names[r.last+1])+1 <= room:
			r.last++
			room -= cell.Width(names[r.last]) + 1
		case r.first > 0 && cell.Width(names[r.first-1])+1 <= room:
			r.first--
			room -= cell.Width(names[r.first]) + 1
		default:
			return r
		}
	}
}

// lead is what stands before the first name.
func (r tabRow) lead() string {
	if r.first > 0 {
		return "‹ "
	}
	return " "
}

// tabAt returns the tab at a cell of the first line.
func (p *Pane) tabAt(x int) (Tab, bool) {
	names := p.tabNames()
	r := p.tabRow(names)
	at := cell.Width(r.lead())
	for i := r.first; i <= r.last; i++ {
		at += cell.Width(names[i])
		if x < at+r.pad/2 {
			return Tab(i), true
		}
		at += r.pad
	}
	return 0, false
}

func (p *Pane) tabLine(th *theme.Theme) string {
	names := p.tabNames()
	r := p.tabRow(names)
	var b strings.Builder
	b.WriteString(th.Faint.Render(r.lead()))
	for i := r.first; i <= r.last; i++ {
		style := th.Tab
		switch {
		case Tab(i) == p.tab:
			style = th.ActiveTab
		case Tab(i) == Problems && p.problemCount() > 0:
			style = th.Warn
		}
		b.WriteString(style.Render(names[i]) + cell.Spaces(r.pad))
	}
	if r.last+1 < len(names) {
		b.WriteString(th.Faint.Render("›"))
	}
	return b.String()
}

// picked are the messages of the call that is chosen, as indexes in the trace.
type picked struct {
	begun bool
	next  int // index in Trace.Messages to go on with
	list  []int32
	part  []int32 // in Trace.Partial
}

// pick lists the messages of the chosen call that are new.
func (p *Pane) pick() {
	v := &p.picked
	if p.only == 0 {
		return
	}
	if !v.begun {
		v.begun, v.next = true, firstOf(p.trace, p.only)
	}
	_, to, until := span(p.trace, p.only)
	for ; v.next < len(p.trace.Messages); v.next++ {
		m := &p.trace.Messages[v.next]
		if until && m.At > to {
			break
		}
		if m.Stream == p.only {
			v.list = append(v.list, int32(v.next))
		}
	}
	v.part = v.part[:0]
	for i := range p.trace.Partial {
		if p.trace.Partial[i].Stream == p.only {
			v.part = append(v.part, int32(i))
		}
	}
}

// count returns how many messages there are, those that have only begun included.
func (p *Pane) count() int {
	if p.only != 0 {
		return len(p.picked.list) + len(p.picked.part)
	}
	return len(p.trace.Messages) + len(p.trace.Partial)
}

// message returns a message in the order in which they are listed.
func (p *Pane) message(i int) inspect.Message {
	if p.only != 0 {
		if n := len(p.picked.list); i >= n {
			return p.trace.Partial[p.picked.part[i-n]]
		}
		return p.trace.Messages[p.picked.list[i]]
	}
	if n := len(p.trace.Messages); i >= n {
		return p.trace.Partial[i-n]
	}
	return p.trace.Messages[i]
}

// rank returns where a message of Trace.Messages stands in the list.
func (p *Pane) rank(index int) (int, bool) {
	if p.only == 0 {
		return index, true
	}
	return slices.BinarySearch(p.picked.list, int32(index))
}

// totals counts messages as they come.
type totals struct {
	next int
	dirs [2]int
}

func (c *totals) add(t inspect.Trace) {
	for ; c.next < len(t.Messages); c.next++ {
		c.dirs[t.Messages[c.next].Dir]++
	}
}
