package diff

import "testing"

// BenchmarkManyMessages compares calls of a million messages each: all equal,
// one in a thousand changed, and every one changed.
func BenchmarkManyMessages(b *testing.B) {
	const n = 1_000_000
	a := many(b, n, 0).side("a")
	for _, bench := range []struct {
		name string
		k    int
	}{{"equal", 0}, {"one of 1000 changed", 1000}, {"all changed", 1}} {
		other := many(b, n, bench.k).side("b")
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Calls(a, other)
			}
		})
	}
}
