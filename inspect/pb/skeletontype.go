package pb

import (
	"fmt"
	"math"
	"strings"
)

// decision is the likeliest type of a field, with what else it may be.
type decision struct {
	wire     Wire
	name     string // of a scalar, else what it is
	message  *outlineMessage
	scalar   bool // can be packed
	packed   bool // was packed at least once
	repeated bool
	or       []string
	lost     []string // wire types that this type does not have
}

// comment returns the comment behind a field, with a space before it.
func (t decision) comment() string {
	var parts []string
	if len(t.or) > 0 {
		parts = append(parts, "or "+strings.Join(t.or, ", "))
	}
	if len(t.lost) > 0 {
		parts = append(parts, "unknown where it is "+strings.Join(t.lost, ", "))
	}
	if len(parts) == 0 {
		return ""
	}
	return " // " + strings.Join(parts, "; ")
}

// decide chooses the type that fits the most occurrences; of several, the
// likeliest. Elements of one list may come packed and not.
func (f *outlineField) decide() decision {
	wire := Varint
	for w, n := range f.wires {
		if n > f.wires[wire] {
			wire = Wire(w)
		}
	}
	t := f.typeOf(wire)
	if other, ok := f.mixed(); ok {
		t = other
	}
	t.repeated = t.repeated || f.repeated
	for w, n := range f.wires {
		if n > 0 && Wire(w) != t.wire && (Wire(w) != Bytes || !t.packed) {
			t.lost = append(t.lost, fmt.Sprintf("%s, as in %s", Wire(w), plural(n, "place")))
		}
	}
	return t
}

func (f *outlineField) typeOf(wire Wire) decision {
	switch wire {
	case Varint:
		return f.varints.decide()
	case Fixed32, Fixed64:
		return f.fixed.decide(wire)
	case StartGroup:
		return decision{wire: StartGroup, name: "a group"}
	}
	return f.len.decide()
}

// mixed gives the type of a list whose elements come both packed and not.
func (f *outlineField) mixed() (decision, bool) {
	if f.wires[Bytes] == 0 {
		return decision{}, false
	}
	var t decision
	switch l := &f.len; {
	case f.wires[Varint] > 0 && !l.notVarints:
		v := f.varints
		v.join(l.varints)
		t = v.decide()
	case f.wires[Fixed32] > 0 && !l.notFixed32:
		v := f.fixed
		v.join(l.floats)
		t = v.decide(Fixed32)
	case f.wires[Fixed64] > 0 && !l.notFixed64:
		v := f.fixed
		v.join(l.doubles)
		t = v.decide(Fixed64)
	default:
		return t, false
	}
	t.packed, t.repeated = true, true
	return t, true
}

// decide chooses a type for varints. That of a bool needs several witnesses: a
// single 1 is a number as well.
func (v varintFacts) decide() decision {
	t := decision{wire: Varint, scalar: true}
	if v.negative > 0 {
		t.name = "int64"
		if !v.wide && v.max <= math.MaxInt32 {
			t.or = append(t.or, "int32", "an enum")
		}
		t.or = append(t.or, "sint64", "uint64")
		return t
	}
	t.name = "uint64"
	if v.max <= 1 && v.count >= 3 {
		t.name, t.or = "bool", []string{"uint64"}
	}
	t.or = append(t.or, "int64", "sint64")
	if v.max <= math.MaxUint32 {
		t.or = append(t.or, "uint32", "sint32")
	}
	if v.max <= math.MaxInt32 {
		t.or = append(t.or, "int32", "an enum")
	}
	if v.max <= 1 && t.name != "bool" {
		t.or = append(t.or, "bool")
	}
	return t
}

func (f floatFacts) decide(wire Wire) decision {
	float, unsigned, signed := "double", "fixed64", "sfixed64"
	if wire == Fixed32 {
		float, unsigned, signed = "float", "fixed32", "sfixed32"
	}
	switch {
	case f.usual > 0 && !f.odd:
		return decision{wire: wire, scalar: true, name: float, or: []string{unsigned, signed}}
	case f.high:
		return decision{wire: wire, scalar: true, name: signed, or: []string{unsigned, float}}
	}
	return decision{wire: wire, scalar: true, name: unsigned, or: []string{signed, float}}
}

// decide chooses a type for LEN values: text before message before lists before
// bytes, of those that fit all of them.
func (l lenFacts) decide() decision {
	var fit []decision
	add := func(ok bool, d decision) {
		if ok {
			fit = append(fit, d)
		}
	}
	text := decision{wire: Bytes, name: "string"}
	message := decision{wire: Bytes, name: "a message", message: l.message}
	if l.full == 0 {
		text.or = []string{"bytes", "a message without fields"}
		return text
	}
	isMessage := !l.notMessage && l.message != nil
	add(!l.notText && !l.notPlain, text)
	add(isMessage, message)
	add(!l.notText && l.notPlain && !l.odd, text)
	add(!l.notFixed64 && l.doubles.usual > 0 && !l.doubles.odd, l.list(l.doubles.decide(Fixed64)))
	add(!l.notFixed32 && l.floats.usual > 0 && !l.floats.odd, l.list(l.floats.decide(Fixed32)))
	add(!l.notVarints && !l.digest(), l.list(l.varints.decide()))
	add(true, decision{wire: Bytes, name: "bytes"})
	add(!l.notText && l.odd, text)
	add(!l.notVarints && l.digest(), l.list(l.varints.decide()))
	add(!l.notFixed64 && (l.doubles.usual == 0 || l.doubles.odd), l.list(l.doubles.decide(Fixed64)))
	add(!l.notFixed32 && (l.floats.usual == 0 || l.floats.odd), l.list(l.floats.decide(Fixed32)))
	t := fit[0]
	t.or = nil
	for _, d := range fit[1:] {
		name := d.name
		if d.repeated {
			name = "repeated " + name
		}
		t.or = append(t.or, name)
	}
	return t
}

// digest reports whether the values look like ids or hashes: all of one size
// which is usual for those.
func (l lenFacts) digest() bool {
	return !l.sizes && (l.size == 16 || l.size == 20 || l.size >= 32 && l.size%16 == 0)
}

func (l lenFacts) list(d decision) decision {
	d.packed, d.repeated = true, true
	return d
}
