// Package catalogpane is the tree of what can be called: targets, packages,
// services and operations, with a filter. It does no I/O: the root loads the
// catalogs and says so here.
//
//	p := catalogpane.New([]string{"127.0.0.1:50051"})
//	p.SetCatalog(0, c)
//	want := p.Input(intent.Enter{}) // intent.OpenOperation
package catalogpane

import (
	"slices"
	"strings"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/keys"
	"github.com/wiregloss/wiregloss/tui/list"
)

// Pane is the catalog tree.
type Pane struct {
	targets   []target
	rows      []row // what is visible, folding and filter applied
	folded    map[string]bool
	list      list.List
	filter    string
	filtering bool // the filter line has the keyboard
	open      intent.OpenOperation
	w, h      int
	version   int
	cache     cache
}

// state is how far the loading of a target is.
type state uint8

const (
	loading state = iota
	loaded
	failed
)

type target struct {
	label   string
	state   state
	problem string
	catalog *catalog.Catalog
	conns   []conn // of a file
	note    string // of a file
}

// New returns a pane with targets that are still loading.
func New(labels []string) *Pane {
	p := &Pane{folded: map[string]bool{}, targets: make([]target, len(labels))}
	for i, l := range labels {
		p.targets[i].label = l
	}
	p.rebuild()
	return p
}

// SetLoading says that a target's schema is being read.
func (p *Pane) SetLoading(i int) {
	p.targets[i].state, p.targets[i].problem = loading, ""
	p.fitList()
	p.rebuild()
}

// fitList gives the tree the lines that the filter and the note leave.
func (p *Pane) fitList() { p.list.SetHeight(max(p.h-1-p.noteHeight(), 0)) }

// SetFailed says why a target's schema could not be read.
func (p *Pane) SetFailed(i int, problem string) {
	p.targets[i].state, p.targets[i].problem = failed, problem
	p.fitList()
	p.rebuild()
}

// SetCatalog shows what a target offers.
func (p *Pane) SetCatalog(i int, c *catalog.Catalog) {
	p.targets[i].state, p.targets[i].catalog = loaded, c
	p.fitList()
	p.foldAtFirst(i, c)
	p.rebuild()
	if p.list.Selected() == 0 {
		p.selectFirstOperation(i)
	}
}

// unfoldAtMost is how many operations are shown without being asked for.
const unfoldAtMost = 60

// foldAtFirst folds what a person rarely looks for first: the services that
// every server has, and everything where there is much.
func (p *Pane) foldAtFirst(i int, c *catalog.Catalog) {
	total := 0
	for _, s := range c.Services {
		total += len(s.Operations)
	}
	for _, s := range c.Services {
		key := serviceKey(i, s.Name)
		if _, touched := p.folded[key]; !touched {
			p.folded[key] = total > unfoldAtMost || strings.HasPrefix(s.Name, "grpc.")
		}
	}
}

func (p *Pane) selectFirstOperation(i int) {
	for n, r := range p.rows {
		if r.target == i && r.kind == operationRow {
			p.list.Select(n)
			p.version++
			return
		}
	}
}

// SetOpen marks the operation that is in the composer and selects it. A filter
// that hides it ends.
func (p *Pane) SetOpen(o intent.OpenOperation) {
	p.open = o
	p.version++
	want := row{kind: operationRow, target: o.Target, key: operationKey(o.Target, o.ID)}
	shown := slices.ContainsFunc(p.rows, func(r row) bool { return r.key == want.key })
	if !shown && p.filter != "" {
		p.filtering = false
		p.setFilter("")
	}
	p.reselect(want)
}

// Resize says how many cells the pane has.
func (p *Pane) Resize(w, h int) {
	p.w, p.h = w, h
	p.fitList()
	p.version++
}

// Contexts returns where the keys have their meaning.
func (p *Pane) Contexts() []keys.Context {
	if p.filtering {
		return []keys.Context{keys.Prompt, keys.Global}
	}
	return []keys.Context{keys.Catalog, keys.Browse, keys.Global}
}

// Typing reports whether characters go into the filter.
func (p *Pane) Typing() bool { return p.filtering }

// Bindings returns what can be done here, the most useful first.
func (p *Pane) Bindings() []intent.Intent {
	if p.filtering {
		return []intent.Intent{intent.Move{Rows: 1}, intent.Enter{}, intent.Back{}}
	}
	out := []intent.Intent{intent.Enter{}, intent.Filter{}, intent.Fold{}}
	if r, ok := p.selected(); ok && p.targets[r.target].state != loading {
		out = append(out, intent.Reload{Target: -1})
	}
	return out
}

