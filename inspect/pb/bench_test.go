package pb

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// benchCase is a message that benchmarks turn into JSON.
type benchCase struct {
	name    string
	s       *schema
	md      protoreflect.MessageDescriptor
	payload []byte
}

// benchCases are ordinary messages, which .ci/json-peers has as well, and odd
// ones: random, of every kind of field, and a third of it what most messages lack.
func benchCases(b *testing.B) []benchCase {
	b.Helper()
	text, err := os.ReadFile("testdata/bench/messages.jsonl")
	if err != nil {
		b.Fatal(err)
	}
	s := compile(b, []string{"testdata/proto"}, "bench.proto")
	var lines [][]byte
	for i, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		name := protoreflect.FullName("bench.Order")
		if i == 0 {
			name = "bench.User"
		}
		m := dynamicpb.NewMessage(s.message(b, name))
		if err := protojson.Unmarshal(line, m); err != nil {
			b.Fatal(err)
		}
		wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			b.Fatal(err)
		}
		lines = append(lines, wire)
	}
	user, order, list := s.message(b, "bench.User"), s.message(b, "bench.Order"), s.message(b, "bench.Orders")
	odd, all := rich()
	cases := []benchCase{
		{"75B", s, user, lines[0]},
		{"160B", s, order, lines[1]},
		{"10KB", s, list, repeatField(0x0a, lines[1:], 10_000)},
		{"1MB", s, list, repeatField(0x0a, lines[1:], 1_000_000)},
	}
	for _, size := range benchSizes {
		cases = append(cases, benchCase{fmt.Sprintf("odd-%d", size), odd, all, benchPayload(b, odd, all, size)})
	}
	return cases
}

// repeatField makes a message of about size bytes of one repeated field.
func repeatField(tag byte, values [][]byte, size int) []byte {
	var payload []byte
	for i := 0; len(payload) < size; i++ {
		payload = protowire.AppendBytes(append(payload, tag), values[i%len(values)])
	}
	return payload
}

// benchSizes are the sizes of the odd messages.
var benchSizes = []int{75, 160, 10_000}

// benchPayload is a valid random message of about size bytes in the order in which
// encoders write; a large one is a list of messages of 160 bytes.
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

// each runs a benchmark of every case.
func each(b *testing.B, make func(benchCase) func() error) {
	b.Helper()
	for _, c := range benchCases(b) {
		b.Run(c.name, func(b *testing.B) {
			run := make(c)
			b.SetBytes(int64(len(c.payload)))
			b.ReportAllocs()
			for b.Loop() {
				if err := run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	each(b, func(c benchCase) func() error {
		p := NewPlan(c.md, c.s.types, Options{})
		var out []byte
		return func() (err error) {
			out, err = p.AppendJSON(out[:0], c.payload)
			return err
		}
	})
}

// BenchmarkProtojson is what BenchmarkAppendJSON is compared with.
func BenchmarkProtojson(b *testing.B) {
	each(b, func(c benchCase) func() error {
		var out []byte
		return func() (err error) {
			m := dynamicpb.NewMessage(c.md)
			if err := (proto.UnmarshalOptions{Resolver: c.s.types}).Unmarshal(c.payload, m); err != nil {
				return err
			}
			out, err = protojson.MarshalOptions{Resolver: c.s.types}.MarshalAppend(out[:0], m)
			return err
		}
	})
}

func BenchmarkJSONLinks(b *testing.B) {
	each(b, func(c benchCase) func() error {
		p := NewPlan(c.md, c.s.types, Options{})
		return func() error {
			_, _, err := p.JSONLinks(c.payload)
			return err
		}
	})
}

func BenchmarkFields(b *testing.B) {
	each(b, func(c benchCase) func() error {
		return func() error {
			Fields(c.payload, c.md, c.s.types)
			return nil
		}
	})
}
