package jsontext

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// checkUpTo fails the test unless a scan that keeps fewer nodes has the same first
// ones, and says the same of the whole text.
func checkUpTo(t *testing.T, src []byte, all *Document, most int) {
	t.Helper()
	d := ScanUpTo(src, most)
	kept := min(len(all.Nodes), most)
	if len(d.Nodes) != kept || (d.Cut < 0) != (kept == len(all.Nodes)) {
		t.Fatalf("%d nodes of %d, cut at %d; want %d", len(d.Nodes), len(all.Nodes), d.Cut, kept)
	}
	for i, n := range d.Nodes {
		want := all.Nodes[i]
		want.Next = min(want.Next, int32(kept)) //nolint:gosec // at most len(all.Nodes)
		if want.Line = n.Line; n != want {
			t.Fatalf("node %d: got  %+v\nwant %+v", i, n, want)
		}
	}
	if kept < len(all.Nodes) && d.Cut != int(all.Nodes[kept].Start) {
		t.Fatalf("cut at %d, the first node left out is at %d", d.Cut, all.Nodes[kept].Start)
	}
	// Only what is said of keys that come twice needs nodes.
	whole := func(d *Document) string {
		text := fmt.Sprintln(d.Form, d.Roots)
		for _, p := range d.Problems {
			if !strings.Contains(p.Text, "a second time") {
				text += fmt.Sprintln(p.Off, p.Text)
			}
		}
		return text
	}
	if all.Unkept == 0 && whole(&d) != whole(all) {
		t.Fatalf("of the whole text: got\n%s\nwant\n%s", whole(&d), whole(all))
	}
	if _, lines := d.Indent(src); len(lines) != d.Lines {
		t.Fatalf("%d lines, told as %d", len(lines), d.Lines)
	}
}

func TestScanUpTo(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		mixed, `[1,[2,[3,[4]]],5]`, `{"a":{"b":[1,{}]},"a":[[]]}`, "1\n2\n[3,4]\n5", "1 [2\n] 3", `[[[[`, `{"a":[1}`, `[1,[2}`,
		"\x1e1\n\x1e[2,3]\n", `[1,2,]`, `{"a":1,"b"}`,
	} {
		all := Scan([]byte(src))
		for most := 1; most < 14; most++ {
			checkUpTo(t, []byte(src), &all, most)
		}
	}
}

// Containers beyond the nodes that are kept are still matched with their ends.
func TestScanUpToValidates(t *testing.T) {
	t.Parallel()
	src := []byte("[" + strings.Repeat(`{"k":[1,"x"]},`, 5000) + `tru]`)
	d := ScanUpTo(src, 100)
	if len(d.Problems) != 1 || d.Problems[0].Off != len(src)-4 {
		t.Errorf("problems %v, want one at byte %d", d.Problems, len(src)-4)
	}
	if cap(d.Nodes) > 300 {
		t.Errorf("room for %d nodes where 100 are kept", cap(d.Nodes))
	}
	text, _ := d.Window(src, 0, d.Lines)
	if d.Lines < 100 || !slices.Equal(text[:5], []byte("[\n  {")) {
		t.Errorf("%d lines: %.60s", d.Lines, text)
	}
}
