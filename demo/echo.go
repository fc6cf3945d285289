package demo

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// compressKey is the metadata by which a client that sends uncompressed
// messages asks for compressed ones.
const compressKey = "demo-compress"

// notEchoed are names that belong to the transport, to one hop or to a
// credential; so do all that begin with ":" or "grpc-".
var notEchoed = []string{
	"accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "cookie", "date",
	"forwarded", "host", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "via",
	compressKey,
}

// echoed returns the metadata of a request that its response repeats.
func echoed(ctx context.Context) metadata.MD {
	in, _ := metadata.FromIncomingContext(ctx)
	out := metadata.MD{}
	for name, values := range in {
		if !strings.HasPrefix(name, ":") && !strings.HasPrefix(name, "grpc-") && !slices.Contains(notEchoed, name) {
			out[name] = values
		}
	}
	return out
}

// echoUnary repeats request metadata in the headers and trailers of a unary call.
func echoUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	md := echoed(ctx)
	if err := grpc.SetHeader(ctx, md); err != nil {
		return nil, err
	}
	if err := grpc.SetTrailer(ctx, md); err != nil {
		return nil, err
	}
	compressIfAsked(ctx)
	return next(ctx, req)
}

// echoStream repeats request metadata in the headers and trailers of a stream.
func echoStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	md := echoed(stream.Context())
	if err := stream.SetHeader(md); err != nil {
		return err
	}
	stream.SetTrailer(md)
	compressIfAsked(stream.Context())
	return next(srv, stream)
}

// asksForGzip reports whether a call's metadata asks for compressed replies.
func asksForGzip(ctx context.Context) bool {
	return slices.Contains(metadata.ValueFromIncomingContext(ctx, compressKey), "gzip")
}

// compressIfAsked compresses the replies of a call on the plain listener. A
// client that does not accept gzip gets them uncompressed.
func compressIfAsked(ctx context.Context) {
	if asksForGzip(ctx) {
		_ = grpc.SetSendCompressor(ctx, "gzip")
	}
}

// adoptCompression does on the shared port what compressIfAsked cannot: there
// grpc-go does not read grpc-accept-encoding, and so refuses to choose an
// encoding. But it answers in the encoding the request claims, and a request
// may claim one and leave its messages uncompressed.
func adoptCompression(r *http.Request) {
	if r.Header.Get(compressKey) == "gzip" && r.Header.Get("Grpc-Encoding") == "" &&
		strings.Contains(r.Header.Get("Grpc-Accept-Encoding"), "gzip") {
		r.Header.Set("Grpc-Encoding", "gzip")
	}
}
