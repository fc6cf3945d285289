package server_test

import (
	"context"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/internal/testserver"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/reflection/server"
)

// The schema that a client asked for can be read from a recording of it.
func TestOverheard(t *testing.T) {
	t.Parallel()
	s, err := testserver.Start("ok", testserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	rec := record.New(record.Meta{Start: time.Now()})
	dial := func(ctx context.Context, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err != nil {
			return nil, err
		}
		return record.Tap(c, rec), nil
	}
	cc, err := grpc.NewClient("passthrough:///"+s.Addr, grpc.WithContextDialer(dial), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	asked, err := server.Load(t.Context(), cc)
	if err != nil {
		t.Fatal(err)
	}
	_ = cc.Close()
	heard := catalog.FromDescriptors(server.Overheard(rec, inspect.Decode(rec)))
	if len(heard.Services) == 0 || len(heard.Problems) > 0 {
		t.Fatalf("%d services, problems %v", len(heard.Services), heard.Problems)
	}
	for _, svc := range asked.Services {
		for _, op := range svc.Operations {
			if _, err := heard.Find(op.ID); err != nil {
				t.Errorf("%s was asked for and not overheard: %v", op.ID, err)
			}
		}
	}
	if got := server.Overheard(rec, inspect.Trace{}); got != nil {
		t.Errorf("files %v from nothing", got)
	}
}

func TestCommon(t *testing.T) {
	t.Parallel()
	c := server.Common()
	for _, path := range []string{
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "/grpc.health.v1.Health/Check",
	} {
		if _, ok := c.RPC(path); !ok {
			t.Errorf("no %s", path)
		}
	}
}
