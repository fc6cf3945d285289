package call

import (
	"errors"
	"io"
	"testing"

	"google.golang.org/grpc"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/protobuf/proto"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

// BenchmarkRecv is a server stream of small messages, the recording discarded as a
// reader would.
func BenchmarkRecv(b *testing.B) {
	addr, _ := serve(b, grpc.MaxRecvMsgSize(1<<30))
	tg, err := ParseTarget(addr)
	if err != nil {
		b.Fatal(err)
	}
	s, err := Open(b.Context(), method("StreamingOutputCall"), exchange.Request{Target: tg}, nil)
	if err != nil {
		b.Fatal(err)
	}
	req := &testpb.StreamingOutputCallRequest{}
	for range b.N {
		req.ResponseParameters = append(req.ResponseParameters, &testpb.ResponseParameters{Size: 75})
	}
	msg, err := proto.Marshal(req)
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Send(msg); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	rec := s.Connection()
	for n := 0; ; n++ {
		if err := s.Recv(); err != nil {
			if !errors.Is(err, io.EOF) || n != b.N {
				b.Fatal(n, err)
			}
			break
		}
		if n%1024 == 0 {
			rec.Discard(record.Received, rec.Size(record.Received))
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
