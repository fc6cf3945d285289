package diff

// maxResemble bounds the pairs of elements that are looked at for resemblance in
// one gap.
const maxResemble = 1 << 12

// pairUp pairs the elements of a gap, given by their positions, in order: those
// that resemble each other most, or where that says nothing the first with the
// first. -1 stands where one side has none.
func pairUp(a, b []value, restA, restB []int) [][2]int {
	n, m := len(restA), len(restB)
	if n == m || n == 0 || m == 0 || n*m > maxResemble {
		return inOrder(restA, restB)
	}
	if n > m { // the same pairs, whichever side is called A
		out := pairUp(b, a, restB, restA)
		for i, p := range out {
			out[i] = [2]int{p[1], p[0]}
		}
		return out
	}
	// Every element of the shorter side gets one of the longer: best[i][j] is the
	// highest sum of resemblance for restA[i:] in restB[j:].
	best := make([][]int, n+1)
	score := make([][]int, n)
	best[n] = make([]int, m+1)
	for i := n - 1; i >= 0; i-- {
		best[i], score[i] = make([]int, m+1), make([]int, m)
		for j := m - 1; j >= 0; j-- {
			if n-i > m-j {
				continue
			}
			score[i][j] = resemblance(&a[restA[i]], &b[restB[j]])
			best[i][j] = score[i][j] + best[i+1][j+1]
			if n-i <= m-j-1 {
				best[i][j] = max(best[i][j], best[i][j+1])
			}
		}
	}
	var out [][2]int
	for i, j := 0, 0; j < m; j++ {
		if i < n && best[i][j] == score[i][j]+best[i+1][j+1] {
			out = append(out, [2]int{restA[i], restB[j]})
			i++
		} else {
			out = append(out, [2]int{-1, restB[j]})
		}
	}
	return out
}

func inOrder(restA, restB []int) [][2]int {
	out := make([][2]int, max(len(restA), len(restB)))
	for i := range out {
		out[i] = [2]int{-1, -1}
		if i < len(restA) {
			out[i][0] = restA[i]
		}
		if i < len(restB) {
			out[i][1] = restB[i]
		}
	}
	return out
}

// resemblance counts what two values of the same form have in common.
func resemblance(a, b *value) int {
	if a.form != b.form || a.form != keyed {
		return 0
	}
	n := 0
	in := make(map[string]digest, len(b.parts))
	for i := range b.parts {
		in[b.parts[i].key] = b.parts[i].sum
	}
	for i := range a.parts {
		if sum, ok := in[a.parts[i].key]; ok && sum == a.parts[i].sum {
			n++
		}
	}
	return n
}
