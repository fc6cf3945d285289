package render

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/wiregloss/wiregloss/diff"
	"github.com/wiregloss/wiregloss/record"
)

// DiffText words a comparison of two calls, in lines that read as those of a
// unified diff: "- " begins what A has, "+ " what B has, "~ " what moved or is
// coded in other bytes, two spaces what is equal. "@12-20" are the first and the
// last byte on the wire, in the direction of the section. Equal entries are left
// out unless all are asked for; times are always told. Values of headers that are
// credentials are stars unless secrets are to be shown.
func DiffText(r diff.Report, all, showSecrets bool) string {
	d := diffWriter{all: all, secrets: showSecrets}
	fmt.Fprintf(&d.out, "--- A: %s\n+++ B: %s\n", Escape(r.A), Escape(r.B))
	if r.Same() {
		fmt.Fprintf(&d.out, "no differences (%s)\n", d.counts(r.Counts()))
	} else {
		fmt.Fprintf(&d.out, "%s\n", d.counts(r.Counts()))
	}
	for _, s := range r.Sections {
		d.section(s)
	}
	return d.out.String()
}

type diffWriter struct {
	out     strings.Builder
	all     bool
	secrets bool
	short   bool // the section before was one line
}

// counts words how many entries there are of each kind: "1 changed, 8 equal".
func (d *diffWriter) counts(c diff.Counts) string {
	var words []string
	for _, k := range []diff.Kind{diff.Changed, diff.OnlyA, diff.OnlyB, diff.Moved, diff.Encoded, diff.Equal} {
		if c[k] > 0 {
			words = append(words, fmt.Sprintf("%d %s", c[k], k))
		}
	}
	return strings.Join(words, ", ")
}

func (d *diffWriter) section(s diff.Section) {
	same := s.Same() && s.Topic != diff.Timing
	short := same && !d.all
	if !short || !d.short {
		d.out.WriteByte('\n') // sections of one line stand together
	}
	d.short = short
	switch {
	case s.Topic == diff.Timing:
		fmt.Fprintf(&d.out, "%s: not counted as a difference\n", Escape(s.Title))
	case same:
		fmt.Fprintf(&d.out, "%s: equal (%s)\n", Escape(s.Title), equalWords(s))
	default:
		fmt.Fprintf(&d.out, "%s: %s\n", Escape(s.Title), d.counts(s.Counts()))
	}
	if s.Note != "" && (!same || d.all) {
		fmt.Fprintf(&d.out, "  (%s)\n", Escape(s.Note))
	}
	if short {
		return
	}
	for _, e := range s.Entries {
		d.entry(s.Topic, e)
	}
	if rest := d.counts(s.Unlisted); rest != "" && !same {
		fmt.Fprintf(&d.out, "  … not listed: %s\n", rest)
	}
}

// equalWords says how much is equal: "9 fields, 1 of them noted".
func equalWords(s diff.Section) string {
	if len(s.Entries) == 1 && s.Topic == diff.Message {
		if n := s.Unlisted[diff.Equal]; n > 0 {
			return fmt.Sprintf("%s, %s", plural(int64(n)+1, "message"), Escape(s.Entries[0].A))
		}
		return Escape(s.Entries[0].A)
	}
	word := map[diff.Topic]string{diff.Headers: "field", diff.Frames: "frame", diff.Message: "value"}[s.Topic]
	if word == "" {
		word = "fact"
	}
	text := plural(int64(s.Counts()[diff.Equal]), word)
	noted := 0
	for _, e := range s.Entries {
		if e.Note != "" {
			noted++
		}
	}
	if noted > 0 {
		text += fmt.Sprintf(", %d with a note", noted)
	}
	return text
}

func (d *diffWriter) entry(topic diff.Topic, e diff.Entry) {
	name := Escape(e.Name)
	a, b, hidden := d.values(topic, e)
	note := Escape(e.Note)
	if hidden && e.Kind == diff.Changed {
		note = joinNotes("the values differ and are hidden", note)
	}
	if topic == diff.Timing {
		d.line("  ", name, between(orDash(a), orDash(b)), "", note)
		return
	}
	switch e.Kind {
	case diff.Equal:
		if d.all {
			d.line("  ", name, a, "", note)
		}
	case diff.OnlyA:
		d.line("- ", name, a, spansText(e.SpansA), note)
	case diff.OnlyB:
		d.line("+ ", name, b, spansText(e.SpansB), note)
	case diff.Changed:
		d.line("- ", name, a, spansText(e.SpansA), "")
		d.line("+ ", name, b, spansText(e.SpansB), note)
	case diff.Moved:
		d.line("~ ", name, between(a, b), between(spansText(e.SpansA), spansText(e.SpansB)), joinNotes("moved", note))
	case diff.Encoded:
		d.line("~ ", name, between(a, b), between(spansText(e.SpansA), spansText(e.SpansB)), note)
	}
}

// line writes "- name: value  @12-20  (note)".
func (d *diffWriter) line(mark, name, value, where, note string) {
	d.out.WriteString(mark + name)
	if value != "" {
		d.out.WriteString(": " + value)
	}
	if where != "" {
		d.out.WriteString("  " + where)
	}
	if note != "" {
		d.out.WriteString("  (" + note + ")")
	}
	d.out.WriteByte('\n')
}

