package pb

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/wiregloss/wiregloss/internal/testdata"
)

// findings writes findings as offset+length, rule, path and text.
func findings(found []Finding) string {
	var parts []string
	for _, f := range found {
		parts = append(parts, fmt.Sprintf("%d+%d %s %q: %s", f.Range.Off, f.Range.Len, f.Rule, f.Path, f.Text))
	}
	return strings.Join(parts, "\n")
}

const acceptsLong = ": parsers accept it, the bytes of equal messages differ"

func TestCanonical(t *testing.T) {
	t.Parallel()
	s, md := rich()
	for _, tt := range []struct{ name, payload, want string }{
		{"canonical", "\x08\x96\x01\x12\x03abc\x8a\x01\x02\x08\x01", ""},
		{"long tag", "\x88\x00\x01", `0+2 over-long tag "anInt32": tag takes 2 bytes where 1 would do` + acceptsLong},
		{"long length", "\x12\x83\x00abc", `1+2 over-long length "name": length takes 2 bytes where 1 would do` + acceptsLong},
		{"long value", "\x08\x81\x00", `1+2 over-long value "anInt32": value takes 2 bytes where 1 would do` + acceptsLong},
		{"long element", "\xa2\x01\x03\x05\x81\x00", `4+2 over-long value "ints[1]": value takes 2 bytes where 1 would do` + acceptsLong},
		{"long end tag", "\x82\x05\x05\x33\x08\x01\xb4\x00", `6+2 over-long tag "old.inner": end tag takes 2 bytes where 1 would do` + acceptsLong},
		{"not packed", "\xa0\x01\x05\xa0\x01\x06", `0+3 not packed "ints[0]": 2 elements of ints not packed, though declared so: their tags take 4 bytes`},
		{"both ways", "\xa2\x01\x01\x05\xa0\x01\x06", `4+3 not packed "ints[1]": 1 element of ints not packed, though declared so: their tags take 2 bytes`},
		{"packed though expanded", "\xaa\x01\x02\x05\x07", `0+5 packed "deltas": deltas is packed, though declared expanded: parsers accept both`},
		{"two runs", "\xa2\x01\x01\x05\xa2\x01\x01\x06", `4+4 packed in parts "ints": ints is packed in 2 runs: parsers join them`},
		{"empty run", "\xa2\x01\x00", `0+3 default on the wire "ints": ints is packed without elements: encoders leave it out`},
		{"order", "\x12\x01a\x08\x01", `3+2 out of order "anInt32": field 1 comes after field 2: parsers accept any order`},
		{"elements apart", "\xba\x01\x01a\xd2\x01\x00\xba\x01\x01b", `7+4 out of order "tags": field 23 comes after field 26: parsers accept any order`},
		{"repeated scalar", "\x08\x01\x08\x02\x08\x03", `2+2 repeated singular field "anInt32": an_int32 was at byte 0 before: the one at byte 4 wins
4+2 repeated singular field "anInt32": an_int32 was at byte 0 before: this one wins`},
		{"repeated message", "\x8a\x01\x02\x08\x01\x8a\x01\x02\x18\x01", `5+5 repeated singular field "child": child was at byte 0 before: parsers merge the 2 messages`},
		{"default", "\x08\x00\x12\x00", `0+2 default on the wire "anInt32": an_int32 has its default: encoders leave it out, and so its presence is lost
2+2 default on the wire "name": name has its default: encoders leave it out, and so its presence is lost`},
		{"default with presence", "\x90\x01\x00\xc2\x02\x00", ""},
		{"negative zero is no default", "\x65\x00\x00\x00\x80", ""},
		{"UTF-8", "\x12\x01\xff", `2+1 invalid UTF-8 "name": name is not valid UTF-8: parsers reject the message`},
		{"UTF-8 not asked for", "\x8a\x05\x03\x1a\x01\xff", `3+3 missing required field "modern.must": required field must is missing: parsers that check reject the message`},
		{"duplicate key", "\xf2\x01\x06\x0a\x01k\x12\x01v\xf2\x01\x06\x0a\x01k\x12\x01w", `9+9 duplicate map key "labels[\"k\"]": the key was at byte 0 before: this entry replaces it`},
		{"three times", "\x82\x02\x04\x08\x01\x10\x01\x82\x02\x04\x08\x02\x10\x01\x82\x02\x04\x08\x01\x10\x01", `7+7 duplicate map key "byFlag[\"true\"]": the key was at byte 0 before: the entry at byte 14 replaces both
11+1 too wide "byFlag[\"true\"]": value 2 is too large for bool: parsers cut it
14+7 duplicate map key "byFlag[\"true\"]": the key was at byte 0 before: this entry replaces it`},
		{"no key, no value", "\xf2\x01\x00", `0+3 incomplete map entry "labels[\"\"]": map entry has no key: parsers take the default
0+3 incomplete map entry "labels[\"\"]": map entry has no value: parsers take the default`},
		{"empty key is written", "\xf2\x01\x04\x0a\x00\x12\x00", ""},
		{"in a map value", "\xfa\x01\x06\x08\x07\x12\x02\x08\x00", `7+2 default on the wire "byId[\"7\"].anInt32": an_int32 has its default: encoders leave it out, and so its presence is lost`},
		{"unknown", "\xb8\x3e\x05\xb8\x3e\x06", `0+3 unknown field "999": field 999 is not in Rich (2 times): is the sender newer?`},
		{"wrong wire type", "\x0d\x01\x00\x00\x00", `0+5 wrong wire type "1": an_int32 is a int32, not I32: parsers keep it as an unknown field`},
		{"oneof", "\xc2\x02\x01a\xc8\x02\x05\xc2\x02\x01b", `4+3 several oneof members "number": number of oneof choice comes after text at byte 0: the last member wins
7+4 out of order "text": field 40 comes after field 41: parsers accept any order
7+4 several oneof members "text": text of oneof choice comes after number at byte 4: the last member wins`},
		{"enum", "\x80\x01\x63", `2+1 unknown enum value "color": 99 is not in enum Color: parsers keep the number`},
		{"closed enum", "\x82\x05\x02\x18\x02", `4+1 unknown enum value "old.size": 2 is not in the closed enum Size: most parsers keep it as an unknown field`},
		{"too wide", "\x08\xff\xff\xff\xff\x0f\x70\x02", `1+5 too wide "anInt32": value 4294967295 is too large for int32: parsers cut it
7+1 too wide "aBool": value 2 is too large for bool: parsers cut it`},
		{"required", "\x82\x05\x05\x52\x03\x0a\x01i", `5+3 missing required field "old.needy.rank": required field rank is missing: parsers that check reject the message`},
		{"damaged", "\x08\x01\x12\x05ab", `2+4 damaged "name": declares 5 bytes, 2 remain`},
		{"no field at all", "\x00", `0+1 damaged "": field number 0 is not allowed`},
		{"group without end", "\x82\x05\x03\x33\x08\x01", `3+3 damaged "old.inner": group 6 has no end`},
		{"in an Any", "\xa2\x03\x1c\x0a\x15x/rich.edition.Modern\x12\x03\x48\x81\x00", `29+2 over-long value "any.value.must": value takes 2 bytes where 1 would do` + acceptsLong},
		{"in an unknown field", "\xba\x3e\x05\x0a\x03\x08\x81\x00", `0+8 unknown field "999": field 999 is not in Rich: is the sender newer?
6+2 over-long value "999.1.1": if these bytes are a message: value takes 2 bytes where 1 would do` + acceptsLong},
	} {
		if got := findings(Canonical([]byte(tt.payload), md, s.types)); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

func TestCanonicalWithoutSchema(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ payload, want string }{
		{"\x08\x00\x12\x00\x12\xff", `4+2 damaged "2": length: varint is cut off`},
		{"\x1a\x02\x08\x01\x0a\x01a", `4+3 out of order "1": field 1 comes after field 3: parsers accept any order`},
		{"\x1b\x0a\x00\x0b\x8c\x00\x1c", `4+2 over-long tag "3.1": end tag takes 2 bytes where 1 would do` + acceptsLong},
	} {
		if got := findings(Canonical([]byte(tt.payload), nil, nil)); got != tt.want {
			t.Errorf("%q: got\n%s\nwant\n%s", tt.payload, got, tt.want)
		}
	}
}

func TestCanonicalMessageSet(t *testing.T) {
	t.Parallel()
	s := compile(t, []string{testdata.Dir(t, "proto/protobuf/src")}, "google/protobuf/test_messages_proto2.proto")
	const name = "protobuf_test_messages.proto2.TestAllTypesProto2.MessageSetCorrect"
	payload := []byte("\x0b\x10\xf9\xbb\x5e\x1a\x03\xca\x01\x00\x0c\x0b\x10\x7b\x1a\x01a\x0c")
	md := s.message(t, name)
	nodes := Fields(payload, md, s.types)
	checkTiles(t, nodes, Range{0, len(payload)})
	want := `message_set_extension{VARINT=1547769, message_set_extension{str=""}}, SGROUP{VARINT=123, LEN="a"}`
	if got := outline(nodes, payload); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	want = `11+7 unknown field "1": extension 123 of MessageSetCorrect is not in the schema: is the sender newer?`
	if got := findings(Canonical(payload, md, s.types)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	long := bytes.Replace(payload, []byte("\x03\xca\x01\x00"), []byte("\x04\xca\x01\x80\x00"), 1)
	got := Canonical(long, md, s.types)
	if path := "[protobuf_test_messages.proto2.TestAllTypesProto2.MessageSetCorrectExtension1].str"; len(got) != 2 || got[0].Path != path {
		t.Errorf("got  %s\nwant path %s", findings(got), path)
	}
}

func TestCanonicalIsBounded(t *testing.T) {
	t.Parallel()
	s, md := rich()
	for name, payload := range map[string]string{
		"many":           strings.Repeat("\x88\x00\x01", 5000),
		"many in a map":  "\xf2\x01\x98\x75" + strings.Repeat("\x8a\x00\x00", 5000),
		"deep":           string(nested(10_000, false)),
		"deep groups":    string(nested(10_000, true)),
		"many open ones": strings.Repeat("\x0b", 100_000),
	} {
		for _, md := range []protoreflect.MessageDescriptor{nil, md} {
			checkFindings(t, Canonical([]byte(payload), md, s.types), len(payload))
		}
		found := Canonical([]byte(payload), nil, nil)
		if !slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == NotChecked }) {
			t.Errorf("%s: %d findings, none of what is left out", name, len(found))
		}
	}
	found := Canonical([]byte(strings.Repeat("\x88\x00\x01", 5000)), nil, nil)
	if last := found[len(found)-1]; len(found) != maxFindings+1 || last.Text != "4000 more findings are not listed" {
		t.Errorf("%d findings, the last is %+v", len(found), last)
	}
}

