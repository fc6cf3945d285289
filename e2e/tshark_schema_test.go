//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/jhump/protoreflect/desc/protoparse"
	"github.com/jhump/protoreflect/v2/protoprint"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/wiregloss/wiregloss/catalog"
)

// schema is the folder of .proto files that tshark and wiregloss both read, and
// what wiregloss makes of it.
type schema struct {
	dir   string
	types *catalog.Catalog
}

// wellKnown are the files of protobuf that the others import. Newer sources of
// descriptor.proto stop tshark 4.0 from loading any file, so options that would
// import it are left out.
var wellKnown = []string{"any", "duration", "empty", "field_mask", "struct", "timestamp", "wrappers"}

// annotations are the lines of the demo's files that need google/api.
var annotations = regexp.MustCompile(`(?m)^.*(google/api/annotations\.proto|option \(google\.api\.http\)).*\n`)

// writeSchema writes the files of the demo server, of the test servers and of
// wire.v1.
func writeSchema(t *testing.T) schema {
	t.Helper()
	s := schema{dir: t.TempDir()}
	var files []string
	for _, root := range []string{"../demo/proto", "testdata"} {
		paths, err := filepath.Glob(filepath.Join(root, "*/v1/*.proto"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no .proto files in %s: %v", root, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimPrefix(path, root+"/")
			s.write(t, name, annotations.ReplaceAllString(string(text), ""))
			files = append(files, name)
		}
	}
	for _, name := range wellKnown {
		fd, err := protoregistry.GlobalFiles.FindFileByPath("google/protobuf/" + name + ".proto")
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, fd.Path(), printed(t, fd))
	}
	s.parse(t, files)
	return s
}

func (s schema) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func printed(t *testing.T, fd protoreflect.FileDescriptor) string {
	t.Helper()
	var b strings.Builder
	if err := (&protoprint.Printer{OmitComments: protoprint.CommentsAll}).PrintProtoFile(fd, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func (s *schema) parse(t *testing.T, files []string) {
	t.Helper()
	parsed, err := protoparse.Parser{ImportPaths: []string{s.dir}}.ParseFiles(files...)
	if err != nil {
		t.Fatal(err)
	}
	var protos []*descriptorpb.FileDescriptorProto
	for _, fd := range parsed {
		protos = append(protos, fd.AsFileDescriptorProto())
	}
	s.types = catalog.FromDescriptors(protos)
	for _, p := range s.types.Problems {
		t.Errorf("a problem in the schema: %v", p)
	}
}

// options make tshark read the schema and say all it knows of each field.
func (s schema) options() []string {
	return []string{
		"-o", `uat:protobuf_search_paths:"` + s.dir + `","TRUE"`,
		"-o", "protobuf.preload_protos:TRUE", "-o", "protobuf.show_details:TRUE",
	}
}
