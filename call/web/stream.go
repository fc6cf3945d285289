package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/wiregloss/wiregloss/exchange"
)

// Stream is one call under way. Send and CloseSend belong to one goroutine, Recv
// to one other; the rest may be called from any.
type Stream struct {
	o       Options
	ctx     context.Context // the call's own: what runs for the call ends with it
	cancel  context.CancelFunc
	conn    *conn
	version string // of HTTP
	trip    tripper

	sent    bool
	scratch []byte         // for messages that go into upload
	upload  *io.PipeWriter // the request's body; nil if the method takes one message
	body    *io.PipeReader // its other end

	begin    sync.Mutex
	begun    bool // the request was handed to trip
	closed   bool
	answered chan struct{} // closed once res or failure is set
	res      *http.Response
	failure  error

	recv  sync.Mutex // held while receiving
	reply *reply     // nil until the answer's header has come
	done  error      // what Recv returns from now on
	end   ending
}

// maxScratch is how large a buffer is kept between messages, in bytes.
const maxScratch = 64 << 10

// Open dials and prepares the call; of a method whose client streams, the request
// begins. o.Timeout counts from o.Start, so that it covers dialing. Errors are
// *OptionError, *HeaderError or that of o.Dial; what goes wrong later is how the call
// ended. The caller must Close the stream.
func Open(ctx context.Context, o Options) (*Stream, error) {
	if o.Codec == "" {
		o.Codec = "proto"
	}
	if o.Start.IsZero() {
		o.Start = time.Now()
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	var cancel context.CancelFunc
	if o.Timeout > 0 {
		ctx, cancel = context.WithDeadline(ctx, o.Start.Add(o.Timeout))
	} else {
		ctx, cancel = context.WithCancel(ctx)
	}
	s := &Stream{o: o, ctx: ctx, cancel: cancel, answered: make(chan struct{})}
	// What cannot be sent is told before anything is dialed.
	if _, err := o.request(ctx, nil, nil, 0); err != nil {
		cancel()
		return nil, err
	}
	if err := s.connect(); err != nil {
		cancel()
		return nil, err
	}
	if o.Kind.many() {
		s.body, s.upload = io.Pipe()
		if err := s.start(nil, s.body, -1); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// connect dials, and settles which version of HTTP is spoken.
func (s *Stream) connect() error {
	c, alpn, err := s.o.Dial(s.ctx)
	if err != nil {
		return err
	}
	s.conn = newConn(c)
	if s.version, err = s.o.version(alpn); err == nil {
		s.trip, err = newTripper(s.version, s.conn)
	}
	if err != nil {
		_ = s.conn.Close() // nothing was asked on it
	}
	return err
}

// start sends the request, and lets its answer be awaited. io.EOF means that the
// stream is closed.
func (s *Stream) start(message []byte, body io.ReadCloser, length int64) error {
	req, err := s.o.request(s.ctx, message, body, length)
	if err != nil {
		return err
	}
	s.begin.Lock()
	defer s.begin.Unlock()
	if s.closed {
		return io.EOF
	}
	s.begun = true
	go func() {
		defer close(s.answered)
		s.res, s.failure = s.trip.RoundTrip(req)
	}()
	return nil
}

// Send sends one message, already encoded; msg must not change afterwards. io.EOF means that the call has ended: Recv tells how. ErrOneMessage is
// returned for a second message of a method that takes one. Other errors say why
// the message cannot be sent; the call goes on.
func (s *Stream) Send(msg []byte) error {
	if s.upload == nil && s.sent {
		return ErrOneMessage
	}
	if s.ctx.Err() != nil {
		return io.EOF
	}
	out, err := s.o.encode(s.scratch, msg)
	if err != nil {
		return err
	}
	s.sent = true
	if s.upload == nil {
		return s.sendOnly(out)
	}
	if cap(out) <= maxScratch {
		s.scratch = out[:0]
	}
	if _, err := s.upload.Write(out); err != nil {
		return io.EOF
	}
	return nil
}

// sendOnly starts the request of a method that takes one message.
func (s *Stream) sendOnly(encoded []byte) error {
	if s.o.GET || len(encoded) == 0 {
		return s.start(encoded, http.NoBody, 0)
	}
	return s.start(nil, io.NopCloser(bytes.NewReader(encoded)), int64(len(encoded)))
}

// CloseSend says that no more messages follow. Of a method that takes one message
// and got none, an empty request is sent.
func (s *Stream) CloseSend() error {
	switch {
	case s.upload != nil:
		return s.upload.Close()
	case s.sent:
		return nil
	default:
		s.sent = true
		return s.start(nil, http.NoBody, 0)
	}
}

// Recv waits for the next message, whose bytes are in the recording. It returns
// io.EOF once the call ended with OK, else a *StatusError.
func (s *Stream) Recv() error {
	s.recv.Lock()
	defer s.recv.Unlock()
	if s.done != nil {
		return s.done
	}
	if end := s.next(); end != nil {
		s.settle(*end)
	}
	return s.done
}

// next waits for a message; it returns how the call ended if none came.
func (s *Stream) next() *ending {
	if s.reply == nil {
		select {
		case <-s.answered:
		case <-s.ctx.Done():
			return s.lost(s.ctx.Err())
		}
		if s.failure != nil {
			return s.lost(s.failure)
		}
		s.reply = newReply(&s.o, s.res, s.lost, s.cancel)
	}
	return s.reply.next()
}

// settle notes how the call ended.
func (s *Stream) settle(end ending) {
	if s.reply != nil && end.final {
		s.reply.drain()
	}
	s.end = end
	s.end.At = time.Since(s.o.Start)
	s.done = io.EOF
	if end.Code != codeOK {
		s.done = &StatusError{s.end.Outcome}
	}
	if s.body != nil {
		_ = s.body.CloseWithError(io.EOF) // for a Send that waits
	}
}

// Outcome is how the call ended; meaningful after Recv returned an error.
func (s *Stream) Outcome() exchange.Outcome {
	s.recv.Lock()
	defer s.recv.Unlock()
	return s.end.Outcome
}

// Details are the details of the status as the bytes of a google.rpc.Status, as
// grpc-status-details-bin holds them and Connect's error would; nil without any.
func (s *Stream) Details() []byte {
	s.recv.Lock()
	defer s.recv.Unlock()
	return s.end.details
}

// Hint is what the answer says of how the server wants to be called; the zero Hint
// if the call was right, or the answer does not tell. Meaningful as Outcome is.
func (s *Stream) Hint() Hint {
	s.recv.Lock()
	defer s.recv.Unlock()
	return s.end.hint
}

// Version is the version of HTTP that the call is made with: "1.1" or "2".
func (s *Stream) Version() string { return s.version }

// Cancel ends the call from this side.
func (s *Stream) Cancel() { s.cancel() }

// Close cancels the call if it still runs and closes the connection. The recording
// is complete when it returns.
func (s *Stream) Close() error {
	s.begin.Lock()
	s.closed = true
	begun := s.begun
	s.begin.Unlock()

	s.cancel()
	for s.Recv() == nil { // until the outcome is settled
	}
	_ = s.conn.SetWriteDeadline(time.Now().Add(grace)) // a peer that reads nothing is not told goodbye
	if begun {
		<-s.answered
		if s.res != nil {
			_ = s.res.Body.Close() // the call has ended, whatever this gives
		}
	}
	s.trip.close()
	return s.conn.Close()
}
