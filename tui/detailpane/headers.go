package detailpane

import (
	"fmt"
	"slices"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/hpack"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
)

// headerLines lists the call's header blocks of some kinds, field by field, and
// what all blocks of the connection cost.
func (p *Pane) headerLines(kinds ...inspect.BlockKind) []line {
	var out []line
	for _, i := range blocksOf(p.trace, p.call()) {
		if slices.Contains(kinds, p.trace.Headers[i].Kind) {
			out = append(out, p.blockLines(i)...)
		}
	}
	if len(out) == 0 {
		out = []line{{name: "none yet"}}
	}
	if p.trace.Protocol != inspect.HTTP2 {
		return out
	}
	return append(out, p.compressionLines()...)
}

// blockLines tells a header block of p.trace.Headers: its fields with what each
// cost, and what the block pushed out of the table.
func (p *Pane) blockLines(i int) []line {
	b := p.trace.Headers[i]
	n := 0
	for _, s := range b.Fragments {
		n += int(s.Len)
	}
	head := heading(fmt.Sprintf("%s %s · %s in %d bytes · stream %d · at %s ms",
		render.Arrow(b.Dir), render.BlockName(b), render.Plural(int64(len(b.Fields)), "field"), n, b.Stream, render.Millis(b.At)))
	head.spans, head.note = b.Fragments, render.BlockText(b.HPACK)
	head.at(b)
	out := []line{head}
	if b.StartLine != "" {
		l := fact("start line", b.StartLine)
		l.spans = b.Fragments
		out = append(out, l)
	}
	for _, f := range b.Fields {
		out = append(out, p.fieldLine(b, f))
	}
	return append(out, p.evictedLines(b, p.trace.Forgotten.Headers+i)...)
}

// at says where the bytes of a header block begin.
func (l *line) at(b inspect.HeaderBlock) {
	if b.HPACK != (hpack.Stats{}) {
		l.frame = b.Frame
	}
}

func (p *Pane) fieldLine(b inspect.HeaderBlock, f hpack.Field) line {
	l := fact(f.Name, f.Value)
	l.spans = b.FieldSpans(f)
	l.at(b)
	l.copied = f.Name + ": " + f.Value
	if b.HPACK == (hpack.Stats{}) { // of HTTP/1.1: there is no representation
		l.note = fmt.Sprintf("%d bytes at %d of the section", f.Range.Len, f.Range.Off)
		return l
	}
	l.aside = fmt.Sprintf("%s · %d of %d B", short(f), f.Range.Len, f.Decoded())
	l.brief = fmt.Sprintf("%d of %d B", f.Range.Len, f.Decoded())
	l.note = fmt.Sprintf("at %d of the block · %s", f.Range.Off, render.FieldText(f))
	if from := render.FieldOrigin(p.trace, b, f); from != "" {
		l.note += " · " + from
	}
	if f.Untrusted {
		l.warn, l.aside, l.brief = true, "untrusted · "+l.aside, "untrusted"
		l.note += ": the table is damaged or was not seen from its start, this may be wrong"
	}
	return l
}

// short says how a field is represented in few cells.
func short(f hpack.Field) string {
	text := f.Rep.String()
	if f.Rep == hpack.LiteralIndexing {
		text = "literal, added"
	}
	if f.Index > 0 {
		text += fmt.Sprintf(" %d", f.Index)
	}
	if f.HuffmanName || f.HuffmanValue {
		text += " Huffman"
	}
	return text
}

// evictedLines tells what a block pushed out of the dynamic table, and its size
// updates.
func (p *Pane) evictedLines(b inspect.HeaderBlock, index int) []line {
	if b.HPACK.Evicted == 0 && b.HPACK.Updates == 0 {
		return nil
	}
	did, ok := p.survey.blocks[index]
	if !ok {
		if p.surveying || !p.survey.ok || !p.survey.fields {
			return []line{computing("what the block did to the table")}
		}
		return nil
	}
	var out []line
	for _, u := range did.Updates {
		l := fact("size update", fmt.Sprintf("the table's limit is %d bytes from here", u.Size))
		l.note = fmt.Sprintf("%d bytes at %d of the block", u.Range.Len, u.Range.Off)
		out = append(out, l)
	}
	for _, e := range did.Evicted {
		l := fact("evicted", e.Entry.Name+": "+e.Entry.Value)
		l.note = fmt.Sprintf("pushed out by the field at %d of the block · %d bytes of the table", e.By.Off, e.Entry.Size())
		out = append(out, l)
	}
	for i := range out {
		out[i].spans = b.Fragments
		out[i].at(b)
	}
	return out
}

// compressionLines sums up the header blocks of the connection.
func (p *Pane) compressionLines() []line {
	out := []line{heading("header compression of the connection (RFC 7541)")}
	if !p.survey.ok {
		return append(out, computing("the totals"))
	}
	for _, dir := range []record.Dir{record.Sent, record.Received} {
		if h := p.survey.sides[dir].hpack; h.Blocks > 0 {
			out = append(out, wrapped(dir.String(), render.HPACKTotalText(h)))
		}
	}
	return append(out, line{name: "table", value: "d shows it as the selected block left it"})
}

// openTable shows the dynamic table as the header block of the selected line left
// it.
func (p *Pane) openTable() {
	block := -1
	switch {
	case p.tab == Messages && p.level == OneFrame && !p.part:
		block = int(p.trace.Frames[p.frame].Block)
	case p.tab == Headers || p.tab == Trailers:
		block = p.selectedBlock()
	}
	b, ok := p.trace.Block(block)
	if !ok || b.HPACK == (hpack.Stats{}) {
		return
	}
	p.table = block
	p.newSheet()
}

// selectedBlock returns the index of the header block that the selected line is
// about; of another line that of the last block.
func (p *Pane) selectedBlock() int {
	l, ok := p.sheet.selected()
	of := blocksOf(p.trace, p.call())
	if ok && len(l.spans) > 0 {
		for _, i := range of {
			for _, s := range p.trace.Headers[i].Fragments {
				if overlapping(s, l.spans[0]) {
					return p.trace.Forgotten.Headers + i
				}
			}
		}
	}
	if len(of) == 0 {
		return -1
	}
	return p.trace.Forgotten.Headers + of[len(of)-1]
}

// tableLines lists a dynamic table, the newest entry first. RFC 7541 §2.3.2.
func (p *Pane) tableLines() []line {
	b, _ := p.trace.Block(p.table)
	out := []line{heading(fmt.Sprintf("%s after the %s of stream %d at %s ms", b.Dir, render.BlockName(b), b.Stream, render.Millis(b.At)))}
	if p.survey.table != p.table || !p.survey.ok {
		return append(out, computing("the table"))
	}
	if !p.survey.tableOK {
		return append(out, line{value: "the table cannot be told: bytes before this block are gone", warn: true})
	}
	t := p.survey.tableNow
	out = append(out, heading(render.TableHeading(t)))
	for i, e := range t.Entries {
		l := fact(fmt.Sprintf("%5d  %s", hpack.FirstIndex+i, e.Name), e.Value)
		l.aside = fmt.Sprintf("%d B", e.Size())
		l.note = fmt.Sprintf("entry %d of the connection, added by block %d · %d bytes of the table", e.Number, e.Block+1, e.Size())
		l.copied = e.Name + ": " + e.Value
		if e.Untrusted {
			l.warn, l.aside = true, "untrusted · "+l.aside
		}
		out = append(out, l)
	}
	return out
}
