package inspect

import "github.com/wiregloss/wiregloss/record"

// Spans returns the wire bytes of a message, prefix and payload, in order. They
// lie in the DATA frames that carried it.
func (t Trace) Spans(m Message) []record.Span {
	first := m.span - t.Forgotten.spans
	if first < 0 || first+m.spans > len(t.spans) {
		return nil
	}
	return t.spans[first : first+m.spans]
}
