package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/jhump/protoreflect/v2/protoprint"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/reflection"
	"github.com/wiregloss/wiregloss/reflection/protofile"
	"github.com/wiregloss/wiregloss/render"
)

type exportOptions struct {
	catalog catalogFlags
	dir     string
	set     string
	force   bool
}

const exportLong = `Writes what a target offers as .proto files (-o) or as a descriptor set (--protoset): all of it, or
what the named services, methods and messages need. A descriptor set holds every import. Of .proto
files the well-known ones (google/protobuf/...) are left out, since every compiler brings them; the
others keep the paths by which they are imported, below the folder.

What is there already is not overwritten without --force. The path of each .proto file that is
there afterwards is printed.`

func newExportSchema(ios *ioStreams) *cobra.Command {
	var o exportOptions
	cmd := &cobra.Command{
		Use:   "export TARGET [SYMBOL...]",
		Short: "Write .proto files or a descriptor set of what a target offers",
		Long:  exportLong,
		Example: `  wiregloss export localhost:50051 -o api/
  wiregloss export localhost:50051 demo.v1.UserService --protoset users.protoset
  wiregloss export api/ --protoset -                    a set of .proto files, to stdout`,
		Args: args(1, -1, "a TARGET"),
		RunE: func(cmd *cobra.Command, given []string) error {
			return runExport(cmd.Context(), ios, o, given)
		},
	}
	o.catalog.register(cmd)
	fs := cmd.Flags()
	fs.StringVarP(&o.dir, "output", "o", "", "`folder` to write .proto files to")
	fs.StringVar(&o.set, "protoset", "", "`file` to write a descriptor set to, - for stdout")
	fs.BoolVar(&o.force, "force", false, "overwrite what is there")
	cmd.ValidArgsFunction = completeFrom(&o.catalog.target, symbolNames)
	return cmd
}

func runExport(ctx context.Context, ios *ioStreams, o exportOptions, given []string) error {
	switch {
	case (o.dir == "") == (o.set == ""):
		return usageError(errors.New("say where to: -o FOLDER for .proto files, or --protoset FILE for a descriptor set"))
	case o.set == "-" && ios.outTTY:
		return usageError(errors.New("a descriptor set is nothing for a terminal: name a file, or pipe it"))
	}
	return o.catalog.with(ctx, ios, given[0], func(s *reflection.Schema) error {
		files, err := wanted(s, given[1:])
		if err != nil {
			return err
		}
		if len(files.GetFile()) == 0 {
			return fmt.Errorf("%s offers no schema that could be written", given[0])
		}
		if o.set != "" {
			return o.writeSet(ios, files)
		}
		return o.writeFiles(ios, files)
	})
}

// wanted returns the files of a schema, imports first, or those that symbols need.
func wanted(s *reflection.Schema, symbols []string) (*descriptorpb.FileDescriptorSet, error) {
	if len(symbols) == 0 {
		return protofile.Set(s.Known()), nil
	}
	only := &catalog.Catalog{Files: &protoregistry.Files{}}
	for _, name := range symbols {
		d, err := symbolOf(s, name)
		if err != nil {
			return nil, err
		}
		// The second symbol of a file, or a file that two sources have: one is enough.
		_ = only.Files.RegisterFile(d.ParentFile())
	}
	return protofile.Set(only), nil
}

func (o exportOptions) writeSet(ios *ioStreams, set *descriptorpb.FileDescriptorSet) error {
	data, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(set)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	if o.set == "-" {
		return ios.text(string(data))
	}
	if _, err := os.Lstat(o.set); err == nil && !o.force {
		return exists(o.set)
	}
	return writeWhole(o.set, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

func exists(name string) error {
	return fmt.Errorf("export: %s is there already, and nothing was written; --force overwrites it", name)
}

// protoSource is a .proto file to write.
type protoSource struct {
	path string // with slashes, below the folder
	text []byte
}

// writeFiles writes all files or, if one of them would be overwritten, none. Those
// that cannot be written as they are called are told and left out.
func (o exportOptions) writeFiles(ios *ioStreams, set *descriptorpb.FileDescriptorSet) error {
	sources, skipped := sources(ios, set)
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	root, err := os.OpenRoot(o.dir) // what is written through it stays below it, links or not
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	defer root.Close() //nolint:errcheck // nothing is written any more
	if !o.force {
		for _, src := range sources {
			if there, err := readRoot(root, src.path); err == nil && !bytes.Equal(there, src.text) {
				return exists(filepath.Join(o.dir, src.path))
			}
		}
	}
	for _, src := range sources {
		if err := o.writeFile(root, src); err != nil {
			ios.talk("wiregloss: %s was not written: %v", src.path, err)
			skipped++
			continue
		}
		if err := ios.text(render.Escape(filepath.Join(o.dir, src.path)) + "\n"); err != nil {
			return err
		}
	}
	if skipped > 0 {
		return fmt.Errorf("export: %d of %d files were not written", skipped, len(sources)+skipped)
	}
	return nil
}

// compilersHave reports whether a file is one that every compiler brings.
func compilersHave(name string) bool {
	_, err := protoregistry.GlobalFiles.FindFileByPath(name)
	return err == nil && strings.HasPrefix(name, "google/protobuf/")
}

// sources prints the files of a set, the well-known ones aside.
func sources(ios *ioStreams, set *descriptorpb.FileDescriptorSet) (all []protoSource, skipped int) {
	cat := catalog.FromDescriptors(set.GetFile())
	for _, f := range set.GetFile() {
		name := f.GetName()
		if compilersHave(name) && len(set.GetFile()) > 1 {
			continue
		}
		text, err := sourceOf(cat, name)
		if err != nil {
			ios.talk("wiregloss: %s was not written: %v", name, err)
			skipped++
			continue
		}
		all = append(all, protoSource{name, []byte(text)})
	}
	return all, skipped
}

// exporter writes files as people do: in the order of the source, with comments.
var exporter = protoprint.Printer{}

// sourceOf prints one file, if its name is one to write a file by: what a server
// calls its files may lead anywhere.
func sourceOf(cat *catalog.Catalog, name string) (string, error) {
	switch {
	case !filepath.IsLocal(filepath.FromSlash(name)) || name != path.Clean(name) || strings.Contains(name, `\`):
		return "", errors.New("its path leads out of the folder, or around in it")
	case render.Escape(name) != name:
		return "", errors.New("its path has characters that no file name should have")
	case !strings.HasSuffix(name, ".proto"):
		return "", errors.New("its name does not end in .proto")
	}
	fd, err := cat.Files.FindFileByPath(name)
	if err != nil {
		return "", errors.New("its schema could not be read")
	}
	return printed(exporter, protoreflect.Descriptor(fd))
}

// writeFile writes a file that is not there, or replaces it with --force. A link is
// replaced, not followed.
func (o exportOptions) writeFile(root *os.Root, src protoSource) error {
	if there, err := readRoot(root, src.path); err == nil && there != nil && bytes.Equal(there, src.text) {
		return nil
	}
	if err := root.MkdirAll(path.Dir(src.path), 0o700); err != nil {
		return err
	}
	if o.force {
		if err := root.Remove(src.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f, err := root.OpenFile(src.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(src.text)
	return errors.Join(err, f.Close())
}

// readRoot reads a file below a folder. Something that is there and is no file that
// can be read is there with no content.
func readRoot(root *os.Root, name string) ([]byte, error) {
	info, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil
	}
	data, err := root.ReadFile(name)
	if err != nil {
		return nil, nil //nolint:nilerr // it is there
	}
	return data, nil
}
