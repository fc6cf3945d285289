package pb

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/wiregloss/wiregloss/internal/testdata"
)

// walked runs a plan's walk alone. It gives the JSON, and how many messages were
// left to their entries.
func walked(p *Plan, payload []byte) (text string, rewrites int, ok bool) {
	m := p.c.machine()
	defer p.c.release(m)
	m.src = payload
	ok = m.start(p.root)
	return string(m.out), m.rewrites, ok
}

// No type needs protojson, and all but message sets are written in one walk as
// long as nothing has to be merged: here, as encoders write them.
func TestEverythingIsWalked(t *testing.T) {
	t.Parallel()
	s := compile(t, []string{testdata.Dir(t, "proto/protobuf/src")},
		"google/protobuf/test_messages_proto2.proto", "google/protobuf/test_messages_proto3.proto")
	count := 0
	for _, c := range conformanceCases(t) {
		payload, err := hex.DecodeString(c.Wire)
		if err != nil {
			t.Fatal(err)
		}
		md := s.message(t, c.Message)
		m := dynamicpb.NewMessage(md)
		if c.JSON == nil || (proto.UnmarshalOptions{Resolver: s.types}).Unmarshal(payload, m) != nil {
			continue
		}
		if payload, err = proto.Marshal(m); err != nil {
			t.Fatal(err)
		}
		sets := 0
		if strings.Contains(string(md.FullName()), "MessageSet") {
			sets = 1
		}
		if _, n, ok := walked(NewPlan(md, s.types, Options{}), payload); !ok || n > sets {
			t.Errorf("%s %s: %d messages were rewritten, %v", c.Message, c.Wire, n, ok)
		}
		count++
	}
	if count < 300 {
		t.Errorf("only %d messages", count)
	}
}

// The same for every well-known type, extensions, groups and maps.
func TestGeneratedIsWalked(t *testing.T) {
	t.Parallel()
	s, md := rich()
	g := &generator{Rand: rand.New(rand.NewPCG(4, 4)), s: s, fields: 12}
	p := NewPlan(md, s.types, Options{})
	count := 0
	for count < 500 {
		m := dynamicpb.NewMessage(md)
		if (proto.UnmarshalOptions{Resolver: s.types}).Unmarshal(g.message(md, 3), m) != nil {
			continue
		}
		payload, err := proto.Marshal(m)
		if err != nil {
			continue
		}
		want, err := oracle(s, md, payload, Options{})
		if err != nil || strings.Contains(want, "@type") {
			continue // the content of an Any is as the generator wrote it, with what must be merged
		}
		count++
		text, n, ok := walked(p, payload)
		if !ok || text != want || n > 0 {
			t.Fatalf("%x: %d messages rewritten, %v\ngot  %s\nwant %s", payload, n, ok, text, want)
		}
	}
}

// Messages within one another that all end in a field that undoes their walk would
// each be walked twice as often as the one around them.
func TestWalkGivesUp(t *testing.T) {
	t.Parallel()
	s, md := rich()
	p := NewPlan(md, s.types, Options{})
	const depth = 60
	var payload []byte
	for range depth {
		payload = protowire.AppendBytes([]byte{0x8a, 0x01}, payload)
		payload = protowire.AppendString(append(payload, 0x12), strings.Repeat("x", 100))
		payload = append(payload, 0x08, 1, 0x08, 2)
	}
	if _, n, ok := walked(p, payload); ok || n > depth {
		t.Errorf("%d of %d messages were rewritten, %v", n, depth, ok)
	}
	want, err := oracle(s, md, payload, Options{})
	got, gotErr := p.AppendJSON(nil, payload)
	if err != nil || gotErr != nil || string(got) != want {
		t.Errorf("got %s, %v\nwant %s, %v", got, gotErr, want, err)
	}
}

// A walk stops at any nesting that only the entries can judge.
func TestWalkDepth(t *testing.T) {
	t.Parallel()
	s, md := rich()
	p := NewPlan(md, s.types, Options{})
	for _, n := range []int{maxRoom - 2, maxRoom - 1, maxRoom, maxRoom + 1, 3 * maxRoom} {
		for name, wrap := range map[string]func([]byte) []byte{
			"message": func(b []byte) []byte { return protowire.AppendBytes([]byte{0x8a, 0x01}, b) },
			"list":    func(b []byte) []byte { return protowire.AppendBytes([]byte{0xd2, 0x01}, b) },
			"map": func(b []byte) []byte {
				return protowire.AppendBytes([]byte{0xfa, 0x01}, protowire.AppendBytes([]byte{0x08, 5, 0x12}, b))
			},
			"any": func(b []byte) []byte {
				b = protowire.AppendBytes(protowire.AppendString([]byte{0x0a}, "/rich.Rich"), b[:0:0])
				return protowire.AppendBytes([]byte{0xa2, 0x03}, b[:len(b)-1])
			},
		} {
			payload := []byte("\x08\x01")
			for range n {
				payload = wrap(payload)
			}
			want, wantErr := oracle(s, md, payload, Options{})
			got, err := p.AppendJSON(nil, payload)
			if (err == nil) != (wantErr == nil) || err == nil && string(got) != want {
				t.Errorf("%d times %s: got %.80s, %v, want %.80s, %v", n, name, got, err, want, wantErr)
			}
		}
	}
}

