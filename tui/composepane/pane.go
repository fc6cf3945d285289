// Package composepane is where a request is written: the JSON body, the
// metadata and the options. What is typed for an operation is kept while the
// program runs. The pane does no I/O and knows no protobuf: the root makes the
// template, encodes the body and hands errors back to be shown at their line.
//
//	p := composepane.New()
//	p.Open(key, operation, template)
//	draft, err := p.Draft()
package composepane

import (
	"strconv"
	"strings"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/render"
	"github.com/wiregloss/wiregloss/tui/editor"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/keys"
)

// Tab is a page of the pane.
type Tab int

// The tabs.
const (
	Body Tab = iota
	Metadata
	Options
	tabs
)

// Pane is the composer.
type Pane struct {
	bodies  map[intent.OpenOperation]*editor.Editor
	shared  map[int]*settings // by target: metadata and options hold for all its operations
	open    intent.OpenOperation
	op      *catalog.Operation
	tab     Tab
	w, h    int
	version int
	cache   cache
}

type settings struct{ metadata, options *editor.Editor }

// New returns a pane without an operation.
func New() *Pane {
	return &Pane{bodies: map[intent.OpenOperation]*editor.Editor{}, shared: map[int]*settings{}}
}

// Open brings an operation into the composer. Its body is what was typed before,
// or the template.
func (p *Pane) Open(o intent.OpenOperation, op catalog.Operation, template string) {
	p.open, p.op, p.tab = o, &op, Body
	if p.bodies[o] == nil {
		p.bodies[o] = editor.New()
		p.bodies[o].SetText(template)
		p.bodies[o].SetCursor(firstValue(template))
	}
	if p.shared[o.Target] == nil {
		p.Preset(o.Target, nil)
	}
	p.fit()
}

// Preset gives a target the metadata that its requests begin with.
func (p *Pane) Preset(target int, headers []exchange.Header) {
	lines := make([]string, len(headers))
	for i, h := range headers {
		lines[i] = h.Name + ": " + h.Value
	}
	s := &settings{metadata: editor.New(), options: editor.New()}
	s.metadata.SetText(strings.Join(lines, "\n"))
	s.options.SetText(defaultOptions)
	p.shared[target] = s
}

// firstValue is where typing begins in a template: at its first value, inside
// the quotes of a string.
func firstValue(template string) editor.Pos {
	for i, line := range strings.Split(template, "\n") {
		name, value, ok := strings.Cut(line, ": ")
		if !ok || strings.HasPrefix(value, "{") || strings.HasPrefix(value, "[") {
			continue
		}
		at := len(name) + len(": ")
		if strings.HasPrefix(value, `"`) {
			at++
		}
		return editor.Pos{Line: i, Col: at}
	}
	return editor.Pos{}
}

// Operation returns what is being composed.
func (p *Pane) Operation() (intent.OpenOperation, catalog.Operation, bool) {
	if p.op == nil {
		return intent.OpenOperation{}, catalog.Operation{}, false
	}
	return p.open, *p.op, true
}

// FillTemplate replaces the body by a template, as one step that can be undone.
func (p *Pane) FillTemplate(template string) {
	if p.op == nil {
		return
	}
	p.tab = Body
	p.bodies[p.open].Replace(template)
	p.bodies[p.open].SetCursor(firstValue(template))
	p.fit()
}

// SetFault shows an error of the body at its line and column, both from 1.
func (p *Pane) SetFault(line, col int, text string) {
	p.fault(Body, line, col, text)
}

func (p *Pane) fault(tab Tab, line, col int, text string) {
	if p.op == nil {
		return
	}
	p.tab = tab
	p.editor().SetFault(place(p.editor(), line, col), render.Escape(text))
	p.fit()
}

// Resize says how many cells the pane has.
func (p *Pane) Resize(w, h int) {
	p.w, p.h = w, h
	p.fit()
}

// fit gives the editor the room between the tabs and the foot.
func (p *Pane) fit() {
	if e := p.editor(); e != nil {
		e.Resize(p.w, max(p.h-1-len(p.foot()), 0))
	}
	p.version++
}

// editor returns the text of the tab that is shown.
func (p *Pane) editor() *editor.Editor {
	if p.op == nil {
		return nil
	}
	switch p.tab {
	case Metadata:
		return p.shared[p.open.Target].metadata
	case Options:
		return p.shared[p.open.Target].options
	default:
		return p.bodies[p.open]
	}
}

// Contexts returns where the keys have their meaning.
func (p *Pane) Contexts() []keys.Context {
	if p.op == nil {
		return []keys.Context{keys.Browse, keys.Global}
	}
	return []keys.Context{keys.Request, keys.Text, keys.Global}
}

// Typing reports whether characters go into a text.
func (p *Pane) Typing() bool { return p.op != nil }

// Bindings returns what can be done here, the most useful first.
func (p *Pane) Bindings() []intent.Intent {
	if p.op == nil {
		return nil
	}
	return []intent.Intent{intent.NextTab{}, intent.Template{}, intent.Edit{Op: intent.Undo}}
}

// Input does what the user wants of the texts.
func (p *Pane) Input(want intent.Intent) intent.Intent {
	e := p.editor()
	if e == nil {
		return nil
	}
	switch want := want.(type) {
	case intent.Insert:
		if p.tab == Body && replacesZero(e, want.Text) {
			e.Apply(intent.DeleteRight)
		}
		e.Insert(want.Text)
	case intent.Paste:
		e.Paste(want.Text)
	case intent.Edit:
		e.Apply(want.Op)
	case intent.Wheel:
		e.Scroll(want.Rows)
	case intent.Click:
		return p.click(want)
	case intent.NextTab:
		p.tab = (p.tab + 1) % tabs
	case intent.PrevTab:
		p.tab = (p.tab + tabs - 1) % tabs
	case intent.Tab:
		p.tab = min(max(Tab(want.Number), 0), tabs-1)
	}
	p.fit()
	return nil
}

// replacesZero reports whether text begins a number in front of a template's 0,
// as in `"count": 0`. Typed before it, 30 would become 300.
func replacesZero(e *editor.Editor, text string) bool {
	at := e.Position()
	line := e.Line(at.Line)
	if text == "" || !strings.ContainsAny(text[:1], "-123456789") || at.Col > len(line) {
		return false
	}
	return strings.HasSuffix(line[:at.Col], ": ") && strings.TrimSuffix(line[at.Col:], ",") == "0"
}

func (p *Pane) click(c intent.Click) intent.Intent {
	if c.Y > 0 {
		p.editor().Click(c.X, c.Y-1)
		p.version++
		return nil
	}
	x := 0
	for i, name := range p.tabNames() {
		x += len(name) + 2
		if c.X < x {
			return intent.Tab{Number: i}
		}
	}
	return nil
}

func (p *Pane) tabNames() []string {
	n := 0
	if p.op != nil {
		n = countHeaders(p.shared[p.open.Target].metadata.Text())
	}
	metadata := "Metadata"
	if n > 0 {
		metadata += " " + strconv.Itoa(n)
	}
	return []string{"Body", metadata, "Options"}
}
