package tui

import (
	"fmt"
	"sync"
	"testing"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/net/http2"

	"github.com/wiregloss/wiregloss/demo/demov1"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/tui/detailpane"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/layout"
)

// loaded is a recording with its trace, made once for all benchmarks.
type loaded struct {
	rec   *record.Recording
	trace inspect.Trace
}

// million is one stream of a million messages, a hundred and ten of them in turns in a
// DATA frame.
var million = sync.OnceValue(func() loaded {
	t := newTalk()
	t.begin("/demo.v1.ChatService/Chat", &demov1.ChatMessage{Text: "hello"})
	t.headers(record.Received, false, ":status", "200", "content-type", "application/grpc")
	for i := 0; i < 1_000_000; {
		var frame []byte
		n := 10
		if i%110 == 0 {
			n = 100
		}
		for ; n > 0 && i < 1_000_000; n, i = n-1, i+1 {
			frame = append(frame, prefixed(encoded(&demov1.ChatMessage{From: "server", Text: "you said something", Number: int32(i)}))...)
		}
		t.data(record.Received, false, frame)
		if i%1000 == 0 {
			t.say(record.Sent, func(f *http2.Framer) error { return f.WriteWindowUpdate(0, 30_000) })
		}
	}
	t.headers(record.Received, true, "grpc-status", "0")
	return loaded{t.rec, inspect.Decode(t.rec)}
})

// manyStreams is a connection with 100,000 unary calls, ten of them open at once.
var manyStreams = sync.OnceValue(func() loaded {
	t := newTalk()
	t.begin("/demo.v1.UserService/GetUser", &demov1.GetUserRequest{UserId: "1"})
	request, reply := prefixed(encoded(&demov1.GetUserRequest{UserId: "1"})), prefixed(encoded(ada))
	const calls, together = 100_000, 10
	for first := 0; first < calls; first += together {
		ids := make([]uint32, together)
		for i := range ids {
			ids[i] = uint32(3 + 2*(first+i))
			t.block(record.Sent, ids[i], false, ":method", "POST", ":scheme", "http", ":path", "/demo.v1.UserService/GetUser",
				"content-type", "application/grpc", "x-request-id", fmt.Sprint(first+i))
			t.say(record.Sent, func(f *http2.Framer) error { return f.WriteData(ids[i], true, request) })
		}
		for _, id := range ids {
			t.block(record.Received, id, false, ":status", "200", "content-type", "application/grpc")
			t.say(record.Received, func(f *http2.Framer) error { return f.WriteData(id, false, reply) })
			t.block(record.Received, id, true, "grpc-status", "0")
		}
	}
	return loaded{t.rec, inspect.Decode(t.rec)}
})

// show opens an operation and shows a recording as its call.
func (l loaded) show(s still, id string) {
	open := intent.OpenOperation{ID: id}
	s.m.apply(open)
	s.begin(open)
	s.send(traceMsg{call: s.m.call.id, conns: []connView{{rec: l.rec, trace: l.trace}}, last: true},
		endedMsg{call: s.m.call.id, outcome: exchange.Outcome{}})
	s.do(intent.Focus{Pane: layout.Detail})
}

var press = map[string]tea.KeyPressMsg{
	"down": {Code: tea.KeyDown}, "up": {Code: tea.KeyUp}, "page down": {Code: tea.KeyPgDown}, "page up": {Code: tea.KeyPgUp},
	"end": {Code: tea.KeyEnd}, "home": {Code: tea.KeyHome}, "tab": {Code: 't', Text: "t"}, "tab back": {Code: 'T', Text: "T"},
	"fold": {Code: 'z', Text: "z"}, "enter": {Code: tea.KeyEnter}, "out": {Code: tea.KeyEscape},
}

// From a key to the next frame, with a million messages or 100,000 streams loaded:
// on every tab, and in the wire. What takes longer is a job, measured below.
func BenchmarkMillion(b *testing.B) {
	for name, l := range map[string]struct {
		load func() loaded
		call string
	}{"messages": {million, "demo.v1.ChatService/Chat"}, "streams": {manyStreams, "demo.v1.UserService/GetUser"}} {
		s := newStill(200, 50)
		l.load().show(s, l.call)
		for tab := detailpane.Messages; tab <= detailpane.Problems; tab++ {
			s.do(intent.Focus{Pane: layout.Detail}, intent.Tab{Number: int(tab)})
			for _, keys := range [][2]string{{"down", "up"}, {"page down", "page up"}, {"end", "home"}} {
				b.Run(fmt.Sprintf("%s/tab %d/%s", name, tab, keys[0]), s.presses(keys))
			}
		}
		s.do(intent.Tab{Number: int(detailpane.Messages)})
		b.Run(name+"/turn tabs", s.presses([2]string{"tab", "tab"}))
		s.do(intent.Tab{Number: int(detailpane.Messages)}, intent.FollowTail{}, intent.Move{Rows: -1000})
		b.Run(name+"/open a message", s.presses([2]string{"enter", "out"}))
		s.do(intent.Focus{Pane: layout.Wire}, intent.First{})
		for _, keys := range [][2]string{{"down", "up"}, {"page down", "page up"}, {"end", "home"}, {"fold", "fold"}} {
			b.Run(name+"/wire/"+keys[0], s.presses(keys))
		}
		s.do(intent.Move{Rows: 40_000})
		b.Run(name+"/wire/zoom into a stream", s.presses([2]string{"enter", "out"}))
	}
}

// presses measures two keys in turns, each with the frame that it leads to.
func (s still) presses(keys [2]string) func(b *testing.B) {
	return func(b *testing.B) {
		i := 0
		for b.Loop() {
			s.m.Update(press[keys[i&1]])
			s.m.View()
			i++
		}
		b.StopTimer()
		s.work()
	}
}

// What jobs take, off the screen's goroutine.
func BenchmarkMillionJobs(b *testing.B) {
	for name, l := range map[string]func() loaded{"messages": million, "streams": manyStreams} {
		for _, tab := range []detailpane.Tab{detailpane.Flow, detailpane.Cost, detailpane.Headers} {
			b.Run(fmt.Sprintf("%s/tab %d", name, tab), func(b *testing.B) {
				at := l()
				for b.Loop() {
					p := detailpane.New()
					p.Resize(90, 40)
					p.SetExchange(demoCatalog(), false)
					p.SetTrace(at.rec, at.trace)
					p.Input(intent.Tab{Number: int(tab)})
					for job := p.Job(); job != nil; job = p.Job() {
						p.Deliver(job())
					}
				}
			})
		}
	}
}

// The first frame with everything loaded, and a whole redraw.
func BenchmarkMillionFrame(b *testing.B) {
	l := million()
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			s := newStill(200, 50)
			l.show(s, "demo.v1.ChatService/Chat")
			s.m.View()
		}
	})
	b.Run("redraw", func(b *testing.B) {
		s := newStill(200, 50)
		l.show(s, "demo.v1.ChatService/Chat")
		size := [2]tea.WindowSizeMsg{{Width: 200, Height: 50}, {Width: 201, Height: 50}}
		i := 0
		for b.Loop() {
			s.m.Update(size[i&1])
			s.m.View()
			i++
		}
	})
}
