package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/reflection/protofile"
)

// schemaFlags are the flags that say where a schema is, apart from a target.
type schemaFlags struct {
	protos, importPaths, sets []string
	server                    string
}

func (f *schemaFlags) register(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringArrayVar(&f.protos, "proto", nil, "schema: a .proto `file`, or a folder of them; repeatable")
	fs.StringArrayVarP(&f.importPaths, "import-path", "I", nil, "`folder` in which --proto finds imports; repeatable; guessed if not given")
	fs.StringArrayVar(&f.sets, "protoset", nil, "schema: a descriptor set `file`; repeatable")
	fs.StringVar(&f.server, "server", "", "schema: ask the server at this `target` by reflection")
}

// given reports whether there is a schema to load.
func (f *schemaFlags) given() bool { return len(f.protos)+len(f.sets) > 0 || f.server != "" }

// load reads every schema that the flags name, with a first one behind them that
// may be nil. What can be read of broken files is used; the rest is told.
func (f *schemaFlags) load(ctx context.Context, ios *ioStreams, own *catalog.Catalog) (*catalog.Catalog, error) {
	var all []*catalog.Catalog
	if files := slices.Concat(f.protos, f.sets); len(files) > 0 {
		cat, err := protofile.Load(files, protofile.Options{ImportPaths: f.importPaths})
		if err != nil {
			return nil, err
		}
		all = append(all, cat)
	}
	if f.server != "" {
		var flags targetFlags
		t, _, err := flags.parse(f.server)
		if err != nil {
			return nil, err
		}
		cat, err := load(ctx, t, nil, "")
		if err != nil {
			return nil, err
		}
		all = append(all, cat)
	}
	for _, cat := range all {
		for _, p := range cat.Problems {
			ios.talk("wiregloss: schema: %s: %s", p.Where, p.Text)
		}
	}
	if own != nil {
		all = append(all, own)
	}
	switch len(all) {
	case 0:
		return nil, nil //nolint:nilnil // no schema is not an error: fields are shown by their numbers
	case 1:
		return all[0], nil
	}
	return catalog.Merge(all...), nil
}

// messageType finds the message type that --type names. own says that the file
// has a schema itself.
func (f *schemaFlags) messageType(cat *catalog.Catalog, name string, own bool) (protoreflect.MessageDescriptor, error) {
	d, err := cat.Symbol(name)
	if err != nil && !own && !f.given() {
		return nil, usageError(fmt.Errorf("--type %s needs a schema: --proto, --protoset or --server", name))
	}
	if err != nil {
		return nil, err
	}
	md, ok := d.(protoreflect.MessageDescriptor)
	if !ok {
		return nil, usageError(fmt.Errorf("--type %s is not a message type", name))
	}
	return md, nil
}
