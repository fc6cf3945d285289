package render

import (
	"fmt"
	"time"

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
	var settings, credit time.Duration // when the other side last changed what it allows, and gave credit
	for j := i + 1; j < last; j++ {
		g := &t.Frames[j]
		at := g.At
		switch {
		case g.Dir != f.Dir && g.Type == h2.Settings && !g.Flags.Has(h2.Ack):
			settings = at
		case g.Dir != f.Dir && g.Type == h2.WindowUpdate:
			conn = conn && (g.Stream != 0 || g.ConnWindow <= 0)
			stream = stream && (g.Stream != f.Stream || g.StreamWindow <= 0)
			credit = at
		case g.Dir == f.Dir && g.Type == h2.Data && g.Stream == f.Stream && g.Length > 0 && !conn && settings > 0:
			// It could send again without a WINDOW_UPDATE: INITIAL_WINDOW_SIZE was raised. RFC 9113 §6.9.2.
			stream, at = false, max(settings, credit)
		}
		if !conn && !stream {
			return fmt.Sprintf("blocked %s ms at 0", Millis(at-f.At)), true
		}
	}
	return "at 0 from here on", last == i+mostAhead
}
