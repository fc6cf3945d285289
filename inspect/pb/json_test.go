package pb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// checkLinks checks JSONLinks against AppendJSON and the rules of Link.
func checkLinks(t *testing.T, p *Plan, payload []byte) {
	t.Helper()
	want, wantErr := p.AppendJSON(nil, payload)
	text, links, err := p.JSONLinks(payload)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("JSONLinks: %v, AppendJSON: %v", err, wantErr)
	}
	if err != nil {
		return
	}
	var c bytes.Buffer
	if err := json.Compact(&c, text); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if !bytes.Equal(c.Bytes(), want) {
		t.Fatalf("JSONLinks: %s\nAppendJSON: %s", &c, want)
	}
	for i, l := range links {
		if l.Wire.Off < 0 || l.Wire.Len < 0 || l.Wire.End() > len(payload) || !l.Wire.Contains(l.Value) {
			t.Fatalf("link %d %q: wire %v, value %v in %d bytes", i, l.Path, l.Wire, l.Value, len(payload))
		}
		if l.JSON.Len <= 0 || l.JSON.End() > len(text) {
			t.Fatalf("link %d %q: JSON %v in %d bytes", i, l.Path, l.JSON, len(text))
		}
		part := text[l.JSON.Off:l.JSON.End()]
		if !json.Valid(part) && !json.Valid([]byte("{"+string(part)+"}")) {
			t.Fatalf("link %d %q: %q is neither a value nor a member", i, l.Path, part)
		}
		if i == 0 {
			continue
		}
		prev := links[i-1].JSON
		if prev.Off > l.JSON.Off || prev.Off == l.JSON.Off && prev.Len < l.JSON.Len {
			t.Fatalf("link %d %q at %v comes after %v", i, l.Path, l.JSON, prev)
		}
	}
}

