package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/wiregloss/wiregloss/record"
)

// call makes the call that the arguments name and shows it.
func (c *curl) call(ctx context.Context, s *curlSession) error {
	timing := c.timing.part("InvokeRPC")
	r := &curlCall{c: c, s: s, types: newCurlTypes(s)}
	err := r.run(ctx)
	timing.end()
	st, isStatus := status.FromError(err)
	switch {
	case err == nil:
		st = r.status
	case outputClosed(err) || !isStatus || !c.formatError:
		if outputClosed(err) {
			return err
		}
		return failure(err, "Error invoking method %q", c.symbol)
	}
	if c.verbosity() > 0 {
		sent := 0
		if r.in != nil {
			sent = r.in.count()
		}
		if err := c.write(fmt.Sprintf("Sent %s and received %s\n", counted(sent, "request"), counted(r.received, "response"))); err != nil {
			return err
		}
	}
	if st.Code() == codes.OK {
		return nil
	}
	if err := c.ios.flush(); err != nil {
		return err
	}
	c.showStatus(st, newCurlTypes(s).withKnown())
	return &exitError{code: statusExit(int(st.Code())), quiet: true, err: st.Err()}
}

// counted is "1 request" or "2 requests".
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// curlCall is one call and what became of it.
type curlCall struct {
	c      *curl
	s      *curlSession
	types  *curlTypes
	method protoreflect.MethodDescriptor
	format *curlFormatter

	mu       sync.Mutex // guards in against the goroutine that sends
	in       curlInput
	received int
	status   *status.Status
}

// run finds the method and makes the call. Its error is about what is here; how
// the server ended the call is in status.
func (r *curlCall) run(ctx context.Context) error {
	if err := r.resolve(); err != nil {
		return err
	}
	md := r.method
	if text, err := printer.PrintProtoToString(md); err == nil {
		if err := r.block("Resolved method descriptor:", strings.TrimSuffix(text, "\n")); err != nil {
			return err
		}
	}
	seen := map[protoreflect.FullName]bool{}
	for _, m := range []protoreflect.MessageDescriptor{md.Input(), md.Output()} {
		if err := r.types.extend(m, seen); err != nil {
			return fmt.Errorf("error resolving server extensions for message %s: %w", m.FullName(), err)
		}
	}
	r.format = r.c.formatter(r.types)
	r.format.separated = r.c.verbosity() == 0
	r.in = r.c.input(md.Input(), r.types)
	headers := curlMetadata(slices.Concat(r.c.headers, r.c.rpcHeaders))
	if err := r.block("Request metadata to send:", curlHeaders(headers)); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(metadata.NewOutgoingContext(ctx, headers))
	defer cancel()
	switch {
	case md.IsStreamingClient() && md.IsStreamingServer():
		return r.both(ctx, cancel)
	case md.IsStreamingClient():
		return r.upload(ctx)
	case md.IsStreamingServer():
		return r.download(ctx)
	}
	return r.unary(ctx)
}

// resolve finds the method that the symbol names.
func (r *curlCall) resolve() error {
	symbol := r.c.symbol
	i := strings.LastIndexByte(symbol, '/')
	if i < 0 {
		i = strings.LastIndexByte(symbol, '.')
	}
	if i <= 0 || i == len(symbol)-1 {
		return fmt.Errorf("given method name %q is not in expected format: 'service/method' or 'service.method'", symbol)
	}
	service, name := symbol[:i], symbol[i+1:]
	d, err := r.s.symbol(service)
	if err != nil {
		return unresolvedService(service, err)
	}
	sd, ok := d.(protoreflect.ServiceDescriptor)
	if !ok {
		return fmt.Errorf("target server does not expose service %q", service)
	}
	if r.method = sd.Methods().ByName(protoreflect.Name(name)); r.method == nil {
		return fmt.Errorf("service %q does not include a method named %q", service, name)
	}
	return r.c.export(r.s, []string{service})
}

func unresolvedService(name string, err error) error {
	var missing *curlMissing
	if errors.As(err, &missing) {
		return fmt.Errorf("target server does not expose service %q", name)
	}
	if st, ok := status.FromError(err); ok {
		return status.Errorf(st.Code(), "failed to query for service descriptor %q: %s", name, st.Message())
	}
	return fmt.Errorf("failed to query for service descriptor %q: %w", name, err)
}

// next returns the next message to send.
func (r *curlCall) next() ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	msg, err := r.in.next()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("error getting request data: %w", err)
	}
	return msg, err
}

