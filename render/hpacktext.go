package render

import (
	"fmt"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/hpack"
	"github.com/wiregloss/wiregloss/record"
)

// Share returns a part of a whole in percent: "38 %".
func Share(part, whole int64) string {
	if whole == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(whole))
}

// HPACKText returns what the fields of a header block cost and how each was
// represented, with what the block did to the dynamic table. The block is at
// index of t.Headers, counted from the first ever; l has seen it.
func HPACKText(t inspect.Trace, l *inspect.Ledger, index int, showSecrets bool) string {
	b, ok := t.Block(index)
	if !ok {
		return ""
	}
	s := b.HPACK
	var out strings.Builder
	fmt.Fprintf(&out, "%s · %s · stream %d · %s ms · %d bytes for %d (%s) · %d added, %d evicted · table %d of %d bytes, %s\n",
		b.Dir, blockNames[b.Kind], b.Stream, Millis(b.At), s.Wire, s.Decoded, Share(int64(s.Wire), int64(s.Decoded)),
		s.Inserted, s.Evicted, s.TableSize, s.TableMax, entryCount(int(s.TableEntries)))
	fmt.Fprintf(&out, "%6s %5s %5s  %-22s %5s  %-12s %s\n", "offset", "bytes", "for", "representation", "index", "coding", "field")
	shown, more := shownFields(b.Fields)
	for _, f := range shown {
		fmt.Fprintf(&out, "%6d %5d %5d  %-22s %5s  %-12s %s: %s%s\n", f.Range.Off, f.Range.Len, f.Decoded(), f.Rep, indexText(f), coding(f),
			Escape(f.Name), HeaderValue(f.Name, f.Value, showSecrets), fieldOrigin(t, b, f))
	}
	if more > 0 {
		fmt.Fprintf(&out, "%6s             … and %d more fields\n", "", more)
	}
	if did, ok := l.Block(index); ok {
		for _, u := range did.Updates {
			fmt.Fprintf(&out, "%6d %5d        table size update to %d bytes\n", u.Range.Off, u.Range.Len, u.Size)
		}
		const most = 200
		for _, e := range did.Evicted[:min(len(did.Evicted), most)] {
			value := HeaderValue(e.Entry.Name, e.Entry.Value, showSecrets)
			fmt.Fprintf(&out, "%6d              evicted %s: %s\n", e.By.Off, Escape(e.Entry.Name), shortened(value))
		}
		if more := int(s.Evicted) - most; more > 0 {
			fmt.Fprintf(&out, "%6s              … and %d more\n", "", more)
		}
	}
	return out.String()
}

