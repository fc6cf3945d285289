package jsontext

import (
	"bytes"
	"hash/maphash"
	"unicode/utf16"
	"unicode/utf8"
)

// few is how many keys are compared each with each.
const few = 8

// duplicates finds keys that an object has twice. The table is kept from object to
// object.
type duplicates struct {
	seed  maphash.Seed
	slots []int32 // open addressing: index of a node + 1
}

// duplicateKeys reports what RFC 8259 §4 leaves open: which of two equal keys counts.
func (s *scanner) duplicateKeys(object int32, members int) {
	members = min(members, len(s.doc.Nodes)-int(object)-1) // those with nodes
	switch {
	case members < 2:
	case members <= few:
		s.compareFew(object)
	default:
		s.compareMany(object, members)
	}
}

func (s *scanner) compareFew(object int32) {
	var seen [few][]byte
	n := 0
	for i := object + 1; int(i) < len(s.doc.Nodes); i = s.doc.Nodes[i].Next {
		key, ok := s.name(i)
		if !ok {
			continue
		}
		for _, other := range seen[:n] {
			if bytes.Equal(other, key) {
				s.twice(i)
				break
			}
		}
		seen[n] = key
		n++
	}
}

// compareMany hashes with a random seed: keys that a peer chose do not make it slow.
func (s *scanner) compareMany(object int32, members int) {
	size := 16
	for size < members*2 {
		size *= 2
	}
	if len(s.dup.slots) == 0 {
		s.dup.seed = maphash.MakeSeed()
	}
	if len(s.dup.slots) < size {
		s.dup.slots = make([]int32, size)
	}
	slots := s.dup.slots[:size]
	clear(slots)
	for i := object + 1; int(i) < len(s.doc.Nodes); i = s.doc.Nodes[i].Next {
		key, ok := s.name(i)
		if !ok {
			continue
		}
		at := int(maphash.Bytes(s.dup.seed, key)) & (size - 1) //nolint:gosec // only the low bits count
		for ; slots[at] != 0; at = (at + 1) & (size - 1) {
			if other, _ := s.name(slots[at] - 1); bytes.Equal(other, key) {
				s.twice(i)
				break
			}
		}
		if slots[at] == 0 {
			slots[at] = i + 1
		}
	}
}

// name returns what the key of a node stands for.
func (s *scanner) name(i int32) ([]byte, bool) {
	n := &s.doc.Nodes[i]
	if n.flags&hasKey == 0 {
		return nil, false
	}
	return unquoted(s.src[n.Start:n.label]), true
}

func (s *scanner) twice(i int32) {
	n := s.doc.Nodes[i]
	s.note(int(n.Start), "key %v a second time in one object: readers differ in which they take (RFC 8259 §4)", excerpt(s.src[n.Start:n.label]))
}

// Unquote returns the text that a string of the source stands for: its quotes taken
// off and its escapes undone. Half a surrogate pair becomes U+FFFD, as encoding/json
// has it; an escape that JSON does not have stays as it is. raw may lack quotes.
func Unquote(raw []byte) string { return string(unquoted(raw)) }

// unquoted returns a part of raw where there are no escapes.
func unquoted(raw []byte) []byte {
	if len(raw) > 0 && raw[0] == '"' {
		raw = raw[1:]
		if n := len(raw); n > 0 && raw[n-1] == '"' {
			raw = raw[:n-1]
		}
	}
	at := bytes.IndexByte(raw, '\\')
	if at < 0 {
		return raw
	}
	out := append(make([]byte, 0, len(raw)), raw[:at]...)
	for at < len(raw) {
		if raw[at] != '\\' || at+1 == len(raw) {
			out = append(out, raw[at])
			at++
			continue
		}
		out, at = unescape(out, raw, at)
	}
	return out
}

const (
	escapes = `"\/bfnrt`
	means   = "\"\\/\b\f\n\r\t"
)

// unescape appends what the escape at offset at stands for, and returns the offset
// after it.
func unescape(out, raw []byte, at int) ([]byte, int) {
	if i := bytes.IndexByte([]byte(escapes), raw[at+1]); i >= 0 {
		return append(out, means[i]), at + 2
	}
	r, ok := hex4(raw, at+2)
	if raw[at+1] != 'u' || !ok {
		return append(out, raw[at], raw[at+1]), at + 2
	}
	at += 6
	if utf16.IsSurrogate(r) && at+1 < len(raw) && raw[at] == '\\' && raw[at+1] == 'u' {
		if low, ok := hex4(raw, at+2); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return utf8.AppendRune(out, pair), at + 6
			}
		}
	}
	return utf8.AppendRune(out, r), at // AppendRune makes a surrogate U+FFFD
}
