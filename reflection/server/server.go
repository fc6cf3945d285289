// Package server asks a gRPC server what it offers, by the reflection service,
// v1 or else v1alpha. It is lenient: a service whose schema cannot be had is
// listed with its problem and the rest works. It is also on guard: what a server
// may send is bounded in files and bytes, and how long it may take in time.
//
//	c, err := server.Load(ctx, conn)
//	a, err := server.Ask(ctx, conn, server.Options{Operation: "demo.v1.UserService/GetUser"})
package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
)

// UnsupportedError says that a server offers no reflection of any version.
type UnsupportedError struct{ Origin string }

// Error names the server and what to do.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("the server at %s does not offer reflection (v1 or v1alpha): without it there is no schema; enable it in the server", e.Origin)
}

// SlowError says that a server did not answer in time. It is an error only if not
// even the names of the services came; later it is a Problem of the catalog.
type SlowError struct {
	Silent time.Duration // how long it said nothing; 0 if it was slow all the time
	Total  time.Duration // how long it was asked, if Silent is 0
}

// Error says how long it took.
func (e *SlowError) Error() string {
	if e.Silent > 0 {
		return fmt.Sprintf("the server did not answer reflection for %v", e.Silent)
	}
	return fmt.Sprintf("the server's reflection took longer than %v", e.Total)
}

// Options say what to ask for. The zero value asks for everything.
type Options struct {
	// Operation, if its service can be told from its name, asks only for what is
	// needed to call it: that service alone is listed. If its files import Any,
	// whose types nothing needs to import, all files are fetched, unless OnDemand.
	Operation string
	// OnDemand says that types are looked for when they are needed, by Types.
	OnDemand bool

	// Source is the version of reflection that the server had before; it is asked
	// first. Services are the names that the server listed before: a guess of which
	// one Operation means, so that its file is asked for together with the list. A
	// wrong guess costs one answer and changes nothing.
	Source   catalog.Source
	Services []string

	// Silence limits how long the server may be silent, Total how long it may take
	// for everything. 0 is 10 s and 60 s.
	Silence, Total time.Duration
}

// Answer is what a server said.
type Answer struct {
	Catalog  *catalog.Catalog
	Listed   []string                            // every service that it offers, sorted, also those not asked for
	Files    []*descriptorpb.FileDescriptorProto // as they were sent, each path once
	Complete bool                                // everything was asked for, and nothing cut off
}

// Load asks the server at cc for everything it offers. The error is an
// *UnsupportedError, a *SlowError, or the status with which the server refused.
func Load(ctx context.Context, cc grpc.ClientConnInterface) (*catalog.Catalog, error) {
	return LoadFor(ctx, cc, "")
}

// LoadFor is Load for the sake of one operation, as Options.Operation says.
func LoadFor(ctx context.Context, cc grpc.ClientConnInterface, operation string) (*catalog.Catalog, error) {
	a, err := Ask(ctx, cc, Options{Operation: operation})
	if err != nil {
		return nil, err
	}
	return a.Catalog, nil
}

// Ask asks the server at cc. Its errors are those of Load. A server that becomes
// too slow after it listed its services gives an incomplete catalog with a Problem.
func Ask(ctx context.Context, cc grpc.ClientConnInterface, o Options) (*Answer, error) {
	ctx, progress, stop := limit(ctx, o)
	defer stop()
	var origin string
	for _, v := range inOrder(o.Source) {
		s := &session{ctx: ctx, cc: cc, path: v.path, progress: progress}
		f := newFetch(s)
		listed, err := f.first(o)
		origin = s.origin()
		if status.Code(err) == codes.Unimplemented {
			s.close()
			continue
		}
		act := "list services"
		if err == nil {
			act = "read schema"
			err = f.rest(o, listed)
		}
		s.close()
		if err != nil && !f.excuse(ctx, err, listed) {
			return nil, fmt.Errorf("%s by %s: %w", act, v.source, slow(ctx, err))
		}
		return f.answer(v.source, origin, o.chosen(listed), listed), nil
	}
	return nil, &UnsupportedError{Origin: origin}
}

// version is a way to ask. Their messages are the same but for the package's name.
type version struct {
	source catalog.Source
	path   string
}

