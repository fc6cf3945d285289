package pb

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// benchPayload is a valid message of about size bytes whose fields are in order,
// as encoders write them; a large one is a list of messages of 160 bytes.
func benchPayload(b *testing.B, s *schema, md protoreflect.MessageDescriptor, size int) []byte {
	b.Helper()
	g := &generator{Rand: rand.New(rand.NewPCG(3, uint64(size))), s: s, fields: 10}
	if size <= 160 {
		return g.valid(b, md, size)
	}
	var payload []byte
	for len(payload) < size {
		payload = append(payload, 0xd2, 0x01) // Rich.children
		payload = protowire.AppendBytes(payload, g.valid(b, md, 160))
	}
	return payload
}

func (g *generator) valid(b *testing.B, md protoreflect.MessageDescriptor, size int) []byte {
	for range 100_000 {
		m := dynamicpb.NewMessage(md)
		if err := (proto.UnmarshalOptions{Resolver: g.s.types}).Unmarshal(g.message(md, 3), m); err != nil {
			continue
		}
		payload, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil || len(payload) < size*9/10 || len(payload) > size*11/10 {
			continue
		}
		if _, err := oracle(g.s, md, payload, Options{}); err == nil {
			return payload
		}
	}
	b.Fatalf("no payload of %d bytes found", size)
	return nil
}

var benchSizes = []int{75, 160, 10_000}

func BenchmarkAppendJSON(b *testing.B) {
	s, md := rich()
	p := NewPlan(md, s.types, Options{})
	for _, size := range benchSizes {
		payload := benchPayload(b, s, md, size)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			var out []byte
			for b.Loop() {
				var err error
				if out, err = p.AppendJSON(out[:0], payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkProtojson(b *testing.B) {
	s, md := rich()
	for _, size := range benchSizes {
		payload := benchPayload(b, s, md, size)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			var out []byte
			for b.Loop() {
				m := dynamicpb.NewMessage(md)
				if err := (proto.UnmarshalOptions{Resolver: s.types}).Unmarshal(payload, m); err != nil {
					b.Fatal(err)
				}
				var err error
				if out, err = (protojson.MarshalOptions{Resolver: s.types}).MarshalAppend(out[:0], m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkJSONLinks(b *testing.B) {
	s, md := rich()
	p := NewPlan(md, s.types, Options{})
	for _, size := range benchSizes {
		payload := benchPayload(b, s, md, size)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := p.JSONLinks(payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFields(b *testing.B) {
	s, md := rich()
	for _, size := range benchSizes {
		payload := benchPayload(b, s, md, size)
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for b.Loop() {
				Fields(payload, md, s.types)
			}
		})
	}
}
