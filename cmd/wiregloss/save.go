package main

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/reflection/protofile"
	"github.com/wiregloss/wiregloss/render"
)

// savedFile lays an exchange out as a recording file, with its schema.
func savedFile(path string, x exchange.Exchange) (*record.File, error) {
	var schema []byte
	if x.Types != nil {
		var err error
		if schema, err = proto.Marshal(protofile.Set(x.Types)); err != nil {
			return nil, fmt.Errorf("save %s: %w", path, err)
		}
	}
	f, err := exchange.ToFile(x, schema)
	if err != nil {
		return nil, fmt.Errorf("save %s: %w", path, err)
	}
	return f, nil
}

// credential returns the name of a header field with a secret, if there is one:
// a recording holds what was sent to the byte.
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
