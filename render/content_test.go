package render

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/pb"
)

// Each row of a JSON body has its bytes, and its link the same value in the text.
func TestLayoutJSON(t *testing.T) {
	t.Parallel()
	payload := []byte(`{"id":1e2, "tags":["a","b\u0041"],"empty":{},"n":null}`)
	b := NewSchema(nil, nil).LayoutContent(inspect.JSON, payload)
	if b.Err != nil {
		t.Fatal(b.Err)
	}
	type row struct{ Path, Wire, JSON, Text string }
	var got []row
	for _, r := range b.Rows {
		l := b.Links[r.Link]
		got = append(got, row{l.Path, string(payload[r.Wire.Off:r.Wire.End()]), string(b.JSON[l.JSON.Off:l.JSON.End()]), r.JSON})
	}
	want := []row{
		{"", string(payload), string(b.JSON), "{"},
		{"id", `"id":1e2`, `"id": 1e2`, `"id": 1e2,`},
		{"tags", `"tags":["a","b\u0041"]`, "\"tags\": [\n    \"a\",\n    \"b\\u0041\"\n  ]", `"tags": [`},
		{"tags[0]", `"a"`, `"a"`, `"a",`},
		{"tags[1]", `"b\u0041"`, `"b\u0041"`, `"b\u0041"`},
		{"empty", `"empty":{}`, `"empty": {}`, `"empty": {},`},
		{"n", `"n":null`, `"n": null`, `"n": null`},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestLayoutJSONDamaged(t *testing.T) {
	t.Parallel()
	payload := []byte(`{"a": tru, "b": 2}`)
	b := NewSchema(nil, nil).LayoutContent(inspect.JSON, payload)
	if b.Err == nil || !strings.Contains(b.Err.Error(), "byte 6") {
		t.Errorf("error %v, want one at byte 6", b.Err)
	}
	text := b.wireText()
	if !strings.Contains(text, `"b": 2`) || !strings.Contains(text, "byte 6: ") {
		t.Errorf("what follows the damage is not shown, or the damage not told:\n%s", text)
	}
}

// A body of more values, fields or lines than are laid out has the first of them
// as ever, and one row that says how much is not.
func TestLayoutUpTo(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		body Body
		want []string
	}{
		"JSON": {layoutJSON([]byte(`{"a":[1,2,3],"b":4}`), 3), []string{
			"     0  7b                                                object           {",
			"     1    22 61 22 3a 5b                         a          array            \"a\": [",
			"more than 3 values: the last 11 bytes are not laid out; -o body prints them all",
		}},
		"lines": {layoutLines([]byte("one\ntwo\nthree\n"), 2), []string{
			"two", "more than 2 lines: the last 6 bytes are not laid out; -o body prints them all",
		}},
		"protobuf": {NewSchema(nil, nil).Layout([]byte(strings.Repeat("\x08\x01", pb.MaxNodes+20))), []string{
			"524286  08 01", "more than 262144 fields: the last 40 bytes are not laid out; -o body prints them all",
		}},
		"protobuf with a schema": {NewSchema(sourceCodeInfo(), nil).Layout([]byte(strings.Repeat("\x0a\x00", pb.MaxNodes+20))), []string{
			"location Location", "more than 262144 fields: the last 40 bytes are not laid out; -o body prints them all",
		}},
	} {
		if tt.body.Err != nil {
			t.Errorf("%s: that it is much is no error: %v", name, tt.body.Err)
		}
		text := tt.body.wireText()
		for _, want := range tt.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing from\n%.2000s", name, want, text)
			}
		}
		if n := strings.Count(text, "not laid out"); n != 1 {
			t.Errorf("%s: %d rows say that something is not laid out, want 1", name, n)
		}
	}
}

func sourceCodeInfo() protoreflect.MessageDescriptor {
	return (&descriptorpb.SourceCodeInfo{}).ProtoReflect().Descriptor()
}

// What takes several times its bytes on the screen is bounded.
func TestLayoutLongLine(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("é", mostLine/2) + "and 11 more"
	room := textRoom(mostText)
	if got := room.shown([]byte(line)); !strings.HasSuffix(got, "é… and 11 more bytes") {
		t.Errorf("ends in %q", got[len(got)-40:])
	}
	room = 3
	if got, want := room.shown([]byte("aéé")), "aé… and 2 more bytes"; got != want {
		t.Errorf("with room for 3 bytes: %q, want %q", got, want)
	}
	if got, want := room.shown([]byte("b")), "… and 1 more byte"; got != want {
		t.Errorf("without room: %q, want %q", got, want)
	}
	text := NewSchema(nil, nil).WireText(append([]byte("\x0a\x90\x80\xc0\x01"), make([]byte, 3<<20+16)...))
	if !strings.Contains(text, "bytes more, not shown in hex") || len(text) > 9*mostHex {
		t.Errorf("3 MiB take %d bytes of hex; end: %s", len(text), text[len(text)-100:])
	}
}
