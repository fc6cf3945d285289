package protofile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jhump/protoreflect/desc/protoparse"
	"google.golang.org/protobuf/encoding/prototext"
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
		{"proto/protobuf/src", 75},
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
			same := 0
			for _, fd := range sortedFiles(c) {
				strict := protoparse.Parser{ImportPaths: []string{root}, AllowExperimentalEditions: true}
				if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(fd.Path()))); err != nil {
					continue // bundled
				}
				want, err := strict.ParseFiles(fd.Path())
				if err != nil {
					continue
				}
				same++
				if hasMessageSet(want[0].AsFileDescriptorProto()) {
					continue // package catalog takes their marks off
				}
				got, expected := normal(t, c, protodesc.ToFileDescriptorProto(fd)), normal(t, c, want[0].AsFileDescriptorProto())
				if diff := cmp.Diff(expected, got, protocmp.Transform()); diff != "" {
					t.Errorf("%s: -strict compiler +we\n%s", fd.Path(), diff[:min(len(diff), 3000)])
				}
			}
			if same < tree.same {
				t.Errorf("only %d files could be compared", same)
			}
		})
	}
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

func hasMessageSet(f *descriptorpb.FileDescriptorProto) bool {
	return strings.Contains(prototext.Format(f), "message_set_wire_format")
}
