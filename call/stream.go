package call

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

// Stream is one call under way. Send and CloseSend belong to one goroutine, Recv
// to one other; Cancel and Close may be called from any.
type Stream struct {
	conn   *Conn
	own    bool // the connection ends with the stream
	grpc   grpc.ClientStream
	cancel context.CancelCauseFunc
	ctx    context.Context //nolint:containedctx // it is the call's, and asked why it ended
	once   bool            // the method takes one message
	req    exchange.Request

	sent       atomic.Int64 // messages
	halfClosed atomic.Bool  // nothing more will be sent

	recv    sync.Mutex // held while receiving
	got     int64      // messages
	done    error      // what Recv returns from now on
	outcome exchange.Outcome
}

// Open dials and starts the call of op. req.Timeout counts from here, so that it
// covers dialing too. It returns once the server lets the stream begin; one that
// allows no streams is waited for until the call's deadline, and the connect
// timeout at most. Errors are *DialError, *HeaderError, *OptionError, or that op
// is no gRPC method. The caller must Close the stream, which closes its connection.
func Open(ctx context.Context, op catalog.Operation, req exchange.Request, newRec func(record.Meta) *record.Recording) (*Stream, error) {
	s, ctx, rpc, err := newStream(ctx, op, req)
	if err != nil {
		return nil, err
	}
	if s.conn, err = DialFor(ctx, req, newRec); err != nil {
		s.cancel(nil)
		return nil, err
	}
	s.own = true
	s.start(ctx, rpc)
	return s, nil
}

// Open starts a call over a connection of DialFor, beside others. Of req it takes
// what concerns a call: headers, timeout, limits and wait-for-ready. Closing the
// stream leaves the connection open. Errors are those of package function Open
// but *DialError: a connection that is lost meanwhile is how the call ends.
func (c *Conn) Open(ctx context.Context, op catalog.Operation, req exchange.Request) (*Stream, error) {
	if c.raw == nil {
		return nil, errors.New("the connection is one for stubs; DialFor makes one for calls of bytes")
	}
	if req.Compress != c.raw.Compress {
		return nil, &OptionError{"compress", fmt.Sprintf("the connection was made for %q, and %q is asked for", c.raw.Compress, req.Compress)}
	}
	s, ctx, rpc, err := newStream(ctx, op, req)
	if err != nil {
		return nil, err
	}
	s.conn = c
	s.start(ctx, rpc)
	return s, nil
}

// newStream prepares a call, with the context that it runs under.
func newStream(ctx context.Context, op catalog.Operation, req exchange.Request) (*Stream, context.Context, catalog.RPC, error) {
	rpc, ok := op.Call.(catalog.RPC)
	if !ok {
		return nil, nil, rpc, fmt.Errorf("%s is not a gRPC method", op.ID)
	}
	ctx, err := WithHeaders(ctx, req.Headers)
	if err != nil {
		return nil, nil, rpc, err
	}
	s := &Stream{once: !rpc.Method.IsStreamingClient(), req: req}
	ctx, s.cancel = context.WithCancelCause(ctx)
	if req.Timeout > 0 {
		cancel := s.cancel
		limited, stop := context.WithTimeout(ctx, req.Timeout)
		ctx, s.cancel = limited, func(cause error) { cancel(cause); stop() }
	}
	s.ctx = ctx
	return s, ctx, rpc, nil
}

// errNoStreams ends the wait for a stream that the server does not allow.
var errNoStreams = errors.New("the server allows no stream on this connection: MAX_CONCURRENT_STREAMS is 0 in its SETTINGS (RFC 9113 §5.1.2)")

// start begins the call. A failure is that of the call: Recv reports it.
func (s *Stream) start(ctx context.Context, rpc catalog.RPC) {
	opts := []grpc.CallOption{
		grpc.ForceCodecV2(raw{}),
		grpc.MaxCallRecvMsgSize(messageLimit(s.req.MaxMessage)), grpc.MaxCallSendMsgSize(messageLimit(s.req.MaxSend)),
	}
	if s.req.Compress == "gzip" {
		opts = append(opts, grpc.UseCompressor(s.req.Compress))
	}
	if s.req.WaitForReady {
		opts = append(opts, grpc.WaitForReady(true))
	}
	md := rpc.Method
	path := fmt.Sprintf("/%s/%s", md.Parent().FullName(), md.Name())
	// Streaming on the receiving side whatever the method: a server that answers
	// wrongly, with two messages or none, is shown and not corrected.
	desc := &grpc.StreamDesc{ServerStreams: true, ClientStreams: md.IsStreamingClient()}
	if s.conn.dialer.newest().watch.noStreams() {
		stuck := time.AfterFunc(s.conn.dialer.target.ConnectTimeout, func() { s.cancel(errNoStreams) })
		defer stuck.Stop()
	}
	stream, err := s.conn.NewStream(ctx, desc, path, opts...)
	if err != nil {
		s.end(err)
		return
	}
	s.grpc = stream
}

