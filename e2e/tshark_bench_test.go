//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"

	"github.com/wiregloss/wiregloss/capture"
	"github.com/wiregloss/wiregloss/demo/demov1"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
)

// What the capture of the benchmark holds.
const (
	benchMessages = 100_000 // of benchSize bytes, on one stream
	benchSize     = 75
	benchCalls    = 10_000 // unary, on one connection
)

// TestWriteBenchCapture writes what .ci/bench-inspect measures with into the
// folder that BENCH_CAPTURE names: bench.pcapng, always the same, and the .proto
// files for tshark. It is a test because it shares its schema with the others.
func TestWriteBenchCapture(t *testing.T) {
	dir := os.Getenv("BENCH_CAPTURE")
	if dir == "" {
		t.Skip("BENCH_CAPTURE is not set: .ci/bench-inspect sets it")
	}
	if err := os.CopyFS(filepath.Join(dir, "protos"), os.DirFS(writeSchema(t).dir)); err != nil {
		t.Fatal(err)
	}
	stream, calls := benchStream(t), benchUnary(t)
	for rec, want := range map[*record.Recording]int{stream: benchMessages + 1, calls: 2 * benchCalls} {
		trace := inspect.Decode(rec)
		if len(trace.Messages) != want || len(trace.Problems) > 0 {
			t.Fatalf("%d messages, want %d; problems %v", len(trace.Messages), want, trace.Problems)
		}
	}
	f, err := os.Create(filepath.Join(dir, "bench.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := capture.WritePCAPNG(f, []*record.Recording{stream, calls}); err != nil {
		t.Fatal(err)
	}
}

// madeUp is a connection of HTTP/2 that nobody made.
type madeUp struct {
	t    *testing.T
	rec  *record.Recording
	at   time.Duration
	ends [2]*madeUpEnd
}

type madeUpEnd struct {
	out    bytes.Buffer
	framer *http2.Framer
	packer *hpack.Encoder
	block  bytes.Buffer
}

func newMadeUp(t *testing.T, local string) *madeUp {
	t.Helper()
	m := &madeUp{t: t, rec: record.New(record.Meta{
		Start: time.Unix(1_700_000_000, 0), Network: "tcp", Address: "127.0.0.1:50051", Peer: "127.0.0.1:50051", Local: local,
	})}
	for dir := range m.ends {
		e := &madeUpEnd{}
		e.framer, e.packer = http2.NewFramer(&e.out, nil), hpack.NewEncoder(&e.block)
		m.ends[dir] = e
	}
	client, server := m.ends[record.Sent], m.ends[record.Received]
	client.out.WriteString(http2.ClientPreface)
	m.check(client.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30}))
	m.check(client.framer.WriteWindowUpdate(0, 1<<30))
	m.flush(record.Sent)
	m.check(server.framer.WriteSettings())
	m.check(server.framer.WriteWindowUpdate(0, 1<<30))
	m.check(server.framer.WriteSettingsAck())
	m.flush(record.Received)
	m.check(client.framer.WriteSettingsAck())
	return m
}

func (m *madeUp) check(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// flush records what an end has written as one write, ten microseconds later.
func (m *madeUp) flush(dir record.Dir) {
	m.at += 10 * time.Microsecond
	m.rec.Add(dir, m.at, m.ends[dir].out.Bytes())
	m.ends[dir].out.Reset()
}

func (m *madeUp) headers(dir record.Dir, stream uint32, end bool, fields ...string) {
	m.t.Helper()
	e := m.ends[dir]
	e.block.Reset()
	for i := 0; i+1 < len(fields); i += 2 {
		m.check(e.packer.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}))
	}
	m.check(e.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: e.block.Bytes(), EndHeaders: true, EndStream: end}))
}

func (m *madeUp) message(dir record.Dir, stream uint32, end bool, msg proto.Message) {
	m.t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(msg)
	m.check(err)
	m.check(m.ends[dir].framer.WriteData(stream, end, prefixed(b)))
}

// request begins a call, as grpc-go does.
func (m *madeUp) request(stream uint32, path string, msg proto.Message) {
	m.t.Helper()
	m.headers(record.Sent, stream, false, ":method", "POST", ":scheme", "http", ":path", path, ":authority", "127.0.0.1:50051",
		"content-type", "application/grpc", "user-agent", "grpc-go/1.84.0", "te", "trailers")
	m.message(record.Sent, stream, true, msg)
	m.flush(record.Sent)
	m.headers(record.Received, stream, false, ":status", "200", "content-type", "application/grpc")
}

// benchStream is one server stream. A write holds a hundred messages: tshark
// dissects no more than about 250 frames of one segment.
func benchStream(t *testing.T) *record.Recording {
	t.Helper()
	m := newMadeUp(t, "127.0.0.1:40001")
	m.request(1, "/demo.v1.LoadService/Flood", &demov1.FloodRequest{Count: benchMessages, Size: 20})
	for i := range benchMessages {
		m.message(record.Received, 1, false, benchItem(t, i))
		if i%100 == 99 {
			m.flush(record.Received)
		}
	}
	m.headers(record.Received, 1, true, "grpc-status", "0")
	m.flush(record.Received)
	m.rec.Close(nil)
	return m.rec
}

// benchItem is a message of benchSize bytes with a nested message, a packed field
// and a map in it.
func benchItem(t *testing.T, i int) *demov1.FloodItem {
	t.Helper()
	n := int32(i % 4)
	item := &demov1.FloodItem{
		Variant: n + 1,
		Source:  &demov1.Source{Name: "probe-1", Position: &demov1.Position{Latitude: 51_507_351 + n, Longitude: -127_758 - n}},
		Samples: []int32{3, 270, 86_942 + n},
		Counts:  map[string]int32{"ok": 200 + n},
		Level:   demov1.Level(1 + n%3),
		Mean:    float64(n) + 0.5,
		Payload: bytes.Repeat([]byte{'a' + byte(n)}, 21),
	}
	if size := proto.Size(item); size != benchSize {
		t.Fatalf("a message of %d bytes, want %d", size, benchSize)
	}
	return item
}

// benchUnary is many unary calls on one connection.
func benchUnary(t *testing.T) *record.Recording {
	t.Helper()
	m := newMadeUp(t, "127.0.0.1:40002")
	for i := range uint32(benchCalls) {
		stream := 2*i + 1
		m.request(stream, "/demo.v1.UserService/GetUser", &demov1.GetUserRequest{UserId: "1"})
		m.message(record.Received, stream, false, &demov1.User{
			Id: "1", Name: "Ada Lovelace", Age: 36, Tags: []string{"maths"}, Email: "ada@example.com",
		})
		m.headers(record.Received, stream, true, "grpc-status", "0", "grpc-message", "")
		m.flush(record.Received)
	}
	m.rec.Close(nil)
	return m.rec
}
