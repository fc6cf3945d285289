package editor

import "strings"

// kind says whether a change may join the one before it.
type kind uint8

const (
	whole  kind = iota // stands alone: a paste, a new line
	typing             // joins its neighbours: a word is undone, not a letter
)

// change is one step that can be undone: at from, removed became inserted, which
// ended at end. cursor is where the cursor was before.
type change struct {
	from, end, cursor Pos
	removed, inserted string
	kind              kind
}

// history holds what was done and what was undone.
type history struct{ undo, redo []change }

// keep bounds the history; older steps are forgotten.
const keep = 2000

func (h *history) add(c change) {
	h.redo = nil
	if n := len(h.undo); n > 0 && h.undo[n-1].absorb(c) {
		return
	}
	if len(h.undo) == keep {
		h.undo = append(h.undo[:0], h.undo[1:]...)
	}
	h.undo = append(h.undo, c)
}

// absorb joins a following change of the same kind at the same place, up to the
// end of a word.
func (c *change) absorb(next change) bool {
	if c.kind != typing || next.kind != typing || strings.ContainsAny(next.inserted+next.removed, " \n") {
		return false
	}
	switch {
	case c.removed == "" && next.removed == "" && next.from == c.end:
		c.inserted += next.inserted
		c.end = next.end
		return true
	case c.inserted == "" && next.inserted == "" && next.from.Line == c.from.Line && next.from.Col+len(next.removed) == c.from.Col:
		c.removed = next.removed + c.removed
		c.from, c.end = next.from, next.end
		return true
	}
	return false
}

// step takes the last change of one stack back and puts its reverse on the other.
func (e *Editor) step(from, to *[]change) {
	n := len(*from)
	if n == 0 {
		return
	}
	c := (*from)[n-1]
	*from = (*from)[:n-1]
	_, end := e.swap(c.from, c.end, c.removed)
	*to = append(*to, change{from: c.from, end: end, cursor: e.cur, removed: c.inserted, inserted: c.removed})
	e.fault = fault{}
	e.place(c.cursor)
}
