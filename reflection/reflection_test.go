package reflection

import (
	"context"
	"errors"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wiregloss/wiregloss/reflection/server"
)

// refusing is a connection to a server that implements nothing.
type refusing struct{ grpc.ClientConnInterface }

func (refusing) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unimplemented, "unknown service")
}

func TestLoadNamesTheOrigin(t *testing.T) {
	t.Parallel()
	_, err := Load(t.Context(), Options{Conn: refusing{}, Origin: "api.example:443", Operation: "a.B/C"})
	var e *server.UnsupportedError
	if !errors.As(err, &e) || err.Error() != "the server at api.example:443 does not offer reflection (v1 or v1alpha): without it there is no schema; enable it in the server" {
		t.Errorf("err = %v", err)
	}
}

func TestLoadWithoutSource(t *testing.T) {
	t.Parallel()
	if _, err := Load(t.Context(), Options{}); err == nil {
		t.Error("no source and no error")
	}
}
