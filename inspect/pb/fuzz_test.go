package pb

import (
	"errors"
	"math/rand/v2"
	"testing"
)

// seeds are payloads of rich.Rich: ordinary ones, and one for each rule.
var seeds = []string{
	"",
	"\x08\x96\x01\x12\x03abc",
	"\x12\x03abc\x08\x96\x01",  // not in order of declaration
	"\x08\x01\x08\x02\x08\x00", // the last one wins, and is zero
	"\x8a\x01\x02\x08\x01\x8a\x01\x05\x12\x03abc",          // child merged from two
	"\xc2\x02\x01a\xc8\x02\x05",                            // oneof: number replaces text
	"\xd2\x02\x02\x08\x01\xc8\x02\x05\xd2\x02\x02\x18\x01", // oneof: nested, number, nested
	"\xa2\x01\x03\x01\x02\x03\xa0\x01\x04",                 // packed, then not
	"\xa8\x01\x03\xaa\x01\x02\x05\x07",                     // and the reverse
	"\xf2\x01\x06\x0a\x01b\x12\x01x\xf2\x01\x06\x0a\x01a\x12\x01y\xf2\x01\x06\x0a\x01b\x12\x01z",
	"\xf2\x01\x00\xf2\x01\x03\x12\x01x", // map entries without key or value
	"\xfa\x01\x06\x08\x07\x12\x02\x08\x01",
	"\x92\x03\x08\x08\x80\x80\xb2\xa3\x06\x10\x01", // timestamp
	"\x9a\x03\x02\x10\x01",
	"\xa2\x03\x32\x0a\x27type.googleapis.com/rich.edition.Modern\x00\x12\x07\x0a\x01a\x12\x02bc",
	"\xa2\x03\x28\x0a\x1dtype.googleapis.com/rich.Rich\x12\x07\x12\x05hello",
	"\xa2\x03\x38\x0a\x2dtype.googleapis.com/google.protobuf.Timestamp\x12\x07\x08\x01\x10\x80\xca\xb5\xee\x01",
	"\xaa\x03\x10\x0a\x0e\x0a\x01a\x12\x09\x11\x00\x00\x00\x00\x00\x00\xf0\x3f",
	"\xb2\x03\x0f\x32\x0d\x0a\x02\x08\x00\x0a\x03\x1a\x01s\x0a\x02\x20\x01",
	"\xc2\x03\x0b\x0a\x03a_b\x0a\x04c.de",
	"\x82\x05\x07\x33\x08\x01\x34\x33\x34\x08\x02",
	"\x82\x05\x0c\x3b\x08\x05\x12\x01x\x3c\x3b\x08\x06\x3c\x18\x09",
	"\x82\x05\x0d\xaa\x06\x03abc\xa0\x06\x05\xc3\x3e\x08\x01\xc4\x3e",
	"\x8a\x05\x08\x33\x0a\x01a\x48\x01\x34\x48\x02",
	"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
	"\x12\x02\xff\xfe",
	"\x0b\x13\x14\x0c",
	"\x12\x05ab",
	"\x00",
	"\x0e",
}

func addSeeds(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	s, md := rich()
	g := &generator{Rand: rand.New(rand.NewPCG(7, 8)), s: s, fields: 8}
	for range 20 {
		f.Add(g.message(md, 2))
	}
}

func FuzzFields(f *testing.F) {
	addSeeds(f)
	s, md := rich()
	f.Fuzz(func(t *testing.T, b []byte) {
		for most := range 6 {
			checkBudget(t, fieldsUpTo(most, b, nil, nil), most, b)
			checkBudget(t, fieldsUpTo(most, b, md, s.types), most, b)
		}
		for _, nodes := range [][]Node{Fields(b, nil, nil), Fields(b, md, s.types)} {
			checkTiles(t, nodes, Range{0, len(b)})
			checkTexts(t, nodes, b)
			for off := range b {
				if len(NodeAt(nodes, off)) == 0 {
					t.Fatalf("no node at byte %d", off)
				}
			}
		}
	})
}

// checkTexts fails the test if a text could move a terminal's cursor.
func checkTexts(t *testing.T, nodes []Node, payload []byte) {
	t.Helper()
	for i := range nodes {
		texts := []string{nodes[i].Text(payload), nodes[i].Problem}
		for _, r := range nodes[i].Readings(payload) {
			texts = append(texts, r.Text)
		}
		for _, s := range texts {
			for _, r := range s {
				if r < ' ' || r >= 0x7f && r < 0xa0 {
					t.Fatalf("control character in %q", s)
				}
			}
		}
		checkTexts(t, nodes[i].Children, payload)
	}
}

var fuzzOptions = []Options{{}, {ProtoNames: true, Defaults: true, EnumNumbers: true}}

func FuzzAppendJSON(f *testing.F) {
	addSeeds(f)
	s, md := rich()
	var plans []*Plan
	for _, o := range fuzzOptions {
		plans = append(plans, NewPlan(md, s.types, o))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for i, p := range plans {
			want, wantErr := oracle(s, md, b, fuzzOptions[i])
			got, err := p.AppendJSON([]byte("before "), b)
			if errors.Is(wantErr, errPanics) {
				continue
			}
			if (err == nil) != (wantErr == nil) {
				t.Fatalf("error %v, protobuf-go says %v", err, wantErr)
			}
			if err == nil && string(got) != "before "+want {
				t.Fatalf("got  %s\nwant %s", got, want)
			}
			if err != nil {
				checkError(t, err, b)
			}
		}
	})
}

func checkError(t *testing.T, err error, payload []byte) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Rule == "" || e.Off < 0 || e.Off > len(payload) {
		t.Fatalf("error %#v for %d bytes", err, len(payload))
	}
}

func FuzzJSONLinks(f *testing.F) {
	addSeeds(f)
	s, md := rich()
	var plans []*Plan
	for _, o := range fuzzOptions {
		plans = append(plans, NewPlan(md, s.types, o))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, p := range plans {
			checkLinks(t, p, b)
		}
	})
}