var versions = []version{
	{catalog.ReflectionV1, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"},
	{catalog.ReflectionV1Alpha, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"},
}

// inOrder returns the versions, the one that worked before first.
func inOrder(before catalog.Source) []version {
	if before == catalog.ReflectionV1Alpha {
		return []version{versions[1], versions[0]}
	}
	return versions
}

// limit gives a context its end if the server is silent or takes too long;
// progress puts off the first.
func limit(ctx context.Context, o Options) (limited context.Context, progress, stop func()) {
	if o.Silence <= 0 {
		o.Silence = 10 * time.Second
	}
	if o.Total <= 0 {
		o.Total = time.Minute
	}
	limited, cancel := context.WithCancelCause(ctx)
	silent := time.AfterFunc(o.Silence, func() { cancel(&SlowError{Silent: o.Silence}) })
	total := time.AfterFunc(o.Total, func() { cancel(&SlowError{Total: o.Total}) })
	return limited, func() { silent.Reset(o.Silence) }, func() {
		silent.Stop()
		total.Stop()
		cancel(nil)
	}
}

// slow returns the *SlowError that ended ctx, or err.
func slow(ctx context.Context, err error) error {
	var late *SlowError
	if errors.As(context.Cause(ctx), &late) {
		return late
	}
	return err
}

// first asks for the list of services and, in the same breath, for the file of the
// one that is meant, as far as that can be guessed.
func (f *fetch) first(o Options) (listed []string, err error) {
	questions := []question{{listServices(), func(resp *answerMessage, err error) error {
		if err != nil {
			return err
		}
		if resp.GetListServicesResponse() == nil {
			return errors.New("the server answered another question than which services there are")
		}
		for _, s := range resp.GetListServicesResponse().GetService() {
			listed = append(listed, s.GetName())
		}
		slices.Sort(listed)
		listed = slices.Compact(listed)
		if len(listed) > maxServices {
			f.problem("reflection", fmt.Sprintf("the server lists %d services; the first %d are shown", len(listed), maxServices))
			listed = listed[:maxServices]
		}
		return nil
	}}}
	if guess := o.guess(); guess != "" {
		questions = append(questions, f.symbol(guess))
	}
	err = f.session.ask(questions)
	return listed, err
}

// guess returns the one service that the operation is likely to be of, or "".
func (o Options) guess() string {
	if o.Operation == "" {
		return ""
	}
	if fits := serviceOf(o.Operation, o.Services); len(fits) == 1 {
		return fits[0]
	}
	name := dotted(o.Operation)
	i := strings.LastIndexByte(name, '.')
	if i < 0 || i > maxName || !strings.Contains(name[:i], ".") {
		return "" // without a package it is rarely the full name
	}
	return name[:i]
}

// chosen returns the services that the operation can belong to; all if none fits.
func (o Options) chosen(listed []string) []string {
	if o.Operation == "" {
		return listed
	}
	if fits := serviceOf(o.Operation, listed); len(fits) > 0 {
		return fits
	}
	return listed
}

// serviceOf returns the services that "pkg.Service/Method", or a suffix of it, can
// belong to; none if it names only a method.
func serviceOf(operation string, names []string) []string {
	name := dotted(operation)
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

func dotted(operation string) string {
	return strings.ReplaceAll(strings.TrimLeft(operation, "/."), "/", ".")
}

// rest fetches what first did not bring.
func (f *fetch) rest(o Options, listed []string) error {
	names := o.chosen(listed)
	if err := f.services(names); err != nil {
		return err
	}
	if err := f.imports(); err != nil {
		return err
	}
	if len(names) == len(listed) || o.OnDemand || !f.usesAny() {
		return nil
	}
	if err := f.services(listed); err != nil {
		return err
	}
	return f.imports()
}

// excuse notes that a server was too slow for all of its schema, if that is what
// ended the asking. Then there is a catalog all the same.
func (f *fetch) excuse(ctx context.Context, err error, listed []string) bool {
	var late *SlowError
	if len(listed) == 0 || !errors.As(slow(ctx, err), &late) {
		return false
	}
	f.full = true
	f.problem("reflection", fmt.Sprintf("%v: %d files were read, what is not among them is left out", late, len(f.files)))
	for _, name := range listed {
		if _, came := f.defines[name]; !came && f.failed[name] == "" {
			f.failed[name] = "not read: " + late.Error()
		}
	}
	return true
}

// answer links the files and lists the services.
func (f *fetch) answer(source catalog.Source, origin string, names, listed []string) *Answer {
	f.correct()
	c := catalog.FromDescriptors(f.files)
	c.Problems = append(c.Problems, f.problems...)
	c.Services = services(c, names, f)
	c.Source, c.Origin = source, origin
	return &Answer{Catalog: c, Listed: listed, Files: f.files, Complete: !f.full && len(names) == len(listed)}
}

// services keeps of a catalog's services those that the server lists, and adds the
// ones that could not be resolved, with the reason.
func services(c *catalog.Catalog, names []string, f *fetch) []catalog.Service {
	found := make(map[string]catalog.Service, len(c.Services))
	for _, s := range c.Services {
		found[s.Name] = s
	}
	var told map[string]string // file -> its first problem; made when needed
	all := make([]catalog.Service, 0, len(names))
	for _, name := range names {
		s, ok := found[name]
		if !ok {
			if told == nil {
				told = firstProblems(c)
			}
			s = catalog.Service{Name: name, Problem: f.why(name, told)}
		}
		all = append(all, s)
	}
	return all
}

func firstProblems(c *catalog.Catalog) map[string]string {
	told := map[string]string{}
	for _, p := range c.Problems {
		if _, ok := told[p.Where]; !ok {
			told[p.Where] = p.Text
		}
	}
	return told
}

// why says why a service has no descriptor: what the server answered, what was
// wrong with the file it is in, or that the file does not hold it.
func (f *fetch) why(name string, told map[string]string) string {
	if text, ok := f.failed[name]; ok {
		return text
	}
	if file, ok := f.defines[name]; ok {
		if text, ok := told[file]; ok {
			return file + ": " + text
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
	var refused *refusal
	if errors.As(err, &refused) {
		return false // the server answers; whatever the code
	}
	code := status.Code(err)
	return code == codes.Unavailable || code == codes.Canceled || code == codes.DeadlineExceeded
}
