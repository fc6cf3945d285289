package layout

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The arrangement as a person would draw it.
func TestArrangeDrawings(t *testing.T) {
	t.Parallel()
	for _, a := range []Args{
		{Width: 200, Height: 50},
		{Width: 160, Height: 45},
		{Width: 120, Height: 40},
		{Width: 80, Height: 24, Focus: Catalog},
		{Width: 80, Height: 24, Focus: Detail},
		{Width: 24, Height: 6, Focus: Wire},
		{Width: 10, Height: 3},
	} {
		name := fmt.Sprintf("%dx%d-%s", a.Width, a.Height, strings.ToLower(a.Focus.String()))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name+".golden", draw(Arrange(a), a.Width, a.Height))
		})
	}
}

// At every size the visible panes and the two lines tile the screen exactly.
func TestPanesTileTheScreen(t *testing.T) {
	t.Parallel()
	for w := MinWidth; w <= 260; w += 7 {
		for h := MinHeight; h <= 90; h += 3 {
			for f := range Count {
				checkTiling(t, Args{Width: w, Height: h, Focus: f})
				checkTiling(t, Args{Width: w, Height: h, Focus: f, Full: true})
			}
		}
	}
}

func checkTiling(t *testing.T, a Args) {
	t.Helper()
	l := Arrange(a)
	area := l.Header.W*l.Header.H + l.Hints.W*l.Hints.H
	for p := range Count {
		r := l.Panes[p]
		area += r.W * r.H
		if r.X < 0 || r.Y < 0 || r.X+r.W > a.Width || r.Y+r.H > a.Height {
			t.Fatalf("%+v: %s at %+v leaves the screen", a, p, r)
		}
		for q := range p {
			if !r.Empty() && !l.Panes[q].Empty() && overlap(r, l.Panes[q]) {
				t.Fatalf("%+v: %s and %s overlap", a, p, q)
			}
		}
	}
	if area != a.Width*a.Height {
		t.Fatalf("%+v: %d cells are covered, the screen has %d", a, area, a.Width*a.Height)
	}
	if l.Inner(a.Focus).Empty() {
		t.Fatalf("%+v: the focused pane has no room", a)
	}
}

func overlap(a, b Rect) bool {
	return a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H
}

// The size of a sensible screen does not depend on which pane has the focus.
func TestFocusMovesNothingOnAWideScreen(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{100, 20}, {120, 40}, {160, 45}, {200, 50}} {
		want := Arrange(Args{Width: size[0], Height: size[1]})
		for f := range Count {
			if got := Arrange(Args{Width: size[0], Height: size[1], Focus: f}); got != want {
				t.Errorf("%v: focus on %s moves panes", size, f)
			}
		}
	}
}

func TestAt(t *testing.T) {
	t.Parallel()
	l := Arrange(Args{Width: 200, Height: 50})
	for p := range Count {
		r := l.Panes[p]
		if got, ok := l.At(r.X+r.W-1, r.Y+r.H-1); !ok || got != p {
			t.Errorf("the last cell of %s belongs to %s", p, got)
		}
	}
	if _, ok := l.At(0, 0); ok {
		t.Error("the header belongs to a pane")
	}
}

func draw(l Layout, w, h int) string {
	grid := make([][]rune, h)
	for y := range grid {
		grid[y] = []rune(strings.Repeat(" ", w))
	}
	box := func(r Rect, title string) {
		if r.Empty() {
			return
		}
		for x := r.X; x < r.X+r.W; x++ {
			grid[r.Y][x], grid[r.Y+r.H-1][x] = '─', '─'
		}
		if r.H > 1 {
			for y := r.Y; y < r.Y+r.H; y++ {
				grid[y][r.X], grid[y][r.X+r.W-1] = '│', '│'
			}
			grid[r.Y][r.X], grid[r.Y][r.X+r.W-1] = '┌', '┐'
			grid[r.Y+r.H-1][r.X], grid[r.Y+r.H-1][r.X+r.W-1] = '└', '┘'
		}
		copy(grid[r.Y][r.X+1:r.X+r.W-1], []rune(title))
	}
	box(l.Header, "header")
	box(l.Hints, "hints")
	for p := range Count {
		box(l.Panes[p], p.String())
	}
	var b strings.Builder
	for _, row := range grid {
		b.WriteString(strings.TrimRight(string(row), " ") + "\n")
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (run with -update to accept):\n%s", path, got)
	}
}

// Without a request its place goes to a neighbour: the panes tile what they did.
func TestNoRequestLeavesNoHole(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 50}, {160, 24}, {100, 20}} {
		l := Arrange(Args{Width: size[0], Height: size[1], Focus: Detail, NoRequest: true})
		if !l.Panes[Compose].Empty() {
			t.Errorf("%v: the request has %v", size, l.Panes[Compose])
		}
		for y := 1; y < size[1]-1; y++ {
			for x := range size[0] {
				n := 0
				for _, r := range l.Panes {
					if r.Contains(x, y) {
						n++
					}
				}
				if n != 1 {
					t.Fatalf("%v: %d panes at %d,%d: %v", size, n, x, y, l.Panes)
				}
			}
		}
	}
}
