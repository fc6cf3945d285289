package catalog

import "strings"

// Nearest returns the one among names that word was likely meant to be. Case and
// underscores do not count as differences; ok is false if none is near.
func Nearest(word string, among []string) (name string, ok bool) {
	n := newNearest(word)
	for _, a := range among {
		n.offer(a, a)
	}
	return n.best()
}

// nearest keeps the best of the names offered so far.
type nearest struct {
	word  []rune
	limit int // the largest distance that still counts as near
	dist  int
	name  string
}

func newNearest(word string) *nearest {
	w := fold(word)
	return &nearest{word: w, limit: max(1, len(w)/3), dist: -1}
}

// offer compares with form and remembers name. The first of equals wins.
func (n *nearest) offer(form, name string) {
	bound := n.limit
	if n.dist >= 0 {
		bound = n.dist - 1
	}
	if d := distance(n.word, fold(form), bound); d <= bound {
		n.dist, n.name = d, name
	}
}

func (n *nearest) best() (string, bool) { return n.name, n.dist >= 0 }

// longest bounds the work: no name that a person mistypes is longer.
const longest = 512

func fold(s string) []rune {
	r := []rune(strings.ToLower(strings.ReplaceAll(s, "_", "")))
	return r[:min(len(r), longest)]
}

// distance counts insertions, deletions, changes and swaps of neighbours. It
// gives up with bound+1 once the distance must exceed bound.
func distance(a, b []rune, bound int) int {
	if len(a)-len(b) > bound || len(b)-len(a) > bound {
		return bound + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > bound {
			return bound + 1
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