func entryCount(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

func indexText(f hpack.Field) string {
	if f.Index == 0 {
		return "·"
	}
	return fmt.Sprint(f.Index)
}

// coding says which literals of a field are Huffman-coded.
func coding(f hpack.Field) string {
	text := map[bool]string{true: "Huffman", false: "raw"}
	switch {
	case f.Rep == hpack.Indexed:
		return ""
	case f.Index != 0:
		return text[f.HuffmanValue]
	case f.HuffmanName == f.HuffmanValue:
		return text[f.HuffmanName]
	default:
		return text[f.HuffmanName] + "/" + text[f.HuffmanValue]
	}
}

// fieldOrigin says which block added the entry that a field used.
func fieldOrigin(t inspect.Trace, b inspect.HeaderBlock, f hpack.Field) string {
	var words []string
	if i, ok := t.AddedBy(b, f); ok {
		if from, ok := t.Block(i); ok && from.Frame != b.Frame {
			words = append(words, fmt.Sprintf("added by stream %d at %s ms", from.Stream, Millis(from.At)))
		}
	}
	if f.Untrusted {
		words = append(words, "untrusted")
	}
	if len(words) == 0 {
		return ""
	}
	return "  (" + strings.Join(words, ", ") + ")"
}

// HPACKTotals returns what all header blocks of a connection cost, and the
// dynamic tables as the last block of each side left them.
func HPACKTotals(t inspect.Trace, l *inspect.Ledger, showSecrets bool) string {
	var out strings.Builder
	for _, dir := range []record.Dir{record.Sent, record.Received} {
		h := l.HPACK(dir)
		if h.Blocks == 0 {
			continue
		}
		fmt.Fprintf(&out, "%s: %s, %s, %d bytes for %d (%s), %d saved · %d added, %d evicted, %s\n",
			dir, plural(int64(h.Blocks), "block"), plural(int64(h.Fields), "field"), h.Wire, h.Decoded, Share(h.Wire, h.Decoded), h.Saved(),
			h.Inserted, h.Evicted, plural(int64(h.Updates), "size update"))
		out.WriteString(tableText(t, l, dir, showSecrets))
	}
	return out.String()
}

// tableText lists the dynamic table of a side as its last listed block left it.
func tableText(t inspect.Trace, l *inspect.Ledger, dir record.Dir, showSecrets bool) string {
	last := -1
	for i := range t.Headers {
		if t.Headers[i].Dir == dir && t.Headers[i].HPACK.Wire > 0 {
			last = t.Forgotten.Headers + i
		}
	}
	table, ok := l.TableAt(last)
	if last < 0 || !ok {
		return ""
	}
	return TableText(table, showSecrets)
}

// TableText lists a dynamic table, the newest entry first. RFC 7541 §2.3.2.
func TableText(table hpack.Table, showSecrets bool) string {
	var out strings.Builder
	fmt.Fprintf(&out, "  dynamic table: %d of %d bytes, %s", table.Size, table.Max, entryCount(len(table.Entries)))
	if table.Lost {
		out.WriteString("; older entries are not known")
	}
	out.WriteByte('\n')
	for i, e := range table.Entries {
		note := ""
		if e.Untrusted {
			note = "  (untrusted)"
		}
		fmt.Fprintf(&out, "  %5d %5d  %s: %s%s\n", hpack.FirstIndex+i, e.Size(), Escape(e.Name), HeaderValue(e.Name, e.Value, showSecrets), note)
	}
	return out.String()
}

// HPACKPart is a header block's cost as data.
type HPACKPart struct {
	Schema    int              `json:"schema"`
	Report    string           `json:"report"` // "hpack"
	Dir       string           `json:"dir"`
	Stream    uint32           `json:"stream"`
	Kind      string           `json:"kind"`
	Bytes     uint32           `json:"bytes"`
	Decoded   uint32           `json:"decoded"`
	Added     uint32           `json:"added"`
	Evicted   uint32           `json:"evicted"`
	TableSize uint32           `json:"table_size"`
	TableMax  uint32           `json:"table_max"`
	Fields    []HPACKFieldPart `json:"fields"`
}

// HPACKFieldPart is a header field's cost as data.
type HPACKFieldPart struct {
	Name           string `json:"name"`
	Value          string `json:"value"`
	Offset         int    `json:"offset"` // in the block
	Length         int    `json:"length"`
	Decoded        int    `json:"decoded"`
	Representation string `json:"representation"`
	Index          int    `json:"index"`
	Untrusted      bool   `json:"untrusted,omitempty"`
}

// HPACKJSON returns a header block's cost as data. Credentials are stars unless
// showSecrets is set.
func HPACKJSON(b inspect.HeaderBlock, showSecrets bool) HPACKPart {
	s := b.HPACK
	p := HPACKPart{
		Schema: 1, Report: "hpack", Dir: b.Dir.String(), Stream: b.Stream, Kind: blockNames[b.Kind], Bytes: s.Wire, Decoded: s.Decoded,
		Added: s.Inserted, Evicted: s.Evicted, TableSize: s.TableSize, TableMax: s.TableMax, Fields: make([]HPACKFieldPart, len(b.Fields)),
	}
	for i, f := range b.Fields {
		value := f.Value
		if !showSecrets && Secret(f.Name) {
			value = "********"
		}
		p.Fields[i] = HPACKFieldPart{
			Name: f.Name, Value: value, Offset: f.Range.Off, Length: f.Range.Len, Decoded: f.Decoded(),
			Representation: f.Rep.String(), Index: f.Index, Untrusted: f.Untrusted,
		}
	}
	return p
}
