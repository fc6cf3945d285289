package reflection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/reflection/cache"
	"github.com/wiregloss/wiregloss/reflection/server"
)

// Schema is what Resolve found. Close must be called; the catalog stays usable.
type Schema struct {
	Catalog *catalog.Catalog

	// Cached is set if the server did not say it now, but the cache: the one way in
	// which a schema can be out of date, and to be told to whoever uses it.
	Cached *Cached

	key     cache.Key
	store   *cache.Store
	answer  *server.Answer // what the server said; nil if it was not asked
	types   *server.Types  // nil unless OnDemand
	closers []io.Closer
}

// Cached says how a schema came out of the cache.
type Cached struct {
	At  time.Time // when the server said so
	Why error     // why the server did not say it now; nil if it was not to be asked
}

// Resolve finds out what there is to call. A server without reflection is a
// *server.UnsupportedError, an address that cannot be reached what Dial returned,
// unless files are given or the cache knows the target; with files, a failure of
// the server is a Problem of the catalog.
//
// With OnDemand the types of the catalog go on asking as long as ctx lasts, with
// its metadata.
//
// A server that can be asked is asked, whatever the cache has: from that comes
// only the guess what to ask first, which costs nothing if it is wrong. So a schema
// from the cache is used if the server does not say, and never silently.
func Resolve(ctx context.Context, o Options) (*Schema, error) {
	own, err := files(o)
	if err != nil {
		return nil, err
	}
	s := &Schema{Catalog: own, key: o.Key, store: o.Cache}
	reachable := o.Conn != nil || o.Dial != nil
	switch {
	case own == nil && !reachable:
		return nil, errNoSource
	case own != nil && (!reachable || o.Reflect != On):
		return s, nil
	case o.Reflect == Off:
		if err := s.recall(o, nil); err != nil {
			return nil, err
		}
		return s, nil
	}
	err = s.ask(ctx, o)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		err = errors.Join(err, s.Close()) // whoever waits has stopped waiting
	case own != nil:
		own.Problems = append(own.Problems, catalog.Problem{Where: o.Origin, Text: err.Error()})
		return s, nil
	default:
		if s.recall(o, err) == nil {
			return s, nil
		}
		_ = s.Close() // the error that matters is the other
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// connected is a failure of a server that was reached.
type connected struct{ error }

func (e connected) Unwrap() error { return e.error }

// ask asks the server and puts what it says behind what the files say.
func (s *Schema) ask(ctx context.Context, o Options) error {
	conn := o.Conn
	if conn == nil {
		var err error
		if conn, err = o.Dial(ctx); err != nil {
			return err
		}
		if c, ok := conn.(io.Closer); ok {
			s.closers = append(s.closers, c)
		}
	}
	guess := server.Options{Operation: o.Operation, OnDemand: o.OnDemand}
	if o.Cache != nil {
		if e, err := o.Cache.Entry(o.Key); err == nil {
			guess.Source, guess.Services = e.Source, names(e)
		}
	}
	a, err := server.Ask(ctx, conn, guess)
	if err != nil {
		return connected{named(err, o.Origin)}
	}
	if o.Origin != "" {
		a.Catalog.Origin = o.Origin
	}
	s.answer = a
	if o.OnDemand {
		s.types = server.NewTypes(ctx, a, server.TypesOptions{
			Background: o.Background,
			Dial:       func(context.Context) (grpc.ClientConnInterface, error) { return conn, nil },
		})
		a.Catalog.Types = s.types
	}
	if s.Catalog == nil {
		s.Catalog = a.Catalog
		return nil
	}
	s.Catalog = catalog.Merge(s.Catalog, a.Catalog)
	return nil
}

// named puts the user's name of the server where its address stands.
func named(err error, origin string) error {
	var unsupported *server.UnsupportedError
	if origin != "" && errors.As(err, &unsupported) {
		return &server.UnsupportedError{Origin: origin}
	}
	return err
}

func names(e *cache.Entry) []string {
	all := make([]string, len(e.Services))
	for i, svc := range e.Services {
		all[i] = svc.Name
	}
	return all
}

// forgives reports whether the cache may stand in for a server that failed. One that
// wants other credentials has said what is to be done.
func (o Options) forgives(why error) bool {
	var reached connected
	switch {
	case why == nil:
		return true
	case !errors.As(why, &reached):
		return o.Unreachable
	}
	code := status.Code(why)
	return code != codes.Unauthenticated && code != codes.PermissionDenied
}

// recall makes the catalog of what the cache has. why is what kept the server from
// saying it. The error is why, or a *NotCachedError.
func (s *Schema) recall(o Options, why error) error {
	none := why
	if none == nil {
		none = &NotCachedError{Origin: o.Origin}
	}
	if o.Cache == nil || !o.forgives(why) {
		return none
	}
	e, err := o.Cache.Entry(o.Key)
	if err != nil {
		return none
	}
	files, lost := o.Cache.Files(e)
	if len(files) == 0 {
		return none
	}
	c := catalog.FromDescriptors(files)
	if lost > 0 {
		c.Problems = append(c.Problems, catalog.Problem{Where: "cache", Text: fmt.Sprintf("%d of %d files are damaged or gone", lost, len(e.Refs))})
	}
	found := make(map[string]catalog.Service, len(c.Services))
	for _, svc := range c.Services {
		found[svc.Name] = svc
	}
	c.Services = nil
	for _, svc := range e.Services {
		known, ok := found[svc.Name]
		if !ok {
			known = catalog.Service{Name: svc.Name, Problem: "its schema is not in the cache"}
		}
		c.Services = append(c.Services, known)
	}
	c.Source, c.Origin = e.Source, o.Origin
	s.Catalog, s.Cached = c, &Cached{At: e.Stored, Why: why}
	return nil
}

// Remember stores what the server said in the cache, types that were found since
// included. It does nothing if there is no cache, or if the server did not say
// anything. It is best called when nobody waits any more.
func (s *Schema) Remember() error {
	if s.store == nil || s.answer == nil {
		return nil
	}
	files := s.answer.Files
	if s.types != nil {
		files = s.types.Files()
	}
	return s.store.Put(s.key, cache.Snapshot{
		Target: s.answer.Catalog.Origin, Source: s.answer.Catalog.Source, Origin: s.answer.Catalog.Origin,
		Listed: s.answer.Listed, Files: files, Complete: s.answer.Complete,
	})
}

// Missing says why types may be unknown that the server has: it was asked for too
// many, or broke off. It is empty if all is well.
func (s *Schema) Missing() string {
	if s.types == nil {
		return ""
	}
	return s.types.Problem()
}

// Close ends what was opened to ask the server.
func (s *Schema) Close() error {
	if s.types != nil {
		s.types.Close()
	}
	var err error
	for _, c := range s.closers {
		err = errors.Join(err, c.Close())
	}
	s.closers = nil
	return err
}

// Known returns the catalog with every file that is known by now, those included
// that types on demand came in: what a recording or an export keeps.
func (s *Schema) Known() *catalog.Catalog {
	if s.types == nil {
		return s.Catalog
	}
	more := catalog.FromDescriptors(s.types.Files())
	more.Services, more.Problems = nil, nil // told already, as far as they are listed
	return catalog.Merge(s.Catalog, more)
}
