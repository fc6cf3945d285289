package detailpane

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"github.com/charmbracelet/x/ansi"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/theme"
)

// received is a recording of messages in DATA frames that follow response
// headers; without a schema that is all that is needed.
func received(messages ...[]byte) *record.Recording {
	rec := record.New(record.Meta{})
	var out writer
	fr := http2.NewFramer(&out, nil)
	must(fr.WriteSettings())
	// :status 200, content-type application/grpc as literals (RFC 7541 §6.2.2).
	block := append([]byte{0x88, 0x00, 12}, "content-type\x10application/grpc"...)
	must(fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block, EndHeaders: true}))
	for _, m := range messages {
		n := len(m)
		must(fr.WriteData(1, false, append([]byte{0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, m...)))
	}
	rec.Add(record.Received, 0, out)
	return rec
}

type writer []byte

func (w *writer) Write(b []byte) (int, error) {
	*w = append(*w, b...)
	return len(b), nil
}

func must(err error) {
	if err != nil {
		panic(err) // a buffer takes everything
	}
}

func pane(rec *record.Recording, unary bool) *Pane {
	p := New()
	p.Resize(90, 20)
	p.SetExchange(nil, unary)
	p.SetTrace(rec, inspect.Decode(rec))
	return p
}

func view(p *Pane) string {
	return ansi.Strip(strings.Join(p.View(theme.New(true), true), "\n"))
}

func TestASmallMessageIsDecodedAtOnce(t *testing.T) {
	t.Parallel()
	p := pane(received([]byte{0x08, 0x96, 0x01}), true)
	if p.Job() != nil {
		t.Error("three bytes became a job")
	}
	if got := view(p); !strings.Contains(got, "08 96 01") {
		t.Errorf("the message is not shown:\n%s", got)
	}
}

// A large message must not hold up the keys: it is decoded by a job.
func TestALargeMessageBecomesAJob(t *testing.T) {
	t.Parallel()
	large := append([]byte{0x0a, 0x80, 0x80, 0x40}, make([]byte, 1<<20)...)
	p := pane(received(large), true)
	if got := view(p); !strings.Contains(got, "decoding 1048.6 kB") {
		t.Errorf("what is going on is not told:\n%s", got)
	}
	job := p.Job()
	if job == nil {
		t.Fatal("there is no job")
	}
	if p.Job() != nil {
		t.Error("the job is given twice")
	}
	p.Deliver(job())
	if got := view(p); !strings.Contains(got, "0a 80 80 40 00 00") {
		t.Errorf("the message is not shown:\n%s", got)
	}
}

func TestAJobThatIsLateChangesNothing(t *testing.T) {
	t.Parallel()
	large := append([]byte{0x0a, 0x80, 0x80, 0x40}, make([]byte, 1<<20)...)
	p := pane(received(large, []byte{0x08, 0x01}), false)
	p.Input(intent.OpenMessage{Index: 0})
	job := p.Job()
	p.Input(intent.OpenMessage{Index: 1})
	p.Deliver(job())
	if got := view(p); !strings.Contains(got, "08 01") {
		t.Errorf("the late message took the place of another:\n%s", got)
	}
}

// A redraw costs what is visible, also of a million messages.
func TestAListDrawsWhatIsVisible(t *testing.T) {
	t.Parallel()
	messages := make([][]byte, 5000)
	for i := range messages {
		messages[i] = []byte{0x08, 0x01}
	}
	p := pane(received(messages...), false)
	view(p)
	if n := len(p.previews.text); n == 0 || n > 20 {
		t.Errorf("%d messages were decoded for a screen of 20 lines", n)
	}
}

func TestFoldingHidesWhatIsInside(t *testing.T) {
	t.Parallel()
	// 1: {1: 7}, 2: 5 without a schema.
	p := pane(received([]byte{0x0a, 0x02, 0x08, 0x07, 0x10, 0x05}), true)
	before := len(p.body.visible)
	p.Input(intent.Fold{})
	if got := len(p.body.visible); got != before-1 {
		t.Fatalf("%d rows after folding, %d before", got, before)
	}
	if got := view(p); !strings.Contains(got, "0a 02 08 07") {
		t.Errorf("a folded row does not show all its bytes:\n%s", got)
	}
	p.Input(intent.Enter{})
	if i, _ := p.body.selected(); i != 1 || len(p.body.visible) != before {
		t.Errorf("Enter on a folded row selects row %d of %d", i, len(p.body.visible))
	}
	if !p.Back() {
		t.Error("Back from inside does nothing")
	}
	if i, _ := p.body.selected(); i != 0 {
		t.Errorf("Back selects row %d, want the one around", i)
	}
}

func TestMarksFollowTheSelection(t *testing.T) {
	t.Parallel()
	p := pane(received([]byte{0x08, 0x01}, []byte{0x08, 0x02, 0x10, 0x03}), false)
	p.Input(intent.OpenMessage{Index: 1})
	p.Input(intent.Move{Rows: 1})
	got := fmt.Sprint(p.Marks())
	// SETTINGS, HEADERS, DATA, DATA: the second message is in frame 3.
	if want := "{[3] [] payload bytes 2-3 selected bytes 2-3}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestCopiedText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`"name": "Ada \"L\""`: `Ada "L"`, `"k\"": 5`: "5", `"alone"`: "alone", `true`: "true", `"a": {"b": 1}`: `{"b": 1}`,
	} {
		if got := unquote(in[jsonName(in):]); got != want {
			t.Errorf("the value of %s is %q, want %q", in, got, want)
		}
	}
}
