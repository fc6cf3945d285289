package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/wiregloss/wiregloss/call"
	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/compose"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

type callOptions struct {
	target      targetFlags
	data        []string
	output      string
	with        []string
	timeout     time.Duration
	compress    string
	maxMessage  int64
	save        string
	verbose     bool
	showSecrets bool
}

const callLong = `Sends a request and prints the reply. OPERATION is pkg.Service/Method, pkg.Service.Method or any
unambiguous end of it. -d takes one JSON message or several, one after another; @file reads them
from a file and @- from stdin as they arrive. For short messages there are items instead of -d:
name=value (as the field's type wants it), name:=JSON, name@file, and Header:value for metadata;
a dotted name reaches into a message or map.

Outputs: body prints the messages as JSON (one per line when piped), json one envelope with
everything, wire the bytes beside fields and JSON, frames the HTTP/2 frames.`

func newCall(ios *ioStreams) *cobra.Command {
	var o callOptions
	cmd := &cobra.Command{
		Use:   "call TARGET OPERATION [ITEM...]",
		Short: "Send a request and print the reply",
		Long:  callLong,
		Example: `  wiregloss call localhost:50051 UserService/GetUser -d '{"user_id":"1"}'
  wiregloss call localhost:50051 UserService/GetUser user_id=1 -o wire
  wiregloss call localhost:50051 ChatService/Chat -d @-`,
		Args: args(1, -1, "a TARGET and an OPERATION"),
		RunE: func(cmd *cobra.Command, given []string) error {
			if cmd.Flags().Changed("save") && o.save == "" {
				return usageError(errors.New("--save needs a file name"))
			}
			return runCall(cmd.Context(), ios, o, given)
		},
	}
	o.target.register(cmd)
	fs := cmd.Flags()
	fs.StringArrayVarP(&o.data, "data", "d", nil, "`JSON` messages to send, @file, or @- for stdin; repeatable")
	fs.StringVarP(&o.output, "output", "o", "body", "body, json, wire or frames")
	fs.StringArrayVar(&o.with, "with", nil, "add to -o json: `wire` for the field nodes of each message")
	fs.DurationVar(&o.timeout, "timeout", 0, "deadline of the call, sent to the server as grpc-timeout; 0 is none")
	fs.StringVar(&o.compress, "compress", "", "compress the request's messages: gzip")
	fs.Int64Var(&o.maxMessage, "max-message", 0, "limit of one received message in `bytes`; 0 is 4 GiB")
	fs.StringVar(&o.save, "save", "", "also write the recording to `file`, with its schema, for wiregloss inspect; .pcapng and .har write those")
	fs.BoolVarP(&o.verbose, "verbose", "v", false, "metadata, status and timing on stderr")
	fs.BoolVar(&o.showSecrets, "show-secrets", false, "show credentials in -v and -o frames, and let --save write them")
	return cmd
}

// check checks what the flags say by themselves, before anything is sent.
func (o callOptions) check() error {
	if err := oneOf("-o", o.output, "body", "json", "wire", "frames"); err != nil {
		return err
	}
	for _, w := range o.with {
		if err := oneOf("--with", w, "wire"); err != nil {
			return err
		}
	}
	if o.compress != "" {
		if err := oneOf("--compress", o.compress, "gzip"); err != nil {
			return err
		}
	}
	if o.timeout < 0 || o.maxMessage < 0 {
		return usageError(errors.New("--timeout and --max-message cannot be negative"))
	}
	return nil
}

func runCall(ctx context.Context, ios *ioStreams, o callOptions, given []string) error {
	if err := o.check(); err != nil {
		return err
	}
	x, op, items, err := o.prepare(ctx, given)
	if err != nil {
		return err
	}
	rpc, ok := op.Call.(catalog.RPC)
	if !ok {
		return usageError(fmt.Errorf("%s is not a gRPC method", op.ID))
	}
	if err := o.addItems(&x, rpc, items); err != nil {
		return err
	}
	bodies, err := openBodies(ctx, ios, o.data, rpc, x.Types)
	if err != nil {
		return err
	}
	show := newShow(ios, o, x)
	err = perform(ctx, op, show, bodies)
	if !show.begun {
		return err
	}
	return o.conclude(ctx, ios, show, err)
}

// conclude shows and saves the rest of a call, and returns what its exit code
// is to tell: cause, if the call could not be made to its end, or how it ended.
func (o callOptions) conclude(ctx context.Context, ios *ioStreams, show *show, cause error) error {
	err := errors.Join(cause, show.finish())
	if o.save != "" {
		err = errors.Join(err, saveAs(o.save, show.call.Exchange, o.showSecrets))
	}
	if cause != nil && ctx.Err() == nil {
		return err // it is why the call was cancelled: the status would only say so again
	}
	verdict := ctx.Err() // interrupted: that the call was cancelled is its effect
	if verdict == nil {
		verdict = show.verdict()
	}
	if verdict == nil || outputClosed(err) {
		return err
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		ios.talk("wiregloss: %v", err)
	}
	return verdict
}

