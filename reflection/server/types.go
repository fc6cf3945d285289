package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
)

// maxLookups is how many types are asked for, one by one: a payload can name as
// many that do not exist as it likes.
const maxLookups = 256

// Types finds what a catalog knows and asks the server for the rest: messages that
// an Any names and extensions, which nothing needs to import. Each is asked for
// once. It implements catalog.Types and may be used from several goroutines.
type Types struct {
	known   catalog.Types
	source  catalog.Source
	dial    func(context.Context) (grpc.ClientConnInterface, error)
	wait    bool
	timeout time.Duration
	ctx     context.Context
	cancel  context.CancelFunc
	learned chan struct{}

	mu      sync.Mutex
	files   map[string]*descriptorpb.FileDescriptorProto
	lookups map[lookup]*found
	cut     bool // maxLookups was reached
	closed  bool

	asking  sync.Mutex // held while the session is in use
	session *session
	fetch   *fetch
	gone    error // why asking on is in vain
	work    sync.WaitGroup
}

// lookup is what was looked for: a symbol, or an extension of it by its number.
type lookup struct {
	name   protoreflect.FullName
	number protoreflect.FieldNumber // 0 for a symbol
}

// found is what became of a lookup.
type found struct {
	done  chan struct{}
	types catalog.Types // set before done is closed; nil if there is nothing
}

// TypesOptions say how Types asks.
type TypesOptions struct {
	// Dial returns the connection to ask on, when the first unknown type is met. It
	// stays the caller's to close, after Types.Close.
	Dial func(context.Context) (grpc.ClientConnInterface, error)
	// Background makes a lookup of something unknown fail at once and ask meanwhile:
	// for callers that may not wait, such as what draws the screen. Learned tells
	// when asking again is worth it.
	Background bool
	// Timeout limits one question, dialing included; 0 is 5 s.
	Timeout time.Duration
}

// NewTypes returns the types of an answer, and of the server that gave it. What is
// asked carries the metadata of ctx, and ends with it. Close must be called.
func NewTypes(ctx context.Context, a *Answer, o TypesOptions) *Types {
	if o.Timeout <= 0 {
		o.Timeout = 5 * time.Second
	}
	t := &Types{
		known: a.Catalog.Types, source: a.Catalog.Source, dial: o.Dial, wait: !o.Background, timeout: o.Timeout,
		learned: make(chan struct{}, 1), files: make(map[string]*descriptorpb.FileDescriptorProto, len(a.Files)), lookups: map[lookup]*found{},
	}
	for _, f := range a.Files {
		t.files[f.GetName()] = f
	}
	t.ctx, t.cancel = context.WithCancel(ctx)
	return t
}

// Learned receives a value when types were found after a lookup in the background
// had failed for want of them.
func (t *Types) Learned() <-chan struct{} { return t.learned }

// Files returns the files that Types has, those that came later included.
func (t *Types) Files() []*descriptorpb.FileDescriptorProto {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]*descriptorpb.FileDescriptorProto, 0, len(t.files))
	for _, f := range t.files {
		all = append(all, f)
	}
	return all
}

// Problem says why types may be missing that the server has; "" if it is not so.
func (t *Types) Problem() string {
	t.mu.Lock()
	cut := t.cut
	t.mu.Unlock()
	t.asking.Lock()
	defer t.asking.Unlock()
	switch {
	case cut:
		return fmt.Sprintf("more than %d types were looked for; the server was not asked for the rest", maxLookups)
	case t.gone != nil && t.ctx.Err() == nil:
		return "the server could not be asked for types: " + reason(t.gone)
	}
	return ""
}

// Close ends what is being asked. What was found stays; nothing new is asked for.
func (t *Types) Close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.cancel()
	t.work.Wait()
	t.asking.Lock()
	defer t.asking.Unlock()
	if t.session != nil {
		t.session.close()
	}
}

// FindMessageByName finds a message.
func (t *Types) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	return find(t, lookup{name: name}, func(in catalog.Types) (protoreflect.MessageType, error) { return in.FindMessageByName(name) })
}

// FindMessageByURL finds the message of an Any.
func (t *Types) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	name := protoreflect.FullName(url[strings.LastIndexByte(url, '/')+1:])
	return find(t, lookup{name: name}, func(in catalog.Types) (protoreflect.MessageType, error) { return in.FindMessageByURL(url) })
}

