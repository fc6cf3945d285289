package detailpane

import (
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/list"
)

// Input does what the user wants of the exchange and returns what only the root
// can do.
func (p *Pane) Input(want intent.Intent) intent.Intent {
	p.version++
	switch want := want.(type) {
	case intent.NextTab:
		p.turn((p.tab + 1) % tabs)
	case intent.PrevTab:
		p.turn((p.tab + tabs - 1) % tabs)
	case intent.Tab:
		p.turn(min(max(Tab(want.Number), 0), tabs-1))
	case intent.NextMessage:
		p.step(1)
	case intent.PrevMessage:
		p.step(-1)
	case intent.OpenMessage:
		p.auto = false
		p.openAt(want.Index)
	case intent.FollowTail:
		p.followTail()
	case intent.Enter:
		p.enter()
	case intent.OpenTable:
		p.openTable()
	case intent.Skeleton:
		p.inferSkeleton()
	case intent.Click:
		return p.click(want)
	case intent.Copy:
		return p.copied()
	default:
		p.browse(want)
	}
	return nil
}

// browse moves in the list that is shown.
func (p *Pane) browse(want intent.Intent) {
	l := p.shown()
	switch want := want.(type) {
	case intent.Move:
		l.Move(want.Rows)
	case intent.Page:
		l.Page(want.Screens)
	case intent.First:
		l.Select(0)
	case intent.Last:
		l.Select(l.Len() - 1)
		if l == &p.messages {
			l.Follow()
		}
	case intent.Wheel:
		l.Scroll(want.Rows)
	case intent.Left:
		p.column = (p.column + columns - 1) % columns
	case intent.Right:
		p.column = (p.column + 1) % columns
	case intent.Fold:
		p.body.fold()
	case intent.FoldAll:
		p.body.foldAll()
	default:
		return
	}
	p.auto = false
}

// shown returns the list that has the keyboard.
func (p *Pane) shown() *list.List {
	switch {
	case p.tab != Messages || p.level > OneMessage:
		return &p.sheet.list
	case p.level == OneMessage:
		return &p.body.list
	}
	return &p.messages
}

// turn shows another tab.
func (p *Pane) turn(t Tab) {
	if p.tab == Messages && t != Messages {
		p.held = p.callInView()
	}
	p.tab, p.table, p.origin = t, -1, origin{}
	if p.level > OneMessage {
		p.level = MessageList
		if p.body.ok {
			p.level = OneMessage
		}
	}
	p.newSheet()
}

// newSheet begins another page of lines, at its top.
func (p *Pane) newSheet() {
	p.sheet = sheet{}
	p.fit()
	p.fill()
}

func (p *Pane) followTail() {
	p.tab, p.level, p.table, p.origin = Messages, MessageList, -1, origin{}
	p.messages.Follow()
	p.fit()
}

// enter zooms in.
func (p *Pane) enter() {
	if p.tab != Messages {
		p.enterLine()
		return
	}
	switch p.level {
	case MessageList:
		p.auto = false
		p.openAt(p.messages.Selected())
	case OneMessage:
		p.auto = false
		p.enterRow()
	case OneFrame:
		p.enterFrame()
	case OneField: // there is nothing smaller
	}
}

// enterLine goes to what the selected line of a tab is about: the bytes of a
// message, or the frame that holds them.
func (p *Pane) enterLine() {
	l, ok := p.sheet.selected()
	if !ok {
		return
	}
	from := origin{ok: true, tab: p.tab, selected: p.sheet.list.Selected()}
	switch {
	case l.message >= 0 && l.isMessage:
		p.openAt(l.message)
		p.body.want(l.bytes)
	case l.isFrame:
		p.ShowFrame(l.frame)
	case len(l.spans) > 0:
		p.openSpan(l)
	default:
		return
	}
	p.origin = from
}

// openSpan shows what holds the first wire byte of a line: a message, at the
// bytes, or the frame or part.
func (p *Pane) openSpan(l line) {
	s := l.spans[0]
	at := p.trace.At(s.Dir, s.Off)
	if at.Block < 0 && at.Payload.Len > 0 && l.bad {
		if i, ok := p.listed(at); ok {
			p.openAt(i)
			p.body.want(at.Payload)
			return
		}
	}
	switch {
	case at.Part >= 0:
		p.ShowPart(at.Part - p.trace.Forgotten.Parts)
	case at.Frame >= 0:
		p.ShowFrame(at.Frame - p.trace.Forgotten.Frames)
	}
}

// listed returns where the message of a place stands in the list.
func (p *Pane) listed(at inspect.Place) (int, bool) {
	switch {
	case at.Message >= 0:
		return p.rank(at.Message - p.trace.Forgotten.Messages)
	case at.Partial >= 0 && p.only == 0:
		return len(p.trace.Messages) + at.Partial, true
	}
	return 0, false
}

// Back zooms out, and reports whether there was anything to zoom out of.
func (p *Pane) Back() bool {
	p.version++
	switch {
	case p.table >= 0:
		p.table = -1
		p.newSheet()
	case p.tab == Messages && p.origin.ok:
		from := p.origin
		p.turn(from.tab)
		p.sheet.list.Select(from.selected)
	case p.tab != Messages:
		p.turn(Messages)
	case p.level == OneField:
		p.level = OneMessage
	case p.level == OneFrame:
		p.level = MessageList
		if p.body.ok {
			p.level = OneMessage
		}
	case p.level == OneMessage && p.body.out():
	case p.level == OneMessage && p.count() > 0:
		p.auto = false
		p.level = MessageList
	default:
		return false
	}
	p.fit()
	return true
}

// step opens the message before or after. The Problems tab stays, and tells of
// that message.
func (p *Pane) step(by int) {
	p.auto = false
	if p.tab == Problems {
		i, ok := p.inView()
		if i += by; ok && i >= 0 && i < p.count() {
			p.messages.Select(i)
			if p.level == OneMessage {
				p.open(i)
			}
		}
		return
	}
	p.tab, p.table, p.origin = Messages, -1, origin{}
	if p.level == MessageList {
		p.messages.Move(by)
		return
	}
	if i := p.body.index + by; p.body.ok && i >= 0 && i < p.count() {
		p.openAt(i)
	}
}

// openAt opens a message and selects it in the list.
func (p *Pane) openAt(i int) {
	if i < 0 || i >= p.count() {
		return
	}
	p.tab, p.level, p.table, p.origin = Messages, OneMessage, -1, origin{}
	p.messages.Select(i)
	p.open(i)
	p.fit()
}

func (p *Pane) click(c intent.Click) intent.Intent {
	if c.Y == 0 {
		if t, ok := p.tabAt(c.X); ok {
			return intent.Tab{Number: int(t)}
		}
		return nil
	}
	top := 2
	if p.tab == Messages && p.level == OneMessage {
		top = 3
		p.column = p.columnAt(c.X)
	}
	l := p.shown()
	i, ok := l.At(c.Y - top)
	if !ok {
		return nil
	}
	p.auto = false
	if l == &p.messages && i == l.Selected() {
		return intent.Enter{}
	}
	l.Select(i)
	return nil
}
