package pb

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/internal/testdata"
)

// costs writes the costs of a profile, one path in a line: count, tag, length,
// value.
func costs(p *Profile) string {
	var lines []string
	for _, c := range p.Costs() {
		lines = append(lines, fmt.Sprintf("%s%s %d: %d %d %d", strings.Repeat(" ", c.Depth), c.Path, c.Count, c.Tag, c.Length, c.Value))
	}
	return strings.Join(lines, "\n")
}

func TestProfile(t *testing.T) {
	t.Parallel()
	s, md := rich()
	for _, tt := range []struct{ name, payloads, with, without string }{
		{"scalars", "\x08\x96\x01\x12\x03abc", "anInt32 1: 1 0 2\nname 1: 1 1 3", "1 1: 1 0 2\n2 1: 1 1 3"},
		{"stream", "\x12\x01a|\x12\x02bc\x08\x01", "anInt32 1: 1 0 1\nname 2: 2 2 3", "1 1: 1 0 1\n2 2: 2 2 3"},
		{"message", "\x8a\x01\x02\x08\x01", "child 1: 2 1 0\n child.anInt32 1: 1 0 1", "17 1: 2 1 0\n 17.1 1: 1 0 1"},
		{"packed", "\xa2\x01\x02\x01\x02\xa0\x01\x03", "ints 2: 4 1 3", "20 2: 4 1 3"},
		{"map", "\xf2\x01\x06\x0a\x01k\x12\x01v", "labels 1: 2 1 0\n labels.key 1: 1 1 1\n labels.value 1: 1 1 1", "30 1: 2 1 0\n 30.1 1: 1 1 1\n 30.2 1: 1 1 1"},
		{"group", "\x82\x05\x04\x33\x08\x01\x34", "old 1: 2 1 0\n old.inner 1: 2 0 0\n  old.inner.x 1: 1 0 1", "80 1: 2 1 0\n 80.6 1: 2 0 0\n  80.6.1 1: 1 0 1"},
		{"extension", "\x82\x05\x03\xa0\x06\x05", "old 1: 2 1 0\n old.[rich.old.zeta] 1: 2 0 1", "80 1: 2 1 0\n 80.100 1: 2 0 1"},
		{"unknown and mismatch", "\xb8\x3e\x05\x0d\x01\x00\x00\x00\x08\x01", "anInt32 1: 1 0 1\n1 1: 1 0 4\n999 1: 2 0 1", "1 2: 2 0 5\n999 1: 2 0 1"},
		{
			"any", "\xa2\x03\x1b\x0a\x15x/rich.edition.Modern\x12\x02\x48\x01|\xa2\x03\x06\x12\x01a\x0a\x01b",
			"any 2: 4 2 0\n any.typeUrl 2: 2 2 22\n any.value 2: 2 2 1\n  any.value[rich.edition.Modern].must 1: 1 0 1",
			"52 2: 4 2 0\n 52.1 2: 2 2 22\n 52.2 2: 2 2 1\n  52.2.9 1: 1 0 1",
		},
		{"cut off", "\x08\x01\x12\x05ab", "anInt32 1: 1 0 1\n(damaged) 0: 0 0 4", "1 1: 1 0 1\n(damaged) 0: 0 0 4"},
		{"stray end", "\x0c\x08\x01", "anInt32 1: 1 0 1\n(damaged) 0: 0 0 1", "1 1: 1 0 1\n(damaged) 0: 0 0 1"},
		{"group without end", "\xbb\x3e\x08\x01", "999 1: 2 0 0\n 999.1 1: 1 0 1", "999 1: 2 0 0\n 999.1 1: 1 0 1"},
		{"wide number", "\xfa\xff\xff\xff\x0f\x01a", "farAway 1: 5 1 1", "536870911 1: 5 1 1"},
	} {
		for _, way := range []struct {
			md   protoreflect.MessageDescriptor
			want string
		}{{md, tt.with}, {nil, tt.without}} {
			p := NewProfile(way.md, s.types)
			for _, payload := range strings.Split(tt.payloads, "|") {
				p.Add([]byte(payload))
			}
			if got := costs(p); got != way.want {
				t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, way.want)
			}
			checkCosts(t, p)
		}
	}
}

func TestProfileOfMessageSet(t *testing.T) {
	t.Parallel()
	s := compile(t, []string{testdata.Dir(t, "proto/protobuf/src")}, "google/protobuf/test_messages_proto2.proto")
	p := NewProfile(s.message(t, "protobuf_test_messages.proto2.TestAllTypesProto2.MessageSetCorrect"), s.types)
	p.Add([]byte("\x0b\x10\xf9\xbb\x5e\x1a\x03\xca\x01\x00\x0c\x0b\x10\x7b\x1a\x01a\x0c"))
	const ext = "[protobuf_test_messages.proto2.TestAllTypesProto2.MessageSetCorrectExtension1]"
	want := "1 1: 2 0 0\n 1.2 1: 1 0 1\n 1.3 1: 1 1 1\n" + ext + " 1: 2 0 0\n " + ext + ".2 1: 1 0 3\n " + ext + ".3 1: 1 1 0\n  " + ext + ".3.str 1: 2 1 0"
	if got := costs(p); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	checkCosts(t, p)
}

