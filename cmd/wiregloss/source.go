package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/capture"
	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/reflection/protofile"
	"github.com/wiregloss/wiregloss/reflection/server"
	"github.com/wiregloss/wiregloss/render"
)

// sourceFlags say how to read a file.
type sourceFlags struct {
	format, encoding, keyLog string
	maxBytes                 int64
}

func (f *sourceFlags) register(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.format, "format", "", "what the file is: "+words(capture.Formats())+"; told from its content if not given")
	fs.StringVar(&f.encoding, "encoding", "", "how it writes bytes: "+words(capture.Encodings())+"; likewise")
	fs.StringVar(&f.keyLog, "keylog", "", "NSS key log `file` for TLS in a packet capture, as SSLKEYLOGFILE names it")
	fs.Int64Var(&f.maxBytes, "max-bytes", 0, "read at most this many `bytes`; 0 is 1 GiB")
}

func words[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}

func (f *sourceFlags) check() error {
	if f.format != "" {
		if err := oneOf("--format", f.format, strings.Split(words(capture.Formats()), ", ")...); err != nil {
			return err
		}
	}
	if f.encoding != "" {
		if err := oneOf("--encoding", f.encoding, strings.Split(words(capture.Encodings()), ", ")...); err != nil {
			return err
		}
	}
	if f.maxBytes < 0 {
		return usageError(errors.New("--max-bytes cannot be negative"))
	}
	return nil
}

// source is a file that was read, with the schema to decode it by.
type source struct {
	name     string
	capture  *capture.Capture
	exchange exchange.Exchange // of a recording that call --save wrote
	own      bool              // exchange tells which call was meant
	types    *catalog.Catalog
	forced   protoreflect.MessageDescriptor // what --type names; nil without
	problem  error                          // damage of the file; told already
	found    bool                           // a connection has the stream that was asked for
}

// open reads a file, "-" for stdin, and the schema that goes with it.
func (o inspectOptions) open(ctx context.Context, ios *ioStreams, path string) (*source, error) {
	src, err := o.source.read(ios, path, o.typeName != "")
	if err != nil {
		return nil, err
	}
	src.tell(ios)
	own, known := src.exchange.Types, true
	if own == nil {
		own, known = src.overheard()
	}
	if src.types, err = o.schema.load(ctx, ios, own); err != nil {
		return nil, err
	}
	src.exchange.Types = src.types
	if o.typeName != "" {
		if src.forced, err = o.schema.messageType(src.types, o.typeName, known); err != nil {
			return nil, err
		}
	}
	if n := len(src.capture.Connections); o.connection > n {
		return nil, usageError(fmt.Errorf("%s has %d connections; --connection %d is not one of them", path, n, o.connection))
	}
	return src, nil
}

// read reads a file. body tells that it is about messages: what looks like nothing
// else is a damaged one.
func (f *sourceFlags) read(ios *ioStreams, path string, body bool) (*source, error) {
	in, name := ios.in, "stdin"
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close() //nolint:errcheck // only read
		in, name = file, path
	}
	opts := capture.Options{Format: capture.Format(f.format), Encoding: capture.Encoding(f.encoding), Body: body, MaxBytes: f.maxBytes}
	if f.keyLog != "" {
		var err error
		if opts.KeyLog, err = os.ReadFile(f.keyLog); err != nil {
			return nil, err
		}
	}
	c, err := capture.Read(bufio.NewReaderSize(in, 1<<20), opts)
	if c == nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if c.Format != capture.FormatRecording && c.Format != capture.FormatPCAP {
		for _, conn := range c.Connections {
			conn.Recording.Close(io.EOF) // the end of the file is the end of the bytes
		}
	}
	src := &source{name: name, capture: c, problem: err}
	return src, src.readExchange()
}

