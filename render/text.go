package render

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
)

// FrameText returns the line of `-o frames` for the frame at index i of
// t.Frames, with the decoded fields of a header block, without a line feed.
func FrameText(rec *record.Recording, t inspect.Trace, i int, showSecrets bool) string {
	return lineText(Frame(rec, t, i), t, t.Frames[i].Block, showSecrets)
}

// lineText lays a line of the frame list out, with the fields of its header block.
func lineText(l FrameLine, t inspect.Trace, block int32, showSecrets bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%9s %s %-13s %5s %7s  %-22s %-19s %s", l.At, l.Arrow, l.Type, l.Stream, l.Length, l.Flags, l.Window, l.What)
	if block, ok := t.Block(int(block)); ok {
		shown, more := shownFields(block.Fields)
		fields := make([]string, len(shown), len(shown)+1)
		for j, f := range shown {
			fields[j] = Escape(f.Name) + ": " + HeaderValue(f.Name, f.Value, showSecrets)
			if f.Untrusted {
				fields[j] += " (untrusted)"
			}
		}
		if more > 0 {
			fields = append(fields, fmt.Sprintf("… and %d more", more))
		}
		fmt.Fprintf(&b, "  {%s}", strings.Join(fields, ", "))
	}
	return strings.TrimRight(b.String(), " ")
}

// FrameHeading is the line above the lines of FrameText.
const FrameHeading = "       ms   type         stream  length  flags                  window conn/stream  what"

// PrefaceText returns the line for the client preface.
func PrefaceText() string {
	return fmt.Sprintf("%9s %s %-13s %5s %7d  %-22s %-19s %s", "", "→", "preface", "·", 24, "", "", "PRI * HTTP/2.0")
}

// ProblemText returns a problem as one line: where, what, by which rule.
func ProblemText(p inspect.Problem) string {
	where := p.Span.Dir.String()
	if p.Span.Len > 0 {
		where += fmt.Sprintf(" bytes %d-%d", p.Span.Off, p.Span.End()-1)
	}
	if p.Stream != 0 {
		where += fmt.Sprintf(", stream %d", p.Stream)
	}
	return fmt.Sprintf("%s: %s (%s)", where, Escape(p.Text), p.Rule)
}

// Columns of the wire view, in cells.
const (
	wireBytes = 12 // bytes a line
	hexWidth  = 3*wireBytes - 1
	fieldCol  = 26
)

// WireHeading says which message a table of WireText shows.
func WireHeading(t inspect.Trace, m inspect.Message, size int) string {
	size64 := int64(size)
	text := fmt.Sprintf("%s · %s · %s", m.Dir, MessageName(m), plural(size64, "byte"))
	if m.Compressed {
		text += fmt.Sprintf(" from %d compressed", m.Have)
	}
	if m.Have < m.Length {
		text = fmt.Sprintf("%s · %s · %d of %s, cut", m.Dir, MessageName(m), m.Have, plural(m.Length, "byte"))
	}
	frames := t.Carriers(m, t.Spans(m))
	if t.Protocol != inspect.BareBody {
		text += fmt.Sprintf(" · stream %d", m.Stream)
	}
	switch n := len(frames); {
	case m.Have < m.Length: // it was never complete
	case n == 1:
		text += fmt.Sprintf(" · DATA at %s ms", Millis(m.At))
	case n > 1:
		text += fmt.Sprintf(" · %d DATA frames to %s ms", n, Millis(m.At))
	}
	return text
}

func plural(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// WireText returns a message body as a table: offset, bytes, field, JSON.
func WireText(payload []byte, md protoreflect.MessageDescriptor, types inspect.Types) string {
	return NewSchema(md, types).WireText(payload)
}

// WireText returns a message body as a table, as the function does.
func (s *Schema) WireText(payload []byte) string { return s.Layout(payload).wireText() }

// ContentText returns a payload as a table, by what its headers say it holds. The
// error is why it has no JSON, as the table says at its end.
func (s *Schema) ContentText(content inspect.Content, payload []byte) (string, error) {
	b := s.LayoutContent(content, payload)
	return b.wireText(), b.Err
}

// pad fills s to a width in runes: what is padded here has been escaped and is
// numbers, names and hex.
func pad(s string, width int) string {
	if n := utf8.RuneCountInString(s); n < width {
		return s + strings.Repeat(" ", width-n)
	}
	return s
}
