package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
)

// view is one kind of output. It is shown each trace once, with what is new in
// it, and once more at the end.
type view interface {
	// advance shows what the scene's trace holds beyond what it held before.
	advance(c *scene, since inspect.Counts) error
	// finish shows what only the whole connection has.
	finish(c *scene) error
	// keeps reports whether the view needs the trace whole at the end.
	keeps() bool
}

// show decodes a recording as it grows and hands it to a view.
type show struct {
	mu      sync.Mutex // held while advancing
	ios     *ioStreams
	options callOptions
	call    scene
	views   []view
	decoder *inspect.Decoder
	seen    inspect.Counts
	begun   bool
	bad     error // the first message that could not be decoded
	// keepBytes is set where the recording is read again later.
	keepBytes bool

	// What is told at the end, of the part of the index that was dropped.
	blocks   []inspect.HeaderBlock
	problems []inspect.Problem
}

func newShow(ios *ioStreams, o callOptions, x exchange.Exchange) *show {
	s := &show{ios: ios, options: o, call: scene{Call: render.Call{Exchange: x}, bodies: record.Received}}
	s.views = []view{newView(ios, o, nil, &s.bad)}
	return s
}

// newView returns the view that -o names. bad is where it keeps the first
// message that cannot be decoded.
func newView(ios *ioStreams, o callOptions, g *grep, bad *error) view {
	switch o.output {
	case "json":
		return &jsonView{ios: ios, wire: len(o.with) > 0, bad: bad, grep: g}
	case "wire":
		return &wireView{ios: ios, bad: bad, grep: g}
	case "frames":
		return &framesView{ios: ios, secrets: o.showSecrets, grep: g}
	case "text":
		return &textView{ios: ios, secrets: o.showSecrets, grep: g, bad: bad}
	default:
		return &bodyView{ios: ios, bad: bad, grep: g}
	}
}

// begin starts to follow a recording.
func (s *show) begin(rec *record.Recording) { s.beginWith(rec, inspect.NewDecoder(rec)) }

// beginWith starts to show what a decoder makes of a recording.
func (s *show) beginWith(rec *record.Recording, d *inspect.Decoder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = true
	s.call.Recording, s.call.Trace, s.call.Stream = rec, inspect.Trace{}, inspect.Stream{}
	s.decoder, s.seen = d, inspect.Counts{}
	s.blocks, s.problems = nil, nil
}

// follow goes on with the connection that carries the call now: one that the
// server sends away before it began (GOAWAY) is dialed anew.
func (s *show) follow(ctx context.Context, rec *record.Recording) error {
	if rec != s.following() {
		if err := s.advance(ctx); err != nil {
			return err
		}
		s.begin(rec)
	}
	return s.advance(ctx)
}

func (s *show) following() *record.Recording {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.call.Recording
}

// watchDelay is how long frames may wait to be shown while no message comes.
const watchDelay = 250 * time.Millisecond

