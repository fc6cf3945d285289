package reflection

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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

// failing is a connection to a server that breaks off.
type failing struct{ grpc.ClientConnInterface }

func (failing) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Error(codes.Unavailable, "it broke off")
}

// Files are enough where the server does not say what it offers.
func TestLoadFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.proto")
	if err := os.WriteFile(path, []byte("syntax = \"proto3\"; package a; message M {} service S { rpc R(M) returns (M); }"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		conn     grpc.ClientConnInterface
		path     string
		problems int
	}{
		"file":                         {nil, path, 0},
		"folder":                       {nil, filepath.Dir(path), 0},
		"and a server that refuses":    {refusing{}, path, 1},
		"and a server that breaks off": {failing{}, path, 1},
	} {
		c, err := Load(t.Context(), Options{Files: []string{test.path}, Conn: test.conn, Origin: "api.example:443", Reflect: On})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, ok := c.RPC("/a.S/R"); !ok || len(c.Problems) != test.problems || c.Origin != test.path {
			t.Errorf("%s: origin %s, problems %v", name, c.Origin, c.Problems)
		}
	}
	if _, err := Load(t.Context(), Options{Files: []string{path + "x"}, Conn: refusing{}}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestIsFile(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]bool{
		"a.proto": true, "dir/B.PROTO": true, "x.protoset": true, "x.binpb.gz": true, "x.pb": true, "x.desc": true, t.TempDir(): true, ".": true, "-": true,
		"localhost:50051": false, ":443": false, "https://x.example/a.pb": false, "unix:///a.pb": false, "api.example": false, "openapi.json": false, "": false,
	} {
		if got := IsFile(target); got != want {
			t.Errorf("IsFile(%q) = %v", target, got)
		}
	}
}