// checkFindings fails the test unless findings are sorted, lie in the payload
// and can be shown.
func checkFindings(t *testing.T, found []Finding, size int) {
	t.Helper()
	if len(found) > maxFindings+1 {
		t.Fatalf("%d findings", len(found))
	}
	at := 0
	for _, f := range found {
		if f.Range.Off < at || f.Range.Len < 0 || f.Range.End() > size {
			t.Fatalf("%v after byte %d of %d", f, at, size)
		}
		at = f.Range.Off
		for _, r := range f.Text + f.Path {
			if r < ' ' || r >= 0x7f && r < 0xa0 {
				t.Fatalf("control character in %q, %q", f.Path, f.Text)
			}
		}
		if f.Text == "" || strings.HasPrefix(f.Rule.String(), "rule ") {
			t.Fatalf("nothing said in %+v", f)
		}
	}
}

// canonicalPayload is a random message as protobuf-go writes it, with the
// contents of each Any written so, too.
func (g *generator) canonicalPayload(t *testing.T, md protoreflect.MessageDescriptor) []byte {
	t.Helper()
	for {
		m := dynamicpb.NewMessage(md)
		if g.unmarshal(g.message(md, 4), m) != nil {
			continue
		}
		g.rewriteAnys(t, m)
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err == nil {
			return b
		}
	}
}

