package catalogpane

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wiregloss/wiregloss/catalog"
)

type kind uint8

const (
	targetRow kind = iota
	packageRow
	serviceRow
	operationRow
	problemRow // why there is nothing here; Enter tries again
	loadingRow
	connectionRow // of a file
	callRow
)

// row is one visible line of the tree.
type row struct {
	kind      kind
	depth     int
	target    int
	key       string // names the row across rebuilds
	text      string // untrusted
	service   *catalog.Service
	operation *catalog.Operation
	conn      int // of a file: the connection
	call      int // and the index of the stream
}

// same reports whether two rows stand for the same.
func (r row) same(o row) bool {
	return r.kind == o.kind && r.key == o.key && r.target == o.target && r.conn == o.conn && r.call == o.call
}

func (r row) branch() bool {
	return r.kind == connectionRow || r.kind == targetRow || r.kind == packageRow || r.kind == serviceRow
}

// name is what is copied: the full name of the thing.
func (r row) name() string {
	switch {
	case r.operation != nil:
		return r.operation.ID
	case r.service != nil:
		return r.service.Name
	}
	return r.text
}

func targetKey(i int) string               { return strconv.Itoa(i) }
func packageKey(i int, name string) string { return strconv.Itoa(i) + "/p/" + name }
func serviceKey(i int, name string) string { return strconv.Itoa(i) + "/s/" + name }
func operationKey(i int, id string) string { return strconv.Itoa(i) + "/o/" + id }
func statusKey(i int, what string) string  { return strconv.Itoa(i) + "/!/" + what }
func packageOf(service string) (pkg, n string) {
	at := strings.LastIndexByte(service, '.')
	return service[:max(at, 0)], service[at+1:]
}

// rebuild computes the visible rows. It costs what the catalog holds, and is
// called only when a catalog, a fold or the filter changes.
func (p *Pane) rebuild() {
	p.rows = p.rows[:0:0]
	terms := strings.Fields(strings.ToLower(p.filter))
	for i := range p.targets {
		p.addTarget(i, terms)
	}
	p.list.SetLen(len(p.rows))
	p.version++
}

func (p *Pane) addTarget(i int, terms []string) {
	t := &p.targets[i]
	key := targetKey(i)
	p.rows = append(p.rows, row{kind: targetRow, target: i, key: key, text: t.label})
	if p.folded[key] && len(terms) == 0 {
		return
	}
	switch t.state {
	case loading:
		p.rows = append(p.rows, row{kind: loadingRow, depth: 1, target: i, key: statusKey(i, "loading"), text: "reading the schema…"})
	case failed:
		p.rows = append(p.rows, row{kind: problemRow, depth: 1, target: i, key: statusKey(i, "failed"), text: t.problem})
	case loaded:
	}
	if t.conns != nil {
		p.addConnections(i, terms)
	}
	if t.catalog == nil {
		return
	}
	p.addServices(i, t.catalog, terms)
	if len(t.catalog.Services) == 0 && t.state == loaded {
		p.rows = append(p.rows, row{kind: problemRow, depth: 1, target: i, key: statusKey(i, "empty"), text: "the server lists no services"})
	}
}

func (p *Pane) addServices(i int, c *catalog.Catalog, terms []string) {
	last := ""
	for _, s := range byPackage(c) {
		ops := matching(s, terms)
		if len(terms) > 0 && len(ops) == 0 {
			continue
		}
		pkg, name := packageOf(s.Name)
		depth := 1
		if pkg != "" {
			depth = 2
			if pkg != last {
				p.rows = append(p.rows, row{kind: packageRow, depth: 1, target: i, key: packageKey(i, pkg), text: pkg})
			}
			if p.folded[packageKey(i, pkg)] && len(terms) == 0 {
				last = pkg
				continue
			}
		}
		last = pkg
		p.addService(i, s, name, depth, ops, len(terms) > 0)
	}
}

// byPackage returns the services with those of one package together, otherwise in
// the order of the catalog.
func byPackage(c *catalog.Catalog) []*catalog.Service {
	first := map[string]int{}
	out := make([]*catalog.Service, len(c.Services))
	for i := range c.Services {
		out[i] = &c.Services[i]
		pkg, _ := packageOf(out[i].Name)
		if _, ok := first[pkg]; !ok {
			first[pkg] = i
		}
	}
	slices.SortStableFunc(out, func(a, b *catalog.Service) int {
		pa, _ := packageOf(a.Name)
		pb, _ := packageOf(b.Name)
		return first[pa] - first[pb]
	})
	return out
}

func (p *Pane) addService(i int, s *catalog.Service, name string, depth int, ops []*catalog.Operation, all bool) {
	key := serviceKey(i, s.Name)
	p.rows = append(p.rows, row{kind: serviceRow, depth: depth, target: i, key: key, text: name, service: s})
	if p.folded[key] && !all {
		return
	}
	if s.Problem != "" {
		p.rows = append(p.rows, row{kind: problemRow, depth: depth + 1, target: i, key: statusKey(i, s.Name), text: s.Problem, service: s})
	}
	for _, o := range ops {
		p.rows = append(p.rows, row{
			kind: operationRow, depth: depth + 1, target: i, key: operationKey(i, o.ID), text: o.Name, service: s, operation: o,
		})
	}
}

// matching returns the operations that hold every term in their service's name,
// their own name or their comment.
func matching(s *catalog.Service, terms []string) []*catalog.Operation {
	var out []*catalog.Operation
	for i := range s.Operations {
		o := &s.Operations[i]
		hay := ""
		if len(terms) > 0 {
			hay = strings.ToLower(s.Name + " " + o.ID + " " + o.Name + " " + o.Doc)
		}
		if all(hay, terms) {
			out = append(out, o)
		}
	}
	return out
}

func all(hay string, terms []string) bool {
	for _, t := range terms {
		if !strings.Contains(hay, t) {
			return false
		}
	}
	return true
}
