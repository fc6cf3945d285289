package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wiregloss/wiregloss/capture"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
)

type inspectOptions struct {
	output      string
	outputSet   bool // by the user
	with        []string
	showSecrets bool
	source      sourceFlags
	schema      schemaFlags
	typeName    string
	connection  int
	stream      uint32
	grep        string
	at          string
	reports     []string // in the order of reportNames
	export      string
	diff        bool
	all         bool
	json        inspect.Options
}

const inspectLong = `Decodes what was recorded or captured: a recording that call --save wrote, a packet capture (pcap,
pcapng), a HAR file, raw HTTP/2 or HTTP/1.1 bytes, a gRPC body, or one protobuf message; each also as
hex or base64. What a file is, is told from its content; --format and --encoding say it.

Outputs: wire shows the bytes beside fields and JSON, frames the HTTP/2 frames or HTTP/1.1 parts,
text each call as a person reads it, json one envelope for each call, body the messages as JSON.
Without a schema (--proto, --protoset, --server) fields have their numbers and likeliest readings.

Reports come instead of an output, or after one that -o names.`

func newInspect(ios *ioStreams) *cobra.Command {
	var o inspectOptions
	on := make([]bool, len(reportNames))
	cmd := &cobra.Command{
		Use:   "inspect FILE|-",
		Short: "Decode a recording, a capture, or bytes",
		Long:  inspectLong,
		Example: `  wiregloss call :50051 UserService/GetUser -d '{"user_id":"1"}' --save get.rec
  wiregloss inspect get.rec -o frames
  wiregloss inspect trace.pcapng --protoset api.protoset -o text
  echo '0a 03 41 64 61' | wiregloss inspect - --proto user.proto --type demo.v1.User
  wiregloss inspect --diff works.rec fails.rec`,
		Args: args(1, 2, "a FILE or - (two with --diff)"),
		RunE: func(cmd *cobra.Command, given []string) error {
			for i, name := range reportNames {
				if on[i] {
					o.reports = append(o.reports, name)
				}
			}
			o.outputSet = cmd.Flags().Changed("output")
			if (len(o.reports) > 0 || o.at != "") && !cmd.Flags().Changed("output") {
				o.output = ""
			}
			return runInspect(cmd.Context(), ios, o, given)
		},
	}
	fs := cmd.Flags()
	fs.StringVarP(&o.output, "output", "o", "wire", "wire, frames, text, json or body")
	fs.StringArrayVar(&o.with, "with", nil, "add to -o json: `wire` for the field nodes of each message")
	fs.BoolVar(&o.showSecrets, "show-secrets", false, "show credentials")
	o.source.register(cmd)
	o.schema.register(cmd)
	fs.StringVar(&o.typeName, "type", "", "message type of every message, by its full `name` or an unambiguous end of it")
	fs.IntVar(&o.connection, "connection", 0, "only the `n`-th connection of the file")
	fs.Uint32Var(&o.stream, "stream", 0, "only stream `n`")
	fs.StringVar(&o.grep, "grep", "", "only frames, messages or calls whose text matches a regular `expression`")
	fs.StringVar(&o.at, "at", "", "what a byte (`sent:N`, received:N) or a JSON path belongs to: frame, message, field, JSON")
	for i, name := range reportNames {
		fs.BoolVar(&on[i], name, false, reportUsage[i])
	}
	fs.BoolVar(&o.json.ProtoNames, "proto-names", false, "-o body: field names as in the .proto file")
	fs.BoolVar(&o.json.Defaults, "emit-defaults", false, "-o body: also fields that have their default")
	fs.BoolVar(&o.json.EnumNumbers, "enum-numbers", false, "-o body: enum values as numbers")
	fs.StringVar(&o.export, "export", "", "write what was read to `file`: .pcapng, .har or .rec")
	fs.BoolVar(&o.diff, "diff", false, "compare the calls of two files")
	fs.BoolVar(&o.all, "all", false, "with --diff: also what is equal")
	return cmd
}

// check checks what the flags say by themselves.
func (o inspectOptions) check(given []string) error {
	if o.output != "" {
		if err := oneOf("-o", o.output, "wire", "frames", "text", "json", "body"); err != nil {
			return err
		}
	}
	for _, w := range o.with {
		if err := oneOf("--with", w, "wire"); err != nil {
			return err
		}
	}
	switch want := map[bool]int{false: 1, true: 2}[o.diff]; {
	case o.diff && len(given) != want:
		return usageError(errors.New("--diff compares two FILEs"))
	case len(given) != want:
		return usageError(fmt.Errorf("%q is one FILE too many; --diff compares two", given[1]))
	case o.diff && given[0] == "-" && given[1] == "-":
		return usageError(errors.New("only one of the two FILEs can be stdin"))
	case o.export != "" && !slices.Contains([]string{".pcapng", ".har", ".rec"}, strings.ToLower(filepath.Ext(o.export))):
		return usageError(fmt.Errorf("--export %s: its name ends in .pcapng, .har or .rec, which says what to write", o.export))
	case o.connection < 0:
		return usageError(errors.New("--connection counts from 1"))
	}
	return o.source.check()
}

func runInspect(ctx context.Context, ios *ioStreams, o inspectOptions, given []string) error {
	if err := o.check(given); err != nil {
		return err
	}
	if o.diff {
		return runDiff(ctx, ios, o, given)
	}
	src, err := o.open(ctx, ios, given[0])
	if err != nil {
		return err
	}
	defer src.capture.Release()
	if o.export != "" {
		if err := export(o.export, src, o.showSecrets); err != nil {
			return err
		}
		if !o.chosen() {
			return src.verdict(nil)
		}
	}
	return src.verdict(o.show(ctx, ios, src))
}