// checkCosts fails the test unless the costs add up to the bytes and the paths
// are different and in order.
func checkCosts(t *testing.T, p *Profile) {
	t.Helper()
	var sum int64
	seen := map[string]bool{}
	depth := -1
	for _, c := range p.Costs() {
		sum += c.Total()
		key := fmt.Sprintf("%s %t", c.Path, c.Field == nil)
		if seen[key] || c.Path == "" || c.Depth > depth+1 || c.Tag < 0 || c.Length < 0 || c.Value < 0 {
			t.Fatalf("%+v after depth %d", c, depth)
		}
		seen[key], depth = true, c.Depth
	}
	if sum != p.Bytes() {
		t.Fatalf("costs add up to %d of %d bytes:\n%s", sum, p.Bytes(), costs(p))
	}
}

// A profile and the tree of nodes count the same fields.
func TestProfileIsFields(t *testing.T) {
	t.Parallel()
	s, md := rich()
	g := &generator{Rand: rand.New(rand.NewPCG(9, 9)), s: s, fields: 10}
	for i := range 500 {
		g.damage = []float64{0, 0.02}[i%2]
		b := g.message(md, 4)
		for _, md := range []protoreflect.MessageDescriptor{md, nil} {
			p := NewProfile(md, s.types)
			p.Add(b)
			checkCosts(t, p)
			var count, damaged int64
			for _, c := range p.Costs() {
				count += c.Count
				if c.Path == DamagedPath {
					damaged = c.Value
				}
			}
			wantCount, wantDamaged := countNodes(Fields(b, md, s.types))
			if count != wantCount || damaged != wantDamaged {
				t.Fatalf("%x\ncounted %d fields and %d damaged bytes, want %d and %d", b, count, damaged, wantCount, wantDamaged)
			}
		}
	}
}

// countNodes counts the fields, and the bytes that are none outside of packed
// lists, whose elements a profile does not look at.
func countNodes(nodes []Node) (fields, damaged int64) {
	for i := range nodes {
		n := &nodes[i]
		switch n.Kind {
		case GapNode:
			damaged += int64(n.Range.Len)
			continue
		case FieldNode:
			fields++
		case ElementNode:
		}
		if !isPackedRun(n) {
			f, d := countNodes(n.Children)
			fields, damaged = fields+f, damaged+d
		}
	}
	return fields, damaged
}

func TestProfileIsBounded(t *testing.T) {
	t.Parallel()
	s, md := rich()
	var b []byte
	for num := range 20_000 {
		b = protowire.AppendVarint(protowire.AppendTag(b, protowire.Number(num+1000), protowire.VarintType), 1)
	}
	b = append(b, "\x08\x01"...)
	p := NewProfile(md, s.types)
	p.Add(b)
	checkCosts(t, p)
	all := p.Costs()
	if last := all[len(all)-1]; len(all) != maxUnknownPaths+2 || last.Path != OthersPath || last.Count != 20_000-maxUnknownPaths || all[0].Path != "anInt32" {
		t.Errorf("%d paths, the first is %+v, the last is %+v", len(all), all[0], last)
	}
	for _, b := range [][]byte{nested(10_000, false), nested(10_000, true), []byte(strings.Repeat("\x0b", 200_000))} {
		p := NewProfile(md, s.types)
		p.Add(b)
		checkCosts(t, p)
	}
	if n := maxPaths; n <= maxUnknownPaths {
		t.Errorf("%d paths leave no room for those of the schema", n)
	}
}

func TestProfileAllocates(t *testing.T) {
	s, md := rich()
	g := &generator{Rand: rand.New(rand.NewPCG(3, 4)), s: s, fields: 10}
	var payloads [][]byte
	for range 50 {
		payloads = append(payloads, g.message(md, 4))
	}
	p := NewProfile(md, s.types)
	add := func() {
		for _, b := range payloads {
			p.Add(b)
		}
	}
	add()
	if n := testing.AllocsPerRun(10, add); n > 0 {
		t.Errorf("%v allocations for %d messages", n, len(payloads))
	}
	if p.Messages() < 50 || !slices.ContainsFunc(p.Costs(), func(c Cost) bool { return strings.HasPrefix(c.Path, "any.value[") }) {
		t.Errorf("%d messages, no Any was looked into", p.Messages())
	}
}

func FuzzProfile(f *testing.F) {
	addSeeds(f)
	s, md := rich()
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, md := range []protoreflect.MessageDescriptor{md, nil} {
			p := NewProfile(md, s.types)
			for i := range 3 {
				p.Add(b[i*len(b)/3:])
				checkCosts(t, p)
			}
			if p.Messages() != 3 {
				t.Fatalf("%d messages", p.Messages())
			}
		}
	})
}

func BenchmarkProfile(b *testing.B) {
	s, md := rich()
	for _, size := range benchSizes {
		payload := benchPayload(b, s, md, size)
		for name, md := range map[string]protoreflect.MessageDescriptor{"schema": md, "none": nil} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				p := NewProfile(md, s.types)
				b.SetBytes(int64(len(payload)))
				b.ReportAllocs()
				for b.Loop() {
					p.Add(payload)
				}
			})
		}
	}
}
