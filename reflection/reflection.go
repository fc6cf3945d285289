// Package reflection finds out what a target offers, from whichever source knows:
// the server itself, or files. Each source has a package of its own below this
// one and returns a catalog; this package picks, and merges what several say.
//
//	c, err := reflection.Load(ctx, reflection.Options{Conn: conn, Origin: "localhost:50051"})
//	c, err := reflection.Load(ctx, reflection.Options{Files: []string{"api/"}})
package reflection

import (
	"context"
	"errors"
	"os"
	"strings"

	"google.golang.org/grpc"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/reflection/protofile"
	"github.com/wiregloss/wiregloss/reflection/server"
)

// Options say where to look: a server, files, or both.
type Options struct {
	Conn      grpc.ClientConnInterface // the server to ask; nil for files alone
	Origin    string                   // how the user named the server; empty means its address
	Operation string                   // if not empty, of a server only what is needed to call this

	// Files are .proto files, folders of them and descriptor sets, in the order in
	// which their definitions count. They come before what the server says.
	Files []string
	// ImportPaths are where imports of .proto files are; guessed if there are none.
	ImportPaths []string
}

// Load reads the catalog. A server without reflection is a *server.UnsupportedError,
// unless files are given: then they are enough, and any other failure of the server
// is a Problem of the catalog.
func Load(ctx context.Context, o Options) (*catalog.Catalog, error) {
	switch {
	case o.Conn == nil && len(o.Files) == 0:
		return nil, errors.New("load a catalog: no server and no files given")
	case len(o.Files) == 0:
		return fromServer(ctx, o)
	}
	files, err := protofile.Load(o.Files, protofile.Options{ImportPaths: o.ImportPaths})
	if err != nil || o.Conn == nil {
		return files, err
	}
	asked, err := fromServer(ctx, o)
	var unsupported *server.UnsupportedError
	switch {
	case err == nil:
		return catalog.Merge(files, asked), nil
	case ctx.Err() != nil:
		return nil, err // whoever waits has stopped waiting
	case !errors.As(err, &unsupported):
		files.Problems = append(files.Problems, catalog.Problem{Where: o.Origin, Text: err.Error()})
	}
	return files, nil
}

func fromServer(ctx context.Context, o Options) (*catalog.Catalog, error) {
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

// schemaNames are how the names of schema files end, without .gz.
var schemaNames = []string{".proto", ".protoset", ".binpb", ".pb", ".desc"}

// IsFile reports whether a target is a schema file or a folder of them rather than
// an address: a folder that is there, or a name that ends as such files do.
func IsFile(target string) bool {
	if strings.Contains(target, "://") {
		return false
	}
	name := strings.TrimSuffix(strings.ToLower(target), ".gz")
	for _, end := range schemaNames {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	info, err := os.Stat(target)
	return err == nil && info.IsDir()
}
