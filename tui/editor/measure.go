package editor

import (
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// tabCells is how wide a tab is drawn; JSON needs no tab stops.
const tabCells = 2

// next returns how the first character of s is drawn, how many cells that
// takes and how many bytes it is. Characters that would move the cursor or turn
// the line around are shown by a stand-in.
func next(s string) (shown string, width, size int) {
	b := s[0]
	if b >= 0x20 && b < 0x7f && (len(s) == 1 || s[1] < utf8.RuneSelf) {
		return s[:1], 1, 1
	}
	if b < 0x20 || b == 0x7f {
		return control(b)
	}
	cluster, w := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
	r, _ := utf8.DecodeRuneInString(cluster)
	if w <= 0 || r == utf8.RuneError || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
		return "\ufffd", 1, len(cluster)
	}
	return cluster, w, len(cluster)
}

func control(b byte) (shown string, width, size int) {
	switch b {
	case '\t':
		return "  ", tabCells, 1
	case 0x7f:
		return "␡", 1, 1
	}
	return string(rune(0x2400 + int(b))), 1, 1
}

// cells returns how many cells s takes.
func cells(s string) int {
	n := 0
	for len(s) > 0 {
		_, w, size := next(s)
		n += w
		s = s[size:]
	}
	return n
}

// column returns the byte at which cell c of a line is.
func column(line string, c int) int {
	at, n := 0, 0
	for at < len(line) {
		_, w, size := next(line[at:])
		if n+w > c {
			break
		}
		n += w
		at += size
	}
	return at
}

// previous returns where the character before byte at begins. It walks a short
// way forward from a place that is sure to be the start of a character.
func previous(line string, at int) int {
	if at >= 1 && line[at-1] < utf8.RuneSelf && (at == len(line) || line[at] < utf8.RuneSelf) {
		return at - 1
	}
	start := at - 1
	for start > 0 && line[start-1] >= utf8.RuneSelf {
		start--
	}
	if start > 0 {
		start--
	}
	for start < at {
		_, _, size := next(line[start:])
		if start+size >= at {
			return start
		}
		start += size
	}
	return start
}
