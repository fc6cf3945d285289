package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/call"
	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/reflection/protofile"
)

// curlSource knows a schema, and is asked for one name at a time: a server may
// know much more than what is wanted.
type curlSource interface {
	// services returns the full names of all services.
	services() ([]string, error)
	// symbol finds a descriptor by its full name. A name that is not there is a
	// *curlMissing.
	symbol(name string) (protoreflect.Descriptor, error)
	// extensions returns the extensions of a message.
	extensions(message protoreflect.FullName) ([]protoreflect.ExtensionDescriptor, error)
	// fetch gets several symbols at once, where that is quicker than one by one.
	fetch(names []string)
	// original is a file as it was read; nil if it is not known.
	original(path string) *descriptorpb.FileDescriptorProto
}

// curlMissing says that something is not in a schema.
type curlMissing struct{ text string }

// Error says what is missing.
func (e *curlMissing) Error() string { return e.text }

func missing(kind, name string) error { return &curlMissing{kind + " not found: " + name} }

// curlSession is the schema, and the connection once there is one.
type curlSession struct {
	curlSource
	c    *curl
	conn *call.Conn
	asks *curlServer // nil without reflection
}

// open reads the files and, if the schema comes from the server, connects to it.
func (c *curl) open(ctx context.Context) (*curlSession, error) {
	s := &curlSession{c: c}
	files, err := c.files()
	if err != nil {
		return nil, err
	}
	if files != nil {
		s.curlSource = files
	}
	if !c.reflect.on {
		return s, nil
	}
	if err := s.dial(ctx); err != nil {
		return nil, err
	}
	headers := curlMetadata(slices.Concat(c.headers, c.reflectHeaders))
	s.asks = newCurlServer(metadata.NewOutgoingContext(ctx, headers), s.conn)
	s.curlSource = s.asks
	if files != nil {
		s.curlSource = curlBoth{s.asks, files}
	}
	return s, nil
}

func (s *curlSession) close() {
	if s.asks != nil {
		s.asks.close()
	}
	if s.conn != nil {
		_ = s.conn.Close() // what was wanted of it is here
	}
}

// files reads the schema files that the flags name; nil if they name none.
func (c *curl) files() (*curlFiles, error) {
	var cat *catalog.Catalog
	var err error
	var set *descriptorpb.FileDescriptorSet
	switch {
	case len(c.protosets) > 0:
		if set, err = readSets(c.protosets); err == nil {
			cat, err = protofile.FromSet(set)
		}
		if err = whole(cat, err); err != nil {
			return nil, failure(err, "Failed to process proto descriptor sets.")
		}
	case len(c.protos) > 0:
		cat, err = protofile.Load(located(c.protos, c.importPaths), protofile.Options{ImportPaths: c.importPaths})
		if err = whole(cat, err); err != nil {
			return nil, failure(err, "Failed to process proto source files.")
		}
	default:
		return nil, nil //nolint:nilnil // no files are no error
	}
	f := &curlFiles{cat: cat, raw: map[string]*descriptorpb.FileDescriptorProto{}}
	for _, file := range set.GetFile() {
		f.raw[file.GetName()] = file
	}
	return f, nil
}

// whole makes an error of what could not be read: grpcurl uses no part of a
// schema whose rest is broken, and a script may count on it.
func whole(cat *catalog.Catalog, err error) error {
	if err != nil || len(cat.Problems) == 0 {
		return err
	}
	var lines []string
	for _, p := range cat.Problems {
		lines = append(lines, p.Where+": "+p.Text)
	}
	return errors.New(strings.Join(lines, "\n"))
}

// readSets reads descriptor sets as one.
func readSets(paths []string) (*descriptorpb.FileDescriptorSet, error) {
	all := &descriptorpb.FileDescriptorSet{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("could not load protoset file %q: %w", path, err)
		}
		set := &descriptorpb.FileDescriptorSet{}
		if err := proto.Unmarshal(data, set); err != nil {
			return nil, fmt.Errorf("could not parse contents of protoset file %q: %w", path, err)
		}
		all.File = append(all.File, set.GetFile()...)
	}
	return all, nil
}

