package jsontext

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// Whatever the bytes: nodes nest and are in order, nothing but white space and
// structure is between them in a text without problems, At finds what holds a byte,
// and encoding/json agrees on what is JSON and how it is indented.
func FuzzScan(f *testing.F) {
	for _, s := range []string{
		mixed, ``, `[]`, `{"a":1,"a":2}`, `[1,]`, `{"a" 1}`, "1 2", `"\ud800"`, "[\"\xff\"]", `[01]`, `{"a":[1}`, "// c\n{}", "\x1e1\n",
		`{"a":{"b":[null,true,{"c":-0.0E-1}]},"k k":"\""}`, "\xef\xbb\xbf{}", `[[[[[[`, `}}}]]]`, "{\"a\n\":1}", `{"`, `[1}{"a":]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		d := Scan(src)
		checkNodes(t, src, &d)
		valid := json.Valid(src) && utf8.Valid(src)
		if valid != d.Valid() {
			t.Fatalf("encoding/json says %v, we say %v: form %v, problems %v", valid, d.Valid(), d.Form, d.Problems)
		}
		if valid {
			checkGaps(t, src, &d)
		}
		checkIndent(t, src, &d, valid)
		for most := 1; most < 8; most++ {
			checkUpTo(t, src, &d, most)
		}
	})
}

func checkNodes(t *testing.T, src []byte, d *Document) {
	t.Helper()
	end := func(parent int32) (int32, int32) {
		if parent < 0 {
			return int32(len(src)), int32(len(d.Nodes))
		}
		return d.Nodes[parent].End, d.Nodes[parent].Next
	}
	after := map[int32]int32{} // of each parent: where its last child ended
	for i, n := range d.Nodes {
		key, limit := n.Key(), n.End
		last, next := end(n.Parent)
		switch {
		case n.Start < 0 || n.ValueStart < n.Start || limit < n.ValueStart || n.Start == limit:
			t.Fatalf("node %d: %+v is no range", i, n)
		case int(n.Next) <= i || n.Next > next || limit > last:
			t.Fatalf("node %d: %+v leaves its parent", i, n)
		case n.Parent >= 0 && n.Start <= d.Nodes[n.Parent].ValueStart || n.Start < after[n.Parent]:
			t.Fatalf("node %d: %+v begins before what is before it", i, n)
		case key.End() > int(n.ValueStart):
			t.Fatalf("node %d: its key %v reaches into its value", i, key)
		case d.At(int(n.Start)) != i || d.At(int(n.End)-1) < i:
			t.Fatalf("node %d: at its ends are %d and %d", i, d.At(int(n.Start)), d.At(int(n.End)-1))
		}
		after[n.Parent] = limit
		if len(d.Nodes) < 50 {
			d.Path(src, i)
		}
	}
}

// checkGaps looks at the bytes of a valid text that are in no key and in no leaf.
func checkGaps(t *testing.T, src []byte, d *Document) {
	t.Helper()
	gaps := bytes.Clone(src)
	blank := func(r Range) { copy(gaps[r.Off:r.End()], bytes.Repeat([]byte{' '}, r.Len)) }
	for _, n := range d.Nodes {
		blank(n.Key())
		if n.Kind != Object && n.Kind != Array {
			blank(n.Value())
		}
	}
	if rest := bytes.Trim(gaps, " \t\r\n,:[]{}"); bytes.ContainsAny(rest, `"0123456789abcdefghijklmnopqrstuvwxyz`) {
		t.Fatalf("left over: %q", rest)
	}
}

func checkIndent(t *testing.T, src []byte, d *Document, valid bool) {
	t.Helper()
	text, lines := d.Indent(src)
	if len(lines) != d.Lines {
		t.Fatalf("%d lines, told as %d", len(lines), d.Lines)
	}
	for i, l := range lines {
		n := &d.Nodes[l.Node]
		if l.Part != Closes && int(n.Line) != i || l.Part == Closes && d.LineOf(int(n.End)-1) != i {
			t.Fatalf("line %d is %+v of node %+v", i, l, n)
		}
	}
	if d.Lines > 3 {
		from := d.Lines / 2
		part, _ := d.Window(src, from, from+2)
		if !bytes.HasPrefix(text[lines[from].Off:], part) {
			t.Fatalf("the window from line %d is %q of\n%s", from, part, text)
		}
	}
	for _, n := range d.Nodes {
		if valid && n.Depth > maxIndent {
			return
		}
	}
	var want bytes.Buffer
	if valid && json.Indent(&want, bytes.TrimRight(src, " \t\r\n"), "", "  ") == nil && !bytes.Equal(want.Bytes(), text) {
		t.Fatalf("json.Indent:\n%s\nwe:\n%s", &want, text)
	}
}

func FuzzUnquote(f *testing.F) {
	for _, s := range []string{`"a\u00e9\n"`, `"\ud83d\ude00"`, `"\udc00\ud800x"`, `""`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got := Unquote(raw)
		var want string
		if len(raw) > 0 && raw[0] == '"' && raw[len(raw)-1] == '"' && utf8.Valid(raw) && json.Unmarshal(raw, &want) == nil && got != want {
			t.Fatalf("%q, encoding/json has %q", got, want)
		}
	})
}
