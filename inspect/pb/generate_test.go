package pb

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// generator writes random payloads of a schema: fields in any order, several
// times, packed or not, with unknown fields among them and now and then damage.
type generator struct {
	*rand.Rand
	s      *schema
	damage float64 // how likely each field is damaged
	fields int     // how many fields a message has at most
}

func (g *generator) one(in int) bool { return g.IntN(in) == 0 }

func (g *generator) message(md protoreflect.MessageDescriptor, depth int) []byte {
	switch md.FullName() {
	case "google.protobuf.Any":
		return g.any(depth)
	case "google.protobuf.Timestamp", "google.protobuf.Duration":
		return g.moment(md)
	case "google.protobuf.FieldMask":
		return g.mask()
	}
	var fds []protoreflect.FieldDescriptor
	for i := range md.Fields().Len() {
		fds = append(fds, md.Fields().Get(i))
	}
	for _, num := range []protoreflect.FieldNumber{100, 101, 102, 103, 104, 105, 106, 1000} {
		if xt, err := g.s.types.FindExtensionByNumber(md.FullName(), num); err == nil {
			fds = append(fds, xt.TypeDescriptor())
		}
	}
	var b []byte
	for i := range md.RequiredNumbers().Len() {
		b = g.field(b, md.Fields().ByNumber(md.RequiredNumbers().Get(i)), depth)
	}
	if md.FullName() == "google.protobuf.Value" {
		b = g.field(b, fds[g.IntN(4)], depth)
	}
	for range g.IntN(g.fields + 1) {
		if len(fds) > 0 {
			b = g.field(b, fds[g.IntN(len(fds))], depth)
		}
	}
	if g.one(8) {
		b = append(b, "\xaa\xc1\x02\x01x\xab\xc1\x02\x08\x01\xac\xc1\x02"...) // unknown: a string and a group
	}
	return b
}

// moment is a Timestamp or Duration, seldom out of range or with parts in disorder.
func (g *generator) moment(md protoreflect.MessageDescriptor) []byte {
	secs, nanos := g.Int64N(4e9), int64(g.IntN(1000))*[]int64{0, 1, 1e3, 1e6}[g.IntN(4)]
	switch {
	case g.one(4) && md.Name() == "Duration":
		secs, nanos = -secs, -nanos
	case g.one(4) && md.Name() == "Timestamp":
		secs = g.Int64N(maxTimestamp-minTimestamp+1) + minTimestamp
	case g.Float64() < g.damage:
		secs, nanos = g.Int64(), int64(int32(g.Uint32()))
	}
	a := protowire.AppendVarint([]byte{0x08}, uint64(secs))
	b := protowire.AppendVarint([]byte{0x10}, uint64(nanos))
	switch {
	case g.one(10):
		return append(b, a...)
	case g.one(10):
		return append(append(a, "\xaa\xc1\x02\x01x"...), a...)
	}
	return append(a, b...)
}

func (g *generator) mask() []byte {
	var b []byte
	for range g.IntN(3) {
		paths := []string{"a_b", "c.d_e", "f", "foo.bar_baz.q1"}
		if g.Float64() < g.damage {
			paths = []string{"", "A", "a__b", "a_", ".a", "a.", "1a", "a_1", "a-b", "é"}
		}
		b = protowire.AppendString(append(b, 0x0a), paths[g.IntN(len(paths))])
	}
	if g.one(8) {
		b = append(b, "\xaa\xc1\x02\x01x"...)
	}
	return b
}

// text is a string; long ones have what needs care at any place.
func (g *generator) text() string {
	short := []string{"", "a", "b", "text", "\"\\\n\x01\x7f", "é漢\U0001f600\ufffd", "\u2028<>&"}
	if !g.one(6) {
		return short[g.IntN(len(short))]
	}
	long := strings.Repeat("plain text ", 4)[:g.IntN(44)]
	at := g.IntN(len(long) + 1)
	return long[:at] + short[g.IntN(len(short))] + long[at:]
}

func (g *generator) any(depth int) []byte {
	names := []protoreflect.FullName{"rich.Rich", "rich.old.Needy", "rich.edition.Modern", "google.protobuf.Timestamp", "google.protobuf.Any", "google.protobuf.Empty"}
	name := names[g.IntN(len(names))]
	b := protowire.AppendString([]byte{0x0a}, "type.googleapis.com/"+string(name))
	if d, err := g.s.files.FindDescriptorByName(name); err == nil && depth > 0 {
		b = protowire.AppendBytes(append(b, 0x12), g.message(d.(protoreflect.MessageDescriptor), depth-1))
	}
	return b
}