// located returns the paths of files that may be named relative to an import path.
func located(files, importPaths []string) []string {
	var paths []string
	for _, name := range files {
		path := name
		if !filepath.IsAbs(name) && !strings.HasPrefix(name, "./") && !strings.HasPrefix(name, "../") {
			for _, dir := range importPaths {
				if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
					path = filepath.Join(dir, name)
					break
				}
			}
		}
		paths = append(paths, path)
	}
	return paths
}

// curlFiles is the schema of files.
type curlFiles struct {
	cat *catalog.Catalog
	raw map[string]*descriptorpb.FileDescriptorProto // of descriptor sets
}

func (f *curlFiles) services() ([]string, error) {
	var names []string
	f.cat.Files.RangeFiles(func(fd protoreflect.FileDescriptor) bool {
		for i := range fd.Services().Len() {
			names = append(names, string(fd.Services().Get(i).FullName()))
		}
		return true
	})
	slices.Sort(names) // a registry has no order
	return names, nil
}

func (f *curlFiles) symbol(name string) (protoreflect.Descriptor, error) {
	return find(f.cat, name)
}

func find(cat *catalog.Catalog, name string) (protoreflect.Descriptor, error) {
	if d, err := cat.Files.FindDescriptorByName(protoreflect.FullName(name)); err == nil {
		return d, nil
	}
	return nil, missing("Symbol", name)
}

func (f *curlFiles) extensions(message protoreflect.FullName) ([]protoreflect.ExtensionDescriptor, error) {
	var found []protoreflect.ExtensionDescriptor
	f.cat.Files.RangeFiles(func(fd protoreflect.FileDescriptor) bool {
		found = append(found, extensionsIn(fd, message)...)
		return true
	})
	return found, nil
}

// extensionHolder is a file or a message.
type extensionHolder interface {
	Messages() protoreflect.MessageDescriptors
	Extensions() protoreflect.ExtensionDescriptors
}

// extensionsIn returns the extensions of a message that are declared in a file.
func extensionsIn(in extensionHolder, message protoreflect.FullName) []protoreflect.ExtensionDescriptor {
	var found []protoreflect.ExtensionDescriptor
	for i := range in.Extensions().Len() {
		if x := in.Extensions().Get(i); x.ContainingMessage().FullName() == message {
			found = append(found, x)
		}
	}
	for i := range in.Messages().Len() {
		found = append(found, extensionsIn(in.Messages().Get(i), message)...)
	}
	return found
}

func (f *curlFiles) fetch([]string) {}

func (f *curlFiles) original(path string) *descriptorpb.FileDescriptorProto { return f.raw[path] }

// curlBoth asks the server first and then the files. Services are those of the
// server alone.
type curlBoth struct {
	*curlServer
	files *curlFiles
}

func (b curlBoth) symbol(name string) (protoreflect.Descriptor, error) {
	if d, err := b.curlServer.symbol(name); err == nil {
		return d, nil
	}
	return b.files.symbol(name)
}

func (b curlBoth) extensions(message protoreflect.FullName) ([]protoreflect.ExtensionDescriptor, error) {
	found, err := b.curlServer.extensions(message)
	more, _ := b.files.extensions(message) // never fails
	if err != nil {
		return more, nil
	}
	known := map[protoreflect.FieldNumber]bool{}
	for _, x := range found {
		known[x.Number()] = true
	}
	for _, x := range more {
		if !known[x.Number()] {
			found = append(found, x)
		}
	}
	return found, nil
}

func (b curlBoth) original(path string) *descriptorpb.FileDescriptorProto {
	if f := b.curlServer.original(path); f != nil {
		return f
	}
	return b.files.original(path)
}

// fileProto is a file as it was read, or as it can be told.
func fileProto(s curlSource, fd protoreflect.FileDescriptor) *descriptorpb.FileDescriptorProto {
	if f := s.original(fd.Path()); f != nil {
		return f
	}
	return protodesc.ToFileDescriptorProto(fd)
}