// prepare resolves target and operation and composes the request, bodies aside.
// items are the arguments that are left.
func (o callOptions) prepare(ctx context.Context, given []string) (x exchange.Exchange, op catalog.Operation, items []string, err error) {
	t, name, err := o.target.parse(given[0])
	if err != nil {
		return x, op, nil, err
	}
	if name, items, err = splitArgs(name, given); err != nil {
		return x, op, nil, err
	}
	headers, err := parseHeaders(o.target.headers)
	if err != nil {
		return x, op, nil, err
	}
	cat, err := load(ctx, t, headers, name)
	if err != nil {
		return x, op, nil, err
	}
	if op, err = cat.Find(name); err != nil {
		return x, op, nil, err
	}
	x.Types = cat
	x.Request = exchange.Request{
		Target: t, Operation: op.ID, Headers: headers, Timeout: o.timeout, Compress: o.compress, MaxMessage: o.maxMessage,
	}
	return x, op, items, nil
}

// splitArgs tells the operation from the items that follow it. named is what the
// target names, as http://host/pkg.Service/Method does.
func splitArgs(named string, given []string) (operation string, items []string, err error) {
	rest := given[1:]
	switch {
	case named == "" && (len(rest) == 0 || rest[0] == ""):
		return "", nil, usageError(fmt.Errorf("wiregloss call needs an OPERATION; wiregloss list %s shows them", given[0]))
	case named == "":
		return rest[0], rest[1:], nil
	case len(rest) > 0:
		if _, err := compose.ParseItem(rest[0]); err != nil {
			return "", nil, usageError(fmt.Errorf("the target names the operation %q already; leave out %q", named, rest[0]))
		}
	}
	return named, rest, nil
}

// addItems turns ITEM arguments into metadata and a body.
func (o *callOptions) addItems(x *exchange.Exchange, rpc catalog.RPC, given []string) error {
	var fields []compose.Item
	for _, arg := range given {
		it, err := compose.ParseItem(arg)
		switch {
		case err != nil:
			return usageError(err)
		case it.Sep == "==":
			return usageError(fmt.Errorf("%q: == sets a query parameter, and gRPC has none", arg))
		case it.Sep == ":":
			x.Request.Headers = append(x.Request.Headers, exchange.Header{Name: strings.ToLower(it.Key), Value: it.Value})
		default:
			fields = append(fields, it)
		}
	}
	if len(fields) == 0 {
		return nil
	}
	if len(o.data) > 0 {
		return usageError(fmt.Errorf("%q and -d both make a body: use one of them", given[0]))
	}
	body, err := compose.Items(rpc.Method.Input(), fields, os.ReadFile)
	o.data = append(o.data, string(body))
	return err
}

// perform sends the bodies and shows what comes back, as it comes.
func perform(ctx context.Context, op catalog.Operation, show *show, bodies *bodies) error {
	var wire wire
	own, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s, err := call.Open(own, op, show.call.Exchange.Request, wire.add)
	if err != nil {
		return err
	}
	show.begin(s.Connection())
	fail := func(err error) {
		cancel(err)
		s.Cancel()
	}
	go func() { // one that waits for stdin is left behind
		if err := send(s, bodies); err != nil {
			fail(err)
		}
	}()
	stop := show.watch(own, fail)
	err = receive(own, s, show)
	stop()
	show.call.Exchange.Outcome = s.Outcome()
	err = errors.Join(err, s.Close())
	show.call.Exchange.Wire = wire.all()
	// A body that could not be sent is why the call was cancelled: the cause is
	// told, not its effect.
	if cause := context.Cause(own); cause != nil && ctx.Err() == nil {
		return cause
	}
	return err
}

// wire collects the recordings of a call's connections. grpc-go dials on a
// goroutine of its own, and again if the server sends the call away.
type wire struct {
	mu   sync.Mutex
	recs []*record.Recording
}

func (w *wire) add(m record.Meta) *record.Recording {
	rec := record.New(m)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.recs = append(w.recs, rec)
	return rec
}

func (w *wire) all() []*record.Recording {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.recs)
}

// send encodes and sends each body as it can be read.
func send(s *call.Stream, bodies *bodies) error {
	for {
		msg, err := bodies.next()
		if errors.Is(err, io.EOF) {
			return ended(s.CloseSend())
		}
		if err != nil {
			return err
		}
		if err := s.Send(msg); err != nil {
			return ended(err)
		}
	}
}

// ended takes io.EOF, by which a stream says that the call is over, for what it
// is: Recv tells how it went.
func ended(err error) error {
	var status *call.StatusError
	if errors.Is(err, io.EOF) || errors.As(err, &status) {
		return nil
	}
	return err
}

// receive shows what has arrived after each message, until the call ends.
func receive(ctx context.Context, s *call.Stream, show *show) error {
	for {
		recvErr := s.Recv()
		if err := show.follow(ctx, s.Connection()); err != nil {
			s.Cancel()
			return err
		}
		if recvErr != nil {
			return ended(recvErr)
		}
	}
}
