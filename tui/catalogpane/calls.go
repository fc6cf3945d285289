package catalogpane

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
	"github.com/wiregloss/wiregloss/tui/cell"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/theme"
)

// conn is a connection of a file, with its calls.
type conn struct {
	name, note string
	streams    []inspect.Stream
}

// SetConnections shows the connections of a file, which are being decoded.
func (p *Pane) SetConnections(i int, names, notes []string, note string) {
	t := &p.targets[i]
	t.state, t.note, t.conns = loaded, note, make([]conn, len(names))
	for n := range names {
		t.conns[n] = conn{name: names[n], note: notes[n]}
	}
	p.fitList()
	p.rebuild()
}

// SetStreams shows the calls of a connection of a file, as far as it is decoded.
// The slice is not changed.
func (p *Pane) SetStreams(i, connection int, streams []inspect.Stream) {
	c := &p.targets[i].conns[connection]
	more := len(streams) != len(c.streams)
	c.streams = streams
	p.version++
	if !more {
		return
	}
	key := connectionKey(i, connection)
	if _, touched := p.folded[key]; !touched && len(streams) > unfoldCalls {
		p.folded[key] = true // the user opens what he looks for
	}
	was, ok := p.selected()
	p.rebuild()
	if ok {
		p.reselect(was)
	}
}

// SetCall selects the call that is shown.
func (p *Pane) SetCall(o intent.OpenCall) {
	p.version++
	for i, r := range p.rows {
		if r.kind == callRow && r.target == o.Target && r.conn == o.Connection && p.stream(r).ID == o.Stream {
			p.list.Select(i)
			return
		}
	}
}

// unfoldCalls is how many calls of a connection are shown without being asked for.
const unfoldCalls = 2000

func connectionKey(i, connection int) string {
	return strconv.Itoa(i) + "/c/" + strconv.Itoa(connection)
}

// stream returns the stream of a call's row.
func (p *Pane) stream(r row) *inspect.Stream {
	return &p.targets[r.target].conns[r.conn].streams[r.call]
}

// addConnections lists the connections of a file and their calls; with terms, those
// whose path holds them all.
func (p *Pane) addConnections(i int, terms []string) {
	for n := range p.targets[i].conns {
		c := &p.targets[i].conns[n]
		key := connectionKey(i, n)
		at := len(p.rows)
		p.rows = append(p.rows, row{kind: connectionRow, depth: 1, target: i, key: key, text: c.name, conn: n})
		if p.folded[key] && len(terms) == 0 {
			continue
		}
		for s := range c.streams {
			if st := &c.streams[s]; called(st) && (len(terms) == 0 || all(strings.ToLower(st.Path), terms)) {
				p.rows = append(p.rows, row{kind: callRow, depth: 2, target: i, conn: n, call: s})
			}
		}
		if len(terms) > 0 && len(p.rows) == at+1 {
			p.rows = p.rows[:at]
		}
	}
}

// called reports whether a stream carried anything.
func called(s *inspect.Stream) bool {
	return s.Path != "" || s.Messages != [2]int{} || s.Bytes != [2]int64{} || s.HTTP != 0
}

// recorded draws the row of a connection or a call in exactly w cells: the name,
// and how it ended.
func (p *Pane) recorded(r row, w int, sel bool, th *theme.Theme) string {
	if r.kind == connectionRow {
		lead := "▾ "
		if p.folded[r.key] && p.filter == "" {
			lead = "▸ "
		}
		c := &p.targets[r.target].conns[r.conn]
		count := " " + strconv.Itoa(len(c.streams))
		name := cell.Cut(render.Escape(c.name), w-2-len(count))
		fill := cell.Spaces(w - 2 - cell.Width(name) - len(count))
		if sel {
			name = th.Selected.Render(name)
		} else {
			name = th.Accent.Render(name)
		}
		return th.Faint.Render(lead) + name + fill + th.Faint.Render(count)
	}
	s := p.stream(r)
	status, good := render.StreamStatus(*s)
	status = " " + cell.Cut(status, max(w/3, 3))
	name := cell.Middle(callName(s), w-2-cell.Width(status))
	fill := cell.Spaces(w - 2 - cell.Width(name) - cell.Width(status))
	style := th.Good
	if !good {
		style = th.Bad
	}
	if sel {
		name = th.Selected.Render(name)
	}
	return "  " + name + fill + style.Render(status)
}

// callName is what a call asked for: the method and path, of gRPC the path.
func callName(s *inspect.Stream) string {
	switch {
	case s.Path == "":
		return fmt.Sprintf("stream %d", s.ID)
	case s.RPC != inspect.NoRPC:
		return render.Escape(strings.TrimPrefix(s.Path, "/"))
	}
	return render.Escape(s.Method + " " + s.Path)
}

// recordedNote is what stands below the tree for a connection or a call.
func (p *Pane) recordedNote(r row) string {
	c := &p.targets[r.target].conns[r.conn]
	if r.kind == connectionRow {
		text := fmt.Sprintf("%s · %s", c.name, render.Plural(int64(len(c.streams)), "stream"))
		if c.note != "" {
			text += " · " + c.note
		}
		return text
	}
	s := p.stream(r)
	text := fmt.Sprintf("%s · stream %d · at %s ms · %d messages sent, %d received", callName(s), s.ID, render.Millis(s.Opened),
		s.Messages[record.Sent], s.Messages[record.Received])
	if s.RPC != inspect.NoRPC {
		text += " · " + s.RPC.String()
	}
	return text
}

// fileNote is what stands below the tree for a file.
func fileNote(t target) string {
	text := fmt.Sprintf("%s · %s", t.label, render.Plural(int64(len(t.conns)), "connection"))
	if t.note != "" {
		text += " · " + t.note
	}
	return text
}
