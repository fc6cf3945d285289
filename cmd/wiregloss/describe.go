package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jhump/protoreflect/v2/protoprint"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/compose"
	"github.com/wiregloss/wiregloss/reflection"
	"github.com/wiregloss/wiregloss/render"
)

type describeOptions struct {
	catalog  catalogFlags
	template bool
}

func newDescribe(ios *ioStreams) *cobra.Command {
	var o describeOptions
	cmd := &cobra.Command{
		Use:   "describe TARGET [SYMBOL]",
		Short: "Show a service, method, message, enum or operation as proto source",
		Example: `  wiregloss describe localhost:50051 demo.v1.UserService
  wiregloss describe localhost:50051 UserService/CreateUser --template > body.json`,
		Args: args(1, 2, "a TARGET and at most one SYMBOL"),
		RunE: func(cmd *cobra.Command, given []string) error {
			return runDescribe(cmd.Context(), ios, o, given)
		},
	}
	o.catalog.register(cmd)
	o.catalog.registerSets(cmd)
	cmd.Flags().BoolVar(&o.template, "template", false, "print a JSON body with every field, for a method or a message")
	cmd.ValidArgsFunction = completeFrom(&o.catalog.target, symbolNames)
	return cmd
}

func runDescribe(ctx context.Context, ios *ioStreams, o describeOptions, given []string) error {
	if len(given) < 2 && o.template {
		return usageError(fmt.Errorf("--template needs a SYMBOL: a method or a message"))
	}
	return o.catalog.with(ctx, ios, given[0], func(s *reflection.Schema) error {
		if len(given) < 2 {
			return describeAll(ios, s.Catalog)
		}
		d, err := symbolOf(s, given[1])
		switch {
		case err != nil:
			return err
		case o.template:
			return template(ios, d)
		}
		return describe(ios, d)
	})
}

// symbolOf is symbol, also of what no service needs: a server that is asked for a
// name sends its file, whatever it is a name of.
func symbolOf(s *reflection.Schema, name string) (protoreflect.Descriptor, error) {
	d, err := symbol(s.Catalog, name)
	if err == nil {
		return d, nil
	}
	if more := s.Known(); more.Files != s.Catalog.Files {
		if d, again := symbol(more, name); again == nil {
			return d, nil
		}
	}
	return nil, err
}

// symbol finds an operation in any of its spellings, or a symbol by its name.
func symbol(cat *catalog.Catalog, name string) (protoreflect.Descriptor, error) {
	d, err := cat.Symbol(name)
	if err == nil {
		return d, nil
	}
	if op, opErr := cat.Find(name); opErr == nil {
		if rpc, ok := op.Call.(catalog.RPC); ok {
			return rpc.Method, nil
		}
	} else if strings.Contains(name, "/") {
		return nil, opErr
	}
	return nil, err
}

func describeAll(ios *ioStreams, cat *catalog.Catalog) error {
	for _, s := range cat.Services {
		if s.Problem != "" || s.Desc == nil {
			ios.talk("wiregloss: %s: %s", s.Name, s.Problem)
			continue
		}
		if err := describe(ios, s.Desc); err != nil {
			return err
		}
	}
	return nil
}

// printer writes what grpcurl's describe writes.
var printer = protoprint.Printer{
	Compact: true, OmitComments: protoprint.CommentsNonDoc, SortElements: true, ForceFullyQualifiedNames: true,
}

func describe(ios *ioStreams, d protoreflect.Descriptor) error {
	text, err := printed(printer, d)
	if err != nil {
		return fmt.Errorf("describe %s: %w", d.FullName(), err)
	}
	return ios.text(fmt.Sprintf("%s is %s:\n%s\n", render.Escape(string(d.FullName())), kindName(d), strings.TrimSuffix(render.EscapeLines(text), "\n")))
}

// printed is a descriptor as proto source. A panic of the library becomes an error:
// schemas come from strangers.
func printed(p protoprint.Printer, d protoreflect.Descriptor) (text string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it cannot be printed: %v", r)
		}
	}()
	return p.PrintProtoToString(d)
}

// kindName returns "a service", "a method" and so on.
func kindName(d protoreflect.Descriptor) string {
	switch d := d.(type) {
	case protoreflect.ServiceDescriptor:
		return "a service"
	case protoreflect.MethodDescriptor:
		return "a method"
	case protoreflect.MessageDescriptor:
		return "a message"
	case protoreflect.EnumDescriptor:
		return "an enum"
	case protoreflect.EnumValueDescriptor:
		return "an enum value"
	case protoreflect.OneofDescriptor:
		return "a one-of"
	case protoreflect.FieldDescriptor:
		switch {
		case d.IsExtension():
			return "an extension"
		case d.Kind() == protoreflect.GroupKind:
			return "a group field"
		case d.IsMap():
			return "a map field"
		}
		return "a field"
	case protoreflect.FileDescriptor:
		return "a file"
	}
	return "a symbol"
}

func template(ios *ioStreams, d protoreflect.Descriptor) error {
	switch d := d.(type) {
	case protoreflect.MethodDescriptor:
		return ios.json(compose.Template(d.Input()))
	case protoreflect.MessageDescriptor:
		return ios.json(compose.Template(d))
	}
	return usageError(fmt.Errorf("--template is for a method or a message, and %s is %s", d.FullName(), kindName(d)))
}
