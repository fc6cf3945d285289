//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/pb"
)

// fieldWalk compares the fields of one message.
type fieldWalk struct {
	*comparison
	where   string
	m       inspect.Message
	payload []byte
	base    int // the payload's position in tshark's buffer

	absolute bool  // that buffer is the packet
	wire     int64 // then where the payload is in the direction's bytes

	texts map[inspect.Range]string // JSON of the values, by their bytes
}

// link finds the JSON of each value.
func (w *fieldWalk) link(md protoreflect.MessageDescriptor, types inspect.Types) {
	w.t.Helper()
	w.texts = map[inspect.Range]string{}
	text, links, err := inspect.NewPlan(md, types, inspect.Options{}).JSONLinks(w.payload)
	if err != nil {
		return // what protobuf does not take has no JSON
	}
	for _, l := range links {
		if l.Value.Len > 0 {
			w.texts[l.Value] = member(string(text[l.JSON.Off:l.JSON.End()])) // the innermost comes last
		}
	}
}

// member returns the value of an object's member, or the text itself.
func member(text string) string {
	dec := json.NewDecoder(strings.NewReader(text))
	if key, err := dec.Token(); err == nil {
		if _, ok := key.(string); ok {
			if value, ok := strings.CutPrefix(text[dec.InputOffset():], ": "); ok {
				return value
			}
		}
	}
	return text
}

// fields compares the fields of a message at any depth.
func (w *fieldWalk) fields(path string, ours []inspect.Node, theirs []*item) {
	w.t.Helper()
	for i, n := range ours {
		if n.Wire == pb.StartGroup {
			w.excuse("past a group")
			return
		}
		if i >= len(theirs) {
			w.errorf("%s: field %s%d is missing from tshark's", w.where, path, n.Number)
			return
		}
		w.field(path, n, theirs[i])
	}
	if len(ours) < len(theirs) {
		w.errorf("%s: %d fields in %q, tshark has %d", w.where, len(ours), path, len(theirs))
	}
}

// field compares one field: number, type, name, the bytes of all its parts, and
// its value.
func (w *fieldWalk) field(path string, n inspect.Node, it *item) {
	w.t.Helper()
	w.facts["protobuf"]++
	path = fmt.Sprintf("%s%d", path, n.Number)
	if uint64(n.Number) != it.number(w.t, "protobuf.field.number") || uint64(n.Wire) != it.number(w.t, "protobuf.field.wiretype") {
		w.errorf("%s: field %s has wire type %v, tshark says %q", w.where, path, n.Wire, it.name)
		return
	}
	name := "<UNKNOWN>"
	if n.Field != nil {
		name = string(n.Field.Name())
	} else {
		w.facts["unknown"]++
	}
	if got := it.get("protobuf.field.name").text; got != name {
		w.errorf("%s: field %s is %s, tshark says %s", w.where, path, name, got)
	}
	_, tag := protowire.ConsumeVarint(w.payload[n.Range.Off:])
	w.position(path, "", n.Range, it.get("protobuf.field.name"))
	w.position(path, " tag", inspect.Range{Off: n.Range.Off, Len: tag}, it.get("protobuf.field.number"))
	if size := it.get("protobuf.field.value.length"); n.Wire == pb.Bytes {
		w.position(path, " length", inspect.Range{Off: n.Range.Off + tag, Len: n.Value.Off - n.Range.Off - tag}, size)
		if got := it.number(w.t, "protobuf.field.value.length"); got != uint64(n.Value.Len) {
			w.errorf("%s: field %s has length %d, tshark says %d", w.where, path, n.Value.Len, got)
		}
	} else if size != nil {
		w.errorf("%s: field %s has a length in tshark", w.where, path)
	}
	value := it.get("protobuf.field.value")
	w.position(path, " value", n.Value, value)
	if !bytes.Equal(value.bytes(w.t), w.payload[n.Value.Off:n.Value.End()]) {
		w.errorf("%s: field %s has the value % x, tshark has %s", w.where, path, w.payload[n.Value.Off:n.Value.End()], value.hex)
	}
	w.content(path, n, it)
}

