package tracepane

import (
	"bytes"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/net/http2"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/theme"
)

// connection is a recording of a preface, frames that run the connection, and DATA
// on streams 1 and 3 in turn.
func connection(data int) *record.Recording {
	rec := record.New(record.Meta{})
	var out bytes.Buffer
	fr := http2.NewFramer(&out, nil)
	out.WriteString(http2.ClientPreface)
	must(fr.WriteSettings())
	must(fr.WritePing(false, [8]byte{}))
	must(fr.WriteWindowUpdate(0, 100))
	for i := range data {
		must(fr.WriteData(uint32(1+2*(i%2)), false, []byte{0, 0, 0, 0, 1, byte(i)}))
	}
	rec.Add(record.Sent, 0, out.Bytes())
	return rec
}

func must(err error) {
	if err != nil {
		panic(err) // a buffer takes everything
	}
}

func pane(rec *record.Recording) *Pane {
	p := New()
	p.Resize(100, 12)
	p.SetTrace(rec, inspect.Decode(rec))
	return p
}

func view(p *Pane) string {
	return ansi.Strip(strings.Join(p.View(theme.New(true), true), "\n"))
}

func TestRunsOfTheConnectionAreFolded(t *testing.T) {
	t.Parallel()
	p := pane(connection(2))
	got := view(p)
	if !strings.Contains(got, "1 × SETTINGS, 1 × WINDOW_UPDATE, 1 × PING") || p.count() != 4 {
		t.Fatalf("%d rows:\n%s", p.count(), got)
	}
	p.Input(intent.FoldAll{})
	if got := view(p); p.count() != 6 || !strings.Contains(got, "WINDOW_UPDATE") {
		t.Errorf("%d rows after unfolding:\n%s", p.count(), got)
	}
}

// The rows are the same however often the trace grew in between.
func TestRowsDoNotDependOnHowTheTraceGrew(t *testing.T) {
	t.Parallel()
	rec := connection(40)
	at := New()
	at.Resize(100, 12)
	d := inspect.NewDecoder(rec)
	for {
		trace, more := d.Advance(7)
		at.SetTrace(rec, trace)
		if !more {
			break
		}
	}
	want := pane(rec)
	if at.count() != len(want.whole.list) {
		t.Fatalf("%d rows in steps, %d at once", at.count(), len(want.whole.list))
	}
	for i := range want.whole.list {
		if at.whole.list[i] != want.whole.list[i] {
			t.Errorf("row %d is %v in steps, %v at once", i, at.whole.list[i], want.whole.list[i])
		}
	}
}

func TestZoomIntoAStreamAndOut(t *testing.T) {
	t.Parallel()
	p := pane(connection(6))
	p.Input(intent.Last{})
	if want, _ := p.Input(intent.Enter{}).(intent.OpenFrame); want.Index != 8 {
		t.Errorf("Enter opens frame %d, want 8", want.Index)
	}
	if p.Stream() != 3 || p.count() != 3 {
		t.Fatalf("stream %d with %d rows, want stream 3 with 3", p.Stream(), p.count())
	}
	if got := p.Input(intent.Enter{}); got != (intent.EnterFrame{Index: 8}) {
		t.Errorf("Enter in the stream wants %#v", got)
	}
	if !p.Back() || p.Stream() != 0 || p.count() != 8 {
		t.Errorf("Back leads to stream %d with %d rows", p.Stream(), p.count())
	}
	if r, _ := p.selected(); r.first != 8 {
		t.Errorf("after zooming out frame %d is selected, want 8", r.first)
	}
}

func TestMarkedFramesSaySo(t *testing.T) {
	t.Parallel()
	p := pane(connection(4))
	p.Mark(Marks{Frames: []int{4, 5}, Text: "payload bytes 3-16 selected", Short: "bytes 3-16"})
	if got := strings.Count(view(p), "◂ bytes 3-16"); got != 2 {
		t.Errorf("%d lines say it, want 2:\n%s", got, view(p))
	}
	p.Mark(Marks{Frames: []int{1}, Text: "selected", Short: "selected"})
	if got := view(p); !strings.Contains(got, "▌      0.00  → 1 × SETTINGS") {
		t.Errorf("the run that holds the frame is not marked:\n%s", got)
	}
}

func TestRevealBringsTheFrameIntoView(t *testing.T) {
	t.Parallel()
	p := pane(connection(500))
	p.Mark(Marks{Frames: []int{300}, Text: "selected", Short: "selected"})
	p.Reveal()
	if got := view(p); !strings.Contains(got, "◂ selected") {
		t.Errorf("the marked frame is not in view:\n%s", got)
	}
}

// The wheel looks around; it must not change what the exchange shows.
func TestTheWheelChoosesNothing(t *testing.T) {
	t.Parallel()
	p := pane(connection(500))
	if got := p.Input(intent.Wheel{Rows: 30}); got != nil {
		t.Errorf("the wheel wants %#v", got)
	}
}
