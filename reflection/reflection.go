// Package reflection finds out what a target offers, from whichever source knows:
// the server itself, or files. Each source has a package of its own below this
// one and returns a catalog; this package picks.
//
//	c, err := reflection.Load(ctx, reflection.Options{Conn: conn, Origin: "localhost:50051"})
package reflection

import (
	"context"
	"errors"

	"google.golang.org/grpc"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/reflection/server"
)

// Options say where to look. Only a server can be asked so far.
type Options struct {
	Conn      grpc.ClientConnInterface // the server to ask
	Origin    string                   // how the user named it; empty means its address
	Operation string                   // if not empty, what is needed to call this is enough
}

// Load reads the catalog. A server without reflection is a *server.UnsupportedError.
func Load(ctx context.Context, o Options) (*catalog.Catalog, error) {
	if o.Conn == nil {
		return nil, errors.New("load a catalog: no server and no files given")
	}
	load := server.Load
	if o.Operation != "" {
		load = func(ctx context.Context, cc grpc.ClientConnInterface) (*catalog.Catalog, error) {
			return server.LoadFor(ctx, cc, o.Operation)
		}
	}
	c, err := load(ctx, o.Conn)
	if o.Origin == "" {
		return c, err
	}
	var unsupported *server.UnsupportedError
	if errors.As(err, &unsupported) {
		return nil, &server.UnsupportedError{Origin: o.Origin}
	}
	if c != nil {
		c.Origin = o.Origin
	}
	return c, err
}