// position compares where a part of a field is, in the payload and on the wire.
func (w *fieldWalk) position(path, part string, r inspect.Range, it *item) {
	w.t.Helper()
	if r.Len == 0 && (it == nil || it.pos < 0) {
		return // tshark gives no place to what has no bytes
	}
	if it == nil || it.pos < 0 || it.pos-w.base != r.Off || it.length != r.Len {
		w.errorf("%s: field %s%s is at %v, tshark has %s", w.where, path, part, r, place(it, w.base))
		return
	}
	if !w.absolute {
		return
	}
	spans := w.trace.Locate(w.m, r)
	if want := w.wire + int64(it.pos-w.base); len(spans) != 1 || spans[0].Off != want || spans[0].Len != int64(it.length) {
		w.errorf("%s: field %s%s is at %v of the wire, tshark has %d+%d", w.where, path, part, spans, want, it.length)
	}
}

func place(it *item, base int) string {
	if it == nil {
		return "none"
	}
	return fmt.Sprintf("%d+%d", it.pos-base, it.length)
}

// content compares what is in a field: the fields of a message, the elements of a
// packed field, or a scalar.
func (w *fieldWalk) content(path string, n inspect.Node, it *item) {
	w.t.Helper()
	if inner := it.all("Message: "); len(inner) > 0 {
		w.fields(path+".", n.Children, inner[0].all("Field("))
		return
	}
	if n.Field != nil && n.Field.IsList() && !n.Field.IsPacked() && len(n.Children) > 0 {
		w.excuse("packed where unpacked is declared")
		return
	}
	if repeated := it.get("protobuf.field.value.repeated"); repeated != nil {
		values := repeated.all("protobuf.field.value.")
		if n.Wire != pb.Bytes && len(values) == 1 { // an element by itself
			w.scalar(path, n.Value, n.Field, it, values[0])
			return
		}
		w.facts["packed"]++
		if len(values) != len(n.Children) {
			w.errorf("%s: field %s has %d elements, tshark has %d", w.where, path, len(n.Children), len(values))
			return
		}
		for i, value := range values {
			w.position(path, fmt.Sprintf(" element %d", i), n.Children[i].Range, value)
			w.scalar(path, n.Children[i].Value, n.Field, it, value)
		}
		return
	}
	if n.Field != nil && n.Field.ContainingMessage().FullName() == "google.protobuf.Any" && len(n.Children) > 0 {
		w.excuse("children of Any")
	} else if len(n.Children) > 0 && n.Field != nil {
		w.errorf("%s: field %s has %d parts, tshark has none", w.where, path, len(n.Children))
	}
	if values := it.get("protobuf.field.value").all("protobuf.field.value."); len(values) == 1 && n.Field != nil {
		w.scalar(path, n.Value, n.Field, it, values[0])
	}
}

// scalar compares a value with our JSON of its bytes. What a later field replaces
// and the parts of a Timestamp have no JSON of their own.
func (w *fieldWalk) scalar(path string, r inspect.Range, fd protoreflect.FieldDescriptor, it, value *item) {
	w.t.Helper()
	text, ok := w.texts[r]
	if !ok {
		return
	}
	w.facts["values"]++
	if !sameValue(fd, text, it.name, value) {
		w.errorf("%s: field %s is %s as JSON, tshark has %q in %q", w.where, path, text, value.text, it.name)
	}
}

// sameValue compares JSON with a value of tshark's, in a field with a label such
// as "Field(8): mood = LOUD(1) (enum)".
func sameValue(fd protoreflect.FieldDescriptor, text, label string, value *item) bool {
	if plain, err := strconv.Unquote(text); err == nil {
		text = plain
	}
	switch fd.Kind() {
	case protoreflect.EnumKind:
		return strings.Contains(label, fmt.Sprintf("%s(%s)", text, value.text)) || text == value.text
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		ours, err := strconv.ParseFloat(text, 64)
		theirs, err2 := strconv.ParseFloat(value.text, 64)
		// tshark prints 15 digits of a double, 6 of a float.
		precision := 1e-14
		if fd.Kind() == protoreflect.FloatKind {
			precision = 1e-5
		}
		return err == nil && err2 == nil && (ours == theirs || math.Abs(ours-theirs) <= precision*math.Abs(ours))
	case protoreflect.BoolKind:
		return text == strconv.FormatBool(value.text == "1" || value.text == "true")
	default:
		return text == value.text
	}
}