func (g *generator) unmarshal(b []byte, m proto.Message) (err error) {
	defer func() {
		if recover() != nil {
			err = errPanics
		}
	}()
	return proto.UnmarshalOptions{Resolver: g.s.types}.Unmarshal(b, m)
}

func (g *generator) rewriteAnys(t *testing.T, m protoreflect.Message) {
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap() && fd.MapValue().Message() != nil:
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				g.rewriteAnys(t, v.Message())
				return true
			})
		case fd.IsList() && fd.Message() != nil:
			for i := range v.List().Len() {
				g.rewriteAnys(t, v.List().Get(i).Message())
			}
		case fd.Message() != nil && !fd.IsMap():
			g.rewriteAnys(t, v.Message())
		}
		return true
	})
	if m.Descriptor().FullName() != anyName {
		return
	}
	url, value := m.Descriptor().Fields().ByNumber(1), m.Descriptor().Fields().ByNumber(2)
	mt, err := g.s.types.FindMessageByURL(m.Get(url).String())
	if err != nil {
		return
	}
	in := mt.New()
	if g.unmarshal(m.Get(value).Bytes(), in.Interface()) != nil {
		m.Clear(value)
		return
	}
	g.rewriteAnys(t, in)
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(in.Interface())
	if err != nil {
		t.Fatal(err)
	}
	m.Set(value, protoreflect.ValueOfBytes(b))
}

