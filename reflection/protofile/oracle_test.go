package protofile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jhump/protoreflect/desc/protoparse"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/internal/testdata"
)

// What a strict compiler makes of a file with all its imports is what we make of it
// by itself: names, types, defaults, options, also those declared elsewhere.
func TestSameAsStrictCompiler(t *testing.T) {
	t.Parallel()
	for _, tree := range []struct {
		dir  string
		same int // at least as many files are compared
	}{
		{"proto/googleapis", 140},
		{"proto/opentelemetry-proto", 11},
		{"proto/protobuf/src", 70},
		{"proto/grpc-gateway", 1},
		{"proto/xds", 10},
		{"proto/grpcurl-testing/internal/testing", 3},
	} {
		t.Run(tree.dir, func(t *testing.T) {
			t.Parallel()
			root := testdata.Dir(t, tree.dir)
			c, err := Load([]string{root}, Options{ImportPaths: []string{root}})
			if err != nil {
				t.Fatal(err)
			}
			strict := compileStrictly(root, c)
			for path, want := range strict {
				fd, err := c.Files.FindFileByPath(path)
				if err != nil {
					t.Errorf("%s is not there: %v", path, err)
					continue
				}
				got, expected := normal(t, c, protodesc.ToFileDescriptorProto(fd)), normal(t, c, want)
				if diff := cmp.Diff(expected, got, protocmp.Transform()); diff != "" {
					t.Errorf("%s: -strict compiler +we\n%s", path, diff[:min(len(diff), 3000)])
				}
			}
			same := len(strict)
			if same < tree.same {
				t.Errorf("only %d files could be compared", same)
			}
		})
	}
}

// compileStrictly compiles the files of a catalog that have all they need: all at
// once if it can, for that is much faster. Files with message sets are left out:
// package catalog takes their marks off.
func compileStrictly(root string, c *catalog.Catalog) map[string]*descriptorpb.FileDescriptorProto {
	var paths []string
	for _, fd := range sortedFiles(c) {
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(fd.Path()))); err == nil { // else it is bundled
			paths = append(paths, fd.Path())
		}
	}
	compiled := map[string]*descriptorpb.FileDescriptorProto{}
	compile := func(paths ...string) error {
		files, err := protoparse.Parser{ImportPaths: []string{root}, AllowExperimentalEditions: true}.ParseFiles(paths...)
		for _, fd := range files {
			if f := fd.AsFileDescriptorProto(); !hasMessageSet(f.GetMessageType()) {
				compiled[f.GetName()] = f
			}
		}
		return err
	}
	if compile(paths...) != nil {
		for _, path := range paths {
			_ = compile(path) // what it refuses cannot be compared
		}
	}
	return compiled
}

// normal makes extensions in options known to the catalog, whatever they were, and
// leaves out what differs on purpose.
func normal(t *testing.T, c *catalog.Catalog, f *descriptorpb.FileDescriptorProto) *descriptorpb.FileDescriptorProto {
	t.Helper()
	f.SourceCodeInfo, f.OptionDependency = nil, nil
	raw, err := proto.MarshalOptions{AllowPartial: true}.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	out := &descriptorpb.FileDescriptorProto{}
	if err := (proto.UnmarshalOptions{AllowPartial: true, Resolver: c.Types}).Unmarshal(raw, out); err != nil {
		t.Fatal(strings.ReplaceAll(err.Error(), "\u00a0", " "))
	}
	return out
}

func hasMessageSet(in []*descriptorpb.DescriptorProto) bool {
	return slices.ContainsFunc(in, func(m *descriptorpb.DescriptorProto) bool {
		return m.GetOptions().GetMessageSetWireFormat() || hasMessageSet(m.GetNestedType())
	})
}
