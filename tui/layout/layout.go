// Package layout turns the size of the terminal into rectangles. It is pure:
// the same size and focus give the same rectangles, and nothing but a resize or
// a change of focus between panes that share a place changes them.
//
//	l := layout.Arrange(layout.Args{Width: 120, Height: 40, Focus: layout.Catalog})
//	r := l.Panes[layout.Catalog]
package layout

// Pane names a pane of the screen.
type Pane uint8

// The panes, in the order in which Tab visits them.
const (
	Catalog Pane = iota
	Compose
	Detail
	Wire
	Count // how many there are
)

var names = [...]string{"Catalog", "Request", "Exchange", "Wire"}

// String returns the pane's title.
func (p Pane) String() string {
	if int(p) < len(names) {
		return names[p]
	}
	return ""
}

// Rect is a rectangle of cells. One without width or height is not shown.
type Rect struct{ X, Y, W, H int }

// Empty reports whether nothing is shown.
func (r Rect) Empty() bool { return r.W <= 0 || r.H <= 0 }

// Contains reports whether a cell lies in the rectangle.
func (r Rect) Contains(x, y int) bool {
	return x >= r.X && x < r.X+r.W && y >= r.Y && y < r.Y+r.H
}

// Inset returns the rectangle without n cells on each side.
func (r Rect) Inset(n int) Rect {
	return Rect{X: r.X + n, Y: r.Y + n, W: max(r.W-2*n, 0), H: max(r.H-2*n, 0)}
}

// Mode says how many columns there are.
type Mode uint8

// The modes.
const (
	TooSmall Mode = iota // only a message fits
	One                  // one pane, under a breadcrumb
	Two                  // catalog and request │ exchange and wire
	Three                // catalog │ request │ exchange, wire below
)

// The sizes from which a mode is used, and the smallest that can be used at all.
const (
	MinWidth, MinHeight     = 24, 6
	TwoWidth, TwoHeight     = 100, 20
	ThreeWidth, ThreeHeight = 160, 24
)

// Args is what the arrangement depends on.
type Args struct {
	Width, Height int
	Focus         Pane
	Full          bool // the focused pane alone, whatever the size
	NoRequest     bool // nothing is composed: files are looked at
}

// Layout is where everything goes. Header and Hints are one line each.
type Layout struct {
	Mode   Mode
	Header Rect
	Hints  Rect
	Panes  [Count]Rect // borders included, where Bordered
	// Bordered panes have a border with their title in it. Else the header is
	// the breadcrumb, and Wire has a rule as its first line.
	Bordered bool
}

// Inner returns where the content of a pane goes.
func (l Layout) Inner(p Pane) Rect {
	r := l.Panes[p]
	if l.Bordered {
		return r.Inset(1)
	}
	if p == Wire && r.H > 1 {
		return Rect{X: r.X, Y: r.Y + 1, W: r.W, H: r.H - 1}
	}
	return r
}

// At returns the pane at a cell.
func (l Layout) At(x, y int) (Pane, bool) {
	for p := range Count {
		if l.Panes[p].Contains(x, y) {
			return p, true
		}
	}
	return 0, false
}

// Arrange places the panes.
func Arrange(a Args) Layout {
	if a.Width < MinWidth || a.Height < MinHeight {
		return Layout{Mode: TooSmall, Header: Rect{W: max(a.Width, 0), H: min(max(a.Height, 0), 1)}}
	}
	l := Layout{
		Header: Rect{W: a.Width, H: 1},
		Hints:  Rect{Y: a.Height - 1, W: a.Width, H: 1},
	}
	body := Rect{Y: 1, W: a.Width, H: a.Height - 2}
	switch {
	case a.Full || a.Width < TwoWidth || a.Height < TwoHeight:
		l.one(body, a)
	case a.Width < ThreeWidth || a.Height < ThreeHeight:
		l.two(body)
	default:
		l.three(body)
	}
	if a.NoRequest {
		l.noRequest()
	}
	return l
}

// noRequest gives the place of the request to its neighbour.
func (l *Layout) noRequest() {
	r := &l.Panes[Compose]
	switch l.Mode {
	case Two:
		l.Panes[Catalog].H += r.H
	case Three:
		l.Panes[Detail].X -= r.W
		l.Panes[Detail].W += r.W
	case One, TooSmall:
		return
	}
	*r = Rect{}
}

// one shows the focused pane; exchange and wire are shown together, because one
// selection runs through both.
func (l *Layout) one(body Rect, a Args) {
	l.Mode = One
	if a.Focus == Catalog || a.Focus == Compose || a.Full {
		l.Panes[a.Focus] = body
		return
	}
	wire := min(max(body.H/3, 3), 12)
	if body.H < 8 {
		l.Panes[a.Focus] = body
		return
	}
	l.Panes[Detail] = Rect{X: body.X, Y: body.Y, W: body.W, H: body.H - wire}
	l.Panes[Wire] = Rect{X: body.X, Y: body.Y + body.H - wire, W: body.W, H: wire}
}

func (l *Layout) two(body Rect) {
	l.Mode, l.Bordered = Two, true
	left := body.W * 38 / 100
	top := body.H * 45 / 100
	l.Panes[Catalog] = Rect{X: body.X, Y: body.Y, W: left, H: top}
	l.Panes[Compose] = Rect{X: body.X, Y: body.Y + top, W: left, H: body.H - top}
	wire := max(body.H/3, 7)
	l.Panes[Detail] = Rect{X: left, Y: body.Y, W: body.W - left, H: body.H - wire}
	l.Panes[Wire] = Rect{X: left, Y: body.Y + body.H - wire, W: body.W - left, H: wire}
}

func (l *Layout) three(body Rect) {
	l.Mode, l.Bordered = Three, true
	catalog := min(max(body.W/5, 32), 44)
	right := body.W - catalog
	compose := min(max(right*40/100, 50), 84)
	wire := min(max(body.H/3, 8), 22)
	top := body.H - wire
	l.Panes[Catalog] = Rect{X: body.X, Y: body.Y, W: catalog, H: body.H}
	l.Panes[Compose] = Rect{X: catalog, Y: body.Y, W: compose, H: top}
	l.Panes[Detail] = Rect{X: catalog + compose, Y: body.Y, W: right - compose, H: top}
	l.Panes[Wire] = Rect{X: catalog, Y: body.Y + top, W: right, H: wire}
}
