package render

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/h1"
	"github.com/wiregloss/wiregloss/record"
)

// Part words the part of an HTTP/1.1 message at index i of t.Parts, in the
// columns of the frame list.
func Part(rec *record.Recording, t inspect.Trace, i int) FrameLine {
	p := t.Parts[i]
	line := FrameLine{
		At: Millis(p.At), Arrow: Arrow(p.Span.Dir), Type: p.Kind.String(), Stream: "·", Length: fmt.Sprint(p.Span.Len),
	}
	if p.Stream != 0 {
		line.Stream = fmt.Sprint(p.Stream)
	}
	line.What = Escape(partWhat(rec, t, p))
	return line
}

// partWhat says what a part is for.
func partWhat(rec *record.Recording, t inspect.Trace, p inspect.Part) string {
	if b, ok := t.Block(int(p.Block)); ok && p.Block >= 0 {
		if b.StartLine == "" {
			return blockSummary(b)
		}
		return b.StartLine + " · " + plural(int64(len(b.Fields)), "field")
	}
	const most = 64
	head := rec.Append(nil, record.Span{Dir: p.Span.Dir, Off: p.Span.Off, Len: min(p.Span.Len, most)})
	switch p.Kind {
	case h1.ChunkSize, h1.LastChunk, h1.Junk:
		return string(bytes.TrimRight(head, "\r\n"))
	case h1.Data, h1.Tunnel:
		if len(head) > 0 && printable(head) {
			text := strings.TrimSpace(string(head))
			if p.Span.Len > most {
				text += "…"
			}
			return text
		}
		return strings.Join(Hex(head[:min(len(head), 16)], 16), " ")
	default:
		return ""
	}
}

// PartText returns the line of `-o frames` for the part at index i of t.Parts,
// with its fields, without a line feed.
func PartText(rec *record.Recording, t inspect.Trace, i int, showSecrets bool) string {
	return lineText(Part(rec, t, i), t, t.Parts[i].Block, showSecrets)
}
