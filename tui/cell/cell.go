// Package cell measures, cuts and pads text to a number of terminal cells. Text
// may hold SGR sequences; wide characters count two cells.
//
//	cell.Fit("a long name", 6) // "a lon…"
package cell

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Ellipsis ends a text that was cut.
const Ellipsis = "…"

// Width returns how many cells s takes.
func Width(s string) int {
	if plain(s) {
		return len(s)
	}
	return ansi.StringWidth(s)
}

// Cut returns s in at most w cells; what is cut off is marked by an ellipsis.
func Cut(s string, w int) string {
	if w <= 0 {
		return ""
	}
	if plain(s) && len(s) <= w {
		return s
	}
	return ansi.Truncate(s, w, Ellipsis)
}

// Fit returns s in exactly w cells, cut or padded on the right.
func Fit(s string, w int) string {
	s = Cut(s, w)
	return s + Spaces(w-Width(s))
}

// Right returns s in exactly w cells, cut or padded on the left.
func Right(s string, w int) string {
	s = Cut(s, w)
	return Spaces(w-Width(s)) + s
}

// Middle returns s in at most w cells, cut in the middle so that both ends stay.
func Middle(s string, w int) string {
	n := Width(s)
	if n <= w || w < 3 {
		return Cut(s, w)
	}
	tail := (w - 1) / 2
	end := ansi.TruncateLeft(s, n-tail, "")
	if Width(end) > tail { // the cut fell inside a wide character
		end = ansi.TruncateLeft(s, n-tail+1, "")
	}
	return ansi.Truncate(s, w-1-tail, "") + Ellipsis + end
}

// Spaces returns n spaces; none if n is negative.
func Spaces(n int) string {
	const blank = "                                                                "
	switch {
	case n <= 0:
		return ""
	case n <= len(blank):
		return blank[:n]
	}
	return strings.Repeat(" ", n)
}

// Wrap breaks text into lines of at most w cells, at words where it can.
func Wrap(s string, w int) []string {
	if w <= 0 {
		return nil
	}
	return strings.Split(ansi.Wrap(s, w, ""), "\n")
}

// Block returns exactly h lines of exactly w cells.
func Block(lines []string, w, h int) []string {
	out := make([]string, h)
	for i := range out {
		if i < len(lines) {
			out[i] = Fit(lines[i], w)
			continue
		}
		out[i] = Spaces(w)
	}
	return out
}

// plain reports whether every byte of s is one printable cell.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
