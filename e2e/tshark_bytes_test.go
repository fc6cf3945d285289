//go:build e2e

package e2e

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
)

// Fields of wire.v1.Kinds, as protowire writes them.
func varint(n protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), v)
}

func fixed64(n protowire.Number, v uint64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(nil, n, protowire.Fixed64Type), v)
}

func fixed32(n protowire.Number, v uint32) []byte {
	return protowire.AppendFixed32(protowire.AppendTag(nil, n, protowire.Fixed32Type), v)
}

func length(n protowire.Number, parts ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), bytes.Join(parts, nil))
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// everyKind has each kind of field with values at its edges.
func everyKind() []byte {
	return join(
		varint(1, math.MaxUint64), varint(2, 1<<63), varint(3, math.MaxUint32), varint(4, math.MaxUint64),
		varint(5, protowire.EncodeZigZag(math.MinInt32)), varint(6, protowire.EncodeZigZag(math.MinInt64)),
		varint(7, 1), varint(8, 1), fixed64(9, math.MaxUint64), fixed64(10, 1<<63), fixed64(11, math.Float64bits(-2.5e-7)),
		length(12, []byte("é ☺ \"quoted\" {}")), length(13, []byte{0, 0xff, 0x80}), fixed32(14, math.MaxUint32), fixed32(15, 1<<31),
		fixed32(16, math.Float32bits(0.1)), varint(536870911, 7),
	)
}

// oddMessages are messages of wire.v1.Kinds that parse, many of them not as an
// encoder would write them.
func oddMessages() [][]byte {
	inner := join(varint(1, 5), length(12, []byte("inner")))
	return [][]byte{
		everyKind(),
		nil,
		length(20), // an empty message
		length(20, everyKind(), length(20, inner)), // nested
		join(length(21, inner), length(21), length(21, everyKind())),
		join(length(22, varint(1, 9), length(2, inner)), length(22, length(2, inner), varint(1, 9)), length(22)), // map entries, one backwards, one empty
		join(length(23, length(1, []byte("pi")), fixed64(2, math.Float64bits(math.Pi))), length(23, length(1, []byte("pi")))),
		join(length(24, []byte("one")), length(25, inner), length(24, []byte("another"))), // a oneof, three times
		join(length(30, []byte{1, 0x96, 1, 0xac, 2}), length(30), varint(30, 7)),          // packed, empty, and not packed
		join(varint(31, 1), varint(31, 2), length(31, []byte{3, 4})),                      // not packed, and packed
		join(length(32, make([]byte, 16)), length(33, []byte{0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}), length(34, []byte{1, 0})),
		join(length(35, []byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}), length(36, []byte{1, 2, 3}), length(38, []byte{0, 0, 0xc0, 0x3f})),
		join(length(37, []byte("a")), length(37), length(37, []byte("c"))),
		join(varint(1, 1), varint(1, 2), varint(2, 3), varint(1, 3)), // a singular field, three times
		{0x08, 0x85, 0x80, 0x80, 0x00, 0x10, 0x80, 0x00},             // varints longer than need be
		{0x88, 0x80, 0x00, 0x05},         // a tag longer than need be
		join(varint(3, 1), varint(1, 2)), // out of order
		length(40, length(1, []byte("type.googleapis.com/wire.v1.Slim")), length(2, varint(1, 3))),
		length(41, varint(1, 1_700_000_000), varint(2, 123_000_000)),
		join(varint(1, 4), varint(1000, 5), length(1001, []byte("not in the schema")), fixed32(1002, 1), fixed64(1003, 2), varint(2, 6)),
		length(20, varint(1000, 5), length(20, length(1001, inner))), // unknown, deep inside
	}
}

// group has a group between two other fields.
func group() []byte {
	return join(varint(1, 1), protowire.AppendTag(nil, 50, protowire.StartGroupType), varint(1, 9),
		protowire.AppendTag(nil, 50, protowire.EndGroupType), varint(2, 2))
}

