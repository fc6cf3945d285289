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
	"google.golang.org/protobuf/proto"
)

// Limits on what a server may send. No honest schema comes near.
const (
	maxFiles    = 20_000
	maxBytes    = 128 << 20
	maxMessage  = 64 << 20
	maxServices = 50_000
	maxName     = 1024 // bytes of a name that is worth asking for
)

// Limits on what is asked without waiting for an answer. The bytes stay below the
// flow-control window that every HTTP/2 server grants at first, so that sending
// never waits for a server that waits for us to read.
const (
	maxInFlight      = 32
	maxInFlightBytes = 16 << 10
	maxStreams       = 8 // at once, of a server that answers one question a stream
	maxBarren        = 4 // streams one after another that end without an answer
)

type (
	askMessage    = reflectpb.ServerReflectionRequest
	answerMessage = reflectpb.ServerReflectionResponse
)

// question is one request of the reflection protocol, and what its answer is for.
type question struct {
	req  *askMessage
	done func(*answerMessage, error) error // an error ends the asking
}

func listServices() *askMessage {
	return &askMessage{MessageRequest: &reflectpb.ServerReflectionRequest_ListServices{ListServices: "*"}}
}

func fileOfSymbol(name string) *askMessage {
	return &askMessage{MessageRequest: &reflectpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: name}}
}

func fileByName(path string) *askMessage {
	return &askMessage{MessageRequest: &reflectpb.ServerReflectionRequest_FileByFilename{FileByFilename: path}}
}

func fileOfExtension(message string, number int32) *askMessage {
	return &askMessage{MessageRequest: &reflectpb.ServerReflectionRequest_FileContainingExtension{
		FileContainingExtension: &reflectpb.ExtensionRequest{ContainingType: message, ExtensionNumber: number},
	}}
}

// session asks questions on one stream, several before the first answer, and opens
// another if a server ends it after an answer, as some do. It belongs to one
// goroutine.
type session struct {
	ctx      context.Context
	cc       grpc.ClientConnInterface
	path     string
	progress func() // called after each answer, from several goroutines; nil for nothing

	stream   grpc.ClientStream
	cancel   context.CancelFunc
	peer     string
	answered int  // questions on this stream
	single   bool // the server answers one question a stream
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

// stop is an error by which done ends the asking.
type stop struct{ err error }

func (s *stop) Error() string { return s.err.Error() }

// ask sends questions and hands each its answer or error. It fails with what done
// returned, or when the connection or the context does.
func (s *session) ask(questions []question) error {
	barren := 0
	for len(questions) > 0 {
		if s.single && len(questions) > 1 {
			return s.askApart(questions)
		}
		if s.single {
			s.close() // it is over by now
		}
		reused := s.answered > 0
		rest, err := s.pipeline(questions)
		progressed := len(rest) < len(questions)
		questions = rest
		var ended *stop
		switch {
		case err == nil:
			return nil
		case errors.As(err, &ended):
			return ended.err
		case s.ctx.Err() != nil:
			s.close()
			return err
		}
		s.single = s.single || s.answered == 1
		s.close()
		if progressed || reused { // a stream that answered before may be replaced
			continue
		}
		if fatal(s.ctx, err) {
			return err
		}
		// The first question may be what broke the stream: it alone is given up,
		// unless it goes on like this.
		lost := 1
		if barren++; barren >= maxBarren {
			lost = len(questions)
		}
		for _, q := range questions[:lost] {
			if err := q.done(nil, err); err != nil {
				return err
			}
		}
		questions = questions[lost:]
	}
	return nil
}

// pipeline asks on one stream and returns the questions without an answer. After
// an error the stream is of no use.
func (s *session) pipeline(questions []question) (unanswered []question, err error) {
	if s.stream == nil {
		if err := s.open(); err != nil {
			return questions, err
		}
	}
	var asked []question
	bytes := 0
	for len(asked)+len(questions) > 0 {
		for len(questions) > 0 && len(asked) < maxInFlight {
			size := proto.Size(questions[0].req)
			if len(asked) > 0 && bytes+size > maxInFlightBytes {
				break
			}
			// A failed send says only EOF: the receive knows why.
			if err := s.stream.SendMsg(questions[0].req); err != nil && !errors.Is(err, io.EOF) {
				return slices.Concat(asked, questions), err
			}
			bytes += size
			asked, questions = append(asked, questions[0]), questions[1:]
		}
		resp, err := s.receive()
		if err != nil {
			return slices.Concat(asked, questions), err
		}
		i := answers(resp, asked)
		q := asked[i]
		asked = slices.Delete(asked, i, i+1)
		bytes -= proto.Size(q.req)
		if err := q.answer(resp); err != nil {
			return nil, &stop{err}
		}
	}
	return nil, nil
}

// answers returns which question a response answers: the one it repeats, or the
// first, since servers answer in order and not all repeat it.
func answers(resp *answerMessage, asked []question) int {
	if original := resp.GetOriginalRequest(); original != nil {
		for i, q := range asked {
			if sameQuestion(original, q.req) {
				return i
			}
		}
	}
	return 0
}

func sameQuestion(a, b *askMessage) bool {
	switch m := a.GetMessageRequest().(type) {
	case *reflectpb.ServerReflectionRequest_FileContainingSymbol:
		return m.FileContainingSymbol != "" && m.FileContainingSymbol == b.GetFileContainingSymbol()
	case *reflectpb.ServerReflectionRequest_FileByFilename:
		return m.FileByFilename != "" && m.FileByFilename == b.GetFileByFilename()
	case *reflectpb.ServerReflectionRequest_ListServices:
		return b.GetListServices() != ""
	}
	return proto.Equal(a.GetFileContainingExtension(), b.GetFileContainingExtension())
}

// answer hands a response to the question's done; a refusal is an error.
func (q question) answer(resp *answerMessage) error {
	if e := resp.GetErrorResponse(); e != nil {
		return q.done(nil, &refusal{codes.Code(uint32(e.GetErrorCode())), e.GetErrorMessage()})
	}
	return q.done(resp, nil)
}

func (s *session) receive() (*answerMessage, error) {
	resp := &answerMessage{}
	err := s.stream.RecvMsg(resp)
	if p, ok := peer.FromContext(s.stream.Context()); ok && p.Addr != nil {
		s.peer = p.Addr.String()
	}
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the server ended the stream instead of answering")
	}
	if err == nil {
		s.answered++
		if s.progress != nil {
			s.progress()
		}
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
	s.stream, s.cancel, s.answered = stream, cancel, 0
	return nil
}

// close ends the stream.
func (s *session) close() {
	if s.stream == nil {
		return
	}
	_ = s.stream.CloseSend() // never fails
	s.cancel()
	s.stream, s.answered = nil, 0
}

// origin is the address that answered.
func (s *session) origin() string {
	if s.peer == "" {
		return "the given address"
	}
	return s.peer
}
