package demo

import (
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // registers the gzip compressor
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/wiregloss/wiregloss/demo/demov1"
)

// newGRPC returns a server with every gRPC service of the demo. It works both
// as an http.Handler and on a listener of its own.
func newGRPC(d *data) (*grpc.Server, error) {
	s := grpc.NewServer(
		grpc.ChainUnaryInterceptor(echoUnary),
		grpc.ChainStreamInterceptor(echoStream),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.MaxRecvMsgSize(maxMessageBytes),
		grpc.WaitForHandlers(true),
	)
	demov1.RegisterUserServiceServer(s, &users{data: d})
	demov1.RegisterOrderServiceServer(s, &orders{data: d})
	demov1.RegisterFileServiceServer(s, &files{shelf: d.files})
	demov1.RegisterChatServiceServer(s, &chat{now: d.now})
	demov1.RegisterLoadServiceServer(s, load{})

	h := health.NewServer()
	for name := range s.GetServiceInfo() {
		h.SetServingStatus(name, grpc_health_v1.HealthCheckResponse_SERVING)
	}
	grpc_health_v1.RegisterHealthServer(s, h)
	return s, registerReflection(s)
}
