package main

import (
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
	later *compose.Splitter // stdin; nil if not asked for
	count int
}

// openBodies reads the -d values.
func openBodies(ios *ioStreams, data []string, rpc catalog.RPC, cat *catalog.Catalog) (*bodies, error) {
	b := &bodies{rpc: rpc}
	if cat != nil {
		b.types = cat.Types
	}
	for i, d := range data {
		if isStdin(d) {
			if i != len(data)-1 {
				return nil, usageError(errors.New("-d @- must be the last -d: stdin has no end while it is open"))
			}
			b.later = compose.Split(ios.in)
			continue
		}
		if err := b.add(d); err != nil {
			return nil, err
		}
	}
	if len(data) == 0 && !rpc.Method.IsStreamingClient() {
		b.ready = append(b.ready, nil) // an empty message
	}
	if len(b.ready) > 1 && !rpc.Method.IsStreamingClient() {
		return nil, usageError(fmt.Errorf("%s takes one message, and -d gives %d", rpc.Method.FullName(), len(b.ready)))
	}
	return b, nil
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
		b.count++
		return msg, nil
	}
	if b.later == nil {
		return nil, io.EOF
	}
	body, err := b.later.Next()
	if errors.Is(err, io.EOF) {
		return b.end()
	}
	if err != nil {
		return nil, fmt.Errorf("stdin: %w", err)
	}
	if b.count > 0 && !b.rpc.Method.IsStreamingClient() {
		return nil, usageError(fmt.Errorf("%s takes one message, and stdin has more", b.rpc.Method.FullName()))
	}
	msg, err := body.Encode(b.rpc.Method.Input(), b.types)
	if err != nil {
		return nil, fmt.Errorf("stdin: %w", err)
	}
	b.count++
	return msg, nil
}

// end is the end of stdin: a method that takes one message gets an empty one if
// none came.
func (b *bodies) end() ([]byte, error) {
	b.later = nil
	if b.count == 0 && !b.rpc.Method.IsStreamingClient() {
		b.count++
		return nil, nil
	}
	return nil, io.EOF
}
