package pb

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/wiregloss/wiregloss/internal/testdata"
)

// checkViews holds everything that is told of a payload to its promises.
func checkViews(t *testing.T, payload []byte, md protoreflect.MessageDescriptor, types Types) {
	t.Helper()
	for _, md := range []protoreflect.MessageDescriptor{md, nil} {
		checkTiles(t, Fields(payload, md, types), Range{0, len(payload)})
		checkFindings(t, Canonical(payload, md, types), len(payload))
		p := NewProfile(md, types)
		p.Add(payload)
		checkCosts(t, p)
	}
}

func skeletonOf(t *testing.T, payload []byte) {
	t.Helper()
	s := NewSkeleton("x.Y")
	s.Add(payload)
	checkSkeleton(t, s.Proto(), "x.Y", []string{string(payload)})
}

func TestViewsOfConformance(t *testing.T) {
	t.Parallel()
	cases := conformanceCases(t)
	s := compile(t, []string{testdata.Dir(t, "proto/protobuf/src")},
		"google/protobuf/test_messages_proto2.proto", "google/protobuf/test_messages_proto3.proto")
	g := &generator{s: s}
	rewritten := 0
	for _, c := range cases {
		payload, err := hex.DecodeString(c.Wire)
		if err != nil {
			t.Fatal(err)
		}
		md := s.message(t, c.Message)
		checkViews(t, payload, md, s.types)
		skeletonOf(t, payload)
		m := dynamicpb.NewMessage(md)
		if !c.Parses || g.unmarshal(payload, m) != nil {
			continue
		}
		g.rewriteAnys(t, m)
		again, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		// What protobuf-go keeps as unknown is written again as it came.
		found := slices.DeleteFunc(structural(Canonical(again, md, s.types)), func(f Finding) bool { return f.Rule == WrongWireType })
		if len(found) > 0 {
			t.Errorf("%x, written again: %x\n%s", payload, again, findings(found))
		}
		rewritten++
	}
	if rewritten < 100 {
		t.Errorf("only %d inputs were written again", rewritten)
	}
}

func TestViewsOfProtoscope(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(testdata.Dir(t, "wire/protoscope"), "*.pb"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	s := compile(t, []string{testdata.Dir(t, "wire/protoscope")}, "unittest.proto")
	var mds []protoreflect.MessageDescriptor
	s.files.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		for i := range f.Messages().Len() {
			mds = append(mds, f.Messages().Get(i))
		}
		return true
	})
	for _, file := range files {
		payload, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		skeletonOf(t, payload)
		for _, md := range mds {
			checkViews(t, payload, md, s.types)
		}
		if len(mds) == 0 {
			t.Fatal("no messages in unittest.proto")
		}
	}
}

// The details of a google.rpc.Status are expanded in place, their bytes kept.
func TestFieldsOfStatusDetails(t *testing.T) {
	t.Parallel()
	detail, err := anypb.New(&errdetails.ErrorInfo{Reason: "QUOTA", Metadata: map[string]string{"zone": "a"}})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := proto.Marshal(&status.Status{Code: 8, Message: "busy", Details: []*anypb.Any{detail}})
	if err != nil {
		t.Fatal(err)
	}
	md := (&status.Status{}).ProtoReflect().Descriptor()
	nodes := Fields(payload, md, protoregistry.GlobalTypes)
	checkTiles(t, nodes, Range{0, len(payload)})
	want := `code=8, message="busy", details{type_url="type.googleapis.com/google.rpc.ErrorInfo", value{reason="QUOTA", metadata{key="zone", value="a"}}}`
	if got := outline(nodes, payload); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	value := nodes[2].Children[1].Value
	if got := string(payload[value.Off:value.End()]); got != string(detail.GetValue()) {
		t.Errorf("value is %x, want %x", got, detail.GetValue())
	}
	if found := Canonical(payload, md, protoregistry.GlobalTypes); len(found) > 0 {
		t.Errorf("%s", findings(found))
	}
}

// Unknown fields are kept and marked wherever they are.
func TestUnknownFieldsAtAnyDepth(t *testing.T) {
	t.Parallel()
	s, md := rich()
	const unknown = "\xb8\x3e\x05" // field 999
	in := func(tag, content string) string {
		return string(protowire.AppendBytes([]byte(tag), []byte(content)))
	}
	for name, payload := range map[string]string{
		"top":       unknown,
		"message":   in("\x8a\x01", unknown),
		"group":     in("\x82\x05", "\x33"+unknown+"\x34"),
		"map entry": in("\xf2\x01", "\x0a\x01k\x12\x01v"+unknown),
		"map value": in("\xfa\x01", "\x08\x07"+in("\x12", unknown)),
		"Any":       in("\xa2\x03", in("\x0a", "x/rich.edition.Modern")+in("\x12", "\x48\x01\xc0\x3e\x05")),
		"extension": in("\x82\x05", in("\xba\x06", "\xb8\x01\x05")),
		"delimited": in("\x8a\x05", "\x33\x48\x01\xc0\x3e\x05\x34\x48\x01"),
	} {
		var unknowns int
		var count func(nodes []Node)
		count = func(nodes []Node) {
			for i := range nodes {
				if nodes[i].Unknown() {
					unknowns++
				}
				count(nodes[i].Children)
			}
		}
		nodes := Fields([]byte(payload), md, s.types)
		checkTiles(t, nodes, Range{0, len(payload)})
		count(nodes)
		if unknowns != 1 {
			t.Errorf("%s: %d unknown fields in %s", name, unknowns, outline(nodes, []byte(payload)))
		}
		var told int
		for _, f := range Canonical([]byte(payload), md, s.types) {
			if f.Rule == UnknownField {
				told++
			}
		}
		if told != 1 {
			t.Errorf("%s: told of %d unknown fields", name, told)
		}
	}
}