// Send sends one message, already encoded; msg must not change afterwards. io.EOF
// means that the call has ended: Recv tells how. ErrOneMessage is returned for a
// second message of a method that takes one, an *OptionError for one over the limit.
func (s *Stream) Send(msg []byte) error {
	if s.grpc == nil {
		return io.EOF
	}
	if s.once && s.sent.Load() > 0 {
		return ErrOneMessage
	}
	s.sent.Add(1)
	if s.once {
		s.halfClosed.Store(true) // END_STREAM goes with it
	}
	err := s.grpc.SendMsg(msg)
	if st, ok := status.FromError(err); ok && st.Code() == codes.ResourceExhausted && strings.HasPrefix(st.Message(), "trying to send message larger than max") {
		return &OptionError{"message size", fmt.Sprintf("a message to send is over the limit of %d bytes%s", messageLimit(s.req.MaxSend), sizes("it has", st.Message()))}
	}
	return err
}

// CloseSend says that no more messages follow (END_STREAM). The server may go on
// answering, which a cancelled call forbids it.
func (s *Stream) CloseSend() error {
	if s.grpc == nil {
		return io.EOF
	}
	s.halfClosed.Store(true)
	return s.grpc.CloseSend()
}

// HalfClosed reports whether the sending side has ended in good order: by
// CloseSend, or by the one message that the method takes. A cancelled call may
// end without.
func (s *Stream) HalfClosed() bool { return s.halfClosed.Load() }

// Recv waits for the next message, whose bytes are in the recording. It returns
// io.EOF once the call ended with OK, else a *StatusError.
func (s *Stream) Recv() error {
	s.recv.Lock()
	defer s.recv.Unlock()
	if s.done != nil {
		return s.done
	}
	if err := s.grpc.RecvMsg(nil); err != nil {
		s.end(err)
	} else {
		s.got++
	}
	return s.done
}

// end settles the outcome.
func (s *Stream) end(err error) {
	d := s.conn.dialer
	s.outcome.At = time.Since(d.start)
	if errors.Is(err, io.EOF) {
		s.done = io.EOF
		return
	}
	st, _ := status.FromError(err)
	s.outcome.Code, s.outcome.Message = int(st.Code()), st.Message()
	// A status that was not received was made here: grpc-go reports a message cut
	// short even if OK follows it.
	s.outcome.Local = !d.claim(s.outcome.Code)
	if s.outcome.Local {
		s.explain()
	}
	s.done = &StatusError{s.outcome}
}

// sizes keeps the declared length of grpc-go's "(1073741824 vs. 4194304)".
func sizes(verb, text string) string {
	_, in, ok := strings.Cut(text, "(")
	declared, _, found := strings.Cut(in, " ")
	if !ok || !found {
		return ""
	}
	return ": " + verb + " " + declared
}

// Outcome is how the call ended; meaningful after Recv returned an error.
func (s *Stream) Outcome() exchange.Outcome {
	s.recv.Lock()
	defer s.recv.Unlock()
	return s.outcome
}

// Cancel ends the call from this side (RST_STREAM): the server is not to answer
// any more.
func (s *Stream) Cancel() { s.cancel(nil) }

// Close cancels the call if it still runs. A connection that Open made is closed
// too: its recording is complete when Close returns.
func (s *Stream) Close() error {
	s.cancel(nil)
	for s.Recv() == nil { // until grpc-go has queued the RST_STREAM
	}
	if !s.own {
		return nil
	}
	return s.conn.Close()
}

// Connection returns the recording of the newest connection, which is the one
// that carried the call unless several calls share connections.
func (s *Stream) Connection() *record.Recording { return s.conn.Recording() }
