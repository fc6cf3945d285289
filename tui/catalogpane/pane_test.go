package catalogpane

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/theme"
)

func offered() *catalog.Catalog {
	op := func(id, doc string) catalog.Operation {
		_, name, _ := strings.Cut(id, "/")
		return catalog.Operation{ID: id, Name: name, Doc: doc, Call: catalog.REST{}}
	}
	return &catalog.Catalog{Services: []catalog.Service{
		{Name: "a.v1.Users", Operations: []catalog.Operation{op("a.v1.Users/Get", "reads one"), op("a.v1.Users/List", "reads many")}},
		{Name: "b.Other", Operations: []catalog.Operation{op("b.Other/Get", "")}},
		{Name: "a.v1.Orders", Operations: []catalog.Operation{op("a.v1.Orders/Put", "writes one")}},
		{Name: "c.Broken", Problem: "c.proto is missing"},
		{Name: "grpc.health.v1.Health", Operations: []catalog.Operation{op("grpc.health.v1.Health/Check", "")}},
	}}
}

func shown() *Pane {
	p := New([]string{"here"})
	p.Resize(40, 30)
	p.SetCatalog(0, offered())
	return p
}

func view(p *Pane) string {
	return ansi.Strip(strings.Join(p.View(theme.New(true), true), "\n"))
}

func names(p *Pane) string {
	var out []string
	for _, r := range p.rows {
		out = append(out, r.text)
	}
	return strings.Join(out, " ")
}

func TestTreeGroupsByPackageAndFoldsInfrastructure(t *testing.T) {
	t.Parallel()
	want := "here a.v1 Users Get List Orders Put b Other Get c Broken c.proto is missing grpc.health.v1 Health"
	if got := names(shown()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFilterFindsByNameServiceAndComment(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]string{
		"get":      "here a.v1 Users Get b Other Get",
		"v1 get":   "here a.v1 Users Get",
		"one":      "here a.v1 Users Get Orders Put",
		"check":    "here grpc.health.v1 Health Check",
		"nowhere!": "here",
	} {
		p := shown()
		p.Input(intent.Filter{})
		p.Input(intent.Insert{Text: filter})
		if got := names(p); got != want {
			t.Errorf("%q finds %s, want %s", filter, got, want)
		}
		if !p.Back() || names(p) != names(shown()) {
			t.Errorf("%q: the tree did not come back", filter)
		}
	}
}

func TestEnterOpensTheFirstThatWasFound(t *testing.T) {
	t.Parallel()
	p := shown()
	p.Input(intent.Filter{})
	p.Input(intent.Insert{Text: "put"})
	if got := p.Input(intent.Enter{}); got != (intent.OpenOperation{ID: "a.v1.Orders/Put"}) {
		t.Errorf("Enter wants %#v", got)
	}
}

func TestFoldingKeepsTheSelection(t *testing.T) {
	t.Parallel()
	p := shown()
	p.Input(intent.Left{}) // from Get to its service
	p.Input(intent.Left{}) // which folds
	if got := names(p); strings.Contains(got, "List") {
		t.Errorf("after folding: %s", got)
	}
	if r, _ := p.selected(); r.text != "Users" {
		t.Errorf("selected %q", r.text)
	}
	p.Input(intent.Right{})
	if got := names(p); !strings.Contains(got, "List") {
		t.Errorf("after unfolding: %s", got)
	}
}

func TestFailureIsShownAndEnterTriesAgain(t *testing.T) {
	t.Parallel()
	p := New([]string{"one", "two"})
	p.Resize(40, 30)
	p.SetFailed(1, "connection refused; is the server running?")
	p.Input(intent.Last{})
	if got := view(p); !strings.Contains(got, "! connection refused") || !strings.Contains(got, "reading the schema") {
		t.Errorf("the failure of one target and the loading of the other are not shown:\n%s", got)
	}
	if got := p.Input(intent.Enter{}); got != (intent.Reload{Target: 1}) {
		t.Errorf("Enter on a failure wants %#v", got)
	}
}

// What to do about a failure is at the end of its message: all of it is readable,
// however small the pane and without a move to its row.
func TestAFailureIsToldToItsEnd(t *testing.T) {
	for _, h := range []int{11, 22} {
		p := New([]string{":1"})
		p.Resize(36, h)
		p.SetFailed(0, "nothing listens on localhost:1: is the server running, and is this the right port?")
		text := strings.Join(strings.Fields(view(p)), " ")
		if !strings.Contains(text, "the right port?") || len(p.View(theme.New(true), true)) != h {
			t.Errorf("height %d:\n%s", h, view(p))
		}
	}
}

func TestAProblemOfAServiceIsShown(t *testing.T) {
	t.Parallel()
	p := shown()
	if got := view(p); !strings.Contains(got, "! c.proto is missing") {
		t.Errorf("the problem is not shown:\n%s", got)
	}
}

func TestSlashBeginsANewSearch(t *testing.T) {
	t.Parallel()
	p := shown()
	p.Input(intent.Filter{})
	p.Input(intent.Insert{Text: "put"})
	p.Input(intent.Enter{})
	p.Input(intent.Filter{})
	p.Input(intent.Insert{Text: "list"})
	if got := names(p); got != "here a.v1 Users List" {
		t.Errorf("found %s", got)
	}
}

func TestAnOpenedOperationIsShown(t *testing.T) {
	t.Parallel()
	p := shown()
	p.Input(intent.Filter{})
	p.Input(intent.Insert{Text: "put"})
	p.SetOpen(intent.OpenOperation{ID: "a.v1.Users/List"}) // as the palette does
	if r, _ := p.selected(); r.operation.ID != "a.v1.Users/List" || p.Typing() {
		t.Errorf("selected %q, typing %v", r.operation.ID, p.Typing())
	}
}
