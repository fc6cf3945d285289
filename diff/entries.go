package diff

import "github.com/wiregloss/wiregloss/record"

// Bounds on what a section lists. What is beyond is counted.
const (
	maxListed      = 1000 // differences
	maxListedEqual = 1000
)

// entries gathers the entries of a section within the bounds.
type entries struct {
	list     []Entry
	listed   Counts
	unlisted Counts
	note     string // what holds for all of it
}

// room reports whether one more entry of a kind would be listed. What is costly
// to word need not be worded if not.
func (e *entries) room(k Kind) bool {
	if k == Equal {
		return e.listed[Equal] < maxListedEqual
	}
	return e.listed.differences() < maxListed
}

// add lists an entry, or counts it.
func (e *entries) add(n Entry) {
	if !e.room(n.Kind) {
		e.unlisted[n.Kind]++
		return
	}
	e.listed[n.Kind]++
	e.list = append(e.list, n)
}

// count counts what is not worth an entry.
func (e *entries) count(k Kind, n int) { e.unlisted[k] += n }

// merge adds what others have gathered.
func (e *entries) merge(others *entries) {
	for _, n := range others.list {
		e.add(n)
	}
	for k, n := range others.unlisted {
		e.unlisted[k] += n
	}
}

// differences returns how many differences there are so far.
func (e *entries) differences() int { return e.listed.differences() + e.unlisted.differences() }

// section returns what was gathered.
func (e *entries) section(topic Topic, title string) Section {
	return Section{Topic: topic, Title: title, Note: e.note, Entries: e.list, Unlisted: e.unlisted}
}

// fact is what is known of one side.
type fact struct {
	text  string
	known bool
	spans []record.Span
}

func known(text string, spans ...record.Span) fact { return fact{text, true, spans} }

// fact compares what is known of both sides; nothing is said of what neither has.
func (e *entries) fact(name string, a, b fact) {
	n := Entry{Name: name, A: a.text, B: b.text, SpansA: a.spans, SpansB: b.spans}
	switch {
	case !a.known && !b.known:
		return
	case !b.known:
		n.Kind = OnlyA
	case !a.known:
		n.Kind = OnlyB
	case a.text != b.text:
		n.Kind = Changed
	}
	e.add(n)
}