// structural leaves out what depends on the schema's age, not on the encoder.
func structural(found []Finding) []Finding {
	return slices.DeleteFunc(found, func(f Finding) bool {
		return f.Rule == UnknownField || f.Rule == UnknownEnum || f.Rule == MissingRequired
	})
}

func TestCanonicalOfMarshalled(t *testing.T) {
	t.Parallel()
	s, md := rich()
	g := &generator{Rand: rand.New(rand.NewPCG(5, 6)), s: s, fields: 10}
	hits := map[Rule]int{}
	for range 1500 {
		b := g.canonicalPayload(t, md)
		if found := structural(Canonical(b, md, s.types)); len(found) > 0 {
			t.Fatalf("%x\n%s", b, findings(found))
		}
		e := g.mutation(Fields(b, md, s.types))
		if e == nil {
			continue
		}
		changed := e.encode(b)
		found := structural(Canonical(changed, md, s.types))
		if len(found) != 1 || found[0].Rule != e.rule || found[0].Range.Off != e.at {
			t.Fatalf("%x\nmade %s at byte %d: %x\ngot %s", b, e.rule, e.at, changed, findings(found))
		}
		hits[e.rule]++
	}
	for _, rule := range []Rule{LongTag, LongLength, LongValue, Repeated, OutOfOrder, DuplicateKey} {
		if hits[rule] < 20 {
			t.Errorf("%s was tried %d times", rule, hits[rule])
		}
	}
}

// edit writes a tree again, with one change at one node.
type edit struct {
	tree []Node
	node *Node // what is changed
	next *Node // its neighbour, for OutOfOrder
	rule Rule
	at   int // where the change is in what encode returned
}

// mutation chooses a change that breaks exactly one rule, or nil.
func (g *generator) mutation(tree []Node) *edit {
	var edits []*edit
	var walk func(nodes []Node)
	walk = func(nodes []Node) {
		for i := range nodes {
			n := &nodes[i]
			for _, rule := range mutable(n) {
				edits = append(edits, &edit{tree: tree, node: n, rule: rule})
			}
			if i > 0 && swappable(&nodes[i-1], n) {
				edits = append(edits, &edit{tree: tree, node: &nodes[i-1], next: n, rule: OutOfOrder})
			}
			walk(n.Children)
		}
	}
	walk(tree)
	if len(edits) == 0 {
		return nil
	}
	want := []Rule{LongTag, LongLength, LongValue, Repeated, OutOfOrder, DuplicateKey}[g.IntN(6)]
	for range 50 {
		if e := edits[g.IntN(len(edits))]; e.rule == want {
			return e
		}
	}
	return edits[g.IntN(len(edits))]
}

func mutable(n *Node) []Rule {
	var rules []Rule
	if n.Kind == FieldNode {
		rules = append(rules, LongTag)
	}
	switch n.Wire {
	case Varint:
		if n.Value.Len < 10 {
			rules = append(rules, LongValue)
		}
	case Bytes:
		rules = append(rules, LongLength)
	}
	if n.Kind != FieldNode || n.Field == nil {
		return rules
	}
	od := n.Field.ContainingOneof()
	switch {
	case n.Field.IsMap():
		rules = append(rules, DuplicateKey)
	case !n.Field.IsList() && n.Field.Message() == nil && (od == nil || od.IsSynthetic()):
		rules = append(rules, Repeated)
	}
	return rules
}

