package inspect

import (
	"sort"

	"github.com/wiregloss/wiregloss/inspect/hpack"
	"github.com/wiregloss/wiregloss/record"
)

// Limits of the tables that a Ledger keeps, so that the next question need not
// begin at the connection's first block.
const (
	checkpointBlocks  = 64      // how many blocks of a direction lie between two at least
	maxCheckpointSize = 1 << 16 // entries of all of them together
)

// checkpoint is a table before a block.
type checkpoint struct {
	block int // index of the block; the table is that before it
	state *hpack.Decoder
}

// TableAt returns the dynamic table of a direction as a header block left it; the
// block, as Frame.Block has it, is one of that direction. It is not ok if the block
// is not listed or bytes that are needed are gone. Of blocks that are forgotten the
// table knows nothing, and says so by Lost. The cost is that of decoding the
// direction's blocks up to this one; Ledger.TableAt costs less.
func (t Trace) TableAt(rec *record.Recording, dir record.Dir, block int) (hpack.Table, bool) {
	d := hpack.NewDecoder()
	_, ok := t.replay(rec, dir, d, t.Forgotten.Headers, block+1, nil)
	return d.Table(), ok
}

// AddedBy returns the index of the header block that added the entry of the dynamic
// table which a field used; b is the field's own block. It is not ok if the field
// used none, or that block is not listed.
func (t Trace) AddedBy(b HeaderBlock, f hpack.Field) (block int, ok bool) {
	if f.Entry == 0 {
		return 0, false
	}
	// Entries are numbered along the blocks of one direction, which those of the
	// other one stand between.
	at := func(i int) int {
		for ; i < len(t.Headers) && t.Headers[i].Dir != b.Dir; i++ {
		}
		return i
	}
	i := at(sort.Search(len(t.Headers), func(i int) bool {
		i = at(i)
		return i == len(t.Headers) || t.Headers[i].HPACK.Before+t.Headers[i].HPACK.Inserted >= f.Entry
	}))
	if i == len(t.Headers) || t.Headers[i].HPACK.Before >= f.Entry {
		return 0, false
	}
	return t.Forgotten.Headers + i, true
}

// replay walks the blocks of a direction from one index up to another, exclusive,
// with a decoder whose table is that before the first, and returns what the last one
// did. Before each it calls visit, unless that is nil.
func (t Trace) replay(rec *record.Recording, dir record.Dir, d *hpack.Decoder, from, to int, visit func(block int)) (hpack.Block, bool) {
	last := to - 1 - t.Forgotten.Headers
	if last < 0 || last >= len(t.Headers) || t.Headers[last].Dir != dir {
		return hpack.Block{}, false
	}
	var raw []byte
	var out hpack.Block
	for i := max(from-t.Forgotten.Headers, 0); i <= last; i++ {
		b := &t.Headers[i]
		if b.Dir != dir || b.HPACK == (hpack.Stats{}) {
			continue // of the other direction, or of HTTP/1.1
		}
		if visit != nil {
			visit(t.Forgotten.Headers + i)
		}
		raw = raw[:0]
		for _, s := range b.Fragments {
			raw = rec.Append(raw, s)
		}
		if len(raw) != int(b.HPACK.Wire) {
			return hpack.Block{}, false
		}
		out = d.Replay(raw, b.HPACK)
	}
	return out, true
}

// TableAt is Trace.TableAt of the newest trace. It remembers tables on the way: the
// cost of the next question is that of some 64 blocks.
func (l *Ledger) TableAt(block int) (hpack.Table, bool) {
	d, _, ok := l.walkTo(block)
	if !ok {
		return hpack.Table{}, false
	}
	return d.Table(), true
}

// Block returns all that a header block did to the dynamic table: its size updates
// and what it evicted. It is ok when TableAt is, and costs as much.
func (l *Ledger) Block(block int) (hpack.Block, bool) {
	_, b, ok := l.walkTo(block)
	return b, ok
}

// walkTo replays the block's direction up to the block.
func (l *Ledger) walkTo(block int) (*hpack.Decoder, hpack.Block, bool) {
	b, ok := l.trace.Block(block)
	if !ok {
		return nil, hpack.Block{}, false
	}
	d, from := hpack.NewDecoder(), l.trace.Forgotten.Headers
	points := l.points[b.Dir]
	if i := sort.Search(len(points), func(i int) bool { return points[i].block > block }) - 1; i >= 0 {
		d, from = points[i].state.Clone(), points[i].block
	}
	steps := 0
	out, ok := l.trace.replay(l.rec, b.Dir, d, from, block+1, func(at int) {
		if steps++; steps > checkpointBlocks {
			steps = 1
			l.remember(b.Dir, at, d)
		}
	})
	return d, out, ok
}

// remember keeps a table, as long as there is room.
func (l *Ledger) remember(dir record.Dir, block int, d *hpack.Decoder) {
	points := l.points[dir]
	if n := len(points); n > 0 && points[n-1].block >= block || l.pointSize+d.Len()+1 > maxCheckpointSize {
		return
	}
	l.pointSize += d.Len() + 1
	l.points[dir] = append(points, checkpoint{block: block, state: d.Clone()})
}
