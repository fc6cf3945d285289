package render

import (
	"fmt"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/pb"
	"github.com/wiregloss/wiregloss/record"
)

// CanonicalText returns what pb.Canonical found in a message, a line each, under
// a heading that names the message.
func CanonicalText(t inspect.Trace, m inspect.Message, size int, findings []pb.Finding) string {
	var b strings.Builder
	b.WriteString(WireHeading(t, m, size))
	if len(findings) == 0 {
		b.WriteString(" · canonical\n")
		return b.String()
	}
	fmt.Fprintf(&b, " · %s\n%6s  %-24s %-28s %s\n", plural(int64(len(findings)), "finding"), "offset", "rule", "field", "what")
	for _, f := range findings {
		fmt.Fprintf(&b, "%6d  %s %s %s\n", f.Range.Off, pad(f.Rule.String(), 24), pad(Escape(f.Path), 28), Escape(f.Text))
	}
	return b.String()
}

// FindingPart is one finding of a message's encoding.
type FindingPart struct {
	Offset int        `json:"offset"` // in the payload
	Length int        `json:"length"`
	Path   string     `json:"path"`
	Rule   string     `json:"rule"`
	Text   string     `json:"text"`
	Spans  []SpanPart `json:"spans"` // on the wire; all of the message's where it is compressed
}

// SpanPart is a range of bytes of one direction.
type SpanPart struct {
	Dir    string `json:"dir"`
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
}

func spanParts(spans []record.Span) []SpanPart {
	out := make([]SpanPart, len(spans))
	for i, s := range spans {
		out[i] = SpanPart{s.Dir.String(), s.Off, s.Len}
	}
	return out
}

// CanonicalPart is what was found in one message.
type CanonicalPart struct {
	Schema   int           `json:"schema"`
	Report   string        `json:"report"` // "canonical"
	Stream   uint32        `json:"stream"`
	Dir      string        `json:"dir"`
	Message  int           `json:"message"` // counts from 1 in its stream and direction
	Findings []FindingPart `json:"findings"`
}

// CanonicalJSON returns what pb.Canonical found in a message as data.
func CanonicalJSON(t inspect.Trace, m inspect.Message, findings []pb.Finding) CanonicalPart {
	p := CanonicalPart{
		Schema: 1, Report: "canonical", Stream: m.Stream, Dir: m.Dir.String(), Message: m.Seq + 1, Findings: make([]FindingPart, len(findings)),
	}
	for i, f := range findings {
		p.Findings[i] = FindingPart{
			Offset: f.Range.Off, Length: f.Range.Len, Path: f.Path, Rule: f.Rule.String(), Text: f.Text, Spans: spanParts(t.Locate(m, f.Range)),
		}
	}
	return p
}
