//go:build unix

package jsonpeers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"buf.build/go/hyperpb"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/wiregloss/wiregloss/inspect/pb"
	"github.com/wiregloss/wiregloss/json-peers/benchpb"
)

// payload is a message to be written as JSON.
type payload struct {
	name string
	wire []byte
	typ  protoreflect.MessageType
}

// payloads are the messages that the benchmarks of inspect/pb have, too: a user of
// 75 bytes, an order of 160, and lists of several orders in turns.
func payloads(tb testing.TB) []payload {
	tb.Helper()
	text, err := os.ReadFile("../../inspect/pb/testdata/bench/messages.jsonl")
	if err != nil {
		tb.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	user := &benchpb.User{}
	read(tb, lines[0], user)
	var orders []*benchpb.Order
	for _, line := range lines[1:] {
		order := &benchpb.Order{}
		read(tb, line, order)
		orders = append(orders, order)
	}
	return []payload{
		{"75B", write(tb, user), user.ProtoReflect().Type()},
		{"160B", write(tb, orders[0]), orders[0].ProtoReflect().Type()},
		listOf(tb, "10KB", orders, 10_000),
		listOf(tb, "1MB", orders, 1_000_000),
	}
}

func listOf(tb testing.TB, name string, orders []*benchpb.Order, size int) payload {
	tb.Helper()
	list := &benchpb.Orders{}
	for sum := 0; sum < size; {
		order := orders[len(list.GetOrders())%len(orders)]
		list.Orders = append(list.Orders, order)
		sum += proto.Size(order)
	}
	return payload{name, write(tb, list), list.ProtoReflect().Type()}
}

func read(tb testing.TB, text []byte, m proto.Message) {
	tb.Helper()
	if err := protojson.Unmarshal(text, m); err != nil {
		tb.Fatal(err)
	}
}

func write(tb testing.TB, m proto.Message) []byte {
	tb.Helper()
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	return wire
}

// way makes a function from wire to JSON, which is called again and again.
type way struct {
	name string
	make func(payload) func(dst, wire []byte) ([]byte, error)
}

var ways = []way{
	{"wiregloss", func(p payload) func(dst, wire []byte) ([]byte, error) {
		return pb.NewPlan(p.typ.Descriptor(), nil, pb.Options{}).AppendJSON
	}},
	{"dynamicpb", func(p payload) func(dst, wire []byte) ([]byte, error) {
		md := p.typ.Descriptor()
		return func(dst, wire []byte) ([]byte, error) {
			return viaMessage(dst, wire, dynamicpb.NewMessage(md))
		}
	}},
	{"generated", func(p payload) func(dst, wire []byte) ([]byte, error) {
		return func(dst, wire []byte) ([]byte, error) {
			return viaMessage(dst, wire, p.typ.New().Interface())
		}
	}},
	{"hyperpb", func(p payload) func(dst, wire []byte) ([]byte, error) {
		typ := hyperpb.CompileMessageDescriptor(p.typ.Descriptor())
		shared := new(hyperpb.Shared)
		return func(dst, wire []byte) ([]byte, error) {
			// Its quickest way: the memory of the last message is used again.
			defer shared.Free()
			m := shared.NewMessage(typ)
			if err := m.Unmarshal(wire); err != nil {
				return nil, err
			}
			return protojson.MarshalOptions{}.MarshalAppend(dst, m)
		}
	}},
}

func viaMessage(dst, wire []byte, m proto.Message) ([]byte, error) {
	if err := proto.Unmarshal(wire, m); err != nil {
		return nil, err
	}
	return protojson.MarshalOptions{}.MarshalAppend(dst, m)
}

// All ways must write the same, or there is nothing to compare.
func TestSameJSON(t *testing.T) {
	for _, p := range payloads(t) {
		var first string
		for _, w := range ways {
			out, err := w.make(p)(nil, p.wire)
			if err != nil {
				t.Fatalf("%s, %s: %v", p.name, w.name, err)
			}
			var text bytes.Buffer
			if err := json.Compact(&text, out); err != nil {
				t.Fatal(err)
			}
			if first == "" {
				first = text.String()
			} else if text.String() != first {
				t.Errorf("%s, %s: got %.300s\nwant %.300s", p.name, w.name, &text, first)
			}
		}
	}
}

func TestSizes(t *testing.T) {
	for i, p := range payloads(t) {
		want := []int{75, 160, 10_000, 1_000_000}[i]
		if n := len(p.wire); n < want*95/100 || n > want*105/100 {
			t.Errorf("%s has %d bytes", p.name, n)
		}
	}
}

func BenchmarkJSON(b *testing.B) {
	for _, p := range payloads(b) {
		for _, w := range ways {
			b.Run(fmt.Sprintf("%s/%s", p.name, w.name), func(b *testing.B) {
				convert := w.make(p)
				b.SetBytes(int64(len(p.wire)))
				b.ReportAllocs()
				var out []byte
				before := cpuTime(b)
				for b.Loop() {
					var err error
					if out, err = convert(out[:0], p.wire); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// cpuTime is what the process has had of all processors, the garbage collector's
// part included. Unlike the time of a clock it says the same on a busy machine.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