// chosen reports whether the flags ask for something to be shown besides --export.
func (o inspectOptions) chosen() bool { return o.outputSet || len(o.reports) > 0 || o.at != "" }

// show shows each connection of a source in turn.
func (o inspectOptions) show(ctx context.Context, ios *ioStreams, src *source) error {
	grep, err := newGrep(o.grep)
	if err != nil {
		return err
	}
	var failed error
	for i := range src.capture.Connections {
		if src.skips(o, i) {
			continue
		}
		if err := o.showConnection(ctx, ios, src, i, grep); err != nil {
			var own *exitError
			if !errors.As(err, &own) {
				return err
			}
			if failed == nil {
				failed = err
			} else if !own.quiet {
				ios.talk("wiregloss: %v", err)
			}
		}
	}
	if o.stream != 0 && !src.found {
		return usageError(fmt.Errorf("%s has no stream %d; -o frames tells its streams", src.name, o.stream))
	}
	return failed
}

func (o inspectOptions) showConnection(ctx context.Context, ios *ioStreams, src *source, i int, grep *grep) error {
	conn := &src.capture.Connections[i]
	flags := callOptions{output: o.output, with: o.with, showSecrets: o.showSecrets}
	if o.output == "frames" && conn.Shape != capture.Wire {
		ios.talk("wiregloss: %s: it has no frames, since there is no connection around it; -o wire shows its bytes", conn.Name)
	}
	show := &show{ios: ios, options: flags, keepBytes: true}
	show.call = src.scene(o, conn)
	if o.output == "text" || len(o.reports) > 0 {
		show.call.ledger = inspect.NewLedger(conn.Recording)
	}
	show.views = o.views(ios, src, i, grep, &show.bad)
	if o.at != "" {
		at, err := newAt(ios, o.at, o.showSecrets)
		if err != nil {
			return err
		}
		show.views = append(show.views, at)
	}
	show.beginWith(conn.Recording, src.decoder(conn))
	if err := show.finish(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, ok := show.call.Trace.StreamOf(o.stream); ok {
		src.found = true
	}
	if !show.call.all {
		if status := show.call.Status(); status.Code != 0 {
			tellStatus(ios, status, show.call.Stream.Status) // how the call ended is not how inspect ends
		}
	}
	problems := show.problemsShown()
	if o.output != "frames" { // which has told them
		tellProblems(ios, problems)
	}
	switch {
	case errors.Is(show.bad, errNoSchema):
		return &exitError{code: exitLocal, err: show.bad}
	case show.bad != nil:
		return &exitError{code: exitProtocol, err: show.bad}
	}
	for _, p := range problems {
		if p.Rule != ruleTransport || show.call.unfinished() {
			return &exitError{code: exitProtocol, quiet: true, err: errors.New(p.Text)}
		}
	}
	return nil
}

// views returns the views of a connection: a heading where there are several,
// what -o names, and the reports.
func (o inspectOptions) views(ios *ioStreams, src *source, i int, grep *grep, bad *error) []view {
	var out []view
	conn := src.capture.Connections[i]
	asJSON := o.output == "json"
	heads := o.output == "wire" || o.output == "frames" || o.output == "" && !slices.Equal(o.reports, []string{"skeleton"})
	if o.output == "text" || len(src.capture.Connections) > 1 && heads {
		out = append(out, &connectionView{ios: ios, number: i + 1, of: len(src.capture.Connections), name: conn.Name})
	}
	if o.output != "" {
		out = append(out, newView(ios, callOptions{output: o.output, with: o.with, showSecrets: o.showSecrets}, grep, bad))
	}
	for _, name := range o.reports {
		out = append(out, newReport(ios, name, asJSON, o.showSecrets))
	}
	return out
}

// problemsShown returns the problems of the streams that are meant.
func (s *show) problemsShown() []inspect.Problem {
	return slices.DeleteFunc(slices.Clone(s.call.Trace.Problems), func(p inspect.Problem) bool {
		return s.call.all && s.call.only != 0 && p.Stream != 0 && p.Stream != s.call.only
	})
}

// tellProblems writes the rules that were broken to stderr: the first of them, if
// they are many.
func tellProblems(ios *ioStreams, problems []inspect.Problem) {
	const most = 20
	for _, p := range problems[:min(len(problems), most)] {
		ios.talk("wiregloss: %s", render.ProblemText(p))
	}
	if n := len(problems) - most; n > 0 {
		ios.talk("wiregloss: and %d more; -o frames tells them all", n)
	}
}

// received is the direction of which -o body prints messages: the replies, or
// what there is if only requests were captured.
func received(rec *record.Recording) record.Dir {
	if rec.Size(record.Received) == 0 {
		return record.Sent
	}
	return record.Received
}

// shapeDecoder returns the decoder for the shape of a connection.
func shapeDecoder(conn *capture.Connection) *inspect.Decoder {
	switch conn.Shape {
	case capture.GRPCBody:
		return inspect.NewBodyDecoder(conn.Recording, inspect.GRPC, inspect.Protobuf)
	case capture.Message:
		return inspect.NewBodyDecoder(conn.Recording, inspect.Whole, inspect.Protobuf)
	default:
		return inspect.NewDecoder(conn.Recording)
	}
}

// ruleTransport is the rule of problems below HTTP: a connection that broke.
const ruleTransport = "transport"
