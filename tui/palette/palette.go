// Package palette is a list of actions to choose from by typing a part of their
// names: all actions of the program, or the keys that work in one place. Like
// every pane it only says what was chosen.
//
//	p := palette.New("Actions", items)
//	want := p.Input(intent.Enter{}) // the intent of the selected item
package palette

import (
	"strings"

	"github.com/wiregloss/wiregloss/render"
	"github.com/wiregloss/wiregloss/tui/cell"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/keys"
	"github.com/wiregloss/wiregloss/tui/list"
	"github.com/wiregloss/wiregloss/tui/theme"
)

// Item is an action to choose. Its texts are escaped.
type Item struct {
	Text   string
	Key    string // the key that does it, too
	Group  string
	Intent intent.Intent // nil of an item that is only to be read
}

// Pane is an open palette.
type Pane struct {
	title  string
	items  []Item
	shown  []int
	filter string
	list   list.List
	w, h   int
}

// New returns a palette of items.
func New(title string, items []Item) *Pane {
	p := &Pane{title: title, items: items}
	p.match()
	return p
}

// Title says what is to be chosen.
func (p *Pane) Title() string { return p.title }

// Resize says how many cells the palette has.
func (p *Pane) Resize(w, h int) {
	p.w, p.h = w, h
	p.list.SetHeight(max(h-2, 0))
}

// Size returns how many cells the palette would like in a screen of w×h.
func (p *Pane) Size(w, h int) (int, int) {
	return min(w-4, 76), min(h-4, len(p.items)+2, 26)
}

// Contexts returns where the keys have their meaning.
func (p *Pane) Contexts() []keys.Context { return []keys.Context{keys.Prompt, keys.Global} }

// Input does what the user wants of the list and returns what was chosen.
func (p *Pane) Input(want intent.Intent) intent.Intent {
	switch want := want.(type) {
	case intent.Move:
		p.list.Move(want.Rows)
	case intent.Page:
		p.list.Page(want.Screens)
	case intent.Wheel:
		p.list.Scroll(want.Rows)
	case intent.Insert:
		p.setFilter(p.filter + want.Text)
	case intent.Paste:
		p.setFilter(p.filter + strings.Join(strings.Fields(want.Text), " "))
	case intent.ClearFilter:
		p.setFilter("")
	case intent.Edit:
		p.edit(want.Op)
	case intent.Enter:
		return p.chosen()
	case intent.Click:
		if i, ok := p.list.At(want.Y - 2); ok {
			p.list.Select(i)
			return p.chosen()
		}
	}
	return nil
}

func (p *Pane) chosen() intent.Intent {
	if i := p.list.Selected(); i < len(p.shown) {
		return p.items[p.shown[i]].Intent
	}
	return nil
}

func (p *Pane) edit(op intent.Op) {
	switch r := []rune(p.filter); {
	case op == intent.DeleteLeft && len(r) > 0:
		p.setFilter(string(r[:len(r)-1]))
	case op == intent.DeleteWordLeft:
		s := strings.TrimRight(p.filter, " ")
		p.setFilter(s[:strings.LastIndexByte(s, ' ')+1])
	}
}

func (p *Pane) setFilter(s string) {
	p.filter = s
	p.match()
	p.list.Select(0)
}

// match lists the items that hold every word of the filter.
func (p *Pane) match() {
	p.shown = p.shown[:0]
	words := strings.Fields(strings.ToLower(p.filter))
	for i, it := range p.items {
		if holds(strings.ToLower(it.Text+" "+it.Group+" "+it.Key), words) {
			p.shown = append(p.shown, i)
		}
	}
	p.list.SetLen(len(p.shown))
}

func holds(s string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(s, w) {
			return false
		}
	}
	return true
}

// View draws the palette, each line exactly as wide as Resize said.
func (p *Pane) View(th *theme.Theme) []string {
	lines := []string{th.Accent.Render(" / ") + render.Escape(p.filter)}
	if p.filter == "" {
		lines[0] += th.Faint.Render("type to find…")
	}
	lines = append(lines, "")
	if len(p.shown) == 0 {
		lines = append(lines, th.Faint.Render("   nothing is called that"))
	}
	lines = append(lines, p.list.View(func(i int, sel bool) string { return p.line(p.items[p.shown[i]], sel, th) })...)
	return cell.Block(lines, p.w, p.h)
}

func (p *Pane) line(it Item, sel bool, th *theme.Theme) string {
	mark := "  "
	if sel {
		mark = th.Mark.Render("▌") + " "
	}
	const keyCells, groupCells = 9, 16
	room := max(p.w-2-keyCells-groupCells-1, 8)
	text := cell.Cut(it.Text, room)
	fill := cell.Spaces(room - cell.Width(text))
	if sel {
		text = th.Selected.Render(text)
	}
	return mark + th.HintKey.Render(cell.Fit(it.Key, keyCells)) + text + fill + " " + th.Faint.Render(cell.Fit(it.Group, groupCells))
}

// Cursor returns where the filter is typed.
func (p *Pane) Cursor() (x, y int) {
	return min(3+cell.Width(render.Escape(p.filter)), max(p.w-1, 0)), 0
}
