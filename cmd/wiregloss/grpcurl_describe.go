package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jhump/protoreflect/v2/protoprint"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// list prints the services, or the methods of one.
func (c *curl) list(s *curlSession) error {
	names, err := s.services()
	none := "(No services)"
	if c.symbol != "" {
		names, err = methodsOf(s, c.symbol)
		none = "(No methods)"
	}
	switch {
	case err != nil && c.symbol != "":
		return failure(err, "Failed to list methods for service %q", c.symbol)
	case err != nil:
		return failure(err, "Failed to list services")
	}
	slices.Sort(names)
	shown := names
	if len(names) == 0 {
		shown = []string{none}
	}
	if err := c.write(strings.Join(shown, "\n") + "\n"); err != nil {
		return err
	}
	if c.symbol != "" {
		names = []string{c.symbol}
	}
	return c.export(s, names)
}

func methodsOf(s curlSource, service string) ([]string, error) {
	d, err := s.symbol(service)
	if err != nil {
		return nil, err
	}
	sd, ok := d.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil, missing("Service", service)
	}
	var names []string
	for i := range sd.Methods().Len() {
		names = append(names, string(sd.Methods().Get(i).FullName()))
	}
	return names, nil
}

// describe prints the source of a symbol, or of all services.
func (c *curl) describe(s *curlSession) error {
	symbols := []string{c.symbol}
	if c.symbol == "" {
		var err error
		if symbols, err = s.services(); err != nil {
			return failure(err, "Failed to list services")
		}
		if len(symbols) == 0 {
			if err := c.write("Server returned an empty list of exposed services\n"); err != nil {
				return err
			}
		}
		s.fetch(symbols)
	}
	for i := range symbols {
		symbols[i] = strings.TrimPrefix(symbols[i], ".")
		if err := c.describeOne(s, symbols[i]); err != nil {
			return err
		}
	}
	return c.export(s, symbols)
}

func (c *curl) describeOne(s *curlSession, name string) (err error) {
	defer guard(&err)
	d, err := s.symbol(name)
	if err != nil {
		return failure(err, "Failed to resolve symbol %q", name)
	}
	shown, kind := described(d)
	text, err := printer.PrintProtoToString(shown)
	if err != nil {
		return failure(err, "Failed to describe symbol %q", name)
	}
	if err := c.write(fmt.Sprintf("%s is %s:\n%s\n", curlName(d), kind, strings.TrimSuffix(text, "\n"))); err != nil {
		return err
	}
	md, ok := shown.(protoreflect.MessageDescriptor)
	if !ok || !c.template {
		return nil
	}
	f := c.formatter(newCurlTypes(s))
	f.defaults = true
	body, err := f.format(curlTemplate(md, nil).Interface())
	if err != nil {
		return failure(err, "Failed to print template for message %s", name)
	}
	return c.write("\nMessage template:\n" + body + "\n")
}

// curlName is the full name of a symbol. grpcurl puts an enum's name before those
// of its values, which the language does not.
func curlName(d protoreflect.Descriptor) protoreflect.FullName {
	if _, ok := d.(protoreflect.EnumValueDescriptor); ok {
		return d.Parent().FullName().Append(d.Name())
	}
	return d.FullName()
}

// described is what is shown for a symbol, and what it is. The message of a map
// entry or a group stands in no source: its field does.
func described(d protoreflect.Descriptor) (protoreflect.Descriptor, string) {
	md, ok := d.(protoreflect.MessageDescriptor)
	if !ok {
		if fd, ok := d.(protoreflect.FieldDescriptor); ok && fd.IsMap() {
			return d, "a field"
		}
		return d, kindName(d)
	}
	parent, ok := md.Parent().(protoreflect.MessageDescriptor)
	if !ok {
		return d, "a message"
	}
	for i := range parent.Fields().Len() {
		fd := parent.Fields().Get(i)
		switch {
		case fd.Message() != md:
		case fd.IsMap():
			return fd, "the entry type for a map field"
		case fd.Kind() == protoreflect.GroupKind:
			return fd, "the type of a group field"
		}
	}
	return d, "a message"
}

// export writes the schema of symbols where the flags say.
func (c *curl) export(s curlSource, symbols []string) error {
	if c.protosetOut == "" && c.protoOut == "" {
		return nil
	}
	files, err := filesOf(s, symbols)
	if c.protosetOut != "" {
		if err == nil {
			err = writeSet(s, c.protosetOut, files)
		}
		if err != nil {
			return failure(err, "Failed to write protoset to %s", c.protosetOut)
		}
	}
	if c.protoOut != "" {
		if err == nil {
			err = writeProtos(c.protoOut, files)
		}
		if err != nil {
			return failure(err, "Failed to write protos to %s", c.protoOut)
		}
	}
	return nil
}

// filesOf returns the files of symbols and what they import, imports first.
func filesOf(s curlSource, symbols []string) ([]protoreflect.FileDescriptor, error) {
	s.fetch(symbols)
	var files []protoreflect.FileDescriptor
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(fd protoreflect.FileDescriptor) {
		if seen[fd.Path()] || fd.IsPlaceholder() {
			return
		}
		seen[fd.Path()] = true
		for i := range fd.Imports().Len() {
			add(fd.Imports().Get(i).FileDescriptor)
		}
		files = append(files, fd)
	}
	for _, name := range symbols {
		d, err := s.symbol(name)
		if err != nil {
			return nil, fmt.Errorf("failed to find descriptor for %q: %w", name, err)
		}
		add(d.ParentFile())
	}
	return files, nil
}

func writeSet(s curlSource, path string, files []protoreflect.FileDescriptor) error {
	set := &descriptorpb.FileDescriptorSet{}
	for _, fd := range files {
		set.File = append(set.File, fileProto(s, fd))
	}
	data, err := proto.Marshal(set)
	if err != nil {
		return fmt.Errorf("failed to serialize file descriptor set: %w", err)
	}
	return os.WriteFile(path, data, 0o666) //nolint:gosec // a schema is no secret, and grpcurl's file has these rights
}

// writeProtos writes .proto files below a folder. The names come from a server:
// none leads out of the folder.
func writeProtos(dir string, files []protoreflect.FileDescriptor) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // as above
		return fmt.Errorf("failed to create output directory %q: %w", dir, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("failed to open output directory %q: %w", dir, err)
	}
	for _, fd := range files {
		if err = writeProto(root, fd); err != nil {
			break
		}
	}
	return errors.Join(err, root.Close())
}

func writeProto(root *os.Root, fd protoreflect.FileDescriptor) error {
	path := filepath.FromSlash(fd.Path())
	if err := root.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("failed to create directory for %q: %w", path, err)
	}
	f, err := root.Create(path)
	if err != nil {
		return fmt.Errorf("failed to create proto file %q: %w", path, err)
	}
	if err := errors.Join((&protoprint.Printer{}).PrintProtoFile(fd, f), f.Close()); err != nil {
		return fmt.Errorf("failed to write proto file %q: %w", path, err)
	}
	return nil
}