// FindExtensionByName finds an extension.
func (t *Types) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	return find(t, lookup{name: name}, func(in catalog.Types) (protoreflect.ExtensionType, error) { return in.FindExtensionByName(name) })
}

// FindExtensionByNumber finds an extension of a message. The server is asked only
// if the message has a place for it.
func (t *Types) FindExtensionByNumber(message protoreflect.FullName, number protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	x, err := t.known.FindExtensionByNumber(message, number)
	if err == nil {
		return x, nil
	}
	if m, unknown := t.known.FindMessageByName(message); unknown == nil && !m.Descriptor().ExtensionRanges().Has(number) {
		return nil, err
	}
	return find(t, lookup{message, number}, func(in catalog.Types) (protoreflect.ExtensionType, error) {
		return in.FindExtensionByNumber(message, number)
	})
}

// find looks among what is known, then asks.
func find[T any](t *Types, l lookup, in func(catalog.Types) (T, error)) (T, error) {
	known, err := in(t.known)
	if err == nil || !errors.Is(err, protoregistry.NotFound) || !l.name.IsValid() || len(l.name) > maxName {
		return known, err
	}
	f := t.start(l)
	if f == nil {
		return known, err
	}
	if t.wait {
		<-f.done // its context has a deadline
	}
	if !f.over() || f.types == nil {
		return known, err
	}
	return in(f.types)
}

func (f *found) over() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

// start asks for something, unless it was asked for before. It returns nil if it
// may not be asked for.
func (t *Types) start(l lookup) *found {
	t.mu.Lock()
	defer t.mu.Unlock()
	if f, ok := t.lookups[l]; ok {
		return f
	}
	if len(t.lookups) >= maxLookups {
		t.cut = true
		return nil
	}
	if t.closed {
		return nil
	}
	f := &found{done: make(chan struct{})}
	t.lookups[l] = f
	t.work.Go(func() {
		defer close(f.done)
		if f.types = t.ask(l); f.types != nil {
			select {
			case t.learned <- struct{}{}:
			default: // nobody has looked since the last time
			}
		}
	})
	return f
}

// ask asks the server for one thing and what it needs, and links it.
func (t *Types) ask(l lookup) catalog.Types {
	t.asking.Lock()
	defer t.asking.Unlock()
	if t.gone != nil || t.ctx.Err() != nil {
		return nil
	}
	timer := time.AfterFunc(t.timeout, t.cancel) // what does not answer once is not asked again
	defer timer.Stop()
	if t.session == nil {
		if t.gone = t.open(); t.gone != nil {
			return nil
		}
	}
	var refused bool
	var came []string
	req := fileOfSymbol(string(l.name))
	if l.number != 0 {
		req = fileOfExtension(string(l.name), int32(l.number))
	}
	err := t.session.ask([]question{{req, func(resp *answerMessage, err error) error {
		if refused = err != nil; refused {
			if fatal(t.ctx, err) || status.Code(err) == codes.Unimplemented {
				return err
			}
			return nil
		}
		came, err = t.fetch.take(resp, "")
		refused = err != nil
		return nil
	}}})
	if err == nil {
		err = t.fetch.imports()
	}
	t.gone = err
	if err != nil || refused {
		return nil
	}
	return t.link(came)
}

// open dials. Imports that the answer had already are not asked for again.
func (t *Types) open() error {
	cc, err := t.dial(t.ctx)
	if err != nil {
		return err
	}
	t.session = &session{ctx: t.ctx, cc: cc, path: inOrder(t.source)[0].path}
	t.fetch = newFetch(t.session)
	t.mu.Lock()
	defer t.mu.Unlock()
	for path := range t.files {
		t.fetch.asked["/"+path] = true
	}
	return nil
}

// link makes types of files and those that they import.
func (t *Types) link(paths []string) catalog.Types {
	t.fetch.correct()
	t.mu.Lock()
	for _, f := range t.fetch.files {
		if t.files[f.GetName()] == nil {
			t.files[f.GetName()] = f
		}
	}
	var needed []*descriptorpb.FileDescriptorProto
	seen := map[string]bool{}
	for i := 0; i < len(paths); i++ { // paths grows meanwhile
		f := t.files[paths[i]]
		if f == nil || seen[paths[i]] {
			continue
		}
		seen[paths[i]] = true
		needed, paths = append(needed, f), append(paths, f.GetDependency()...)
	}
	t.mu.Unlock()
	return catalog.FromDescriptors(needed).Types
}
