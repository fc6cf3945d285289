package demo

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/stats"
)

// countInPayloads counts what came over the wire for one call.
type countInPayloads struct{ compressed int }

type wireKey struct{}

// wireStats notes for each message whether it came compressed: it is shorter
// on the wire then. It finds its counter in the context of the call.
type wireStats struct{}

func (wireStats) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (wireStats) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (wireStats) HandleConn(context.Context, stats.ConnStats)                       {}

func (wireStats) HandleRPC(ctx context.Context, s stats.RPCStats) {
	in, ok := s.(*stats.InPayload)
	if wire, counted := ctx.Value(wireKey{}).(*countInPayloads); ok && counted && in.CompressedLength < in.Length {
		wire.compressed++
	}
}

// dialCounting is dial with wireStats.
func dialCounting(t *testing.T, addr string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(wireStats{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
