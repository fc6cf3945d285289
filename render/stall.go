package render

import (
	"fmt"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/h2"
)

// mostAhead bounds how far the end of a stall is looked for, in frames.
const mostAhead = 50_000

// Blocked says how long the window stood at zero that the DATA frame at index i of
// t.Frames brought there: "blocked 12.00 ms at 0"; "" if it brought none to zero.
// ended is false while it may still say something else. A Ledger tells also of
// windows that SETTINGS brought to zero.
func Blocked(t inspect.Trace, i int) (text string, ended bool) {
	f := &t.Frames[i]
	if f.Type != h2.Data || f.Length == 0 {
		return "", true
	}
	conn := f.ConnWindow <= 0 && int64(f.ConnWindow)+int64(f.Length) > 0
	stream := f.StreamWindow <= 0 && int64(f.StreamWindow)+int64(f.Length) > 0 && !f.Flags.Has(h2.EndStream)
	if !conn && !stream {
		return "", true
	}
	last := min(len(t.Frames), i+mostAhead)
	for j := i + 1; j < last; j++ {
		g := &t.Frames[j]
		if g.Type != h2.WindowUpdate || g.Dir == f.Dir {
			continue
		}
		if g.Stream == 0 && g.ConnWindow > 0 {
			conn = false
		}
		if g.Stream == f.Stream && g.StreamWindow > 0 {
			stream = false
		}
		if !conn && !stream {
			return fmt.Sprintf("blocked %s ms at 0", Millis(g.At-f.At)), true
		}
	}
	return "at 0 from here on", last == i+mostAhead
}
