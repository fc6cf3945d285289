package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/reflection/protofile"
	"github.com/wiregloss/wiregloss/render"
)

// save writes an exchange to a file that only the user may read. The file
// appears whole or not at all. A recording holds what was sent to the byte: one
// with a credential among its headers is written only if showSecrets is set.
func save(path string, x exchange.Exchange, showSecrets bool) error {
	if name := credential(x.Wire); name != "" && !showSecrets {
		return fmt.Errorf("save %s: not written, since the recording holds the value of %q in clear; --show-secrets writes it all the same", path, name)
	}
	var schema []byte
	if x.Types != nil {
		var err error
		if schema, err = proto.Marshal(protofile.Set(x.Types)); err != nil {
			return fmt.Errorf("save %s: %w", path, err)
		}
	}
	f, err := exchange.ToFile(x, schema)
	if err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".wiregloss-*") // mode 0600
	if err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // gone after the rename
	_, err = f.WriteTo(tmp)
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("save %s: %w", path, err)
	}
	return nil
}

// credential returns the name of a header field with a secret, if there is one.
func credential(wire []*record.Recording) string {
	for _, rec := range wire {
		if name := credentialIn(rec); name != "" {
			return name
		}
	}
	return ""
}

func credentialIn(rec *record.Recording) string {
	d := inspect.NewDecoder(rec)
	for more := true; more; {
		var t inspect.Trace
		t, more = d.Advance(step)
		for _, b := range t.Headers {
			for _, f := range b.Fields {
				if render.Secret(f.Name) {
					return f.Name
				}
			}
		}
		d.Forget(t)
	}
	return ""
}

// readSaved reads a saved exchange with its schema. A file that is damaged gives
// what stands before the damage, and the damage as problem.
func readSaved(path string) (x exchange.Exchange, problem, err error) {
	in, err := os.Open(path)
	if err != nil {
		return x, nil, err
	}
	defer in.Close() //nolint:errcheck // only read
	f, readErr := record.ReadFile(in)
	if f == nil || len(f.Recordings) == 0 {
		switch {
		case readErr != nil:
		case f.Cut():
			readErr = errors.New("it ends early, before a recording")
		default:
			readErr = errors.New("it holds no recording")
		}
		return x, nil, fmt.Errorf("%s: %w; inspect reads what call --save writes", path, readErr)
	}
	problem = readErr
	if problem == nil && f.Cut() {
		problem = fmt.Errorf("%s ends early: what follows is what it holds", path)
	}
	x, schema, err := exchange.FromFile(f)
	if err != nil {
		return x, problem, fmt.Errorf("%s: %w", path, err)
	}
	if len(schema) > 0 {
		var set descriptorpb.FileDescriptorSet
		if err := proto.Unmarshal(schema, &set); err != nil {
			return x, fmt.Errorf("%s: its schema cannot be read (%w): fields are shown without names", path, err), nil
		}
		if x.Types, err = protofile.FromSet(&set); err != nil {
			return x, fmt.Errorf("%s: its schema cannot be read (%w): fields are shown without names", path, err), nil
		}
	}
	return x, problem, nil
}