// only returns the message of a method that takes one; an empty one if none is given.
func (r *curlCall) only(kind string) ([]byte, error) {
	msg, err := r.next()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	switch _, err := r.next(); {
	case err == nil:
		return nil, fmt.Errorf("method %q is a %s RPC, but request data contained more than 1 message", r.method.FullName(), kind)
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	return msg, nil
}

func (r *curlCall) path() string {
	return fmt.Sprintf("/%s/%s", r.method.Parent().FullName(), r.method.Name())
}

func (r *curlCall) open(ctx context.Context) (grpc.ClientStream, error) {
	desc := &grpc.StreamDesc{
		StreamName:    string(r.method.Name()),
		ClientStreams: r.method.IsStreamingClient(), ServerStreams: r.method.IsStreamingServer(),
	}
	return r.s.conn.NewStream(ctx, desc, r.path(), grpc.ForceCodecV2(curlCodec{}))
}

func (r *curlCall) reply() *curlReply {
	return &curlReply{message: dynamicpb.NewMessage(r.method.Output()), types: r.types}
}

func (r *curlCall) unary(ctx context.Context) error {
	msg, err := r.only("unary")
	if err != nil {
		return err
	}
	var headers, trailers metadata.MD
	reply := r.reply()
	err = r.s.conn.Invoke(ctx, r.path(), msg, reply, grpc.ForceCodecV2(curlCodec{}), grpc.Header(&headers), grpc.Trailer(&trailers))
	if err := r.block("Response headers received:", curlHeaders(headers)); err != nil {
		return err
	}
	if err == nil {
		if err := r.show(reply); err != nil {
			return err
		}
	}
	return r.end(err, trailers)
}

func (r *curlCall) upload(ctx context.Context) error {
	stream, err := r.open(ctx)
	if err != nil {
		return r.end(err, nil)
	}
	for {
		msg, err := r.next()
		if err == nil {
			err = stream.SendMsg(msg)
		} else if !errors.Is(err, io.EOF) {
			return err
		}
		if err != nil { // io.EOF: there are no more, or the server wants no more
			break
		}
	}
	reply := r.reply()
	_ = stream.CloseSend() // never fails
	err = stream.RecvMsg(reply)
	if err == nil {
		r.forget()
	}
	if err := r.headers(stream); err != nil {
		return err
	}
	if err == nil {
		if err := r.show(reply); err != nil {
			return err
		}
	}
	return r.end(err, stream.Trailer())
}

func (r *curlCall) download(ctx context.Context) error {
	msg, err := r.only("server-streaming")
	if err != nil {
		return err
	}
	stream, err := r.open(ctx)
	if err != nil {
		return r.end(err, nil)
	}
	if err := stream.SendMsg(msg); err != nil && !errors.Is(err, io.EOF) {
		return r.end(err, nil)
	}
	_ = stream.CloseSend() // never fails
	return r.receive(stream, func() error { return nil })
}

// both sends what comes from the input while it shows what comes from the server.
func (r *curlCall) both(ctx context.Context, cancel context.CancelFunc) error {
	stream, err := r.open(ctx)
	if err != nil {
		return r.end(err, nil)
	}
	failed := make(chan error, 1)
	go func() { // one that waits for stdin is left behind when the server has ended the call
		for {
			msg, err := r.next()
			if err == nil {
				err = stream.SendMsg(msg)
			} else if !errors.Is(err, io.EOF) {
				failed <- err
				cancel()
				return
			} else {
				_ = stream.CloseSend() // never fails
			}
			if err != nil {
				return
			}
		}
	}()
	return r.receive(stream, func() error {
		select {
		case err := <-failed:
			return err
		default:
			return nil
		}
	})
}

// receive shows what the server sends until it ends the call. sending tells why
// nothing more could be sent.
func (r *curlCall) receive(stream grpc.ClientStream, sending func() error) error {
	if err := r.headers(stream); err != nil {
		return err
	}
	for {
		reply := r.reply()
		err := stream.RecvMsg(reply)
		if err == nil {
			r.forget()
			if err := r.show(reply); err != nil {
				return err
			}
			continue
		}
		if cause := sending(); cause != nil {
			return fmt.Errorf("grpc call for %q failed: %w", r.method.FullName(), cause)
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return r.end(err, stream.Trailer())
	}
}

// forget drops what the recording holds: nothing here reads it again.
func (r *curlCall) forget() {
	rec := r.s.conn.Recording()
	for _, d := range []record.Dir{record.Sent, record.Received} {
		rec.Discard(d, rec.Size(d))
	}
}

// headers shows the headers of the reply, once they have come.
func (r *curlCall) headers(stream grpc.ClientStream) error {
	headers, err := stream.Header()
	if err != nil {
		return nil //nolint:nilerr // receiving tells why there are none
	}
	return r.block("Response headers received:", curlHeaders(headers))
}

// end notes how the server ended the call.
func (r *curlCall) end(err error, trailers metadata.MD) error {
	st, ok := status.FromError(err)
	if !ok {
		return fmt.Errorf("grpc call for %q failed: %w", r.method.FullName(), err)
	}
	r.status = st
	return r.block("Response trailers received:", curlHeaders(trailers))
}

// block shows a part of the call with -v.
func (r *curlCall) block(title, text string) error {
	if r.c.verbosity() == 0 {
		return nil
	}
	return r.c.write("\n" + title + "\n" + text + "\n")
}

// show shows one message from the server.
func (r *curlCall) show(reply *curlReply) error {
	r.received++
	if r.c.verbosity() > 1 {
		if err := r.c.write(fmt.Sprintf("\nEstimated response size: %d bytes\n", proto.Size(reply.message))); err != nil {
			return err
		}
	}
	if r.c.verbosity() > 0 {
		if err := r.c.write("\nResponse contents:\n"); err != nil {
			return err
		}
	}
	text, err := r.format.format(reply.message)
	if err != nil {
		return r.c.write(fmt.Sprintf("Failed to format response message %d: %v\n", r.received, err))
	}
	return r.c.write(text + "\n")
}

// curlReply is where the codec puts a message.
type curlReply struct {
	message *dynamicpb.Message
	types   *curlTypes
}

// curlCodec sends encoded messages as they are, and decodes replies.
type curlCodec struct{}

// Marshal passes bytes through.
func (curlCodec) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("send %T: want encoded bytes", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(b)}, nil
}

// Unmarshal decodes a *curlReply.
func (curlCodec) Unmarshal(data mem.BufferSlice, v any) (err error) {
	defer guard(&err)
	r, ok := v.(*curlReply)
	if !ok {
		return fmt.Errorf("receive into %T: want a reply", v)
	}
	b := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer b.Free()
	return proto.UnmarshalOptions{Resolver: r.types}.Unmarshal(b.ReadOnlyData(), r.message)
}

// Name is that of the usual codec, so that the content-type is the usual one.
func (curlCodec) Name() string { return "" }
