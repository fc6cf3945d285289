package detailpane

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/pb"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/theme"
)

// work runs all jobs and returns what the root would have to do.
func work(p *Pane) intent.Intent {
	var want intent.Intent
	for job := p.Job(); job != nil; job = p.Job() {
		if w := p.Deliver(job()); w != nil {
			want = w
		}
	}
	return want
}

// Each column is the lowest window of its time, also where it came and went between
// two columns; at zero it says so.
func TestADrawnWindowKeepsItsLows(t *testing.T) {
	t.Parallel()
	points := []inspect.Point{{At: 0, Window: 800}, {At: 10, Window: 400}, {At: 30, Window: 0}, {At: 40, Window: 800}, {At: 100, Window: 100}}
	if got := fmt.Sprint(columnsOf(points, 4)); got != "[400 0 800 100]" {
		t.Errorf("the columns are %s", got)
	}
	for rows, want := range map[int]string{1: "▄0█▁", 2: "  █ |█0█▂"} {
		if got := strings.Join(drawn(points, 4, rows, 800), "|"); got != want {
			t.Errorf("in %d rows %q, want %q", rows, got, want)
		}
	}
	if got := drawn(nil, 4, 1, 800); got != nil {
		t.Errorf("nothing is drawn as %q", got)
	}
	for _, same := range [][]inspect.Point{{{At: 5, Window: 7}}, {{At: 5, Window: 7}, {At: 5, Window: 7}}} {
		if got := columnsOf(same, 3); len(got) != 3 || got[2] != 7 {
			t.Errorf("a window at one time is %v", got)
		}
	}
}

// However narrow the pane is, the tab in view stands in its first line, and a click
// on any name there leads to that tab.
func TestTabsWhereThereIsLittleRoom(t *testing.T) {
	t.Parallel()
	p := pane(received([]byte{0x08, 0x01}), true)
	for w := 20; w <= 100; w++ {
		p.Resize(w, 20)
		for tab := range tabs {
			p.Input(intent.Tab{Number: int(tab)})
			line := ansi.Strip(p.tabLine(theme.New(true)))
			if ansi.StringWidth(line) > w+2 { // spaces after the last name are cut
				t.Fatalf("%d cells at width %d: %q", ansi.StringWidth(line), w, line)
			}
			names := p.tabNames()
			at := strings.Index(line, names[tab])
			if at < 0 {
				t.Fatalf("at width %d %q is not in %q", w, names[tab], line)
			}
			if got, ok := p.tabAt(ansi.StringWidth(line[:at])); !ok || got != tab {
				t.Fatalf("at width %d a click on %q of %q leads to %q", w, names[tab], line, names[got])
			}
		}
	}
}

// What is counted in parts is what is counted at once, and adds up to the payloads.
func TestAProfileOfAGrowingStream(t *testing.T) {
	t.Parallel()
	whole := received([]byte{0x08, 0x96, 0x01}, []byte{0x12, 0x02, 0x08, 0x01}, []byte{0x08, 0x01, 0x18, 0x05})
	want := pb.NewProfile(nil, nil)
	trace := inspect.Decode(whole)
	for _, m := range trace.Messages {
		payload, err := trace.Payload(whole, m)
		if err != nil {
			t.Fatal(err)
		}
		want.Add(payload)
	}
	p := New()
	p.Resize(90, 40)
	p.SetExchange(nil, false)
	p.Input(intent.Tab{Number: int(Cost)})
	d := inspect.NewDecoder(whole)
	for {
		trace, more := d.Advance(9)
		p.SetTrace(whole, trace)
		work(p)
		if !more {
			break
		}
	}
	got := p.profile.sides[record.Received]
	if fmt.Sprint(got.costs) != fmt.Sprint(want.Costs()) || got.messages != 3 || got.bytes != want.Bytes() {
		t.Errorf("in steps %v, at once %v", got, want.Costs())
	}
	if text := view(p); strings.Contains(text, "computing") || !strings.Contains(text, "3 messages, 11 bytes") {
		t.Errorf("the tab shows\n%s", text)
	}
}

