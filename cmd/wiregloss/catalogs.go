package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"github.com/wiregloss/wiregloss/call"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/reflection"
	"github.com/wiregloss/wiregloss/reflection/cache"
	"github.com/wiregloss/wiregloss/reflection/server"
)

// catalogFlags say where the catalog of a target comes from: the target, files
// beside it, the cache.
type catalogFlags struct {
	target      targetFlags
	files       []string // --proto and --protoset, in the order given
	importPaths []string
	reflect     string
	headers     []string // for reflection alone
	noCache     bool
}

// register registers all but --protoset, which is something else to export.
func (f *catalogFlags) register(cmd *cobra.Command) {
	f.target.register(cmd)
	fs := cmd.Flags()
	fs.Var(&paths{&f.files}, "proto", "schema: a .proto `file`, a folder of them or a descriptor set, - for stdin; repeatable, the first counts")
	fs.StringArrayVarP(&f.importPaths, "import-path", "I", nil, "`folder` in which --proto finds imports; repeatable; guessed if not given")
	fs.StringVar(&f.reflect, "reflect", "auto", "ask the server: `auto` (unless files are given), on (behind them) or off")
	fs.StringArrayVar(&f.headers, "reflect-header", nil, "metadata for reflection alone, as `'name: value'`; repeatable")
	fs.BoolVar(&f.noCache, "no-cache", false, "neither read nor write the cache of schemas")
}

// registerSets registers --protoset.
func (f *catalogFlags) registerSets(cmd *cobra.Command) {
	cmd.Flags().Var(&paths{&f.files}, "protoset", "schema: a descriptor set `file`, - for stdin; repeatable")
}

// paths is a flag that adds to a list which it shares with others, so that their
// order is kept.
type paths struct{ to *[]string }

func (p *paths) Set(path string) error {
	*p.to = append(*p.to, path)
	return nil
}

func (p *paths) String() string { return "" }

func (p *paths) Type() string { return "stringArray" }

// with reads the catalog of a target and hands it to show. What it shows reaches
// the user before the cache is written.
func (f *catalogFlags) with(ctx context.Context, ios *ioStreams, text string, show func(*reflection.Schema) error) error {
	s, err := f.open(ctx, ios, text)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // nothing is asked any more
	for _, p := range s.Catalog.Problems {
		ios.talk("wiregloss: %s: %s", p.Where, p.Text)
	}
	err = errors.Join(show(s), ios.flush())
	if text := s.Missing(); text != "" {
		ios.talk("wiregloss: %s", text)
	}
	_ = s.Remember() // the cache is a convenience: without it the next time is as this one
	return err
}

// open reads the catalog of a target. What the user should know of where it comes
// from is told, except for its problems.
func (f *catalogFlags) open(ctx context.Context, ios *ioStreams, text string) (*reflection.Schema, error) {
	mode, err := reflection.ParseMode(f.reflect)
	if err != nil {
		return nil, usageError(err)
	}
	o := reflection.Options{Files: f.files, ImportPaths: f.importPaths, Stdin: ios.in, Reflect: mode, OnDemand: true}
	if reflection.IsFile(text) {
		if mode == reflection.On {
			return nil, usageError(fmt.Errorf("--reflect=on needs a server to ask, and %s is a file", text))
		}
		o.Files = append([]string{text}, f.files...)
		return reflection.Resolve(ctx, o)
	}
	t, _, err := f.target.parse(text)
	if err != nil {
		return nil, err
	}
	if ctx, err = f.metadata(ctx); err != nil {
		return nil, err
	}
	o.Origin, o.Key, o.Unreachable = t.Text, cacheKey(t), true
	o.Dial = func(ctx context.Context) (grpc.ClientConnInterface, error) {
		return call.Dial(ctx, t, call.Options{}, nil)
	}
	if !f.noCache {
		o.Cache = schemaCache()
	}
	s, err := reflection.Resolve(ctx, o)
	if err != nil {
		return nil, schemaError(t, err)
	}
	tellCached(ios, t, s.Cached)
	return s, nil
}

func (f *catalogFlags) metadata(ctx context.Context) (context.Context, error) {
	headers, err := parseHeaders(slices.Concat(f.target.headers, f.headers))
	if err != nil {
		return nil, err
	}
	if ctx, err = call.WithHeaders(ctx, headers); err != nil {
		return nil, usageError(err)
	}
	return ctx, nil
}

// schemaError gives an error of Resolve its exit code.
func schemaError(t exchange.Target, err error) error {
	var slow *server.SlowError
	var missing *reflection.NotCachedError
	switch {
	case errors.As(err, &slow):
		return &exitError{code: exitTimeout, err: fmt.Errorf("%s: %w", t.Text, err)}
	case errors.As(err, &missing):
		return usageError(err)
	}
	return err
}

// tellCached says that a schema is not what the server says now.
func tellCached(ios *ioStreams, t exchange.Target, c *reflection.Cached) {
	if c == nil {
		return
	}
	if c.Why != nil {
		ios.talk("wiregloss: %v", c.Why)
	}
	ios.talk("wiregloss: this is what %s offered %s, from the cache", t.Text, ago(time.Since(c.At)))
}

// ago words an age: nobody needs its seconds.
func ago(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return "less than a minute ago"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	}
	return fmt.Sprintf("%d days ago", d/day)
}

// schemaCache returns the user's cache of schemas, or nil if there is no place for it.
func schemaCache() *cache.Store {
	dir, err := cache.Dir()
	if err != nil {
		return nil
	}
	return cache.New(dir, cache.Options{})
}

func cacheKey(t exchange.Target) cache.Key {
	return cache.Key{Network: t.Network, Address: t.Address, Authority: t.Authority, TLS: t.TLS.On}
}

// completeFrom completes a target, then names that the cache knows of it: no server
// is waited for. names returns what can stand after the target.
func completeFrom(f *targetFlags, names func(*cache.Entry) []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, given []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		store := schemaCache()
		switch {
		case store == nil || len(given) > 1:
			return nil, cobra.ShellCompDirectiveNoFileComp
		case len(given) == 0:
			var targets []string
			for _, e := range store.Targets() {
				targets = append(targets, e.Target)
			}
			return startingWith(typed, targets), cobra.ShellCompDirectiveDefault // or a file
		}
		t, _, err := f.parse(given[0])
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		e, err := store.Entry(cacheKey(t))
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return startingWith(typed, names(e)), cobra.ShellCompDirectiveNoFileComp
	}
}

// startingWith returns the names that begin with what was typed, and those that do
// without their package.
func startingWith(typed string, names []string) []cobra.Completion {
	var fits []cobra.Completion
	for _, name := range names {
		service, _, _ := strings.Cut(name, "/")
		short := name[strings.LastIndexByte(service, '.')+1:]
		switch {
		case strings.HasPrefix(name, typed):
			fits = append(fits, name)
		case strings.HasPrefix(short, typed):
			fits = append(fits, short)
		}
	}
	slices.Sort(fits)
	return slices.Compact(fits)
}

func serviceNames(e *cache.Entry) []string {
	var all []string
	for _, s := range e.Services {
		all = append(all, s.Name)
	}
	return all
}

func operationNames(e *cache.Entry) []string {
	var all []string
	for _, s := range e.Services {
		for _, m := range s.Methods {
			all = append(all, s.Name+"/"+m)
		}
	}
	return all
}

func symbolNames(e *cache.Entry) []string { return append(serviceNames(e), operationNames(e)...) }
