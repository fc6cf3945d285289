package diff

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// wantAlignment checks what holds of every alignment, and returns how much it
// pairs.
func wantAlignment(tb testing.TB, a, b []uint64) (pairs int, exact bool) {
	tb.Helper()
	runs, exact := align(a, b)
	i, j := 0, 0
	for _, r := range runs {
		if r.a < i || r.b < j || r.n < 1 || r.a+r.n > len(a) || r.b+r.n > len(b) {
			tb.Fatalf("run %+v after %d, %d is out of order", r, i, j)
		}
		if !slices.Equal(a[r.a:r.a+r.n], b[r.b:r.b+r.n]) {
			tb.Fatalf("run %+v pairs what is not equal", r)
		}
		i, j, pairs = r.a+r.n, r.b+r.n, pairs+r.n
	}
	swap, _ := align(b, a)
	for k := range swap {
		swap[k] = run{swap[k].b, swap[k].a, swap[k].n}
	}
	if !slices.Equal(runs, swap) {
		tb.Fatalf("align(b, a) pairs other elements: %v, %v", runs, swap)
	}
	return pairs, exact
}

// longest is the length of a longest common subsequence, the slow way.
func longest(a, b []uint64) int {
	row := make([]int, len(b)+1)
	for i := range a {
		last := 0
		for j := range b {
			was := row[j+1]
			if a[i] == b[j] {
				row[j+1] = last + 1
			} else {
				row[j+1] = max(row[j+1], row[j])
			}
			last = was
		}
	}
	return row[len(b)]
}

func randomKeys(r *rand.Rand, n, letters int) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		out[i] = uint64(r.IntN(letters))
	}
	return out
}

func TestAlignPairsTheMost(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		a, b := randomKeys(r, r.IntN(30), 1+r.IntN(6)), randomKeys(r, r.IntN(30), 1+r.IntN(6))
		pairs, exact := wantAlignment(t, a, b)
		if !exact || pairs != longest(a, b) {
			t.Fatalf("%v and %v: %d pairs, want %d", a, b, pairs, longest(a, b))
		}
	}
}

// Long sequences are aligned in windows: not always the most, but all that is
// near, in bounded time.
func TestAlignLongSequences(t *testing.T) {
	t.Parallel()
	a := make([]uint64, 100_000)
	for i := range a {
		a[i] = uint64(i)
	}
	b := slices.Clone(a)
	for i := 500; i < len(b); i += 1000 {
		b[i] = 1 << 40
	}
	b = slices.Insert(b, 50_000, 1<<41, 1<<42)
	pairs, _ := wantAlignment(t, a, b)
	if pairs != len(a)-100 {
		t.Errorf("%d pairs of %d", pairs, len(a)-100)
	}
	strange := make([]uint64, 100_000) // nothing in common
	for i := range strange {
		strange[i] = 1<<50 + uint64(i)
	}
	if pairs, exact := wantAlignment(t, a, strange); pairs != 0 || exact {
		t.Errorf("%d pairs, exact %v, of sequences without a common element", pairs, exact)
	}
}