// varint appends v, sometimes in more bytes than it needs.
func (g *generator) varint(b []byte, v uint64) []byte {
	b = protowire.AppendVarint(b, v)
	if n := protowire.SizeVarint(v); n < 9 && g.one(20) {
		b[len(b)-1] |= 0x80
		b = append(b, 0)
	}
	return b
}

func (g *generator) field(b []byte, fd protoreflect.FieldDescriptor, depth int) []byte {
	if fd.Message() != nil && depth == 0 {
		return b
	}
	wire := protowire.Type(wireOf(fd.Kind()))
	if packable(fd) && g.one(2) {
		b = g.varint(b, protowire.EncodeTag(fd.Number(), protowire.BytesType))
		var packed []byte
		for range g.IntN(4) {
			packed = g.value(packed, fd, depth)
		}
		return append(g.varint(b, uint64(len(packed))), packed...)
	}
	if g.Float64() < g.damage {
		wire = protowire.Type(g.IntN(8))
	}
	b = g.varint(b, protowire.EncodeTag(fd.Number(), wire))
	b = g.value(b, fd, depth)
	if g.Float64() < g.damage {
		b = b[:len(b)-g.IntN(min(len(b), 3))]
	}
	return b
}

func (g *generator) value(b []byte, fd protoreflect.FieldDescriptor, depth int) []byte {
	switch fd.Kind() {
	case protoreflect.StringKind:
		if g.Float64() < g.damage {
			return append(b, "\x02\xff\xfe"...)
		}
		s := g.text()
		return append(g.varint(b, uint64(len(s))), s...)
	case protoreflect.BytesKind:
		return protowire.AppendBytes(b, []byte("\x00\xff\xfe+/")[:g.IntN(6)])
	case protoreflect.MessageKind:
		content := g.message(fd.Message(), depth-1)
		return append(g.varint(b, uint64(len(content))), content...)
	case protoreflect.GroupKind:
		b = append(b, g.message(fd.Message(), depth-1)...)
		return g.varint(b, protowire.EncodeTag(fd.Number(), protowire.EndGroupType))
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return g.float(b, fd.Kind())
	}
	v := []uint64{0, 1, 2, 5, 127, 128, 300, 1 << 31, 1<<32 - 1, 1 << 32, 1 << 63, math.MaxUint64, g.Uint64()}[g.IntN(13)]
	switch wireOf(fd.Kind()) {
	case Fixed32:
		return protowire.AppendFixed32(b, uint32(v))
	case Fixed64:
		return protowire.AppendFixed64(b, v)
	}
	return g.varint(b, v)
}

func (g *generator) float(b []byte, kind protoreflect.Kind) []byte {
	fs := []float64{0, math.Copysign(0, -1), 1, -1.5, 0.1, 1e-6, 9.9e-7, 1e-7, 1e20, 1e21, 1e22, 123456789, math.MaxFloat32, g.NormFloat64()}
	f := fs[g.IntN(len(fs))]
	if g.Float64() < g.damage {
		f = []float64{math.NaN(), math.Inf(1), math.Inf(-1)}[g.IntN(3)]
	}
	if kind == protoreflect.FloatKind {
		return protowire.AppendFixed32(b, math.Float32bits(float32(f)))
	}
	return protowire.AppendFixed64(b, math.Float64bits(f))
}

// TestGenerated holds everything against protobuf-go and the properties, on
// payloads that a byte fuzzer would seldom find.
func TestGenerated(t *testing.T) {
	t.Parallel()
	s, md := rich()
	g := &generator{Rand: rand.New(rand.NewPCG(1, 2)), s: s, fields: 12}
	var plans []*Plan
	for _, o := range fuzzOptions {
		plans = append(plans, NewPlan(md, s.types, o))
	}
	accepted := 0
	const cases = 4000
	for i := range cases {
		g.damage = []float64{0, 0, 0.01}[i%3]
		b := g.message(md, 4)
		p, o := plans[i%2], fuzzOptions[i%2]
		want, wantErr := oracle(s, md, b, o)
		if errors.Is(wantErr, errPanics) {
			continue
		}
		got, err := p.AppendJSON(nil, b)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%x\nerror %v, protobuf-go says %v", b, err, wantErr)
		}
		if err == nil && string(got) != want {
			t.Fatalf("%x\ngot  %s\nwant %s", b, got, want)
		}
		if err == nil {
			accepted++
		} else {
			checkError(t, err, b)
		}
		checkLinks(t, p, b)
		checkTiles(t, Fields(b, md, s.types), Range{0, len(b)})
		checkTiles(t, Fields(b, nil, nil), Range{0, len(b)})
	}
	if accepted < cases/3 {
		t.Errorf("only %d of %d payloads were accepted: the generator is too wild", accepted, cases)
	}
}