// watch also advances between messages, until stop is called: frames without end
// are seen and dropped, not piled up. failed is told of the first error.
func (s *show) watch(ctx context.Context, failed func(error)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(watchDelay)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := s.advance(ctx); err != nil {
				failed(err)
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// step is how many bytes are decoded before what they hold is shown.
const step = 1 << 20

// stepOf grows with the streams of a connection, whose states each step copies:
// so the copies cost no more than the decoding.
func stepOf(t inspect.Trace) int64 { return max(step, 256*int64(len(t.Streams))) }

// advance decodes and shows what has been recorded since. A server can send
// faster than this: it goes on until ctx is done.
func (s *show) advance(ctx context.Context) error {
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = s.advanceStep(); err != nil {
			return err
		}
	}
	return nil
}

func (s *show) advanceStep() (more bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.call.Trace, more = s.decoder.Advance(stepOf(s.call.Trace))
	if !s.call.all {
		if c, ok := render.FindCall(s.call.Exchange, s.call.Recording, s.call.Trace); ok {
			s.call.Call = c
		}
	}
	if s.call.ledger != nil {
		s.call.ledger.Advance(s.call.Trace)
	}
	for _, v := range s.views {
		if err := v.advance(&s.call, s.seen); err != nil {
			return false, err
		}
	}
	t := s.call.Trace
	s.seen = inspect.Counts{
		Frames: t.Forgotten.Frames + len(t.Frames), Parts: t.Forgotten.Parts + len(t.Parts),
		Headers:  t.Forgotten.Headers + len(t.Headers),
		Messages: t.Forgotten.Messages + len(t.Messages), Problems: t.Forgotten.Problems + len(t.Problems),
	}
	s.discard()
	return more, nil
}

// mostBlocks is how many header blocks of a call are kept for -v: it has three,
// unless its server sends more.
const mostBlocks = 100

// enough is how much index is kept before what has been shown is dropped.
const enough = 4096

// discard drops what has been shown, so that an endless stream needs no more
// memory than a short one.
func (s *show) discard() {
	t := s.call.Trace
	if len(t.Frames)+len(t.Parts) < enough || slices.ContainsFunc(s.views, view.keeps) {
		return
	}
	for _, b := range t.Headers {
		if b.Stream == s.call.Stream.ID && len(s.blocks) < mostBlocks {
			s.blocks = append(s.blocks, b)
		}
	}
	s.problems = append(s.problems, t.Problems...) // the decoder limits them
	s.decoder.Forget(t)
	if s.keepBytes || s.options.save != "" {
		return // its bytes are wanted
	}
	for _, d := range []record.Dir{record.Sent, record.Received} {
		s.call.Recording.Discard(d, s.decoder.Needed(d))
	}
}

// finish shows the rest, once the recording is complete.
func (s *show) finish() error {
	if err := s.advance(context.Background()); err != nil {
		return err
	}
	s.call.Trace.Problems = append(s.problems, s.call.Trace.Problems...)
	for _, v := range s.views {
		if err := v.finish(&s.call); err != nil {
			return err
		}
	}
	if s.bad == nil {
		s.bad = s.cut()
	}
	if err := s.ios.flush(); err != nil {
		return err
	}
	if s.options.verbose {
		verbose(s.ios, s.summary(), s.options.showSecrets)
	}
	return nil
}

// summary is the call with the header blocks that were dropped, and without what
// -v does not tell.
func (s *show) summary() *render.Call {
	c := s.call.Call
	c.Trace.Headers = append(s.blocks, c.Trace.Headers...)
	c.Trace.Frames, c.Trace.Messages = nil, nil
	return &c
}

// cut returns an error for a reply that ended inside a message; nil if none did.
func (s *show) cut() error {
	for _, m := range s.call.Trace.Partial {
		if s.call.shows(m.Stream) && m.Dir == record.Received && m.Prefixed() {
			return decodeError(m, fmt.Errorf("the stream ended after %d of its %d bytes", m.Have, m.Length))
		}
	}
	return nil
}

// verdict says on stderr how the call ended if it did not end well, and returns
// the error with its exit code.
func (s *show) verdict() error {
	status := s.call.Status()
	// A reply that the server called OK, but whose bytes are damaged, is told as
	// what it is: not as the status that grpc-go makes of it.
	damaged := s.bad != nil && s.call.Stream.Status != nil && status.Source == "local"
	if status.Code != 0 && !damaged {
		tellStatus(s.ios, status, s.call.Stream.Status)
		return &exitError{code: statusExit(status.Code), quiet: true, err: errors.New(status.Name)}
	}
	if s.bad != nil {
		return &exitError{code: exitProtocol, err: s.bad}
	}
	return nil
}

// tellStatus writes a status that is not OK, with its details. wire is what the
// server sent, which may be another or nothing.
func tellStatus(ios *ioStreams, status render.StatusPart, wire *inspect.Status) {
	text := status.Name
	if status.Message != "" {
		text += ": " + render.Escape(status.Message) // one line, whatever the server says
	}
	switch {
	case status.Source == "wire":
	case wire == nil:
		text += " (decided here: the server sent no status)"
	default:
		text += fmt.Sprintf(" (decided here: the server sent %s)", envelope.CodeName(wire.Code))
	}
	ios.talk("wiregloss: %s", text)
	for _, d := range status.Details {
		ios.talk("  %s", render.EscapeJSON(indented(d, "  ")))
	}
}

func indented(b json.RawMessage, prefix string) []byte {
	out, err := json.MarshalIndent(b, prefix, "  ")
	if err != nil {
		return b
	}
	return out
}

// verbose writes metadata, status and timing for the person.
func verbose(ios *ioStreams, c *render.Call, secrets bool) {
	e := c.Envelope(false)
	fields := func(title string, list []render.HeaderPart) {
		ios.talk("%s", title)
		for _, h := range list {
			ios.talk("  %s: %s", render.Escape(h.Name), render.HeaderValue(h.Name, h.Value, secrets))
		}
	}
	fields("> "+e.Request.Method+" "+e.Request.Path+" to "+e.Target, e.Request.Headers)
	fields("< headers", e.Response.Headers)
	fields("< trailers", e.Response.Trailers)
	ios.talk("* %s (%s) · %d sent, %d received · connect %.2f ms, first byte %.2f ms, total %.2f ms",
		e.Response.Status.Name, e.Response.Status.Source, c.Stream.Messages[record.Sent], c.Stream.Messages[record.Received],
		e.Timing.Connect+e.Timing.DNS+e.Timing.TLS, e.Timing.FirstByte, e.Timing.Total)
	for _, p := range c.Trace.Problems {
		ios.talk("! %s", render.ProblemText(p))
	}
}

// newer returns the part of a list that lies beyond what was seen before.
func newer[T any](list []T, forgotten, seen int) []T {
	return list[min(max(seen-forgotten, 0), len(list)):]
}

func decodeError(m inspect.Message, err error) error {
	return fmt.Errorf("%s: %w", render.MessageName(m), err)
}
