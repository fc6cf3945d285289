package pb

import "testing"

// checkTiles fails the test unless nodes cover at exactly, at every depth.
func checkTiles(t *testing.T, nodes []Node, at Range) {
	t.Helper()
	pos := at.Off
	for i := range nodes {
		n := &nodes[i]
		if n.Range.Off != pos || n.Range.Len <= 0 {
			t.Fatalf("node %d (field %d) is at %v, want it at %d", i, n.Number, n.Range, pos)
		}
		if !n.Range.Contains(n.Value) {
			t.Fatalf("node %d: value %v outside of %v", i, n.Value, n.Range)
		}
		if len(n.Children) > 0 {
			checkTiles(t, n.Children, n.Value)
		}
		pos = n.Range.End()
	}
	if pos != at.End() {
		t.Fatalf("nodes end at %d, want %d", pos, at.End())
	}
}
