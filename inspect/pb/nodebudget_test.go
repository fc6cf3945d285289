package pb

import (
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// checkBudget fails the test unless a tree with a budget tiles the payload, and
// has about as many nodes as it may.
func checkBudget(t *testing.T, nodes []Node, most int, payload []byte) {
	t.Helper()
	checkTiles(t, nodes, Range{0, len(payload)})
	count, cut := 0, false
	var walk func([]Node)
	walk = func(nodes []Node) {
		for i := range nodes {
			count++
			cut = cut || nodes[i].NotLaidOut()
			walk(nodes[i].Children)
		}
	}
	walk(nodes)
	if count > most+maxShownDepth {
		t.Fatalf("%d nodes with a budget of %d", count, most)
	}
	if LaidOut(nodes) == cut {
		t.Fatalf("LaidOut is %v, a node that is not: %v", !cut, cut)
	}
}

func TestFieldsUpTo(t *testing.T) {
	t.Parallel()
	s, md := rich()
	for _, tt := range []struct {
		name, payload string
		most          int
		want          string
	}{
		{"just enough", "\x08\x01\x08\x02", 2, "an_int32=1, an_int32=2"},
		{"one too many", "\x08\x01\x08\x02\x08\x03", 2, "an_int32=1, an_int32=2, gap=0803 (more than 2 fields: the last 2 bytes are not laid out)"},
		{"packed", "\xa2\x01\x03\x01\x02\x03", 2, "ints{ints=1, gap=0203 (more than 2 fields: the last 2 bytes are not laid out)}"},
		{"message", "\x8a\x01\x04\x08\x01\x08\x02\x08\x01", 2, "child{an_int32=1, gap=0802 (more than 2 fields: the last 2 bytes are not laid out)}, gap=0801 (more than 2 fields: the last 2 bytes are not laid out)"},
		{"group", "\x82\x05\x06\x33\x08\x01\x08\x01\x34\x08\x01", 3, "old{inner{x=1, gap=0801 (more than 3 fields: the last 2 bytes are not laid out)}}, gap=0801 (more than 3 fields: the last 2 bytes are not laid out)"},
		{"group without end", "\x82\x05\x05\x33\x08\x01\x08\x01", 3, "old{inner{x=1, gap=0801 (more than 3 fields: the last 2 bytes are not laid out)} (group 6 has no end)}"},
		{"in an Any", "\xa2\x03\x1b\x0a\x15x/rich.edition.Modern\x12\x02\x48\x07", 3, `any{type_url="x/rich.edition.Modern", value=4807 (more than 3 fields: the last 2 bytes are not laid out)}`},
	} {
		payload := []byte(tt.payload)
		nodes := fieldsUpTo(tt.most, payload, md, s.types)
		checkBudget(t, nodes, tt.most, payload)
		if got := outline(nodes, payload); got != tt.want {
			t.Errorf("%s: got  %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// Whatever the budget, the nodes tile the payload.
func TestFieldsUpToTiles(t *testing.T) {
	t.Parallel()
	s, md := rich()
	g := &generator{Rand: rand.New(rand.NewPCG(3, 4)), s: s, fields: 8}
	payloads := [][]byte{nested(200, false), nested(200, true)}
	for _, seed := range seeds {
		payloads = append(payloads, []byte(seed))
	}
	for range 50 {
		payloads = append(payloads, g.message(md, 3))
	}
	for _, payload := range payloads {
		for most := range 12 {
			checkBudget(t, fieldsUpTo(most, payload, nil, nil), most, payload)
			checkBudget(t, fieldsUpTo(most, payload, md, s.types), most, payload)
		}
	}
}

// What was not decoded is not checked: neither damaged nor missing.
func TestCanonicalNotLaidOut(t *testing.T) {
	t.Parallel()
	s, md := rich()
	needy := md.Fields().ByName("old").Message().Fields().ByName("needy").Message()
	payload := []byte(strings.Repeat("\xa0\x3f\x01", MaxNodes+5))
	var got []string
	for _, f := range Canonical(payload, needy, s.types) {
		if f.Rule != UnknownField {
			got = append(got, f.Rule.String()+": "+f.Text)
		}
	}
	if want := "not checked: more than 262144 fields: these 15 bytes are not checked"; len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}

	elements := protowire.AppendBytes([]byte{0xa2, 0x01}, make([]byte, 3*MaxNodes))
	nodes := Fields(elements, md, s.types)
	checkBudget(t, nodes, MaxNodes, elements)
	if LaidOut(nodes) {
		t.Error("a packed list of three times as many elements as there may be nodes is laid out")
	}
}