// Input does what the user wants of the tree and returns what only the root can do.
func (p *Pane) Input(want intent.Intent) intent.Intent {
	p.version++
	switch want := want.(type) {
	case intent.Move:
		p.list.Move(want.Rows)
	case intent.Page:
		p.list.Page(want.Screens)
	case intent.First:
		p.list.Select(0)
	case intent.Last:
		p.list.Select(len(p.rows) - 1)
	case intent.Wheel:
		p.list.Scroll(want.Rows)
	case intent.Click:
		return p.click(want)
	case intent.Enter:
		return p.enter()
	case intent.Reload:
		if r, ok := p.selected(); ok {
			return intent.Reload{Target: r.target}
		}
	case intent.Copy:
		if r, ok := p.selected(); ok {
			return intent.CopyText{What: "name", Text: r.name()}
		}
	default:
		p.shape(want)
	}
	return nil
}

// shape folds, unfolds and filters.
func (p *Pane) shape(want intent.Intent) {
	switch want := want.(type) {
	case intent.Left:
		p.fold(true)
	case intent.Right:
		p.fold(false)
	case intent.Fold:
		if r, ok := p.selected(); ok {
			p.fold(!p.folded[r.key])
		}
	case intent.FoldAll:
		p.foldAll()
	case intent.Filter:
		if !p.filtering {
			p.setFilter("") // a new search, not more of the last one
		}
		p.filtering = true
	case intent.Insert:
		p.setFilter(p.filter + want.Text)
	case intent.Paste:
		p.setFilter(p.filter + strings.Join(strings.Fields(want.Text), " "))
	case intent.ClearFilter:
		p.setFilter("")
	case intent.Edit:
		p.editFilter(want.Op)
	}
}

// Back ends the filter, and reports whether there was one.
func (p *Pane) Back() bool {
	if !p.filtering && p.filter == "" {
		return false
	}
	p.filtering = false
	p.setFilter("")
	return true
}

func (p *Pane) editFilter(op intent.Op) {
	switch r := []rune(p.filter); {
	case op == intent.DeleteLeft && len(r) > 0:
		p.setFilter(string(r[:len(r)-1]))
	case op == intent.DeleteWordLeft:
		s := strings.TrimRight(p.filter, " ")
		p.setFilter(s[:strings.LastIndexByte(s, ' ')+1])
	}
}

func (p *Pane) setFilter(s string) {
	if s == p.filter {
		return
	}
	was, _ := p.selected()
	p.filter = s
	p.rebuild()
	if s == "" {
		p.reselect(was)
		return
	}
	p.selectBest()
}

// selectBest selects the first operation that is left.
func (p *Pane) selectBest() {
	p.list.Select(0)
	for i, r := range p.rows {
		if r.kind == operationRow {
			p.list.Select(i)
			return
		}
	}
}

func (p *Pane) reselect(was row) {
	for i, r := range p.rows {
		if r.same(was) {
			p.list.Select(i)
			return
		}
	}
}

func (p *Pane) enter() intent.Intent {
	p.filtering = false
	r, ok := p.selected()
	if !ok {
		return nil
	}
	switch r.kind {
	case callRow:
		return intent.OpenCall{Target: r.target, Connection: r.conn, Stream: p.stream(r).ID}
	case operationRow:
		return intent.OpenOperation{Target: r.target, ID: r.operation.ID}
	case problemRow:
		return intent.Reload{Target: r.target}
	default:
		p.fold(!p.folded[r.key])
		return nil
	}
}

func (p *Pane) click(c intent.Click) intent.Intent {
	if c.Y == 0 {
		p.filtering = true
		return nil
	}
	i, ok := p.list.At(c.Y - 1)
	if !ok {
		return nil
	}
	p.list.Select(i)
	return p.enter()
}

// fold folds or unfolds the selected branch; on something that cannot be folded,
// folding goes to its branch.
func (p *Pane) fold(on bool) {
	r, ok := p.selected()
	if !ok {
		return
	}
	if !r.branch() || on && p.folded[r.key] {
		if on {
			p.selectParent(r)
		}
		return
	}
	if p.folded[r.key] != on {
		p.folded[r.key] = on
		p.rebuild()
		p.reselect(r)
	}
}

func (p *Pane) selectParent(r row) {
	for i := p.list.Selected() - 1; i >= 0; i-- {
		if p.rows[i].depth < r.depth {
			p.list.Select(i)
			return
		}
	}
}

// foldAll folds every service, or unfolds all if they are folded.
func (p *Pane) foldAll() {
	on := false
	for i, t := range p.targets {
		if t.catalog == nil {
			continue
		}
		for _, s := range t.catalog.Services {
			on = on || !p.folded[serviceKey(i, s.Name)]
		}
	}
	for i, t := range p.targets {
		if t.catalog == nil {
			continue
		}
		for _, s := range t.catalog.Services {
			p.folded[serviceKey(i, s.Name)] = on
		}
	}
	was, _ := p.selected()
	p.rebuild()
	p.reselect(was)
}

func (p *Pane) selected() (row, bool) {
	i := p.list.Selected()
	if i >= len(p.rows) {
		return row{}, false
	}
	return p.rows[i], true
}
