// Package theme holds every style of the screen. A palette names colours by
// their purpose and New turns one into styles; nothing else in the TUI mentions a
// colour. Selection is shown by reverse video and a mark, never by colour
// alone, so that it survives NO_COLOR.
//
//	th := theme.New(true)
//	line := th.Key.Render(`"id"`) + ": " + th.Text.Render(`"1"`)
package theme

import (
	"image/color"
	"strings"

	"charm.land/lipgloss/v2"
)

// Style paints one line of text. It is a pair of sequences, made once: a list
// paints hundreds of pieces a redraw, and lipgloss would lay out each anew.
type Style struct{ open, end string }

// Render returns s painted; an empty text stays empty.
func (s Style) Render(text string) string {
	if text == "" || s.open == "" {
		return text
	}
	return s.open + text + s.end
}

// Theme is every style of the screen.
type Theme struct {
	Dark bool

	Plain, Bold, Faint, Accent  Style
	Border, FocusBorder         Style
	Title, FocusTitle           Style
	Tab, ActiveTab              Style
	Selected                    Style // what is selected: reverse video
	Carried                     Style // a frame that carried the selection
	Mark                        Style // the ▌ before a selected row
	Cursor                      Style // the cursor of a text that the terminal's cursor is not on
	Match                       Style // the part of a name that the filter found
	Key, Text, Number, Literal  Style // JSON
	Sent, Received              Style // arrows
	Good, Warn, Bad             Style
	Hint, HintKey               Style
	LineNumber, ErrorLineNumber Style
}

// New returns the styles for a dark or a light background.
func New(isDark bool) *Theme {
	p := light()
	if isDark {
		p = dark()
	}
	t := styles(p)
	t.Dark = isDark
	return t
}

func styles(p palette) *Theme {
	base := lipgloss.NewStyle()
	fg := func(c color.Color) lipgloss.Style { return base.Foreground(c) }
	return &Theme{
		Bold:            compile(base.Bold(true)),
		Faint:           compile(fg(p.faint)),
		Accent:          compile(fg(p.accent)),
		Border:          compile(fg(p.border)),
		FocusBorder:     compile(fg(p.focus)),
		Title:           compile(fg(p.faint)),
		FocusTitle:      compile(fg(p.focus).Bold(true)),
		Tab:             compile(fg(p.faint)),
		ActiveTab:       compile(base.Bold(true).Underline(true)),
		Selected:        compile(base.Reverse(true)),
		Carried:         compile(base.Bold(true)),
		Mark:            compile(fg(p.focus).Bold(true)),
		Cursor:          compile(base.Underline(true)),
		Match:           compile(fg(p.match).Underline(true)),
		Key:             compile(fg(p.key)),
		Text:            compile(fg(p.text)),
		Number:          compile(fg(p.number)),
		Literal:         compile(fg(p.literal)),
		Sent:            compile(fg(p.sent)),
		Received:        compile(fg(p.received)),
		Good:            compile(fg(p.good)),
		Warn:            compile(fg(p.warn)),
		Bad:             compile(fg(p.bad)),
		Hint:            compile(fg(p.faint)),
		HintKey:         compile(base.Bold(true)),
		LineNumber:      compile(fg(p.border)),
		ErrorLineNumber: compile(fg(p.bad).Bold(true)),
	}
}

// compile finds the sequences that lipgloss puts around a text.
func compile(s lipgloss.Style) Style {
	open, end, _ := strings.Cut(s.Render("x"), "x")
	return Style{open: open, end: end}
}
