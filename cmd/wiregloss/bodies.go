package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/compose"
)

// bodies gives the messages to send, encoded, one at a time. Those that are at
// hand are all encoded before the first is sent, so that a mistake in the last
// costs no call; those from stdin are encoded as they arrive.
type bodies struct {
	rpc   catalog.RPC
	types catalog.Types
	ready [][]byte
	later *compose.Splitter // stdin, for a stream; nil if not asked for
}

// openBodies reads the -d values. Stdin is read here only for a method that takes
// one message: the server cannot answer before that has ended.
func openBodies(ctx context.Context, ios *ioStreams, data []string, rpc catalog.RPC, cat *catalog.Catalog) (*bodies, error) {
	b := &bodies{rpc: rpc}
	if cat != nil {
		b.types = cat.Types
	}
	for i, d := range data {
		if isStdin(d) {
			if i != len(data)-1 {
				return nil, usageError(errors.New("-d @- must be the last -d: stdin has no end while it is open"))
			}
			if err := b.addStdin(ctx, ios.in); err != nil {
				return nil, err
			}
			continue
		}
		if err := b.add(d); err != nil {
			return nil, err
		}
	}
	if rpc.Method.IsStreamingClient() {
		return b, nil
	}
	switch len(b.ready) {
	case 0:
		b.ready = append(b.ready, nil) // an empty message
	case 1:
	default:
		return nil, usageError(fmt.Errorf("%s takes one message, and -d gives %d", rpc.Method.FullName(), len(b.ready)))
	}
	return b, nil
}

// addStdin takes stdin as it comes for a stream of messages, and to its end for
// one message. Nothing ends a read of stdin early, so an interrupt leaves it.
func (b *bodies) addStdin(ctx context.Context, stdin io.Reader) error {
	if b.rpc.Method.IsStreamingClient() {
		b.later = compose.Split(stdin)
		return nil
	}
	type input struct {
		text []byte
		err  error
	}
	done := make(chan input, 1)
	go func() {
		text, err := io.ReadAll(stdin)
		done <- input{text, err}
	}()
	select {
	case in := <-done:
		if in.err != nil {
			return fmt.Errorf("stdin: %w", in.err)
		}
		return b.encode("stdin", bytes.NewReader(in.text))
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isStdin reports whether a -d value means stdin.
func isStdin(d string) bool { return d == "@-" || d == "-" }

// add encodes all messages of a literal or file.
func (b *bodies) add(d string) error {
	name, text := "-d", io.Reader(strings.NewReader(d))
	if path, ok := strings.CutPrefix(d, "@"); ok {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("-d %s: %w", d, err)
		}
		defer f.Close() //nolint:errcheck // only read
		name, text = path, f
	}
	return b.encode(name, text)
}

// encode encodes all messages that text holds.
func (b *bodies) encode(name string, text io.Reader) error {
	s := compose.Split(text)
	for {
		body, err := s.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		msg, err := body.Encode(b.rpc.Method.Input(), b.types)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		b.ready = append(b.ready, msg)
	}
}

// next returns the next message, io.EOF after the last.
func (b *bodies) next() ([]byte, error) {
	if len(b.ready) > 0 {
		msg := b.ready[0]
		b.ready = b.ready[1:]
		return msg, nil
	}
	if b.later == nil {
		return nil, io.EOF
	}
	body, err := b.later.Next()
	if errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	if err != nil {
		return nil, fmt.Errorf("stdin: %w", err)
	}
	msg, err := body.Encode(b.rpc.Method.Input(), b.types)
	if err != nil {
		return nil, fmt.Errorf("stdin: %w", err)
	}
	return msg, nil
}
