package render

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/inspect/hpack"
)

// What the reports of FlowText, HPACKText and ProfileText are made of, for views
// that lay them out themselves. All text is escaped.

// CostRow is a part of inspect.Cost with the words for it.
type CostRow struct {
	Name  string
	Bytes int64
}

// CostRows returns the parts of a cost that have bytes.
func CostRows(c inspect.Cost) []CostRow {
	var out []CostRow
	for _, r := range costRows(c) {
		if r.Bytes != 0 {
			out = append(out, CostRow{r.Name, r.Bytes})
		}
	}
	return out
}

// WindowText says how a window went, in bytes and milliseconds.
func WindowText(w inspect.Window) string {
	return fmt.Sprintf("initial %d · lowest %d at %s ms · now %d", w.Initial, w.Lowest, Millis(w.At), w.Now)
}

// CreditText says what a window's sender took and what it was given.
func CreditText(w inspect.Window) string {
	return fmt.Sprintf("sent %d · credit %d in %s · at zero: %s", w.Sent, w.Credit, plural(int64(w.Updates), "update"), AtZero(w))
}

// AtZero says how long a window stood at zero: "never" or "12.00 ms in 2 stalls".
func AtZero(w inspect.Window) string {
	if w.StallCount == 0 {
		return "never"
	}
	return fmt.Sprintf("%s ms in %s", Millis(w.Blocked), plural(int64(w.StallCount), "stall"))
}

// NoticeText words a frame that seldom comes: who, what and when.
func NoticeText(n inspect.Notice) string { return Escape(noticeText(n)) }

// NoticeWords says what a frame that seldom comes tells: code, debug data, priority.
func NoticeWords(n inspect.Notice) string { return Escape(noticeWords(n)) }

// DependencyText words a priority of RFC 7540 §5.3.
func DependencyText(d h2.Dependency) string { return dependencyText(d) }

// FrameName names a frame by its type and number: "DATA, frame 12". index counts
// from the first frame ever.
func FrameName(t inspect.Trace, index int) string { return frameName(t, index) }

// FieldText says how a header field is represented and what it costs: "literal,
// added to table · index 31 · Huffman · 9 bytes for 20 (45 %)". RFC 7541 §6.
func FieldText(f hpack.Field) string {
	words := []string{f.Rep.String()}
	if f.Index > 0 {
		words = append(words, fmt.Sprintf("index %d", f.Index))
	}
	if c := coding(f); c != "" {
		words = append(words, c)
	}
	return strings.Join(append(words, FieldCost(f)), " · ")
}

// FieldCost compares a field's bytes on the wire with its name and value: "9 bytes
// for 20 (45 %)".
func FieldCost(f hpack.Field) string {
	return fmt.Sprintf("%s for %d (%s)", plural(int64(f.Range.Len), "byte"), f.Decoded(), Share(int64(f.Range.Len), int64(f.Decoded())))
}

// FieldIndex is the column "index" of HPACKText.
func FieldIndex(f hpack.Field) string { return indexText(f) }

// FieldCoding is its column "coding".
func FieldCoding(f hpack.Field) string { return coding(f) }

// FieldOrigin says which block added the entry that a field of b used, and whether
// the field is untrusted; "" if there is neither to say.
func FieldOrigin(t inspect.Trace, b inspect.HeaderBlock, f hpack.Field) string {
	return strings.TrimSuffix(strings.TrimPrefix(fieldOrigin(t, b, f), "  ("), ")")
}

// BlockName names a header block by its kind: "request headers".
func BlockName(b inspect.HeaderBlock) string { return blockNames[b.Kind] }

// BlockText says what a header block cost and did to the dynamic table; "" of
// HTTP/1.1.
func BlockText(s hpack.Stats) string {
	if s == (hpack.Stats{}) {
		return ""
	}
	return fmt.Sprintf("%d bytes for %d (%s) · %d added, %d evicted · table %d of %d bytes, %s",
		s.Wire, s.Decoded, Share(int64(s.Wire), int64(s.Decoded)), s.Inserted, s.Evicted, s.TableSize, s.TableMax, entryCount(int(s.TableEntries)))
}

// HPACKTotalText sums up the header blocks of one side.
func HPACKTotalText(h inspect.HPACKTotals) string {
	return fmt.Sprintf("%s, %s, %d bytes for %d (%s), %d saved · %d added, %d evicted, %s",
		plural(int64(h.Blocks), "block"), plural(int64(h.Fields), "field"), h.Wire, h.Decoded, Share(h.Wire, h.Decoded), h.Saved(),
		h.Inserted, h.Evicted, plural(int64(h.Updates), "size update"))
}

// TableHeading says how full a dynamic table is.
func TableHeading(table hpack.Table) string {
	text := fmt.Sprintf("dynamic table: %d of %d bytes, %s", table.Size, table.Max, entryCount(len(table.Entries)))
	if table.Lost {
		text += "; older entries are not known"
	}
	return text
}

// Plural counts something: "1 frame", "2 frames".
func Plural(n int64, word string) string { return plural(n, word) }

// ProtocolName names what a connection speaks.
func ProtocolName(p inspect.Protocol) string { return protocolName(p) }

// StreamStatus says in a word or two how a stream ended, and whether that is well:
// "OK", "NOT_FOUND", "404", "reset: CANCEL", "no answer".
func StreamStatus(s inspect.Stream) (text string, good bool) {
	switch {
	case s.Status != nil:
		return envelope.CodeName(s.Status.Code), s.Status.Code == 0
	case s.State == inspect.Reset:
		return "reset: " + s.ResetCode.String(), false
	case s.HTTP != 0:
		return strconv.Itoa(s.HTTP), s.HTTP < 400
	default:
		return "no answer", false
	}
}
