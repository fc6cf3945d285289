// Package reflection finds out what a target offers, from whichever source knows.
package reflection

import (
	"context"

	"google.golang.org/grpc"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/reflection/server"
)

// Options say where to look.
type Options struct {
	Conn      grpc.ClientConnInterface // ask this server
	Origin    string                   // what to call it in messages
	Operation string                   // if not empty, only what is needed to call this
}

// Load reads the catalog.
func Load(ctx context.Context, o Options) (*catalog.Catalog, error) { return server.Load(ctx, o.Conn) }
