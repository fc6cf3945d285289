package tui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/compose"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/tui/intent"
	"github.com/wiregloss/wiregloss/tui/layout"
)

// progress is how far a call is.
type progress uint8

const (
	connecting progress = iota
	running
	ended
	failed // there was no call
)

// session is one call, from the key that sent it. Its fields belong to Update;
// commands get what they need as arguments.
type session struct {
	id       int
	open     intent.OpenOperation
	op       catalog.Operation
	rpc      catalog.RPC
	progress progress
	stream   Stream
	cancel   context.CancelFunc
	follower *follower
	ctx      context.Context //nolint:containedctx // the call's life, which its commands share

	queue     [][]byte // encoded, not yet sent
	sending   bool     // a command is sending
	finish    bool     // half-close once the queue is empty
	finished  bool     // the client's side is closed
	cancelled bool
	following bool // a command is following
	outcome   exchange.Outcome

	capture  *captured // of a file's calls; nil of a call that was sent
	recorded uint32    // the stream of the file's call that is shown
}

// live reports whether the call is still under way.
func (s *session) live() bool { return s != nil && s.progress <= running }

// takesMore reports whether the client may send another message.
func (s *session) takesMore() bool {
	return s.live() && s.rpc.Method.IsStreamingClient() && !s.finish && !s.finished
}

// openedMsg, sentMsg and endedMsg are the steps of a call.
type (
	openedMsg struct {
		call   int
		stream Stream
		err    error
	}
	sentMsg struct {
		call     int
		finished bool
		err      error
	}
	endedMsg struct {
		call    int
		outcome exchange.Outcome
	}
)

// encode turns a body into the messages to send.
func encode(body string, rpc catalog.RPC, types catalog.Types) ([][]byte, error) {
	split := compose.Split(bytes.NewReader([]byte(body)))
	var out [][]byte
	for {
		b, err := split.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(out) == 1 && !rpc.Method.IsStreamingClient() {
			text := fmt.Sprintf("%s takes one message: this is a second", rpc.Method.Name())
			return nil, &compose.BodyError{Line: b.Line, Col: b.Col, Offset: b.Offset, Text: text}
		}
		msg, err := b.Encode(rpc.Method.Input(), types)
		if err != nil {
			return nil, err
		}
		out = append(out, msg)
	}
	if len(out) == 0 && !rpc.Method.IsStreamingClient() {
		out = append(out, nil) // an empty message
	}
	return out, nil
}

// send begins a call, or sends the next messages of one that is open.
func (m *Model) send() tea.Cmd {
	open, op, ok := m.compose.Operation()
	if !ok {
		m.complain(errors.New("nothing to send: choose an operation in the catalog first"))
		return nil
	}
	rpc, ok := op.Call.(catalog.RPC)
	if !ok {
		m.complain(fmt.Errorf("%s is not a gRPC method: it cannot be sent from here yet", op.ID))
		return nil
	}
	if m.call.live() && (m.call.open != open || !m.call.takesMore()) {
		m.complain(fmt.Errorf("%s is still running: ^C cancels it", m.call.op.Name))
		return nil
	}
	draft, err := m.compose.Draft()
	if err != nil {
		m.complain(err)
		return nil
	}
	msgs, err := encode(draft.Body, rpc, m.catalogs[open.Target].Types)
	if err != nil {
		m.bodyFault(err)
		return nil
	}
	if m.call.live() {
		m.call.queue = append(m.call.queue, msgs...)
		m.say("%d more sent; ^D ends sending", len(msgs))
		return m.pump()
	}
	return m.begin(open, op, rpc, exchange.Request{
		Target: m.o.Targets[open.Target].Target, Operation: op.ID,
		Headers: draft.Headers, Timeout: draft.Timeout, Compress: draft.Compress,
	}, msgs)
}

// bodyFault shows an error of the body at its line.
func (m *Model) bodyFault(err error) {
	var e *compose.BodyError
	if !errors.As(err, &e) {
		m.complain(err)
		return
	}
	text := e.Text
	if e.Path != "" {
		text = e.Path + ": " + text
	}
	if e.Suggestion != "" {
		text += fmt.Sprintf("; did you mean %q?", e.Suggestion)
	}
	m.compose.SetFault(e.Line, e.Col, text)
	m.notice = notice{text: fmt.Sprintf("not sent: line %d, column %d", e.Line, e.Col), bad: true}
}

// begin starts a call and shows it in place of the last one.
func (m *Model) begin(open intent.OpenOperation, op catalog.Operation, rpc catalog.RPC, req exchange.Request, msgs [][]byte) tea.Cmd {
	if m.call != nil && m.call.capture == nil {
		m.call.drop()
	}
	m.calls++
	ctx, cancel := context.WithCancel(m.ctx)
	s := &session{
		id: m.calls, open: open, op: op, rpc: rpc, ctx: ctx, cancel: cancel, follower: newFollower(),
		queue: msgs, finish: !rpc.Method.IsStreamingClient(), following: true,
	}
	m.call, m.connection, m.views = s, 0, nil
	streaming := rpc.Method.IsStreamingClient() || rpc.Method.IsStreamingServer()
	m.detail.SetExchange(m.catalogs[open.Target], !streaming)
	m.wire.Reset()
	if m.lay.Mode == layout.One && !rpc.Method.IsStreamingClient() {
		m.setFocus(layout.Detail)
	}
	dial, add, id := m.o.Open, s.follower.add, s.id
	return tea.Batch(s.follower.follow(ctx, s.id), func() tea.Msg {
		stream, err := dial(ctx, op, req, add)
		return openedMsg{call: id, stream: stream, err: err}
	})
}