// readExchange reads the sections of a recording file.
func (s *source) readExchange() error {
	f := s.capture.File
	if f == nil {
		return nil
	}
	if len(f.Recordings) == 0 {
		if s.problem == nil {
			s.problem = errors.New("it holds no recording")
			if f.Cut() {
				s.problem = errors.New("it ends early, before a recording")
			}
		}
		return fmt.Errorf("%s: %w", s.name, s.problem)
	}
	if s.problem == nil && f.Cut() {
		s.problem = fmt.Errorf("%s ends early: what follows is what it holds", s.name)
	}
	x, schema, err := exchange.FromFile(f)
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	s.exchange, s.own = x, x.Request.Operation != ""
	if len(schema) == 0 {
		return nil
	}
	var set descriptorpb.FileDescriptorSet
	if err = proto.Unmarshal(schema, &set); err == nil {
		s.exchange.Types, err = protofile.FromSet(&set)
	}
	if err != nil {
		s.problem = fmt.Errorf("%s: its schema cannot be read (%w): fields are shown without names", s.name, err)
	}
	return nil
}

// overheard returns the schema that a capture itself holds: what servers told by
// reflection, and the services that most have. It is false if there are only these.
func (s *source) overheard() (*catalog.Catalog, bool) {
	var files []*descriptorpb.FileDescriptorProto
	for i := range s.capture.Connections {
		if c := &s.capture.Connections[i]; c.Shape == capture.Wire {
			files = append(files, server.Overheard(c.Recording, decodeAll(inspect.NewDecoder(c.Recording)))...)
		}
	}
	return catalog.Merge(catalog.FromDescriptors(files), server.Common()), len(files) > 0
}

// tell writes what stands between the file and the wire to stderr.
func (s *source) tell(ios *ioStreams) {
	if s.problem != nil {
		ios.talk("wiregloss: %v", s.problem)
	}
	for _, text := range s.capture.Skipped {
		ios.talk("wiregloss: not read: %s", text)
	}
	for i, c := range s.capture.Connections {
		where := ""
		if len(s.capture.Connections) > 1 {
			where = fmt.Sprintf("connection %d: ", i+1)
		}
		for _, note := range c.Notes {
			ios.talk("wiregloss: %s%s", where, note)
		}
		const most = 20
		for _, p := range c.Problems[:min(len(c.Problems), most)] {
			ios.talk("wiregloss: %s%s", where, captureProblem(p))
		}
		if n := len(c.Problems) - most; n > 0 {
			ios.talk("wiregloss: %sand %d more", where, n)
		}
	}
}

func captureProblem(p capture.Problem) string {
	text := fmt.Sprintf("%s byte %d", p.Span.Dir, p.Span.Off)
	if p.Span.Len > 0 {
		text = fmt.Sprintf("%s bytes %d-%d", p.Span.Dir, p.Span.Off, p.Span.End()-1)
	}
	if p.Packet > 0 {
		text += fmt.Sprintf(", packet %d", p.Packet)
	}
	return text + ": " + p.Text
}

// verdict adds to how showing a source ended that the source was damaged.
func (s *source) verdict(err error) error {
	if err != nil {
		return err
	}
	if s.problem != nil {
		return &exitError{code: exitProtocol, quiet: true, err: s.problem}
	}
	if s.capture.Damaged {
		return &exitError{code: exitProtocol, quiet: true, err: errors.New("the file is cut or damaged")}
	}
	for _, c := range s.capture.Connections {
		if len(c.Problems) > 0 {
			return &exitError{code: exitProtocol, quiet: true, err: errors.New(c.Problems[0].Text)}
		}
	}
	return nil
}

// scene returns what the views of a connection are shown: the call that was
// saved, unless a stream is asked for, or everything.
func (s *source) scene(o inspectOptions, conn *capture.Connection) scene {
	c := scene{Call: render.Call{Exchange: s.exchange}, bodies: received(conn.Recording), forced: s.forced, only: o.stream, json: o.json}
	last := s.capture.Connections[len(s.capture.Connections)-1].Recording == conn.Recording
	c.all = !s.own || o.stream != 0 || o.connection != 0 || !last
	if c.all {
		c.Exchange.Request.Operation = ""
	}
	return c
}

// skips reports whether a connection is not of interest: those that a saved call
// left behind, unless one is asked for.
func (s *source) skips(o inspectOptions, i int) bool {
	if o.connection > 0 {
		return i+1 != o.connection
	}
	return s.own && o.stream == 0 && i+1 != len(s.capture.Connections)
}

func (s *source) decoder(conn *capture.Connection) *inspect.Decoder { return shapeDecoder(conn) }
