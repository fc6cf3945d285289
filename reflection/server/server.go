// Package server asks a gRPC server by reflection what it offers.
package server

import (
	"context"
	"errors"

	"google.golang.org/grpc"

	"github.com/wiregloss/wiregloss/catalog"
)

// UnsupportedError says that a server offers no reflection of any version.
type UnsupportedError struct{ Origin string }

// Error names the server and what to do.
func (e *UnsupportedError) Error() string { return "the server does not offer reflection" }

// Load asks the server at cc for all it offers.
func Load(ctx context.Context, cc grpc.ClientConnInterface) (*catalog.Catalog, error) {
	return nil, errors.New("load: not built yet")
}

// LoadFor is Load for one call: of a server that lists the service of operation, it fetches only that one.
func LoadFor(ctx context.Context, cc grpc.ClientConnInterface, operation string) (*catalog.Catalog, error) {
	return Load(ctx, cc)
}
