package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
)

// Limits on what a server may send. No honest schema comes near.
const (
	maxFiles   = 20_000
	maxBytes   = 256 << 20
	maxMessage = 64 << 20
)

// session asks questions on one stream, and opens another if a server ends it
// after an answer, as some do.
type session struct {
	ctx    context.Context
	cc     grpc.ClientConnInterface
	path   string
	stream grpc.ClientStream
	cancel context.CancelFunc
	peer   string
	proven bool // the stream has answered before
}

// refusal is an error answer to one question, the stream going on.
type refusal struct {
	code codes.Code
	text string
}

// Error returns the server's words.
func (r *refusal) Error() string { return fmt.Sprintf("%s: %s", r.code, r.text) }

// GRPCStatus makes status.Code work.
func (r *refusal) GRPCStatus() *status.Status { return status.New(r.code, r.text) }

// list returns the names of the services, sorted, each once.
func (s *session) list() ([]string, error) {
	resp, err := s.ask(&reflectpb.ServerReflectionRequest{
		MessageRequest: &reflectpb.ServerReflectionRequest_ListServices{ListServices: "*"},
	})
	if err != nil {
		return nil, err
	}
	if resp.GetListServicesResponse() == nil {
		return nil, errors.New("the server answered another question than which services there are")
	}
	var names []string
	for _, svc := range resp.GetListServicesResponse().GetService() {
		names = append(names, svc.GetName())
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// ask sends a question and waits for its answer; a refusal is an error. A stream
// that answered before and then ended is replaced once.
func (s *session) ask(q *reflectpb.ServerReflectionRequest) (*reflectpb.ServerReflectionResponse, error) {
	resp, err := s.exchange(q)
	if err != nil && s.proven && s.ctx.Err() == nil {
		s.close()
		resp, err = s.exchange(q)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	s.proven = true
	if e := resp.GetErrorResponse(); e != nil {
		return nil, &refusal{codes.Code(uint32(e.GetErrorCode())), e.GetErrorMessage()}
	}
	return resp, nil
}

func (s *session) exchange(q *reflectpb.ServerReflectionRequest) (*reflectpb.ServerReflectionResponse, error) {
	if s.stream == nil {
		if err := s.open(); err != nil {
			return nil, err
		}
	}
	// A failed send says only EOF: the receive knows why.
	if err := s.stream.SendMsg(q); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	resp := &reflectpb.ServerReflectionResponse{}
	err := s.stream.RecvMsg(resp)
	if p, ok := peer.FromContext(s.stream.Context()); ok && p.Addr != nil {
		s.peer = p.Addr.String()
	}
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the server ended the stream instead of answering")
	}
	return resp, err
}

func (s *session) open() error {
	ctx, cancel := context.WithCancel(s.ctx)
	stream, err := s.cc.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, s.path, grpc.MaxCallRecvMsgSize(maxMessage))
	if err != nil {
		cancel()
		return err
	}
	s.stream, s.cancel, s.proven = stream, cancel, false
	return nil
}

// close ends the stream.
func (s *session) close() {
	if s.stream == nil {
		return
	}
	_ = s.stream.CloseSend() // never fails
	s.cancel()
	s.stream = nil
}

// origin is the address that answered.
func (s *session) origin() string {
	if s.peer == "" {
		return "the given address"
	}
	return s.peer
}
