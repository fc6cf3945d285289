package demo

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/wiregloss/wiregloss/demo/demov1"
)

// Bounds of a flood.
const (
	maxFloodCount   = 100_000_000
	maxFloodPayload = 16 << 20
)

// load is demo.v1.LoadService.
type load struct {
	demov1.UnimplementedLoadServiceServer
}

// Flood implements demov1.LoadServiceServer.
func (load) Flood(req *demov1.FloodRequest, stream demov1.LoadService_FloodServer) error {
	var v violations
	v.check(req.GetCount() >= 0 && req.GetCount() <= maxFloodCount, "count", fmt.Sprintf("must be 0 to %d", maxFloodCount))
	v.check(req.GetSize() >= 0 && req.GetSize() <= maxFloodPayload, "size", fmt.Sprintf("must be 0 to %d", maxFloodPayload))
	v.check(req.GetInterval() == nil || req.GetInterval().IsValid() && req.GetInterval().AsDuration() >= 0, "interval", "must not be negative")
	if err := v.err("FloodRequest"); err != nil {
		return err
	}
	return flood(stream, int(req.GetCount()), int(req.GetSize()), req.GetInterval().AsDuration())
}

// flood sends count items. Each of the few variants is encoded once, so that
// what a benchmark measures is the client and the wire.
func flood(stream grpc.ServerStream, count, size int, interval time.Duration) error {
	items, err := floodItems(stream, min(count, 4), size)
	if err != nil {
		return err
	}
	for i := range count {
		if i > 0 && interval > 0 {
			if err := pause(stream.Context(), interval); err != nil {
				return err
			}
		}
		if err := stream.SendMsg(items[i%len(items)]); err != nil {
			return err
		}
	}
	return nil
}

// floodItems returns n items, encoded for the stream.
func floodItems(stream grpc.ServerStream, n, size int) ([]any, error) {
	if size > 64<<10 {
		n = min(n, 1) // several variants of a large item would only take memory
	}
	items := make([]any, n)
	for i := range items {
		item := floodItem(i, size)
		if asksForGzip(stream.Context()) {
			// A prepared message would miss a compressor chosen after the request.
			items[i] = item
			continue
		}
		prepared := new(grpc.PreparedMsg)
		if err := prepared.Encode(stream, item); err != nil {
			return nil, err
		}
		items[i] = prepared
	}
	return items, nil
}

// floodItem is the i-th variant of an item.
func floodItem(i, size int) *demov1.FloodItem {
	n := int32(i)
	return &demov1.FloodItem{
		Variant: n + 1,
		Source: &demov1.Source{
			Name:     fmt.Sprintf("probe-%d", i+1),
			Position: &demov1.Position{Latitude: 51_507_351 + n, Longitude: -127_758 - n},
		},
		Samples: []int32{3, 270, 86_942 + n},
		Counts:  map[string]int32{"ok": 200 + n},
		Level:   demov1.Level(1 + n%3),
		Mean:    float64(n) + 0.5,
		Payload: bytes.Repeat([]byte{byte('a' + i)}, size),
	}
}

// Stall implements demov1.LoadServiceServer.
func (load) Stall(ctx context.Context, req *demov1.StallRequest) (*demov1.StallResponse, error) {
	if req.GetWait() != nil && (!req.GetWait().IsValid() || req.GetWait().AsDuration() < 0) {
		return nil, errField("StallRequest", "wait", "must not be negative")
	}
	if req.GetHeadersFirst() {
		if err := grpc.SendHeader(ctx, metadata.MD{}); err != nil {
			return nil, err
		}
	}
	if req.GetWait() == nil {
		<-ctx.Done()
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	began := time.Now()
	if err := pause(ctx, req.GetWait().AsDuration()); err != nil {
		return nil, err
	}
	return &demov1.StallResponse{Waited: durationpb.New(time.Since(began))}, nil
}

// pause waits, unless the call ends before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}

// FailMidway implements demov1.LoadServiceServer.
func (load) FailMidway(req *demov1.FailMidwayRequest, stream demov1.LoadService_FailMidwayServer) error {
	var v violations
	v.check(req.GetCount() >= 0 && req.GetCount() <= maxFloodCount, "count", fmt.Sprintf("must be 0 to %d", maxFloodCount))
	v.check(req.GetCode() >= 0 && req.GetCode() <= 16, "code", "must be 1 to 16, or 0 for INTERNAL")
	v.check(len(req.GetMessage()) <= 1024, "message", "must be at most 1024 bytes")
	if err := v.err("FailMidwayRequest"); err != nil {
		return err
	}
	if err := flood(stream, int(req.GetCount()), 16, 0); err != nil {
		return err
	}
	code, message := codes.Code(req.GetCode()), req.GetMessage()
	if code == codes.OK {
		code = codes.Internal
	}
	if message == "" {
		message = fmt.Sprintf("failed as asked for; messages sent: %d", req.GetCount())
	}
	return fail(code, message,
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: "count", Description: fmt.Sprintf("messages sent: %d", req.GetCount())},
		}},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)},
		&errdetails.DebugInfo{StackEntries: []string{"demo.LoadService.FailMidway", "demo.flood"}, Detail: "no fault of the server: the client asked for it"},
		&errdetails.ErrorInfo{Reason: "ASKED_FOR", Domain: errorDomain, Metadata: map[string]string{"count": fmt.Sprint(req.GetCount())}},
		&errdetails.Help{Links: []*errdetails.Help_Link{{Description: "gRPC status codes", Url: "https://grpc.io/docs/guides/status-codes/"}}},
	)
}
