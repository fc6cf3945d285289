package list

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// A redraw may not depend on how long the list is: it is counted, not timed.
func TestViewCallsRowAtMostHeightTimes(t *testing.T) {
	t.Parallel()
	var l List
	l.SetHeight(40)
	l.SetLen(1_000_000)
	for _, at := range []int{0, 500_000, 999_999} {
		l.Select(at)
		calls := 0
		lines := l.View(func(int, bool) string { calls++; return "row" })
		if calls != 40 || len(lines) != 40 {
			t.Errorf("selection at %d: %d calls for %d lines, want 40 for 40", at, calls, len(lines))
		}
	}
}

// Whatever is done to it, the selection exists and is visible.
func TestSelectionStaysVisible(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	var l List
	for step := range 20_000 {
		n := rng.IntN(60) - 20
		act := rng.IntN(7)
		switch act {
		case 0:
			l.SetLen(n)
		case 1:
			l.SetHeight(rng.IntN(12))
		case 2:
			l.Move(n)
		case 3:
			l.Page(n % 3)
		case 4:
			l.Scroll(n)
		case 5:
			l.Select(n)
		case 6:
			l.Follow()
		}
		if bad := broken(&l); bad != "" {
			t.Fatalf("step %d, action %d: %s: %+v", step, act, bad, l)
		}
	}
}

func broken(l *List) string {
	switch {
	case l.sel < 0 || l.top < 0:
		return "negative"
	case l.n > 0 && l.sel >= l.n:
		return "selection past the end"
	case l.n > 0 && l.height > 0 && (l.sel < l.top || l.sel >= l.top+l.height):
		return "selection out of sight"
	case l.top > 0 && l.top > l.n-l.height:
		return "empty lines below the last row"
	case l.follow && l.n > 0 && l.sel != l.n-1:
		return "not at the end that it follows"
	}
	return ""
}

func TestFollowUntilTheUserMoves(t *testing.T) {
	t.Parallel()
	var l List
	l.SetHeight(5)
	l.Follow()
	l.SetLen(10)
	if l.Selected() != 9 {
		t.Fatalf("selected %d, want the last row", l.Selected())
	}
	l.Move(-1)
	l.SetLen(20)
	if l.Selected() != 8 || l.Following() {
		t.Fatalf("selected %d, following %v: rows that arrive moved the selection", l.Selected(), l.Following())
	}
}

func TestScrollKeepsRowsStill(t *testing.T) {
	t.Parallel()
	var l List
	l.SetHeight(4)
	l.SetLen(100)
	l.Scroll(10)
	got := fmt.Sprint(l.View(func(i int, sel bool) string { return fmt.Sprint(i, sel) }))
	if want := "[10 true 11 false 12 false 13 false]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
