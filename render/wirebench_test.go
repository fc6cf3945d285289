package render

import (
	"testing"

	"github.com/wiregloss/wiregloss/demo/demov1"
	"google.golang.org/protobuf/proto"
)

func BenchmarkWireText(b *testing.B) {
	m := &demov1.User{Id: "1", Name: "Ada Lovelace", Age: 36, Email: "ada@example.com", Tags: []string{"maths", "poetry"}, Address: &demov1.Address{City: "London"}}
	payload, err := proto.Marshal(m)
	if err != nil {
		b.Fatal(err)
	}
	s := NewSchema(m.ProtoReflect().Descriptor(), nil)
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		_ = s.WireText(payload)
	}
}
