// Package call performs a request over a recorded connection. It dials step by
// step so that a failure can name its step and its remedy, hands every byte
// above TLS to a record.Recording, and speaks gRPC through grpc-go with messages
// that are already bytes. What a server answers, a non-OK status included, is in
// the recording; an error here means that the call could not happen.
//
//	s, err := call.Open(ctx, op, req, nil)
//	err = s.Send(msg)
//	err = s.CloseSend()
//	for err == nil { err = s.Recv() }
//	err = s.Close()
package call

import (
	"context"
	"errors"

	"google.golang.org/grpc"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

// Options are the details of a connection that a Target does not hold.
type Options struct {
	UserAgent  string // put before grpc-go's own
	MaxMessage int64  // limit of one received message; 0 is 4 GiB-1
}

// Conn is one open connection, usable for any gRPC stub.
type Conn struct{ *grpc.ClientConn }

// Dial connects now and returns once the server's SETTINGS arrived. Its errors are *DialError.
func Dial(ctx context.Context, t exchange.Target, o Options, newRec func(record.Meta) *record.Recording) (*Conn, error) {
	return nil, errors.New("dial: not built yet")
}

// Recording returns the recording of the newest connection.
func (c *Conn) Recording() *record.Recording { return nil }

// Close ends the connection and waits until its recording is complete.
func (c *Conn) Close() error { return nil }

// WithHeaders returns a context that sends headers with each call made under it.
func WithHeaders(ctx context.Context, headers []exchange.Header) (context.Context, error) {
	return ctx, nil
}

// Step is the part of dialing that failed.
type Step string

// The steps, in order.
const (
	DNS      Step = "DNS"
	Connect  Step = "connect"
	TLS      Step = "TLS"
	Protocol Step = "protocol"
)

// DialError says why there is no connection.
type DialError struct {
	Step    Step
	Address string
	Text    string // what happened
	Hint    string // what to do; may be empty
	Timeout bool   // the time ran out in this step
	Err     error  // the cause
}

// Error returns what happened and what to do.
func (e *DialError) Error() string { return e.Text }

// Unwrap returns the cause.
func (e *DialError) Unwrap() error { return e.Err }

// StatusError is how Recv reports a call that ended other than with OK.
type StatusError struct{ Outcome exchange.Outcome }

// Error returns the status name and message.
func (e *StatusError) Error() string { return e.Outcome.Message }

// Stream is one call under way.
type Stream struct{}

// Open dials, starts the call of op and returns it.
func Open(ctx context.Context, op catalog.Operation, req exchange.Request, newRec func(record.Meta) *record.Recording) (*Stream, error) {
	return nil, errors.New("open: not built yet")
}

// Send sends one message, already encoded. io.EOF means that the call has ended: Recv tells how.
func (s *Stream) Send(msg []byte) error { return nil }

// CloseSend says that no more messages follow.
func (s *Stream) CloseSend() error { return nil }

// Recv waits for the next message, whose bytes are in the recording. It returns
// io.EOF once the call ended with OK, else a *StatusError.
func (s *Stream) Recv() error { return nil }

// Outcome is how the call ended; meaningful after Recv returned an error.
func (s *Stream) Outcome() exchange.Outcome { return exchange.Outcome{} }

// Cancel ends the call from this side.
func (s *Stream) Cancel() {}

// Close cancels what is still running and closes the connection.
func (s *Stream) Close() error { return nil }

// Connection returns the recording of the call's connection.
func (s *Stream) Connection() *record.Recording { return nil }
