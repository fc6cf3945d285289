package diff

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/demo/demov1"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/record"
)

// FuzzPayloads checks of any two payloads that they compare as the same exactly
// when their bytes are, and that the comparison has a mirror.
func FuzzPayloads(f *testing.F) {
	f.Add([]byte("\x0a\x011\x12\x03Ada\x18\x24"), []byte("\x0a\x011\x12\x03Bob\x18\xa4\x00"), uint8(0))
	f.Add([]byte("\x22\x04\x0a\x02ab"), []byte("\x22\x02\x10\x02\x22\x02\x10\x01"), uint8(0))
	f.Add([]byte("\x0a\x02\x01\x02"), []byte("\x08\x01\x08\x02\x08\x03"), uint8(1))
	f.Add([]byte(`{"a":[1,2,{"b":null}]}`), []byte(`{"a":[2,1.0],"a":"x"}`), uint8(3))
	f.Add([]byte("one\ntwo\n"), []byte("two\r\none"), uint8(4))
	f.Add([]byte("\x32\x7f"), []byte("\x30"), uint8(1)) // a gap whose tag names a field
	f.Add([]byte("\x0b\x0c\x08"), []byte("\x0b\x08\x01\x0c"), uint8(2))
	users := (&demov1.ListUsersResponse{}).ProtoReflect().Descriptor()
	location := (&descriptorpb.FileDescriptorProto{}).ProtoReflect().Descriptor()
	f.Fuzz(func(t *testing.T, a, b []byte, how uint8) {
		if len(a) > 1<<14 || len(b) > 1<<14 {
			return
		}
		var sides [2]Side
		for i, payload := range [][]byte{a, b} {
			switch how % 5 {
			case 3:
				sides[i] = bodyCall(t, "application/json", payload).side("")
			case 4:
				sides[i] = bodyCall(t, "text/plain", payload).side("")
			default:
				sides[i] = grpcCall(t, payload).side("")
				sides[i].Input = []protoreflect.MessageDescriptor{users, location, nil}[how%5]
				sides[i].Types = envelope.Fallback(nil)
			}
		}
		same := true
		for _, s := range Calls(sides[0], sides[1]).Sections {
			same = same && (s.Topic != Message || s.Same())
		}
		if same != bytes.Equal(a, b) {
			t.Errorf("the messages are the same: %v; their bytes are: %v", same, bytes.Equal(a, b))
		}
		wantMirrored(t, sides[0], sides[1])
	})
}

// FuzzRecordings compares connections of any bytes.
func FuzzRecordings(f *testing.F) {
	w := grpcCall(f, []byte("\x0a\x011"))
	sent := w.rec.Append(nil, record.Span{Dir: record.Sent, Len: w.rec.Size(record.Sent)})
	received := w.rec.Append(nil, record.Span{Dir: record.Received, Len: w.rec.Size(record.Received)})
	f.Add(sent, received, []byte(nil))
	f.Add(sent, received, sent[:40])
	f.Add([]byte("GET /x HTTP/1.1\r\nhost: h\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"), []byte("x"))
	f.Fuzz(func(t *testing.T, sent, received, more []byte) {
		side := func(received []byte) Side {
			rec := record.New(record.Meta{})
			rec.Add(record.Sent, 0, sent)
			rec.Add(record.Received, 1, received)
			return Side{Recording: rec, Trace: inspect.Decode(rec), Stream: 1}
		}
		a, b := side(received), side(append(bytes.Clone(more), received...))
		wantSelfSame(t, a)
		wantMirroredCounts(t, a, b)
	})
}
