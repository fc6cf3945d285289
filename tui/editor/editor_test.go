package editor

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/theme"
)

func with(text string) *Editor {
	e := New()
	e.Resize(40, 10)
	e.SetText(text)
	return e
}

func TestTypingAndMoving(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		ops        []any
		want       string
		at         Pos
	}{
		{"newline keeps the indentation", "  a", []any{intent.LineEnd, intent.Newline, "b"}, "  a\n  b", Pos{1, 3}},
		{"newline indents after a bracket", `{`, []any{intent.LineEnd, intent.Newline, "x"}, "{\n  x", Pos{1, 3}},
		{"backspace joins lines", "a\nb", []any{intent.CursorDown, intent.DeleteLeft}, "ab", Pos{0, 1}},
		{"delete joins lines", "a\nb", []any{intent.LineEnd, intent.DeleteRight}, "ab", Pos{0, 1}},
		{"word left and delete", `"user_id": 12`, []any{intent.LineEnd, intent.WordLeft, intent.DeleteWordLeft}, `"12`, Pos{0, 1}},
		{"word right", "ab cd", []any{intent.WordRight, "!"}, "ab! cd", Pos{0, 3}},
		{"home stops at the indentation", "  ab", []any{intent.LineEnd, intent.LineStart, "x"}, "  xab", Pos{0, 3}},
		{"home twice is the margin", "  ab", []any{intent.LineEnd, intent.LineStart, intent.LineStart, "x"}, "x  ab", Pos{0, 1}},
		{"a combined character is one", "ae\u0301z", []any{intent.LineEnd, intent.CursorLeft, intent.DeleteLeft}, "az", Pos{0, 1}},
		{"wide characters", "日本", []any{intent.CursorRight, "x"}, "日x本", Pos{0, 4}},
		{"kill to the ends", "abcd", []any{intent.CursorRight, intent.CursorRight, intent.DeleteToLineEnd, intent.DeleteToLineStart}, "", Pos{0, 0}},
		{"up keeps the column", "abcdef\nx\nabcdef", []any{intent.TextEnd, intent.CursorUp, intent.CursorUp, "|"}, "abcdef|\nx\nabcdef", Pos{0, 7}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := with(c.text)
			play(e, c.ops)
			if e.Text() != c.want || e.Position() != c.at {
				t.Errorf("got %q at %v, want %q at %v", e.Text(), e.Position(), c.want, c.at)
			}
		})
	}
}

func play(e *Editor, ops []any) {
	for _, op := range ops {
		switch op := op.(type) {
		case string:
			e.Insert(op)
		case intent.Op:
			e.Apply(op)
		}
	}
}

func TestPasteIsOneStepAndNormalisesLineEnds(t *testing.T) {
	t.Parallel()
	e := with("ab")
	e.Apply(intent.CursorRight)
	e.Paste("1\r\n2\r3")
	if got := e.Text(); got != "a1\n2\n3b" {
		t.Fatalf("after the paste: %q", got)
	}
	e.Apply(intent.Undo)
	if got := e.Text(); got != "ab" || e.Position() != (Pos{0, 1}) {
		t.Fatalf("after undo: %q at %v", got, e.Position())
	}
}

func TestUndoTakesWords(t *testing.T) {
	t.Parallel()
	e := with("")
	for _, r := range "one two" {
		e.Insert(string(r))
	}
	e.Apply(intent.Undo)
	if got := e.Text(); got != "one " && got != "one" {
		t.Errorf("after one undo: %q, want the first word", got)
	}
}

// Any edits can be undone to the first text and redone to the last; meanwhile
// the view keeps its size and the cursor stays on a character.
func TestUndoRedoProperty(t *testing.T) {
	t.Parallel()
	const first = "{\n  \"名\": \"Ada\",\n  \"n\": 12\n}"
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 7))
		e := with(first)
		for range 120 {
			random(e, rng)
			check(t, e)
		}
		last := e.Text()
		for len(e.history.undo) > 0 {
			e.Apply(intent.Undo)
			check(t, e)
		}
		if e.Text() != first {
			t.Fatalf("seed %d: undone to %q", seed, e.Text())
		}
		for len(e.history.redo) > 0 {
			e.Apply(intent.Redo)
		}
		if e.Text() != last {
			t.Fatalf("seed %d: redone to %q, want %q", seed, e.Text(), last)
		}
	}
}

