package pb

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// allOptions are the options in all combinations.
var allOptions = func() (all []Options) {
	for i := range 8 {
		all = append(all, Options{ProtoNames: i&1 != 0, Defaults: i&2 != 0, EnumNumbers: i&4 != 0})
	}
	return all
}()

// TestOptionsOnEveryKind writes each field of three syntaxes alone, and nothing at
// all, with all combinations of options. The fields are of every kind, shape and
// presence.
func TestOptionsOnEveryKind(t *testing.T) {
	t.Parallel()
	s, _ := rich()
	for _, name := range []protoreflect.FullName{"rich.Rich", "rich.old.Old", "rich.edition.Modern"} {
		md := s.message(t, name)
		kinds := map[protoreflect.Kind]bool{}
		for _, o := range allOptions {
			p := NewPlan(md, s.types, o)
			checkOption(t, s, p, o, nil)
			g := &generator{Rand: rand.New(rand.NewPCG(9, 9)), s: s, fields: 3}
			for i := range md.Fields().Len() {
				fd := md.Fields().Get(i)
				kinds[fd.Kind()] = true
				for range 6 {
					checkOption(t, s, p, o, g.field(nil, fd, 3))
				}
			}
		}
		if name == "rich.Rich" && len(kinds) < 17 {
			t.Errorf("only %d kinds of field", len(kinds))
		}
	}
}

func checkOption(t *testing.T, s *schema, p *Plan, o Options, payload []byte) {
	t.Helper()
	md := p.root.md
	// A field that must be there makes the rest be written.
	for i := range md.RequiredNumbers().Len() {
		g := &generator{Rand: rand.New(rand.NewPCG(1, 1)), s: s}
		payload = g.field(payload, md.Fields().ByNumber(md.RequiredNumbers().Get(i)), 2)
	}
	want, wantErr := oracle(s, md, payload, o)
	if errors.Is(wantErr, errPanics) {
		return
	}
	got, err := p.AppendJSON(nil, payload)
	if (err == nil) != (wantErr == nil) || err == nil && string(got) != want {
		t.Fatalf("%s, %+v, %x\ngot  %s, %v\nwant %s, %v", md.FullName(), o, payload, got, err, want, wantErr)
	}
	checkLinks(t, p, payload)
}

// TestDefaultsInDisorder has fields that come after a later one, whose default
// was written before they came.
func TestDefaultsInDisorder(t *testing.T) {
	t.Parallel()
	s, md := rich()
	for _, o := range allOptions {
		p := NewPlan(md, s.types, o)
		for _, payload := range []string{
			"\x70\x01\x08\x02\x12\x01a",                 // from the last to the first
			"\x70\x01\x08\x00",                          // a zero
			"\x70\x00\xa2\x01\x00",                      // a zero, an empty packed list
			"\xa2\x01\x00\x70\x01",                      // after a list without elements
			"\xa2\x01\x01\x05\x70\x01\xa2\x01\x00",      // a list in two parts
			"\xf2\x01\x00\x70\x01\xf2\x01\x03\x0a\x01k", // a map in two parts
			"\x70\x01\x12\x01a\x12\x01b",                // twice, and too late
		} {
			t.Run(fmt.Sprintf("%+v %x", o, payload), func(t *testing.T) {
				checkOption(t, s, p, o, []byte(payload))
			})
		}
	}
}
