package call

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // offered in grpc-accept-encoding, and used for requests
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

// Stream is one call under way. Send and CloseSend belong to one goroutine, Recv
// to one other; Cancel and Close may be called from any.
type Stream struct {
	conn   *Conn
	grpc   grpc.ClientStream
	cancel context.CancelFunc
	once   bool // the method takes one message
	sent   bool
	limit  int64 // of a received message, as the caller gave it; 0 is none

	recv    sync.Mutex // held while receiving
	done    error      // what Recv returns from now on
	outcome exchange.Outcome
}

// Open dials and starts the call of op. req.Timeout counts from here, so that it
// covers dialing too. It returns once the server lets the stream begin, which a
// server that allows no streams never does. Errors are *DialError, *HeaderError, or that op is no gRPC
// method. The caller must Close the stream.
func Open(ctx context.Context, op catalog.Operation, req exchange.Request, newRec func(record.Meta) *record.Recording) (*Stream, error) {
	rpc, ok := op.Call.(catalog.RPC)
	if !ok {
		return nil, fmt.Errorf("%s is not a gRPC method", op.ID)
	}
	if req.Compress != "" && req.Compress != "gzip" {
		return nil, fmt.Errorf("compress the request: %q is not supported; use gzip", req.Compress)
	}
	ctx, err := WithHeaders(ctx, req.Headers)
	if err != nil {
		return nil, err
	}
	var cancel context.CancelFunc
	if req.Timeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, req.Timeout)
	} else {
		ctx, cancel = context.WithCancel(ctx)
	}
	s := &Stream{cancel: cancel, once: !rpc.Method.IsStreamingClient(), limit: req.MaxMessage}
	o := Options{UserAgent: userAgentOf(req.Headers), MaxMessage: req.MaxMessage}
	//nolint:staticcheck // The registry of package encoding is global, and a demo server in this process uses it too.
	if s.conn, err = dial(ctx, req.Target, o, newRec, grpc.WithDecompressor(unread{})); err != nil {
		cancel()
		return nil, err
	}
	s.start(ctx, rpc, req)
	return s, nil
}

// start begins the call. A failure is that of the call: Recv reports it.
func (s *Stream) start(ctx context.Context, rpc catalog.RPC, req exchange.Request) {
	opts := []grpc.CallOption{grpc.ForceCodecV2(raw{})}
	if req.Compress != "" {
		opts = append(opts, grpc.UseCompressor(req.Compress))
	}
	md := rpc.Method
	path := fmt.Sprintf("/%s/%s", md.Parent().FullName(), md.Name())
	// Streaming on the receiving side whatever the method: a server that answers
	// wrongly, with two messages or none, is shown and not corrected.
	desc := &grpc.StreamDesc{ServerStreams: true, ClientStreams: md.IsStreamingClient()}
	stream, err := s.conn.NewStream(ctx, desc, path, opts...)
	if err != nil {
		s.end(err)
		return
	}
	s.grpc = stream
}

// Send sends one message, already encoded; msg must not change afterwards. io.EOF
// means that the call has ended: Recv tells how. ErrOneMessage is returned for a
// second message of a method that takes one.
func (s *Stream) Send(msg []byte) error {
	if s.grpc == nil {
		return io.EOF
	}
	if s.once && s.sent {
		return ErrOneMessage
	}
	s.sent = true
	return s.grpc.SendMsg(msg)
}

// CloseSend says that no more messages follow.
func (s *Stream) CloseSend() error {
	if s.grpc == nil {
		return io.EOF
	}
	return s.grpc.CloseSend()
}

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
	}
	return s.done
}

// end settles the outcome.
func (s *Stream) end(err error) {
	s.outcome.At = time.Since(s.conn.dialer.firstStart())
	if errors.Is(err, io.EOF) {
		s.done = io.EOF
		return
	}
	st, _ := status.FromError(err)
	s.outcome.Code, s.outcome.Message = int(st.Code()), st.Message()
	// A status that differs from the one received was made here: grpc-go reports a
	// message cut short even if OK follows it.
	wire, ok := s.conn.dialer.newest().watch.grpcStatus()
	s.outcome.Local = !ok || wire != s.outcome.Code
	if s.outcome.Local && s.limit > 0 && strings.HasPrefix(s.outcome.Message, "grpc: received message larger than max") {
		s.outcome.Message = fmt.Sprintf("a reply message is over the limit of %d bytes%s", s.limit, sizes(s.outcome.Message))
	}
	s.done = &StatusError{s.outcome}
}

// sizes keeps the declared length of grpc-go's "(1073741824 vs. 4194304)".
func sizes(text string) string {
	_, in, ok := strings.Cut(text, "(")
	declared, _, found := strings.Cut(in, " ")
	if !ok || !found {
		return ""
	}
	return ": it declares " + declared
}

// Outcome is how the call ended; meaningful after Recv returned an error.
func (s *Stream) Outcome() exchange.Outcome {
	s.recv.Lock()
	defer s.recv.Unlock()
	return s.outcome
}

// Cancel ends the call from this side.
func (s *Stream) Cancel() { s.cancel() }

// Close cancels the call if it still runs and closes the connection. The recording
// is complete when it returns.
func (s *Stream) Close() error {
	s.cancel()
	for s.Recv() == nil { // until grpc-go has queued the RST_STREAM
	}
	return s.conn.Close()
}

// Connection returns the recording of the newest connection, which is the one
// that carried the call.
func (s *Stream) Connection() *record.Recording { return s.conn.Recording() }

// firstStart is when dialing began.
func (d *dialer) firstStart() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.conns[0].rec.Meta().Start
}

// raw is a codec whose messages are bytes already. What arrives is dropped: the
// recording has it.
type raw struct{}

// Marshal passes bytes through.
func (raw) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("send %T: want encoded bytes", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(b)}, nil
}

// Unmarshal drops the message.
func (raw) Unmarshal(mem.BufferSlice, any) error { return nil }

// Name is empty so that the content-type stays application/grpc.
func (raw) Name() string { return "" }

// unread takes the place of gzip for replies: inspect undoes the compression from
// the recording, with limits of its own.
type unread struct{}

// Do drops the message.
func (unread) Do(io.Reader) ([]byte, error) { return nil, nil }

// Type is the grpc-encoding it takes.
func (unread) Type() string { return "gzip" }