// values returns the texts of an entry, safe for a terminal, and whether they
// are hidden.
func (d *diffWriter) values(topic diff.Topic, e diff.Entry) (a, b string, hidden bool) {
	if topic != diff.Headers {
		return diffValue(e.A), diffValue(e.B), false
	}
	value := func(k diff.Kind, v string) string {
		if e.Kind == k {
			return "" // absent, which is not a secret
		}
		return diffValue(HeaderValue(e.Name, v, d.secrets))
	}
	return value(diff.OnlyB, e.A), value(diff.OnlyA, e.B), !d.secrets && Secret(e.Name)
}

// diffValue makes a value safe for a line, and cuts one that would fill screens.
func diffValue(s string) string {
	const most = 400
	if len(s) <= most {
		return Escape(s)
	}
	return Escape(strings.ToValidUTF8(s[:most], "")) + fmt.Sprintf("… (%d bytes)", len(s))
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// between joins two texts, or says once what is the same.
func between(a, b string) string {
	switch {
	case a == b || b == "":
		return a
	case a == "":
		return b
	default:
		return a + " → " + b
	}
}

func joinNotes(a, b string) string {
	if b == "" {
		return a
	}
	return a + "; " + b
}

// spansText says where spans are: "@12-20", or "@12-20 and 2 more".
func spansText(spans []record.Span) string {
	if len(spans) == 0 || spans[0].Len == 0 {
		return ""
	}
	text := fmt.Sprintf("@%d-%d", spans[0].Off, spans[0].End()-1)
	if n := len(spans) - 1; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// Comparison is the machine-readable form of a comparison, version 1.
type Comparison struct {
	Schema   int              `json:"schema"`
	A        string           `json:"a"`
	B        string           `json:"b"`
	Same     bool             `json:"same"`
	Counts   map[string]int   `json:"counts"`
	Sections []ComparisonPart `json:"sections"`
}

// ComparisonPart is a section of a comparison. Unlisted counts what was compared
// and is not among the entries.
type ComparisonPart struct {
	Topic    string            `json:"topic"`
	Title    string            `json:"title"`
	Same     bool              `json:"same"`
	Note     string            `json:"note,omitempty"`
	Entries  []ComparisonEntry `json:"entries"`
	Unlisted map[string]int    `json:"unlisted,omitempty"`
}

// ComparisonEntry is one thing that was compared. A or B is null where it is
// absent.
type ComparisonEntry struct {
	Kind   string           `json:"kind"` // equal, changed, only_a, only_b, moved or encoded
	Name   string           `json:"name"`
	A      *string          `json:"a"`
	B      *string          `json:"b"`
	Hidden bool             `json:"hidden,omitempty"` // a credential, replaced by stars
	SpansA []ComparisonSpan `json:"spans_a"`
	SpansB []ComparisonSpan `json:"spans_b"`
	Note   string           `json:"note,omitempty"`
}

// ComparisonSpan is a range of a direction's bytes.
type ComparisonSpan struct {
	Dir    string `json:"dir"`
	Offset int64  `json:"offset"`
	Length int64  `json:"length"`
}

var diffKinds = [diff.Kinds]string{"equal", "changed", "only_a", "only_b", "moved", "encoded"}

// NewComparison returns a report as data.
func NewComparison(r diff.Report, showSecrets bool) Comparison {
	c := Comparison{Schema: 1, A: r.A, B: r.B, Same: r.Same(), Counts: countsByName(r.Counts()), Sections: []ComparisonPart{}}
	for _, s := range r.Sections {
		p := ComparisonPart{
			Topic: s.Topic.String(), Title: s.Title, Same: s.Same(), Note: s.Note,
			Unlisted: countsByName(s.Unlisted), Entries: make([]ComparisonEntry, len(s.Entries)),
		}
		for i, e := range s.Entries {
			p.Entries[i] = comparisonEntry(s.Topic, e, showSecrets)
		}
		c.Sections = append(c.Sections, p)
	}
	return c
}

func comparisonEntry(topic diff.Topic, e diff.Entry, showSecrets bool) ComparisonEntry {
	n := ComparisonEntry{
		Kind: diffKinds[e.Kind], Name: e.Name, Note: e.Note, SpansA: comparisonSpans(e.SpansA), SpansB: comparisonSpans(e.SpansB),
		Hidden: topic == diff.Headers && !showSecrets && Secret(e.Name),
	}
	a, b := e.A, e.B
	if n.Hidden {
		a, b = HeaderValue(e.Name, a, false), HeaderValue(e.Name, b, false)
	}
	if e.Kind != diff.OnlyB {
		n.A = &a
	}
	if e.Kind != diff.OnlyA {
		n.B = &b
	}
	return n
}

func comparisonSpans(spans []record.Span) []ComparisonSpan {
	out := make([]ComparisonSpan, len(spans))
	for i, s := range spans {
		out[i] = ComparisonSpan{s.Dir.String(), s.Off, s.Len}
	}
	return out
}

func countsByName(c diff.Counts) map[string]int {
	out := map[string]int{}
	for k, n := range c {
		if n > 0 {
			out[diffKinds[k]] = n
		}
	}
	return out
}

// DiffJSON returns a comparison as one line of JSON that is safe for a terminal,
// with a line feed. Values of credentials are stars unless secrets are to be shown.
func DiffJSON(r diff.Report, showSecrets bool) []byte {
	b, err := json.Marshal(NewComparison(r, showSecrets))
	if err != nil {
		return []byte("null\n") // strings, numbers and maps of numbers always marshal
	}
	return append(EscapeJSON(b), '\n')
}