func swappable(a, b *Node) bool {
	return movable(a) && movable(b) && a.Number != b.Number
}

func movable(n *Node) bool {
	if n.Kind != FieldNode || n.Field == nil || n.Field.IsExtension() {
		return false
	}
	od := n.Field.ContainingOneof()
	return od == nil || od.IsSynthetic()
}

func (e *edit) encode(src []byte) []byte {
	out, _ := e.nodes(nil, e.tree, src)
	return out
}

// nodes appends nodes to b and tells whether the change was among them; then at
// is where, counted from the start of b.
func (e *edit) nodes(b []byte, nodes []Node, src []byte) ([]byte, bool) {
	hit := false
	for i := 0; i < len(nodes); i++ {
		n := &nodes[i]
		if n == e.node && e.rule == OutOfOrder {
			b, _ = e.field(b, e.next, src)
			e.at, hit = len(b), true
			b, _ = e.field(b, n, src)
			i++
			continue
		}
		var in bool
		if b, in = e.field(b, n, src); in {
			hit = true
		}
		if n == e.node && (e.rule == Repeated || e.rule == DuplicateKey) {
			e.at, hit = len(b), true
			b, _ = e.field(b, n, src)
		}
	}
	return b, hit
}

func (e *edit) field(b []byte, n *Node, src []byte) ([]byte, bool) {
	hit := false
	varint := func(rule Rule, v uint64) {
		b = protowire.AppendVarint(b, v)
		if n == e.node && e.rule == rule {
			e.at, hit = len(b)-protowire.SizeVarint(v), true
			b[len(b)-1] |= 0x80
			b = append(b, 0)
		}
	}
	if n.Kind == FieldNode {
		varint(LongTag, protowire.EncodeTag(n.Number, protowire.Type(n.Wire)))
	}
	content, inside := src[n.Value.Off:n.Value.End()], false
	if len(n.Children) > 0 {
		content, inside = e.nodes(nil, n.Children, src)
	}
	switch n.Wire {
	case Varint:
		varint(LongValue, n.raw(content))
		return b, hit
	case Bytes:
		varint(LongLength, uint64(len(content)))
	}
	if inside {
		e.at += len(b)
	}
	b = append(b, content...)
	if n.Wire == StartGroup {
		b = protowire.AppendTag(b, n.Number, protowire.EndGroupType)
	}
	return b, hit || inside
}

func FuzzCanonical(f *testing.F) {
	addSeeds(f)
	s, md := rich()
	f.Fuzz(func(t *testing.T, b []byte) {
		checkFindings(t, Canonical(b, nil, nil), len(b))
		found := Canonical(b, md, s.types)
		checkFindings(t, found, len(b))
		// What protobuf-go writes of it has nothing but values to be told of.
		m := dynamicpb.NewMessage(md)
		g := &generator{s: s}
		if g.unmarshal(b, m) != nil {
			return
		}
		g.rewriteAnys(t, m)
		again, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 && !bytes.Equal(again, b) && !hasMapOrOneof(Fields(b, md, s.types)) && !hasSignallingNaN(b, Fields(b, md, s.types)) {
			t.Fatalf("nothing found in %x, but protobuf-go writes %x", b, again)
		}
	})
}

// hasSignallingNaN reports whether a float is a NaN that reading it as a float64,
// as protobuf-go does, makes a quiet one: its bytes are not kept then.
func hasSignallingNaN(b []byte, nodes []Node) bool {
	return slices.ContainsFunc(nodes, func(n Node) bool {
		if n.Field != nil && n.Field.Kind() == protoreflect.FloatKind && n.Value.Len == 4 {
			v := binary.LittleEndian.Uint32(b[n.Value.Off:])
			return v&0x7f800000 == 0x7f800000 && v&0x007fffff != 0 && v&0x00400000 == 0
		}
		return hasSignallingNaN(b, n.Children)
	})
}

// hasMapOrOneof reports whether encoders differ in where they put fields.
func hasMapOrOneof(nodes []Node) bool {
	return slices.ContainsFunc(nodes, func(n Node) bool {
		return n.Field != nil && (n.Field.IsMap() || n.Field.IsExtension() || n.Field.ContainingOneof() != nil) || hasMapOrOneof(n.Children)
	})
}
