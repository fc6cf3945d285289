package pb

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/internal/testdata"
)

// conformanceCase is an input of the protobuf conformance suite with what
// protobuf-go makes of it.
type conformanceCase struct {
	Message protoreflect.FullName `json:"message_type"`
	Wire    string                `json:"wire"`
	Parses  bool                  `json:"go_parses"`
	JSON    *string               `json:"go_json"` // absent when protojson refuses
}

func conformanceCases(t testing.TB) []conformanceCase {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(testdata.Dir(t, "wire/protobuf-conformance"), "binary.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []conformanceCase
	for _, line := range bytes.Split(bytes.TrimSpace(b), []byte("\n")) {
		var c conformanceCase
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	return cases
}

func TestConformance(t *testing.T) {
	t.Parallel()
	cases := conformanceCases(t)
	s := compile(t, []string{testdata.Dir(t, "proto/protobuf/src")},
		"google/protobuf/test_messages_proto2.proto", "google/protobuf/test_messages_proto3.proto")
	for _, c := range cases {
		t.Run(c.Wire[:min(len(c.Wire), 40)], func(t *testing.T) { c.check(t, s) })
	}
}

func (c conformanceCase) check(t *testing.T, s *schema) {
	payload, err := hex.DecodeString(c.Wire)
	if err != nil {
		t.Fatal(err)
	}
	md := s.message(t, c.Message)
	checkTiles(t, Fields(payload, md, s.types), Range{0, len(payload)})
	checkTiles(t, Fields(payload, nil, nil), Range{0, len(payload)})
	got, err := NewPlan(md, s.types, Options{}).AppendJSON(nil, payload)
	if c.JSON == nil {
		if err == nil {
			t.Errorf("accepted as %s, protobuf-go does not", got)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Compact(&want, []byte(*c.JSON)); err != nil {
		t.Fatal(err)
	}
	if string(got) != want.String() {
		t.Errorf("got  %s\nwant %s", got, &want)
	}
	checkLinks(t, NewPlan(md, s.types, Options{}), payload)
}
