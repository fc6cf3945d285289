package diff

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wiregloss/wiregloss/inspect"
)

// form says what a value is made of.
type form uint8

const (
	scalar  form = iota
	keyed        // a message, a map, an object: parts are paired by key
	ordered      // a list: parts are paired by alignment
)

// words says how the identity of a scalar is shown.
type words uint8

const (
	asIs   words = iota
	quoted       // text: "Ada", so that "1" is not 1
	hexed        // bytes
)

// value is a part of a message as its payload means it, whatever it is coded in.
type value struct {
	form  form
	words words
	zero  bool // an implicit default: its absence means the same
	loose bool // a field that no schema describes

	key string // pairs it with its like in a keyed value
	// step is its part of a path: "city", `["k"]`; "" in a list. Without a schema
	// it is a field's number.
	step string
	id   string // of a scalar: equal identities mean the same
	raw  []byte // the bytes that say what it is, without tag and length
	odd  string // what is unusual about its bytes
	how  string // of a list: how its elements are written

	at    inspect.Range
	other []inspect.Range // more ranges, of what stands in several places
	parts []value
	sum   digest
}

// ranges returns where the value stands in its payload.
func (v *value) ranges() []inspect.Range {
	return append(v.other[:len(v.other):len(v.other)], v.at)
}

// seal sets the digest from the parts, whose own are set. What is at its default
// does not count, nor the order of what is keyed.
func (v *value) seal() {
	switch v.form {
	case scalar:
		v.sum = digest(digestSeed).text(v.id)
	case keyed:
		v.sum = digestSeed + 1
		for i := range v.parts {
			if p := &v.parts[i]; !p.zero {
				v.sum += digest(digestSeed).text(p.key).number(uint64(p.sum))
			}
		}
	case ordered:
		v.sum = digestSeed + 2
		for i := range v.parts {
			v.sum = v.sum.number(uint64(v.parts[i].sum))
		}
	}
}

// maxText bounds a value's text, in bytes before it is quoted.
const maxText = 160

// text words a value; from is where the interesting part of a long one begins.
func (v *value) text(from int) string {
	switch {
	case v.form == keyed && len(v.parts) == 0:
		return "{}"
	case v.form == ordered && len(v.parts) == 0:
		return "[]"
	case v.form == keyed:
		return "{" + counted(len(v.parts), "field") + "}"
	case v.form == ordered:
		return "[" + counted(len(v.parts), "element") + "]"
	}
	return cut(v.id, from, v.words)
}

// cut words a text, and of a long one the part that from lies in.
func cut(s string, from int, w words) string {
	size := len(s)
	if size <= maxText {
		return w.show(s)
	}
	const before = maxText / 4
	start := max(min(from-before, size-maxText), 0)
	end := start + maxText
	if w != hexed {
		for start > 0 && start > from-before-utf8.UTFMax && !utf8.RuneStart(s[start]) {
			start--
		}
		for end < size && end < start+maxText+utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end++
		}
	}
	text := w.show(s[start:end])
	if start > 0 {
		text = "…" + text
	}
	if end < size {
		text += "…"
	}
	return fmt.Sprintf("%s (%d bytes)", text, size)
}

func (w words) show(s string) string {
	switch w {
	case quoted:
		return strconv.Quote(s)
	case hexed:
		return hex.EncodeToString([]byte(s))
	default:
		return s
	}
}

// counted returns "1 field" or "3 fields".
func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}

// texts words two values so that where they differ is in sight.
func texts(a, b *value) (string, string) {
	if a.form != scalar || b.form != scalar {
		return a.text(0), b.text(0)
	}
	at := firstDifference(a.id, b.id)
	return a.text(at), b.text(at)
}

func firstDifference[T string | []byte](a, b T) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// sides puts what holds of each side in one note.
func sides(a, b string) string {
	if a == b {
		return a
	}
	var said []string
	if a != "" {
		said = append(said, "A: "+a)
	}
	if b != "" {
		said = append(said, "B: "+b)
	}
	return strings.Join(said, "; ")
}