func TestJSONLinks(t *testing.T) {
	t.Parallel()
	s, md := rich()
	payload := slices.Concat(
		[]byte("\x12\x03abc"),                                                 // 0: name
		[]byte("\x8a\x01\x02\x08\x01\x8a\x01\x02\x18\x02"),                    // 5: child, twice
		[]byte("\xa2\x01\x03\x01\x96\x01"),                                    // 15: ints, packed
		[]byte("\xba\x01\x01x\xba\x01\x01y"),                                  // 21: tags
		[]byte("\xf2\x01\x06\x0a\x01k\x12\x01v"),                              // 29: labels
		[]byte("\x92\x03\x02\x08\x01"),                                        // 38: at
		[]byte("\xa2\x03\x1d\x0a\x17x.y/rich.edition.Modern\x12\x02\x48\x07"), // 43: any
	)
	text, links, err := NewPlan(md, s.types, Options{}).JSONLinks(payload)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, l := range links {
		shown := strings.Join(strings.Fields(string(text[l.JSON.Off:l.JSON.End()])), "")
		fmt.Fprintf(&got, "%d %s %d+%d %d+%d %s\n", l.Depth, l.Path, l.Wire.Off, l.Wire.Len, l.Value.Off, l.Value.Len, shown)
	}
	want := `0 name 0+5 2+3 "name":"abc"
0 child 5+5 8+2 "child":{"anInt32":1,"anInt64":"2"}
0 child 10+5 13+2 "child":{"anInt32":1,"anInt64":"2"}
1 child.anInt32 8+2 9+1 "anInt32":1
1 child.anInt64 13+2 14+1 "anInt64":"2"
0 ints 15+6 18+3 "ints":[1,150]
1 ints[0] 18+1 18+1 1
1 ints[1] 19+2 19+2 150
0 tags 21+4 24+1 "tags":["x","y"]
0 tags 25+4 28+1 "tags":["x","y"]
1 tags[0] 21+4 24+1 "x"
1 tags[1] 25+4 28+1 "y"
0 labels 29+9 32+6 "labels":{"k":"v"}
1 labels["k"] 29+9 32+6 "k":"v"
1 labels["k"] 32+3 34+1 "k"
1 labels["k"] 35+3 37+1 "v"
0 at 38+5 41+2 "at":"1970-01-01T00:00:01Z"
0 any 43+32 46+29 "any":{"@type":"x.y/rich.edition.Modern","must":7}
0 any 71+4 73+2 {"@type":"x.y/rich.edition.Modern","must":7}
1 any.@type 46+25 48+23 "@type":"x.y/rich.edition.Modern"
1 any.must 73+2 74+1 "must":7
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &got, want)
	}
	checkFinds(t, payload, text, links)
}

// checkFinds goes from a place in the JSON to its bytes and back.
func checkFinds(t *testing.T, payload, text []byte, links []Link) {
	t.Helper()
	s, md := rich()
	nodes := Fields(payload, md, s.types)
	for at, path := range map[string]string{`"abc"`: "name", `150`: "ints[1]", `"v"`: `labels["k"]`, "7\n": "any.must", `"child"`: "child", `{`: ""} {
		i, ok := LinkAt(links, bytes.Index(text, []byte(at)))
		if !ok && path != "" || ok && links[i].Path != path {
			t.Errorf("link at %s: %d, %v, want path %q", at, i, ok, path)
		}
		if !ok {
			continue
		}
		way := NodeAt(nodes, links[i].Wire.Off)
		if !slices.ContainsFunc(way, func(n *Node) bool { return n.Range == links[i].Wire }) {
			t.Errorf("no node has the wire range of %q", path)
		}
	}
	if got := LinksFor(links, Range{32, 3}); len(got) != 1 || links[got[0]].Value != (Range{34, 1}) {
		t.Errorf("links for the map key: %v", got)
	}
	// The seconds of a Timestamp have no text of their own.
	if i, ok := LinkOver(links, Range{41, 2}); !ok || links[i].Path != "at" {
		t.Errorf("link over the seconds: %d, %v", i, ok)
	}
	if _, ok := LinkOver(nil, Range{0, 1}); ok {
		t.Error("a link was found among none")
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	s, _ := rich()
	md := s.message(t, "rich.edition.Modern")
	for _, tt := range []struct {
		o    Options
		want string
	}{
		{Options{}, `{"level":"LEVEL_HIGH","must":1}`},
		{Options{EnumNumbers: true}, `{"level":3,"must":1}`},
		{Options{Defaults: true, ProtoNames: true}, `{"implicit":"","packed_ints":[],"loose_ints":[],"delimiteds":[],"level":"LEVEL_HIGH","must":1,"by_name":{},"zero":0}`},
	} {
		got, err := NewPlan(md, s.types, tt.o).AppendJSON(nil, []byte("\x48\x01\x40\x03"))
		if err != nil || string(got) != tt.want {
			t.Errorf("%+v: %s, %v, want %s", tt.o, got, err, tt.want)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	s, md := rich()
	p := NewPlan(md, s.types, Options{})
	for _, tt := range []struct {
		payload string
		want    Error
	}{
		{"\x12\x02\xff\xfe", Error{Off: 2, Path: "name", Rule: "not valid UTF-8"}},
		{"\x8a\x01\x04\x12\x05ab", Error{Off: 5, Path: "child.name", Rule: "declares 5 bytes, 2 remain"}},
		{"\xd2\x01\x00\xd2\x01\x01\x08", Error{Off: 7, Path: "children[1].anInt32", Rule: "varint is cut off"}},
		{"\xf2\x01\x06\x0a\x01k\x12\x01\xff", Error{Off: 8, Path: `labels["k"]`, Rule: "not valid UTF-8"}},
		{"\x8a\x05\x00", Error{Off: 3, Path: "modern", Rule: "required field rich.edition.Modern.must is missing"}},
		{"\xa2\x03\x03\x0a\x01x", Error{Off: 5, Path: "any", Rule: `google.protobuf.Any: type "x" cannot be resolved: proto: not found`}},
		{"\x08\x01\x0c", Error{Off: 3, Rule: "end of group 1 without its start"}},
	} {
		_, err := p.AppendJSON(nil, []byte(tt.payload))
		var e *Error
		if !errors.As(err, &e) || e.Off != tt.want.Off || e.Path != tt.want.Path || strings.ReplaceAll(e.Rule, "\u00a0", " ") != tt.want.Rule {
			t.Errorf("%q: got %#v, want %#v", tt.payload, err, tt.want)
		}
	}
}

// protobuf-go counts messages, and groups apart; both limits hold exactly.
func TestRecursionLimit(t *testing.T) {
	t.Parallel()
	s, md := rich()
	p := NewPlan(md, s.types, Options{})
	group := func(n int) []byte {
		return slices.Concat(bytes.Repeat([]byte{0xbb, 0x3e}, n), bytes.Repeat([]byte{0xbc, 0x3e}, n))
	}
	for name, payload := range map[string][]byte{
		"9999 messages": nested(9_999, false), "10000 messages": nested(10_000, false),
		"10001 groups": group(10_001), "10002 groups": group(10_002),
	} {
		want, wantErr := oracle(s, md, payload, Options{})
		got, err := p.AppendJSON(nil, payload)
		if (err == nil) != (wantErr == nil) || err == nil && string(got) != want {
			t.Errorf("%s: error %v, protobuf-go says %v", name, err, wantErr)
		}
	}
	text, links, err := p.JSONLinks(nested(9_999, false))
	if err != nil || len(links) != 9_999 {
		t.Fatalf("%d links, %v", len(links), err)
	}
	if most := 10_000 * 2 * (2*maxPathDepth + 20); len(text) > most {
		t.Errorf("%d bytes of JSON, want %d at most", len(text), most)
	}
}

// An Any in an Any counts anew in protobuf-go, so only memory bounds it there; a
// plan has a limit of its own.
func TestAnyInAny(t *testing.T) {
	t.Parallel()
	s, _ := rich()
	md := s.message(t, "google.protobuf.Any")
	url := protowire.AppendString([]byte{0x0a}, "/google.protobuf.Any")
	for _, n := range []int{500, maxTotalDepth + 10} {
		// Written from the back: the innermost comes last.
		var tags [][]byte
		size := 0
		for range n {
			tag := append(bytes.Clone(url), 0x12)
			tag = protowire.AppendVarint(tag, uint64(size))
			tags = append(tags, tag)
			size += len(tag)
		}
		slices.Reverse(tags)
		_, err := NewPlan(md, s.types, Options{}).AppendJSON(nil, bytes.Join(tags, nil))
		if (err != nil) != (n > maxTotalDepth) {
			t.Errorf("%d levels: %v", n, err)
		}
	}
}

// A MessageSet is beyond protobuf-go without its legacy tag; the conformance
// suite has the real ones.
func TestMessageSetErrors(t *testing.T) {
	t.Parallel()
	_, md := rich()
	mp := NewPlan(md, nil, Options{}).root
	mp.set, mp.walkable = true, false
	for payload, accepted := range map[string]bool{
		"": true, "\x08\x01": true, "\x0b\x0c": true, "\x0b\x10\x05\x1a\x00\x0c": true,
		"\x0b": false, "\x0b\x10\x00\x0c": false, "\x0b\x10\x80\x80\x80\x80\x08\x0c": false, "\x0b\x1a\x05\x0c": false, "\x80": false,
	} {
		m := mp.c.machine()
		if err := m.run(mp, []byte(payload)); (err == nil) != accepted {
			t.Errorf("%q: %v", payload, err)
		}
	}
}

// protobuf-go v1.36.12 panics on such a key; it is an unknown field of the entry.
func TestMapKeyOfOtherWireType(t *testing.T) {
	t.Parallel()
	s, md := rich()
	payload := []byte("\xf2\x01\x08\x0a\x01k\x08\x05\x12\x01v")
	if _, err := oracle(s, md, payload, Options{}); !errors.Is(err, errPanics) {
		t.Errorf("protobuf-go gives %v: compare with it again", err)
	}
	got, err := NewPlan(md, s.types, Options{}).AppendJSON(nil, payload)
	if want := `{"labels":{"k":"v"}}`; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	s, md := rich()
	p := NewPlan(md, s.types, Options{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			g := &generator{Rand: rand.New(rand.NewPCG(5, 6)), s: s, fields: 8}
			for range 200 {
				b := g.message(md, 3)
				want, wantErr := oracle(s, md, b, Options{})
				got, err := p.AppendJSON(nil, b)
				if wantErr == nil && (err != nil || string(got) != want) {
					t.Errorf("%x: %s, %v, want %s", b, got, err, want)
				}
			}
		})
	}
	wg.Wait()
}

func TestAppendJSONDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("a sync.Pool forgets at random under the race detector")
	}
	s, md := rich()
	p := NewPlan(md, s.types, Options{})
	payload := []byte("\x18\x02\x12\x03abc\x8a\x01\x02\x08\x01\xf2\x01\x06\x0a\x01k\x12\x01v\x92\x03\x02\x08\x01\xc8\x02\x05")
	out := make([]byte, 0, 1024)
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := p.AppendJSON(out, payload); err != nil {
			t.Fatal(err)
		}
	})
	if allocs >= 1 {
		t.Errorf("%v allocations for a message", allocs)
	}
}

func TestJSONLinksAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("a sync.Pool forgets at random under the race detector")
	}
	s, md := rich()
	p := NewPlan(md, s.types, Options{})
	g := &generator{Rand: rand.New(rand.NewPCG(3, 3)), s: s, fields: 10}
	for range 20 {
		payload := g.message(md, 3)
		if _, _, err := p.JSONLinks(payload); err != nil {
			continue
		}
		allocs := testing.AllocsPerRun(20, func() {
			_, _, _ = p.JSONLinks(payload)
		})
		if allocs > 5 { // the text, the links, their paths, a long key that is quoted
			t.Errorf("%v allocations for %x", allocs, payload)
		}
	}
}

// Paths share their bytes and are cut, since otherwise a map in a map with long
// keys would have paths as long as the square of the payload.
func TestLongPaths(t *testing.T) {
	t.Parallel()
	s, _ := rich()
	md := s.message(t, "rich.edition.Modern")
	payload := []byte("\x48\x01")
	key := strings.Repeat("k", 200)
	for range 5 {
		entry := protowire.AppendBytes(protowire.AppendString([]byte{0x0a}, key), nil)[:203]
		entry = protowire.AppendBytes(append(entry, 0x12), payload)
		payload = append(protowire.AppendBytes([]byte{0x52}, entry), "\x48\x01"...)
	}
	_, links, err := NewPlan(md, s.types, Options{}).JSONLinks(payload)
	if err != nil {
		t.Fatal(err)
	}
	step := `byName["` + key + `"]`
	got := map[string]int{}
	for _, l := range links {
		if l.Number == 9 {
			got[l.Path]++
		}
	}
	want := map[string]int{"must": 1, step + ".must": 1, step + "." + step + ".must": 1, step + "." + step + ".byName…": 3}
	if !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