func TestAppendUint(t *testing.T) {
	t.Parallel()
	values := []uint64{0, math.MaxInt64, 1 << 63, math.MaxUint64}
	for v := uint64(1); v < 1<<63/10; v *= 10 {
		values = append(values, v-1, v, v+1, 9*v, 10*v-1)
	}
	for _, v := range values {
		if got, want := string(appendUint(nil, v)), strconv.FormatUint(v, 10); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got, want := string(appendInt(nil, int64(v))), strconv.FormatInt(int64(v), 10); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// The short ways of writing a float give what the long one does.
func TestAppendFloat(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 12))
	check := func(f float64) {
		t.Helper()
		got, want := string(appendFloat64(nil, f)), string(appendFloat(nil, f, 64, 1e-6, 1e21))
		if got != want {
			t.Errorf("double %b: got %s, want %s", f, got, want)
		}
		f = float64(float32(f))
		got, want = string(appendFloat32(nil, float32(f))), string(appendFloat(nil, f, 32, float64(float32(1e-6)), float64(float32(1e21))))
		if got != want {
			t.Errorf("float %b: got %s, want %s", f, got, want)
		}
	}
	for _, f := range []float64{0, math.Copysign(0, -1), 1e-6, 1e-7, 1e-3, 999.999, 1000, 999.9995, 999999999.999999, 1e9, 1e15, 1e21, 1e-323, math.NaN(), math.Inf(1), math.Inf(-1)} {
		check(f)
		check(-f)
		check(math.Nextafter(f, 2*f))
		check(math.Nextafter(f, 0))
		check(float64(math.Nextafter32(float32(f), 0)))
	}
	for range 20_000 {
		decimals := math.Pow(10, float64(r.IntN(9)))
		f := math.Round(r.NormFloat64()*math.Pow(10, float64(r.IntN(10)))*decimals) / decimals
		check(f)
		check(math.Nextafter(f, math.Inf(r.IntN(2)*2-1)))
		check(math.Float64frombits(r.Uint64()))
		check(float64(math.Float32frombits(r.Uint32())))
	}
}

func TestTimestampDates(t *testing.T) {
	t.Parallel()
	check := func(secs int64) {
		t.Helper()
		got := string(moment{secs: secs}.appendTimestamp(nil))
		if want := time.Unix(secs, 0).UTC().Format(`"2006-01-02T15:04:05Z"`); got != want {
			t.Fatalf("%d: got %s, want %s", secs, got, want)
		}
	}
	check(maxTimestamp)
	for secs := int64(minTimestamp); secs < maxTimestamp; secs += 86400*7 + 3661 {
		check(secs)
	}
	for year := 1; year < 10_000; year++ {
		march := time.Date(year, 3, 1, 0, 0, 0, 0, time.UTC).Unix()
		check(march)
		check(march - 1)
		check(time.Date(year, 12, 31, 23, 59, 59, 0, time.UTC).Unix())
	}
}

// TestStrings has every byte and many runes at every place of a word, against
// protojson.
func TestStrings(t *testing.T) {
	t.Parallel()
	s, _ := rich()
	md := s.message(t, "google.protobuf.StringValue")
	p := NewPlan(md, s.types, Options{})
	odd := []string{"é", "߿", "ࠀ", "힟", "\uffff", "\U00010000", "\U0010ffff", "\xed\xa0\x80", "\xe0\x9f\xbf", "\xc1\xbf", "\xf4\x90\x80\x80", "\xf0\x8f\xbf\xbf", "\xc3", "\xe6\xbc", "\xf0\x9f\x98"}
	for c := range 256 {
		odd = append(odd, string([]byte{byte(c)}))
	}
	for _, o := range odd {
		for before := range 18 {
			text := strings.Repeat("x", before) + o + strings.Repeat("y", 17-before)
			payload := protowire.AppendString([]byte{0x0a}, text)
			want, wantErr := oracle(s, md, payload, Options{})
			got, err := p.AppendJSON(nil, payload)
			if (err == nil) != (wantErr == nil) || err == nil && string(got) != want {
				t.Fatalf("%q: got %s, %v, want %s, %v", text, got, err, want, wantErr)
			}
		}
	}
}

// What a walk cannot finish leaves no trace in what is written instead.
func TestWalkStops(t *testing.T) {
	t.Parallel()
	s, md := rich()
	p := NewPlan(md, s.types, Options{})
	for _, payload := range []string{
		"\xd2\x02\x03\x12\x01\xff\xc8\x02\x05",                                                     // bad UTF-8 in a oneof member that another replaces
		"\xfa\x01\x07\x08\x07\x12\x03\x12\x01\xff\xfa\x01\x02\x08\x07",                             // and in a map's value
		"\xd2\x02\x05\x92\x03\x02\x10\xff\xc8\x02\x05",                                             // a damaged timestamp
		"\xd2\x02\x0f\x92\x03\x0c\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x08\x01\xc8\x02\x05", // one out of range
		"\xd2\x02\x06\xa2\x03\x03\x0a\x01x\xc8\x02\x05",                                            // an Any that cannot be resolved
		"\x8a\x01\x02\x08\x01\x12\x01a\x8a\x01\x02\x18\x02",                                        // a child in two parts
		"\xf2\x01\x03\x0a\x01k\x08\x01\xf2\x01\x03\x0a\x01j",                                       // a map in two parts
	} {
		t.Run(fmt.Sprintf("%x", payload), func(t *testing.T) {
			want, wantErr := oracle(s, md, []byte(payload), Options{})
			got, err := p.AppendJSON([]byte("before "), []byte(payload))
			if (err == nil) != (wantErr == nil) || err == nil && string(got) != "before "+want {
				t.Errorf("got %s, %v, want %s, %v", got, err, want, wantErr)
			}
			var e *Error
			if err != nil && !errors.As(err, &e) {
				t.Errorf("error %T", err)
			}
		})
	}
}
