package render

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wiregloss/wiregloss/inspect"
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