// drop ends a call that is no longer shown and frees its bytes once nobody
// decodes them.
func (s *session) drop() {
	s.cancel()
	if s.stream != nil {
		s.stream.Cancel()
	}
	if !s.following && s.progress >= ended {
		s.follower.release()
	}
}

// opened goes on with a call whose connection is there.
func (m *Model) opened(msg openedMsg) tea.Cmd {
	s := m.call
	if s == nil || msg.call != s.id {
		return closeStream(msg.stream)
	}
	if msg.err != nil {
		s.progress = failed
		s.follower.seal()
		text := msg.err.Error()
		if s.cancelled {
			text = "cancelled before there was a connection"
		}
		m.detail.SetFailure(text)
		return nil
	}
	s.progress, s.stream = running, msg.stream
	if s.cancelled {
		s.stream.Cancel()
	}
	return tea.Batch(m.pump(), receive(s.id, s.stream))
}

func closeStream(s Stream) tea.Cmd {
	if s == nil {
		return nil
	}
	return func() tea.Msg {
		_ = s.Close() // nobody looks at that call any more
		return nil
	}
}

// receive waits for the end of a call. The messages need no word: they are in
// the recording, which the follower reads.
func receive(id int, s Stream) tea.Cmd {
	return func() tea.Msg {
		for s.Recv() == nil {
		}
		o := s.Outcome()
		_ = s.Close() // the call has ended: what the connection says now is in the recording
		return endedMsg{call: id, outcome: o}
	}
}

// pump sends what is queued, one command at a time so that the order is kept.
func (m *Model) pump() tea.Cmd {
	s := m.call
	if s.progress != running || s.sending || s.finished || len(s.queue) == 0 && !s.finish {
		return nil
	}
	msgs, finish, stream, id := s.queue, s.finish, s.stream, s.id
	s.queue, s.sending = nil, true
	return func() tea.Msg {
		for _, b := range msgs {
			if err := stream.Send(b); err != nil {
				return sentMsg{call: id, err: err}
			}
		}
		if finish {
			return sentMsg{call: id, finished: true, err: stream.CloseSend()}
		}
		return sentMsg{call: id}
	}
}

func (m *Model) sent(msg sentMsg) tea.Cmd {
	s := m.call
	if s == nil || msg.call != s.id {
		return nil
	}
	s.sending = false
	s.finished = s.finished || msg.finished
	// io.EOF means that the call has ended: how, Recv tells.
	if msg.err != nil && !errors.Is(msg.err, io.EOF) && s.live() {
		m.complain(fmt.Errorf("send: %w", msg.err))
	}
	return m.pump()
}

// halfClose ends the client's side.
func (m *Model) halfClose() tea.Cmd {
	if !m.call.takesMore() {
		m.complain(errors.New("no stream is open for sending"))
		return nil
	}
	m.call.finish = true
	m.say("sending has ended")
	return m.pump()
}

// cancelCall gives the running call up.
func (m *Model) cancelCall() {
	s := m.call
	s.cancelled = true
	if s.stream != nil {
		s.stream.Cancel()
	} else {
		s.cancel()
	}
	m.say("cancelled")
}

func (m *Model) endedCall(msg endedMsg) {
	s := m.call
	if s == nil || msg.call != s.id {
		return
	}
	s.progress, s.outcome = ended, msg.outcome
	m.interrupts = 0 // the one that cancelled has had its effect
	s.follower.seal()
	m.detail.SetOutcome(msg.outcome)
}

// traced shows what has arrived.
func (m *Model) traced(msg traceMsg) tea.Cmd {
	if cmd, ok := m.capturedTrace(msg); ok {
		return cmd
	}
	s := m.call
	if s == nil || msg.call != s.id {
		return nil
	}
	if len(msg.conns) > len(m.views) {
		m.connection = len(msg.conns) - 1
	}
	if len(msg.conns) > 0 {
		m.views = msg.conns
		m.showConnection()
	}
	s.following = !msg.last
	if msg.last {
		return nil
	}
	return s.follower.follow(s.ctx, s.id)
}

func (m *Model) showConnection() {
	v := m.views[m.connection]
	m.wire.SetTrace(v.rec, v.trace)
	m.detail.SetTrace(v.rec, v.trace)
}

// took is how long the call was under way: on the wire if it got there.
func (m *Model) took() time.Duration {
	if m.connection < len(m.views) {
		const most = 64 // a call has one stream, or a few when it was tried again
		streams := m.views[m.connection].trace.Streams
		for _, s := range streams[:min(len(streams), most)] {
			if s.Ended > 0 {
				return s.Ended - s.Opened
			}
		}
	}
	return m.call.outcome.At
}