// Until a job has told, the tab says so; what a job found out of another exchange
// changes nothing.
func TestAJobOfAnotherExchangeIsDropped(t *testing.T) {
	t.Parallel()
	for _, tab := range []Tab{Flow, Cost, Problems} {
		p := pane(received([]byte{0x08, 0x80, 0x00}), true)
		p.Input(intent.Tab{Number: int(tab)})
		var late []Result
		for job := p.Job(); job != nil; job = p.Job() {
			late = append(late, job())
		}
		if got := view(p); !strings.Contains(got, "computing") || len(late) == 0 {
			t.Errorf("tab %d has %d jobs and shows\n%s", tab, len(late), got)
		}
		rec := received([]byte{0x08, 0x01})
		p.SetExchange(nil, true)
		p.SetTrace(rec, inspect.Decode(rec))
		p.Input(intent.Tab{Number: int(tab)})
		for _, r := range late {
			p.Deliver(r)
		}
		if p.survey.ok || p.canon.done || p.profile.sides[record.Received].messages > 0 {
			t.Errorf("tab %d shows what was found in another exchange", tab)
		}
		work(p)
		if got := view(p); strings.Contains(got, "computing") {
			t.Errorf("tab %d never ends computing:\n%s", tab, got)
		}
	}
}

// Nothing is found out for tabs that are not in view.
func TestOnlyWhatIsInViewIsComputed(t *testing.T) {
	t.Parallel()
	p := pane(received([]byte{0x08, 0x01}), true)
	for _, tab := range []Tab{Messages, Timing, TLS} {
		p.Input(intent.Tab{Number: int(tab)})
		if p.Job() != nil {
			t.Errorf("tab %d has a job", tab)
		}
	}
	p.Input(intent.Tab{Number: int(Cost)})
	if work(p); p.Job() != nil {
		t.Error("what is known is computed again")
	}
}

// All readings of a field are listed, the likeliest first, in a schema or not.
func TestAllReadingsOfAField(t *testing.T) {
	t.Parallel()
	payload := []byte{0x08, 0x96, 0x01}
	p := pane(received(payload), true)
	p.Input(intent.Enter{})
	text := view(p)
	at := 0
	for _, r := range inspect.Fields(payload, nil, nil)[0].Readings(payload) {
		i := strings.Index(text, "as "+r.As)
		if i < at || !strings.Contains(text, render.Escape(r.Text)) {
			t.Errorf("%s %q does not stand where it should:\n%s", r.As, r.Text, text)
		}
		at = i
	}
}

// Of a connection with many calls only the chosen one's messages are listed, and
// its tabs tell of it alone.
func TestMessagesOfOneCall(t *testing.T) {
	t.Parallel()
	rec := record.New(record.Meta{})
	at := time.Duration(0)
	say := func(d record.Dir, text string) {
		at += time.Millisecond
		rec.Add(d, at, []byte(text))
	}
	for i := range 3 {
		body := fmt.Sprintf(`{"n": %d}`, i)
		say(record.Sent, "GET /"+body[6:7]+" HTTP/1.1\r\nHost: a\r\n\r\n")
		say(record.Received, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	}
	p := New()
	p.Resize(90, 20)
	p.SetExchange(nil, false)
	p.SetCall(2)
	p.SetTrace(rec, inspect.Decode(rec))
	if got := view(p); p.count() != 1 || !strings.Contains(got, `{"n": 1}`) {
		t.Fatalf("%d messages are listed:\n%s", p.count(), got)
	}
	p.Input(intent.Tab{Number: int(Headers)})
	if got := view(p); !strings.Contains(got, "GET /1 HTTP/1.1") || strings.Contains(got, "GET /0") || strings.Contains(got, "GET /2") {
		t.Errorf("the headers are\n%s", got)
	}
	p.Input(intent.Tab{Number: int(Messages)})
	p.Input(intent.Enter{})
	p.Input(intent.Move{Rows: 1})
	if got := fmt.Sprint(p.Marks().Parts); got != "[5]" { // head, head, data of the first; then this
		t.Errorf("the parts that carried the value are %s", got)
	}
}
