package palette

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/theme"
)

func open() *Pane {
	p := New("Actions", []Item{
		{Text: "send the request", Key: "^S", Intent: intent.Send{}},
		{Text: "quit", Key: "^Q", Intent: intent.Quit{}},
		{Text: "only to be read"},
	})
	p.Resize(60, 10)
	return p
}

func TestTypingFindsByWordAndKey(t *testing.T) {
	t.Parallel()
	for filter, want := range map[string]intent.Intent{
		"request": intent.Send{}, "REQ send": intent.Send{}, "^q": intent.Quit{}, "read": nil, "nothing": nil,
	} {
		p := open()
		p.Input(intent.Insert{Text: filter})
		if got := p.Input(intent.Enter{}); got != want {
			t.Errorf("%q chooses %#v, want %#v", filter, got, want)
		}
	}
}

func TestTheSelectionMovesAndDeletingWidens(t *testing.T) {
	t.Parallel()
	p := open()
	p.Input(intent.Move{Rows: 1})
	if got := p.Input(intent.Enter{}); got != (intent.Quit{}) {
		t.Errorf("the second line chooses %#v", got)
	}
	p.Input(intent.Insert{Text: "xyz"})
	p.Input(intent.Edit{Op: intent.DeleteWordLeft})
	if got := p.Input(intent.Enter{}); got != (intent.Send{}) {
		t.Errorf("after deleting the filter the first line chooses %#v", got)
	}
}

func TestAPastedEscapeIsShownAsText(t *testing.T) {
	t.Parallel()
	p := open()
	p.Input(intent.Paste{Text: "a\x1b]52;c;x\a\nb"})
	for _, l := range p.View(theme.New(true)) {
		if strings.ContainsAny(ansi.Strip(l), "\x1b\a") || ansi.StringWidth(l) != 60 {
			t.Errorf("line %q", l)
		}
	}
}
