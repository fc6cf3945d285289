package server

import (
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
)

// BenchmarkAsk reads a server of 5,000 services in as many files whole, and for
// the sake of one operation.
func BenchmarkAsk(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := grpc.NewServer()
	reflectpb.RegisterServerReflectionServer(s, rogue{answer: manyServices(b, 5000)})
	go s.Serve(l) //nolint:errcheck // it ends with the benchmark
	defer s.Stop()
	cc, err := grpc.NewClient("passthrough:///"+l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	defer cc.Close()
	for name, operation := range map[string]string{"everything": "", "one operation": "p7.S70/Do1"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := LoadFor(b.Context(), cc, operation); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