func random(e *Editor, rng *rand.Rand) {
	texts := []string{"a", "é", "日", " ", "\n", "{\"k\": 1}", "x\ny\nz", "e\u0301", "\x1b", "\u202e"}
	switch rng.IntN(6) {
	case 0:
		e.Insert(texts[rng.IntN(len(texts))])
	case 1:
		e.Paste(texts[rng.IntN(len(texts))])
	case 2:
		e.Resize(rng.IntN(60), rng.IntN(12))
	case 3:
		e.Click(rng.IntN(40), rng.IntN(10))
	case 4:
		e.Scroll(rng.IntN(9) - 4)
	default:
		if op := intent.Op(rng.IntN(int(intent.Redo) + 1)); op != intent.Undo && op != intent.Redo {
			e.Apply(op)
		}
	}
}

func check(t *testing.T, e *Editor) {
	t.Helper()
	line := e.lines[e.cur.Line]
	if e.cur.Col < len(line) && !utf8.RuneStart(line[e.cur.Col]) {
		t.Fatalf("the cursor is inside a character: %v in %q", e.cur, line)
	}
	view := e.View(theme.New(true), JSON)
	if len(view) != e.h {
		t.Fatalf("%d lines drawn, want %d", len(view), e.h)
	}
	for _, l := range view {
		if w := ansi.StringWidth(l); w != e.w {
			t.Fatalf("a line of %d cells, want %d: %q", w, e.w, l)
		}
		if s := ansi.Strip(l); strings.ContainsAny(s, "\x1b\u202e") {
			t.Fatalf("a control character reached the screen: %q", s)
		}
	}
}

// Drawing a megabyte touches only what is visible: it is counted, not timed.
func TestViewPaintsOnlyVisibleLines(t *testing.T) {
	t.Parallel()
	e := with(strings.Repeat("{\"a\": 1},\n", 100_000))
	e.Apply(intent.TextEnd)
	calls := 0
	e.View(theme.New(true), func(line string) []Piece { calls++; return JSON(line) })
	if calls > 10 {
		t.Errorf("%d lines were painted for a view of 10", calls)
	}
}

func TestLongLineScrollsSideways(t *testing.T) {
	t.Parallel()
	e := with(strings.Repeat("0123456789", 100_000))
	e.Apply(intent.LineEnd)
	e.Insert("END")
	if view := ansi.Strip(strings.Join(e.View(theme.New(true), JSON), "\n")); !strings.Contains(view, "789END") {
		t.Errorf("the end of the line is not visible:\n%s", view)
	}
	x, y, ok := e.Cursor()
	if !ok || y != 0 || x < 4 || x >= 40 {
		t.Errorf("cursor at %d,%d visible %v", x, y, ok)
	}
}

func TestFaultIsShownAtItsLineUntilAnEdit(t *testing.T) {
	t.Parallel()
	e := with("{\n \"user_idd\": 1\n}")
	e.SetFault(Pos{1, 1}, "no such field")
	view := e.View(theme.New(true), JSON)
	if !strings.Contains(ansi.Strip(view[1]), "◂ no such field") || e.Position() != (Pos{1, 1}) {
		t.Errorf("line 2 is %q, cursor at %v", view[1], e.Position())
	}
	e.Insert("x")
	if _, _, on := e.Fault(); on {
		t.Error("the fault outlived an edit")
	}
}

func TestJSONPieces(t *testing.T) {
	t.Parallel()
	line := `  "k\"": "v", "n": -1.5e3, "t": true, [null] oops "open`
	at := 0
	for _, p := range JSON(line) {
		if p.From != at {
			t.Fatalf("pieces leave a gap at %d", at)
		}
		at = p.To
	}
	if at != len(line) {
		t.Fatalf("pieces end at %d of %d", at, len(line))
	}
}

func BenchmarkTypeInMegabyte(b *testing.B) {
	e := with(strings.Repeat("{\"a\": 1},\n", 100_000))
	e.Resize(80, 40)
	e.Apply(intent.TextEnd)
	th := theme.New(true)
	b.ReportAllocs()
	for b.Loop() {
		e.Insert("x")
		e.View(th, JSON)
	}
}
