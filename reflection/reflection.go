// Package reflection finds out what a target offers, from whichever source knows:
// the server itself, files, or the cache of what servers said before. Each source
// has a package of its own below this one and returns a catalog; this package
// picks, and merges what several say.
//
//	c, err := reflection.Load(ctx, reflection.Options{Conn: conn, Origin: "localhost:50051"})
//	c, err := reflection.Load(ctx, reflection.Options{Files: []string{"api/"}})
//	s, err := reflection.Resolve(ctx, reflection.Options{Dial: dial, Cache: store, Key: key})
package reflection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/reflection/cache"
	"github.com/wiregloss/wiregloss/reflection/protofile"
)

// Mode says whether a server is asked.
type Mode string

// The modes.
const (
	Auto Mode = ""    // unless files are given
	On   Mode = "on"  // also if files are given, which come first
	Off  Mode = "off" // never: files are enough, or what the cache has
)

// ParseMode returns the mode of a flag: auto, on or off.
func ParseMode(text string) (Mode, error) {
	switch text {
	case "", "auto":
		return Auto, nil
	case "on":
		return On, nil
	case "off":
		return Off, nil
	}
	return Auto, fmt.Errorf("--reflect %q: it can be auto, on or off", text)
}

// Options say where to look: a server, files, or both.
type Options struct {
	Conn      grpc.ClientConnInterface // the server to ask; nil for files alone, or to Dial
	Origin    string                   // how the user named the server; empty means its address
	Operation string                   // if not empty, of a server only what is needed to call this
	Reflect   Mode

	// Dial connects to the server if Conn is nil, and only if it is to be asked. An
	// io.Closer is closed by Schema.Close.
	Dial func(context.Context) (grpc.ClientConnInterface, error)

	// Files are .proto files, folders of them and descriptor sets, in the order in
	// which their definitions count; "-" is Stdin. They come before what the server
	// says.
	Files []string
	Stdin io.Reader
	// ImportPaths are where imports of .proto files are; guessed if there are none.
	ImportPaths []string

	// OnDemand asks the server for types when they are met that nothing imports:
	// those that an Any names, and extensions. Background says that the catalog's
	// types may not make their caller wait for it.
	OnDemand, Background bool

	// Cache holds what the server at Key said before; nil for none. What the server
	// says now always comes first: see Schema.Cached.
	Cache *cache.Store
	Key   cache.Key
	// Unreachable says that the cache will do if Dial fails, too.
	Unreachable bool
}

// Load is Resolve for who wants the catalog alone, without cache and OnDemand.
func Load(ctx context.Context, o Options) (*catalog.Catalog, error) {
	o.Cache, o.OnDemand = nil, false
	s, err := Resolve(ctx, o)
	if err != nil {
		return nil, err
	}
	return s.Catalog, s.Close()
}

// errNoSource is what Resolve says if nobody is to be asked.
var errNoSource = errors.New("load a schema: no server and no files given")

// NotCachedError says that the cache was all there was to look at, and has nothing.
type NotCachedError struct{ Origin string }

// Error says what to do.
func (e *NotCachedError) Error() string {
	return fmt.Sprintf("no schema of %s: the server is not asked, the cache has nothing of it, and no files are given; leave out --reflect=off or give --proto or --protoset", e.Origin)
}

// files reads what Files names; nil if it names nothing.
func files(o Options) (*catalog.Catalog, error) {
	var cats []*catalog.Catalog
	rest := o.Files
	for len(rest) > 0 {
		n := slices.Index(rest, "-")
		if n < 0 {
			n = len(rest)
		}
		if n > 0 {
			c, err := protofile.Load(rest[:n], protofile.Options{ImportPaths: o.ImportPaths})
			if err != nil {
				return nil, err
			}
			cats = append(cats, c)
		}
		if rest = rest[n:]; len(rest) == 0 {
			break
		}
		if rest = rest[1:]; o.Stdin == nil || slices.Contains(rest, "-") {
			return nil, errors.New("read schema: - stands for stdin, which can be read once")
		}
		c, err := protofile.FromReader("stdin", o.Stdin)
		if err != nil {
			return nil, err
		}
		cats = append(cats, c)
	}
	switch len(cats) {
	case 0:
		return nil, nil //nolint:nilnil // no files are no error
	case 1:
		return cats[0], nil
	}
	return catalog.Merge(cats...), nil
}

// schemaNames are how the names of schema files end, without .gz.
var schemaNames = []string{".proto", ".protoset", ".binpb", ".pb", ".desc"}

// IsFile reports whether a target is a schema file or a folder of them rather than
// an address: a folder that is there, a name that ends as such files do, or "-" for
// stdin.
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
	return target == "-" || err == nil && info.IsDir()
}
