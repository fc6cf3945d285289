package call

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
)

// explain words a status that was decided here: what was seen until then, and what
// came instead of an answer.
func (s *Stream) explain() {
	o := &s.outcome
	s.conn.dialer.mu.Lock()
	lost := s.conn.dialer.lost
	s.conn.dialer.mu.Unlock()
	w := &s.conn.dialer.newest().watch
	switch {
	case lost != nil && strings.Contains(o.Message, "transport: Error while dialing"):
		o.Message = lost.Error() // which grpc-go quotes twice
		o.Detail = s.seen(w)
	case s.req.MaxMessage > 0 && strings.HasPrefix(o.Message, "grpc: received message larger than max"):
		o.Message = fmt.Sprintf("a reply message is over the limit of %d bytes%s", s.req.MaxMessage, sizes("it declares", o.Message))
	case s.grpc == nil && errors.Is(context.Cause(s.ctx), errNoStreams):
		o.Code, o.Message = int(codes.Unavailable), errNoStreams.Error()
	case s.grpc == nil && w.noStreams():
		o.Detail = errNoStreams.Error()
	case strings.Contains(o.Message, "unexpected HTTP status code"), strings.Contains(o.Message, "unexpected content-type"):
		o.Detail = w.pageDetail(pageWait)
	case o.Code == int(codes.DeadlineExceeded), o.Code == int(codes.Canceled), o.Code == int(codes.Unavailable):
		o.Detail = s.seen(w)
	}
}

// seen says how far the call had come.
func (s *Stream) seen(w *watch) string {
	var parts []string
	switch {
	case s.grpc == nil:
		parts = append(parts, "the call had not begun")
	case s.got > 0:
		parts = append(parts, fmt.Sprintf("%s had arrived", counted(s.got, "message")))
	case s.answered():
		parts = append(parts, "response headers had arrived, and no message")
	default:
		parts = append(parts, "no answer had arrived")
	}
	if s.grpc != nil && !s.halfClosed.Load() {
		parts = append(parts, fmt.Sprintf("after %s this side was still open to send more", counted(s.sent.Load(), "sent message")))
	}
	if g, ok := w.sentAway(); ok {
		parts = append(parts, "the server had sent "+goAwayText(g))
	}
	return strings.Join(parts, "; ")
}

// answered reports whether response headers came. grpc-go knows once the call has ended.
func (s *Stream) answered() bool {
	md, err := s.grpc.Header()
	return err == nil && md != nil
}

func counted(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// claim takes one received status of a code; ok is false if none is left, so that
// the code was decided here. Each call takes the one that ended it.
func (d *dialer) claim(code int) bool {
	for _, c := range d.all() {
		if c.watch.claim(code) {
			return true
		}
	}
	return false
}

// pageDetail quotes the last answer that was not gRPC. Its body may be on its way.
func (w *watch) pageDetail(wait time.Duration) string {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	w.mu.Lock()
	p := w.page
	w.mu.Unlock()
	if p == nil {
		return ""
	}
	select {
	case <-p.full:
	case <-timer.C:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	text := "the answer is no gRPC but HTTP " + p.status
	if p.contentType != "" {
		text += fmt.Sprintf(" with content-type %q", p.contentType)
	}
	if line := firstLine(p.body); line != "" {
		text += "; " + line
	}
	return text
}
