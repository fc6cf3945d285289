package jsontext

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const mixed = `{"name":"Bob\u0021","n":1.0e5, "list":[1,[],{},[{"a":[[2]]}]] , "o":{"x":null}}`

func TestIndent(t *testing.T) {
	t.Parallel()
	for _, src := range []string{mixed, `[]`, `{ }`, "7", `[[[]]]`, `"\n"`} {
		var want bytes.Buffer
		if err := json.Indent(&want, []byte(src), "", "  "); err != nil {
			t.Fatal(err)
		}
		d := Scan([]byte(src))
		text, lines := d.Indent([]byte(src))
		if diff := cmp.Diff(want.String(), string(text)); diff != "" {
			t.Error(diff)
		}
		if len(lines) != d.Lines || bytes.Count(text, []byte{'\n'}) != d.Lines-1 {
			t.Errorf("%d lines of %d", len(lines), d.Lines)
		}
	}
}

// Damage keeps its bytes and its place; what was never closed is not closed here.
func TestIndentDamage(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`{"a":[1,}`:       "{\n  \"a\": [\n    1\n}",
		`{"a":NaN,b,"c":`: "{\n  \"a\": NaN,\n  b: ,\n  \"c\": ",
		`[[`:              "[\n  [",
		"{}\n[1] 2":       "{}\n[\n  1\n]\n2",
		`[,]`:             "[]",
		"":                "",
	} {
		d := Scan([]byte(src))
		if text, _ := d.Indent([]byte(src)); string(text) != want {
			t.Errorf("%q:\n%s\nwant\n%s", src, text, want)
		}
	}
}

// Any window is that part of the whole.
func TestWindow(t *testing.T) {
	t.Parallel()
	src := []byte(mixed + mixed + "[1")
	d := Scan(src)
	whole, lines := d.Indent(src)
	for from := -1; from <= d.Lines+1; from++ {
		for to := from; to <= d.Lines+1; to++ {
			text, part := d.Window(src, from, to)
			a, b := max(from, 0), min(to, d.Lines)
			if a >= b {
				if len(text) > 0 || len(part) > 0 {
					t.Fatalf("lines %d to %d: %q", from, to, text)
				}
				continue
			}
			end := len(whole)
			if b < d.Lines {
				end = int(lines[b].Off) - 1
			}
			if want := whole[lines[a].Off:end]; string(text) != string(want) || len(part) != b-a {
				t.Fatalf("lines %d to %d:\n%s\nwant\n%s", from, to, text, want)
			}
		}
	}
}

// From every byte of the text to its source and back, and the same byte is there.
func TestOffsetColumn(t *testing.T) {
	t.Parallel()
	src := []byte(mixed)
	d := Scan(src)
	text, lines := d.Indent(src)
	for i, l := range lines {
		end := len(text)
		if i+1 < len(lines) {
			end = int(lines[i+1].Off) - 1
		}
		line := text[l.Off:end]
		for col := range line {
			off := d.Offset(l, col)
			if n := d.Nodes[l.Node]; off < int(n.Start) || off >= int(n.End) {
				t.Fatalf("line %d column %d: offset %d is outside its node", i, col, off)
			}
			if back := d.Column(l, off); back == col && line[col] != src[off] {
				t.Fatalf("line %d column %d is %q, offset %d is %q", i, col, line[col], off, src[off])
			}
		}
	}
	for off := range src {
		n := d.LineOf(off)
		if n < 0 {
			t.Fatalf("no line for offset %d", off)
		}
		l := lines[n]
		col := d.Column(l, off)
		node := &d.Nodes[d.At(off)]
		shown := node.Kind != Object && node.Kind != Array || off == int(node.ValueStart) || off == int(node.End)-1 || off < node.Key().End()
		between := off >= node.Key().End() && off < int(node.ValueStart)
		if shown && !between && text[int(l.Off)+col] != src[off] {
			t.Errorf("offset %d %q is line %d column %d %q", off, src[off], n, col, text[int(l.Off)+col])
		}
	}
}
