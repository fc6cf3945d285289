//go:build e2e

package e2e

import (
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/inspect/hpack"
	"github.com/wiregloss/wiregloss/record"
)

// representations are the words of tshark for those of RFC 7541 §6.
var representations = map[hpack.Rep]string{
	hpack.Indexed:           "Indexed Header Field",
	hpack.LiteralIndexing:   "Literal Header Field with Incremental Indexing",
	hpack.LiteralNoIndexing: "Literal Header Field without Indexing",
	hpack.LiteralNever:      "Literal Header Field never Indexed",
}

// firstDynamic is the first index of the dynamic table. RFC 7541 §2.3.3.
const firstDynamic = 62

// theirBlock is what tshark shows of a header block: each field at the frame that
// ends it.
type theirBlock struct {
	fields  []theirField
	updates int  // table size updates
	lost    bool // not shown
}

type theirField struct {
	at   theirFrame
	ours inspect.Frame
	it   *item
}

// headers compares the header blocks of a direction.
func (c *comparison) headers(dir record.Dir, list []theirFrame) {
	c.t.Helper()
	var block theirBlock
	for i, index := range c.ourFrames(dir) {
		f := c.trace.Frames[index]
		for _, it := range list[i].frame.under {
			switch {
			case it.name == "http2.header":
				block.fields = append(block.fields, theirField{list[i], f, it})
			case it.name == "http2.header_table_size_update":
				block.updates++
			case strings.HasPrefix(it.name, "Reassembling HTTP2 body for subdissector failed"):
				block.lost = true
			}
		}
		ours, ok := c.trace.Block(int(f.Block))
		switch {
		case ok && block.lost:
			c.excuse("trailers after half a message")
		case ok:
			c.block(list[i].where(), ours, block)
		case f.Flags.Has(h2.EndHeaders) && len(block.fields) > 0:
			c.errorf("%s: tshark has %d header fields, we have no block", list[i].where(), len(block.fields))
		default:
			continue
		}
		block = theirBlock{}
	}
}

// block compares one block, field by field.
func (c *comparison) block(where string, ours inspect.HeaderBlock, theirs theirBlock) {
	c.t.Helper()
	if len(ours.Fields) != len(theirs.fields) || int(ours.HPACK.Updates) != theirs.updates {
		c.errorf("%s: %d header fields and %d size updates, tshark has %d and %d",
			where, len(ours.Fields), ours.HPACK.Updates, len(theirs.fields), theirs.updates)
		return
	}
	c.facts["size updates"] += theirs.updates
	for i, field := range ours.Fields {
		it := theirs.fields[i].it
		name, value := it.get("http2.header.name").bytes(c.t), it.get("http2.header.value").bytes(c.t)
		if field.Name != string(name) || field.Value != string(value) {
			c.errorf("%s: field %d is %.200q, tshark has %q: %.200q", where, i, field, name, value)
		}
		repr := it.get("http2.header.repr").text
		if !strings.HasPrefix(repr, representations[field.Rep]) {
			c.errorf("%s: field %s has the representation %v, tshark says %q", where, field.Name, field.Rep, repr)
		}
		c.index(where, field, it, repr)
		spans := ours.FieldSpans(field)
		if len(spans) > 1 {
			c.excuse("field cut by CONTINUATION")
		}
		last := spans[len(spans)-1]
		if at := theirs.fields[i].at.at(theirs.fields[i].ours, it); last.Off != at || last.Len != int64(it.length) {
			c.errorf("%s: field %s is at %v, tshark has %d+%d", where, field.Name, spans, at, it.length)
		}
		c.facts["fields"]++
	}
}

// index compares the table index that a field uses.
func (c *comparison) index(where string, field hpack.Field, it *item, repr string) {
	c.t.Helper()
	index := 0
	if it.get("http2.header.index") != nil {
		index = int(it.number(c.t, "http2.header.index"))
	} else if strings.HasSuffix(repr, "Indexed Name") {
		c.errorf("%s: tshark shows no index for %q", where, repr)
	}
	if index != field.Index {
		c.errorf("%s: field %s uses index %d, tshark says %d", where, field.Name, field.Index, index)
	}
	if index >= firstDynamic {
		c.facts["dynamic"]++
	}
}
