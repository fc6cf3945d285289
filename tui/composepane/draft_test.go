package composepane

import (
	"strings"
	"testing"
	"time"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/tui/intent"
)

func opened() *Pane {
	p := New()
	p.Resize(60, 20)
	p.Open(intent.OpenOperation{ID: "a.B/C"}, catalog.Operation{ID: "a.B/C", Name: "C"}, "{\n  \"id\": \"\"\n}")
	return p
}

func TestDraftReadsMetadataAndOptions(t *testing.T) {
	t.Parallel()
	p := opened()
	p.shared[0].metadata.SetText("# a comment\nX-Id: 7\n\ntoken-bin: AAE=\nempty:")
	p.shared[0].options.SetText("deadline: 1m 30s\ncompress: gzip")
	d, err := p.Draft()
	if err != nil {
		t.Fatal(err)
	}
	want := []exchange.Header{{Name: "x-id", Value: "7"}, {Name: "token-bin", Value: "AAE="}, {Name: "empty"}}
	if len(d.Headers) != len(want) {
		t.Fatalf("headers %v, want %v", d.Headers, want)
	}
	for i := range want {
		if d.Headers[i] != want[i] {
			t.Errorf("header %d is %v, want %v", i, d.Headers[i], want[i])
		}
	}
	if d.Timeout != 90*time.Second || d.Compress != "gzip" {
		t.Errorf("timeout %v, compress %q", d.Timeout, d.Compress)
	}
}

func TestDraftShowsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, metadata, options, want string
		tab                           Tab
		line                          int
	}{
		{"no colon", "ok: 1\nnothing", "", "is not \"name: value\"", Metadata, 1},
		{"pseudo-header", ":path: /", "", "not a metadata name", Metadata, 0},
		{"space in a name", "a b: c", "", "not a metadata name", Metadata, 0},
		{"a control character", "a\x1b: c", "", "not a metadata name", Metadata, 0},
		{"negative deadline", "", "deadline: -1s", "is not a time", Options, 0},
		{"unknown compression", "", "deadline:\ncompress: zstd", "gzip or none", Options, 1},
		{"unknown option", "", "retries: 3", "there is no option", Options, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := opened()
			p.shared[0].metadata.SetText(c.metadata)
			if c.options != "" {
				p.shared[0].options.SetText(c.options)
			}
			_, err := p.Draft()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want one with %q", err, c.want)
			}
			at, _, on := p.editor().Fault()
			if p.tab != c.tab || !on || at.Line != c.line {
				t.Errorf("shown on tab %d line %d (%v), want tab %d line %d", p.tab, at.Line, on, c.tab, c.line)
			}
		})
	}
}

func TestTypingBeginsInTheFirstValue(t *testing.T) {
	t.Parallel()
	p := opened()
	p.Input(intent.Insert{Text: "7"})
	if got := p.editor().Text(); got != "{\n  \"id\": \"7\"\n}" {
		t.Errorf("typed into %q", got)
	}
}

func TestANumberReplacesTheZeroOfATemplate(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{"30": `{"a": 30}`, "-1": `{"a": -1}`, "0": `{"a": 00}`} {
		p := opened()
		p.FillTemplate("{\n  \"a\": 0\n}")
		for _, r := range typed {
			p.Input(intent.Insert{Text: string(r)})
		}
		if got := strings.Join(strings.Fields(p.editor().Text()), ""); got != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%q gives %q, want %q", typed, got, want)
		}
	}
}

func TestATemplateCanBeUndone(t *testing.T) {
	t.Parallel()
	p := opened()
	p.Input(intent.Insert{Text: "7"})
	p.FillTemplate("{}")
	p.Input(intent.Edit{Op: intent.Undo})
	if got := p.editor().Text(); !strings.Contains(got, `"7"`) {
		t.Errorf("what was typed is lost: %q", got)
	}
}

func TestPresetStandsInTheMetadata(t *testing.T) {
	t.Parallel()
	p := New()
	p.Preset(0, []exchange.Header{{Name: "authorization", Value: "Bearer x"}})
	p.Open(intent.OpenOperation{ID: "a.B/C"}, catalog.Operation{ID: "a.B/C"}, "")
	d, err := p.Draft()
	if err != nil || len(d.Headers) != 1 || d.Headers[0].Value != "Bearer x" {
		t.Errorf("headers %v, error %v", d.Headers, err)
	}
}
