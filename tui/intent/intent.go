// Package intent names everything a user can want. A key, a click and a line of
// the palette all become one of these values, and the root's apply is the only
// place that acts on them. Intents are comparable plain data.
package intent

import "github.com/wiregloss/wiregloss/tui/layout"

// Intent is something the user wants.
type Intent any

// Move moves the selection by rows.
type Move struct{ Rows int }

// Page moves the selection by screens.
type Page struct{ Screens int }

// First and Last move the selection to an end of a list.
type (
	First struct{}
	Last  struct{}
)

// Left and Right choose the column before or after, or fold and unfold.
type (
	Left  struct{}
	Right struct{}
)

// Enter zooms in on what is selected, Back zooms out.
type (
	Enter struct{}
	Back  struct{}
)

// Fold folds or unfolds what is selected; FoldAll everything.
type (
	Fold    struct{}
	FoldAll struct{}
)

// Focus gives a pane the focus; FocusNext and FocusPrev follow the order of the
// panes.
type (
	Focus     struct{ Pane layout.Pane }
	FocusNext struct{}
	FocusPrev struct{}
)

// NextTab and PrevTab turn to another tab of the focused pane; Tab to the one
// with a number that counts from 0.
type (
	NextTab struct{}
	PrevTab struct{}
	Tab     struct{ Number int }
)

// FullPane shows the focused pane alone, or all again.
type FullPane struct{}

// Filter begins to filter the focused list; ClearFilter ends it.
type (
	Filter      struct{}
	ClearFilter struct{}
)

// OpenOperation brings an operation of a target into the composer.
type OpenOperation struct {
	Target int
	ID     string
}

// OpenCall shows a call of a file: Target counts the targets, then the files.
type OpenCall struct {
	Target, Connection int
	Stream             uint32
}

// Reload reads a target's schema again, or a file.
type Reload struct{ Target int }

// Send sends the request, or the next messages of a stream that is open.
type Send struct{}

// HalfClose ends the client's side of a stream; Cancel gives the call up.
type (
	HalfClose struct{}
	Cancel    struct{}
)

// NextMessage and PrevMessage choose a message of the exchange, both directions
// in the order of their arrival; OpenMessage one by its index in the trace.
type (
	NextMessage struct{}
	PrevMessage struct{}
	OpenMessage struct{ Index int }
)

// OpenFrame shows a frame of the trace in detail, or a part of HTTP/1.1; EnterFrame
// goes there too.
type (
	OpenFrame struct {
		Index int
		Part  bool
	}
	EnterFrame struct {
		Index int
		Part  bool
	}
)

// OpenTable shows the dynamic table as the selected header block left it.
type OpenTable struct{}

// Skeleton copies a .proto file inferred from the messages like the one in view.
type Skeleton struct{}

// FollowTail stays on the newest message until the user moves.
type FollowTail struct{}

// NextConnection shows the wire of the call's next connection.
type NextConnection struct{}

// Copy puts what is selected on the clipboard.
type Copy struct{}

// CopyText puts a text on the clipboard; What names it for the notice.
type CopyText struct{ What, Text string }

// Template fills the body from the schema again.
type Template struct{}

// Insert types text; Paste too, but as one step of the undo history.
type (
	Insert struct{ Text string }
	Paste  struct{ Text string }
)

// Edit is a change of a text, or a move in it.
type Edit struct{ Op Op }

// Op is what Edit does.
type Op uint8

// The edits.
const (
	CursorLeft Op = iota
	CursorRight
	CursorUp
	CursorDown
	WordLeft
	WordRight
	LineStart
	LineEnd
	PageUp
	PageDown
	TextStart
	TextEnd
	Newline
	DeleteLeft
	DeleteRight
	DeleteWordLeft
	DeleteWordRight
	DeleteToLineStart
	DeleteToLineEnd
	DeleteAll
	Undo
	Redo
)

// Click is a press of the left button at a cell of the pane.
type Click struct{ X, Y int }

// Wheel is a turn of the mouse wheel over a pane.
type Wheel struct{ Rows int }

// Help shows the keys that work here; Palette all actions.
type (
	Help    struct{}
	Palette struct{}
)

// ToggleMouse leaves the mouse to the terminal, or takes it back.
type ToggleMouse struct{}

// Redraw paints the whole screen anew.
type Redraw struct{}

// Interrupt cancels what runs; a second one in a row quits.
type Interrupt struct{}

// Quit leaves the program.
type Quit struct{}
