// Package server asks a gRPC server what it offers, by the reflection service,
// v1 or else v1alpha. It is lenient: a service whose schema cannot be had is
// listed with its problem and the rest works. It is also on guard: what a server
// may send is bounded in files and bytes, and in time by the context.
//
//	c, err := server.Load(ctx, conn)
package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wiregloss/wiregloss/catalog"
)

// UnsupportedError says that a server offers no reflection of any version.
type UnsupportedError struct{ Origin string }

// Error names the server and what to do.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("the server at %s does not offer reflection (v1 or v1alpha): without it there is no schema; enable it in the server", e.Origin)
}

// Load asks the server at cc for everything it offers. The error is an
// *UnsupportedError, or the status with which the server refused.
func Load(ctx context.Context, cc grpc.ClientConnInterface) (*catalog.Catalog, error) {
	return load(ctx, cc, func(names []string) []string { return names })
}

// LoadFor is Load for the sake of one operation: if its service can be told from
// its name, only that one is listed and only its files are fetched. If these
// import Any, whose types nothing needs to import, all files are.
func LoadFor(ctx context.Context, cc grpc.ClientConnInterface, operation string) (*catalog.Catalog, error) {
	return load(ctx, cc, func(names []string) []string {
		if fits := serviceOf(operation, names); len(fits) > 0 {
			return fits
		}
		return names
	})
}

// serviceOf returns the services that "pkg.Service/Method", or a suffix of it, can
// belong to; none if it names only a method.
func serviceOf(operation string, names []string) []string {
	name := strings.ReplaceAll(strings.TrimLeft(operation, "/."), "/", ".")
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return nil
	}
	service := name[:i]
	if slices.Contains(names, service) {
		return []string{service}
	}
	var fits []string
	for _, n := range names {
		if strings.HasSuffix(n, "."+service) {
			fits = append(fits, n)
		}
	}
	return fits
}

// versions are the ways to ask, in order of preference. Their messages are the
// same but for the name of the package.
var versions = []struct {
	source catalog.Source
	path   string
}{
	{catalog.ReflectionV1, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"},
	{catalog.ReflectionV1Alpha, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"},
}

func load(ctx context.Context, cc grpc.ClientConnInterface, choose func([]string) []string) (*catalog.Catalog, error) {
	var origin string
	for _, v := range versions {
		s := &session{ctx: ctx, cc: cc, path: v.path}
		names, err := s.list()
		origin = s.origin()
		if status.Code(err) == codes.Unimplemented {
			s.close()
			continue
		}
		if err != nil {
			s.close()
			return nil, fmt.Errorf("list services by %s: %w", v.source, err)
		}
		c, err := s.catalog(choose(names), names)
		s.close()
		if err != nil {
			return nil, fmt.Errorf("read schema by %s: %w", v.source, err)
		}
		c.Source, c.Origin = v.source, origin
		return c, nil
	}
	return nil, &UnsupportedError{Origin: origin}
}

// catalog fetches the files of services, of all there are, and links them. It
// fails only when the connection does.
func (s *session) catalog(names, all []string) (*catalog.Catalog, error) {
	fetch := newFetch(s)
	failed := map[string]string{}
	for _, name := range names {
		if err := fetch.service(name); err != nil {
			if fatal(s.ctx, err) {
				return nil, err
			}
			failed[name] = reason(err)
		}
	}
	if err := fetch.imports(); err != nil {
		return nil, err
	}
	if len(names) < len(all) && fetch.usesAny() {
		if err := fetch.others(all); err != nil {
			return nil, err
		}
	}
	c := catalog.FromDescriptors(fetch.files)
	c.Problems = append(c.Problems, fetch.problems...)
	c.Services = listed(c, names, failed, fetch)
	return c, nil
}

// listed keeps of a catalog's services those that the server lists, and adds the
// ones that could not be resolved, with the reason.
func listed(c *catalog.Catalog, names []string, failed map[string]string, f *fetch) []catalog.Service {
	found := make(map[string]catalog.Service, len(c.Services))
	for _, s := range c.Services {
		found[s.Name] = s
	}
	services := make([]catalog.Service, 0, len(names))
	for _, name := range names {
		s, ok := found[name]
		if !ok {
			s = catalog.Service{Name: name, Problem: why(c, name, failed, f)}
		}
		services = append(services, s)
	}
	return services
}

// why says why a service has no descriptor: what the server answered, what was
// wrong with the file it is in, or that the file does not hold it.
func why(c *catalog.Catalog, name string, failed map[string]string, f *fetch) string {
	if text, ok := failed[name]; ok {
		return text
	}
	if file, ok := f.defines[name]; ok {
		for _, p := range c.Problems {
			if p.Where == file {
				return file + ": " + p.Text
			}
		}
	}
	return "the server's file for it does not define it"
}

// reason is the text of a server's refusal without grpc-go's decoration.
func reason(err error) string {
	var refusal *refusal
	if errors.As(err, &refusal) {
		return refusal.Error()
	}
	if st, ok := status.FromError(err); ok {
		return fmt.Sprintf("%s: %s", st.Code(), st.Message())
	}
	return err.Error()
}

// fatal reports whether asking on would be in vain.
func fatal(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return true
	}
	code := status.Code(err)
	return code == codes.Unavailable || code == codes.Canceled || code == codes.DeadlineExceeded
}
