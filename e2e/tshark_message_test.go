//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
)

// theirMessage is a gRPC message as tshark shows it.
type theirMessage struct {
	frame    theirFrame // that completed it
	ours     inspect.Frame
	grpc     *item
	protobuf *item // nil if there is none
}

// messages compares the messages of a direction, stream by stream.
func (c *comparison) messages(dir record.Dir, list []theirFrame) {
	c.t.Helper()
	theirs := map[uint32][]theirMessage{}
	for i, index := range c.ourFrames(dir) {
		f := c.trace.Frames[index]
		for _, layer := range list[i].above {
			of := theirs[f.Stream]
			switch layer.name {
			case "grpc":
				theirs[f.Stream] = append(of, theirMessage{frame: list[i], ours: f, grpc: layer})
			case "protobuf":
				if len(of) > 0 {
					of[len(of)-1].protobuf = layer
				}
			}
		}
	}
	ours := map[uint32][]inspect.Message{}
	for _, m := range c.trace.Messages {
		if m.Dir == dir && m.Framing == inspect.GRPC {
			ours[m.Stream] = append(ours[m.Stream], m)
		}
	}
	for _, s := range c.trace.Streams {
		if len(ours[s.ID]) != len(theirs[s.ID]) {
			c.errorf("stream %d %v: %d messages, tshark has %d", s.ID, dir, len(ours[s.ID]), len(theirs[s.ID]))
			continue
		}
		for i, m := range ours[s.ID] {
			c.message(s, m, theirs[s.ID][i])
		}
	}
}

// message compares one message: prefix, bytes, payload and fields.
func (c *comparison) message(s inspect.Stream, m inspect.Message, theirs theirMessage) {
	c.t.Helper()
	c.facts["messages"]++
	where := fmt.Sprintf("%s: message %d", theirs.frame.where(), m.Seq)
	declared, flag := theirs.grpc.number(c.t, "grpc.message_length"), theirs.grpc.number(c.t, "grpc.compressed_flag")
	if uint64(m.Length) != declared || m.Compressed != (flag == 1) {
		c.errorf("%s has length %d and compressed %v, tshark says %d and %d", where, m.Length, m.Compressed, declared, flag)
		return
	}
	c.place(where, m, theirs)
	payload, err := c.trace.Payload(c.rec, m)
	if err != nil {
		c.errorf("%s: %v", where, err)
		return
	}
	data := theirs.grpc.get("grpc.message_data")
	if m.Compressed {
		c.facts["gzip"]++
		c.inflated(where, len(payload), theirs.grpc)
	}
	if !bytes.Equal(payload, data.bytes(c.t)) {
		c.errorf("%s: %d bytes of payload, tshark has %d and not the same", where, len(payload), data.length)
		return
	}
	if len(payload) == 0 {
		return
	}
	rpc, ok := c.types.RPC(s.Path)
	if !ok {
		c.protobuf(where, m, payload, nil, theirs)
		return
	}
	md := rpc.Method.Output()
	if m.Dir == record.Sent {
		md = rpc.Method.Input()
	}
	c.protobuf(where, m, payload, md, theirs)
}

// place compares where a message lies on the wire: in one frame, or in pieces.
func (c *comparison) place(where string, m inspect.Message, theirs theirMessage) {
	c.t.Helper()
	spans := c.trace.Spans(m)
	pieces := theirs.frame.layer.get("http2.body.fragments")
	if len(spans) == 1 {
		c.facts["absolute"]++
		if at := theirs.frame.at(theirs.ours, theirs.grpc); at != spans[0].Off || int64(theirs.grpc.length) != spans[0].Len {
			c.errorf("%s is at %v, tshark has %d+%d", where, spans, at, theirs.grpc.length)
		}
		return
	}
	c.facts["joined"]++
	var lengths []int64
	for _, piece := range pieces.all("http2.body.fragment") {
		if piece.name == "http2.body.fragment" {
			lengths = append(lengths, int64(piece.length))
		}
	}
	same := len(lengths) == len(spans)
	for i := range min(len(lengths), len(spans)) {
		same = same && lengths[i] == spans[i].Len
	}
	if !same {
		c.errorf("%s is in %v, tshark joins pieces of %v", where, spans, lengths)
	}
}

// inflated compares the sizes that tshark tells of a compressed message:
// "Message-encoded entity body (gzip): 230 bytes -> 237 bytes".
func (c *comparison) inflated(where string, size int, grpc *item) {
	c.t.Helper()
	for _, it := range grpc.under {
		if strings.HasPrefix(it.name, "Message-encoded entity body") {
			if want := fmt.Sprintf("-> %d bytes", size); !strings.Contains(it.name+it.text, want) {
				c.errorf("%s is %d bytes decompressed, tshark says %q", where, size, it.name)
			}
			return
		}
	}
	c.errorf("%s: tshark does not decompress it", where)
}

// protobuf compares the fields of a message.
func (c *comparison) protobuf(where string, m inspect.Message, payload []byte, md protoreflect.MessageDescriptor, theirs theirMessage) {
	c.t.Helper()
	if theirs.protobuf == nil {
		c.errorf("%s: tshark shows no protobuf", where)
		return
	}
	list := theirs.protobuf.all("Message: ")
	if len(list) != 1 {
		c.errorf("%s: tshark shows %d protobuf messages", where, len(list))
		return
	}
	w := &fieldWalk{comparison: c, where: where, m: m, payload: payload, base: theirs.protobuf.pos}
	if md != nil {
		w.link(md, c.types.Types)
		if want := "Message: " + string(md.FullName()); list[0].name != want {
			c.errorf("%s: tshark takes it for %q, want %q", where, list[0].name, want)
		}
	}
	if len(c.trace.Spans(m)) == 1 && !m.Compressed {
		w.wire, w.absolute = theirs.frame.at(theirs.ours, theirs.protobuf), true
	}
	w.fields("", inspect.Fields(payload, md, c.types.Types), list[0].all("Field("))
}