// oddBytes sends messages as they are, both ways.
func oddBytes() scenario {
	return scenario{
		name: "odd protobuf", serve: echoAddress,
		least: facts{
			"messages": 2 * len(oddMessages()), "unknown": 20, "packed": 12, "values": 150, "absolute": 2 * len(oddMessages()),
			"past a group": 2,
		},
		drive: func(t *testing.T, addr string) {
			t.Helper()
			cc := dial(t, addr)
			defer cc.Close()
			stream := echoStream(t, cc)
			for _, msg := range append(oddMessages(), group()) {
				exchange(t, stream, msg)
			}
			request, reply := everyKind(), []byte(nil)
			if err := cc.Invoke(t.Context(), "/wire.v1.Echo/Guess", &request, &reply, grpc.ForceCodecV2(bytesCodec{})); err != nil {
				t.Fatal(err)
			}
		},
	}
}

func echoAddress(t *testing.T) string {
	t.Helper()
	_, addr := echoServer(t)
	return addr
}

// ownFraming cuts messages into DATA frames in ways that grpc-go does not.
func ownFraming() scenario {
	return scenario{
		name: "messages across frames", serve: echoAddress, drive: sendCuts,
		least: facts{"messages": 12, "joined": 2, "PRIORITY": 2, "CONTINUATION": 2, "PADDED": 3, "size updates": 1},
	}
}

// sendCuts speaks HTTP/2 by hand.
func sendCuts(t *testing.T, addr string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	out.WriteString(http2.ClientPreface)
	fr := http2.NewFramer(&out, conn)
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	note(fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20}))
	block := requestBlock(addr)
	first, second, third := block[:7], block[7:20], block[20:]
	note(fr.WriteHeaders(http2.HeadersFrameParam{
		StreamID: 1, BlockFragment: first, PadLength: 9, Priority: http2.PriorityParam{StreamDep: 0, Weight: 40},
	}))
	note(fr.WriteContinuation(1, false, second))
	note(fr.WriteContinuation(1, true, third))
	note(fr.WritePriority(3, http2.PriorityParam{StreamDep: 1, Exclusive: true, Weight: 7}))
	m := prefixed(everyKind())
	note(fr.WriteData(1, false, join(m, m, prefixed(nil))))                  // three in a frame
	note(fr.WriteData(1, false, join(m, m[:3])))                             // one, and a part of a prefix
	note(fr.WriteData(1, false, m[3:5]))                                     // the rest of the prefix
	note(fr.WriteDataPadded(1, false, m[5:40], make([]byte, 30)))            // a part of the message
	note(fr.WriteData(1, false, nil))                                        // nothing
	note(fr.WriteDataPadded(1, false, join(m[40:], m[:20]), []byte{0}))      // its end, and the begin of the next
	note(fr.WriteDataPadded(1, true, m[20:], nil))                           // the end
	note(fr.WriteRawFrame(http2.FrameType(0xbe), 0x5, 0, []byte("unknown"))) // of a type to be ignored
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.Write(out.Bytes()); err != nil {
		t.Fatal(err)
	}
	awaitTrailers(t, http2.NewFramer(io.Discard, conn))
}

// awaitTrailers reads until the server ends stream 1.
func awaitTrailers(t *testing.T, fr *http2.Framer) {
	t.Helper()
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if h, ok := f.(*http2.HeadersFrame); ok && h.StreamEnded() {
			return
		}
	}
}

func requestBlock(addr string) []byte {
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	enc.SetMaxDynamicTableSize(2048) // the block begins with a size update
	for _, f := range []hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":path", Value: "/wire.v1.Echo/Chat"},
		{Name: ":authority", Value: addr},
		{Name: "content-type", Value: "application/grpc"},
		{Name: "te", Value: "trailers"},
		{Name: "x-secret", Value: "never indexed", Sensitive: true},
	} {
		_ = enc.WriteField(f) // a buffer takes all
	}
	return block.Bytes()
}

func prefixed(msg []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(msg))), msg...)
}
