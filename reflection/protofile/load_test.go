package protofile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/internal/testdata"
)

// tree writes the files of a txtar archive and returns their folder.
func tree(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(archive)).Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// load loads paths of a tree; "." is all of it.
func load(t *testing.T, archive string, o Options, paths ...string) (*catalog.Catalog, string) {
	t.Helper()
	dir := tree(t, archive)
	for i, p := range paths {
		paths[i] = filepath.Join(dir, filepath.FromSlash(p))
	}
	for i, p := range o.ImportPaths {
		o.ImportPaths[i] = filepath.Join(dir, filepath.FromSlash(p))
	}
	c, err := Load(paths, o)
	if err != nil {
		t.Fatal(err)
	}
	return c, dir
}

// told returns the problems, their paths as in the archive.
func told(c *catalog.Catalog, dir string) []string {
	var out []string
	for _, p := range c.Problems {
		out = append(out, strings.ReplaceAll(filepath.ToSlash(p.Where), filepath.ToSlash(dir)+"/", "")+": "+strings.ReplaceAll(filepath.ToSlash(p.Text), filepath.ToSlash(dir), "DIR"))
	}
	return out
}

func operations(c *catalog.Catalog) []string {
	var out []string
	for _, s := range c.Services {
		for _, op := range s.Operations {
			out = append(out, op.ID)
		}
	}
	return out
}

const greeter = `
-- a.proto --
syntax = "proto3";
package a;
// Greets.
service Greeter {
  // Says hello.
  rpc Hello(Name) returns (Name);
}
message Name { string text = 1; }
`

// Each tree has something wrong, which is told at its place while the rest works.
func TestBrokenTrees(t *testing.T) {
	t.Parallel()
	const elsewhere = "; give the folder that has it as an import path"
	tests := []struct {
		name, files string
		problems    []string
		operations  []string
	}{
		{"one file does not parse", greeter + "-- b.proto --\nsyntax = \"proto3\";\nmessage {\n", []string{`b.proto:2:9: syntax error: unexpected '{'`}, []string{"a.Greeter/Hello"}},
		{
			"an import is missing", greeter + `-- b/b.proto --
syntax = "proto3";
package b;
import "x/lost.proto";
import "a.proto";
service S { rpc Known(a.Name) returns (a.Name); rpc Half(a.Name) returns (x.Lost); }
-- b/c.proto --
syntax = "proto3";
import "x/lost.proto";
`,
			[]string{
				"b/b.proto:5:75: type x.Lost is not known",
				`b/b.proto:3:1: imports "x/lost.proto", which is missing (one more file imports it): what it declares is not known, the rest works` + elsewhere,
				"b.S.Half: its message x.Lost is not known",
			},
			[]string{"a.Greeter/Hello", "b.S/Known", "b.S/Half"},
		},
		{
			"options are missing", `
-- a.proto --
syntax = "proto3";
package a;
import "gogoproto/gogo.proto";
import "buf/validate/validate.proto";
option (gogoproto.marshaler_all) = true;
message M { string id = 1 [(buf.validate.field).string.uuid = true, (gogoproto.nullable) = false, deprecated = true]; }
service S { rpc R(M) returns (M) { option (x.y) = { a: 1 }; } }
`,
			[]string{
				`a.proto:4:1: imports "buf/validate/validate.proto", which is missing: options that it declares are left out, the rest works` + elsewhere,
				`a.proto:3:1: imports "gogoproto/gogo.proto", which is missing: options that it declares are left out, the rest works` + elsewhere,
			},
			[]string{"a.S/R"},
		},
		{
			"an import is forgotten", greeter + "-- b.proto --\nsyntax = \"proto3\";\nservice S { rpc R(a.Name) returns (a.Name); }\n",
			[]string{"b.proto:2:19: type a.Name is used, but a.proto, which declares it, is not imported: it is used all the same"},
			[]string{"S/R", "a.Greeter/Hello"},
		},
		{
			"two files declare the same", greeter + "-- b/a.proto --\nsyntax = \"proto3\";\npackage a;\nmessage Name {}\n",
			[]string{"b/a.proto: left out: a.Name is declared in DIR/a.proto, too, which is used; load one of them"},
			[]string{"a.Greeter/Hello"},
		},
		{
			"imports go round", "-- a.proto --\nsyntax = \"proto3\";\nimport \"b.proto\";\nservice S { rpc R(M) returns (M); }\n-- b.proto --\nsyntax = \"proto3\";\nimport \"a.proto\";\nmessage M {}\n",
			[]string{`b.proto: imports a.proto, which imports it: the cycle is cut here`},
			[]string{"S/R"},
		},
		{
			"an import reaches out", greeter + "-- b.proto --\nsyntax = \"proto3\";\nimport \"../b.proto\";\n",
			[]string{`b.proto:2:1: imports "../b.proto", which is missing: options that it declares are left out, the rest works` + elsewhere},
			[]string{"a.Greeter/Hello"},
		},
		{
			"a number twice", greeter + "-- b.proto --\nsyntax = \"proto3\";\nmessage M { string a = 1; string b = 1; }\nmessage Fine {}\n",
			[]string{`b.proto:2:38: message M: fields a and b both have the same tag 1`, `b.proto: message "M" has conflicting fields: "b" with "a"`},
			[]string{"a.Greeter/Hello"},
		},
		{
			"an edition of the future", "-- a.proto --\nedition = \"2031\";\npackage a;\nmessage M { string x = 1; }\nservice S { rpc R(M) returns (M); }\n",
			[]string{"a.proto: edition 2031 is newer than what this program knows: read as edition 2024"},
			[]string{"a.S/R"},
		},
		{
			"more imports than are looked for", greeter + "-- b.proto --\nsyntax = \"proto3\";\n" + strings.Repeat("import \"x\";\n", maxImports+1),
			[]string{`b.proto:3:1: "x" was already imported at DIR/b.proto:2:1`, "b.proto: 5001 imports: more than 5000 are not looked for"},
			[]string{"a.Greeter/Hello"},
		},
		{
			"nested too deep", greeter + "-- b.proto --\nsyntax = \"proto3\";\n" + strings.Repeat("message M {", 1000),
			[]string{"b.proto:2: brackets are nested more than 500 deep: not parsed"},
			[]string{"a.Greeter/Hello"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, dir := load(t, test.files, Options{}, ".")
			if diff := cmp.Diff(test.problems, told(c, dir)); diff != "" {
				t.Errorf("problems:\n%s", diff)
			}
			if diff := cmp.Diff(test.operations, operations(c)); diff != "" {
				t.Errorf("operations:\n%s", diff)
			}
		})
	}
}

// The folder that imports are relative to is not told, and is found.
func TestImportsAreGuessed(t *testing.T) {
	t.Parallel()
	const files = `
-- etcd/api/rpcpb/rpc.proto --
syntax = "proto3";
package rpcpb;
import "etcd/api/kvpb/kv.proto";
service KV { rpc Get(kvpb.Key) returns (kvpb.Key); }
-- etcd/api/kvpb/kv.proto --
syntax = "proto3";
package kvpb;
import "common/meta.proto";
message Key { common.Meta meta = 1; }
-- third_party/common/meta.proto --
syntax = "proto3";
package common;
message Meta {}
-- third_party/other/common/meta.proto --
syntax = "proto3";
package other;
-- lone/v1/lone.proto --
syntax = "proto3";
package lone.v1;
`
	for _, test := range []struct {
		paths, files []string
		problems     int
	}{
		{[]string{"."}, []string{"common/meta.proto", "etcd/api/kvpb/kv.proto", "etcd/api/rpcpb/rpc.proto", "lone/v1/lone.proto", "other/common/meta.proto"}, 0},
		{[]string{"etcd/api/rpcpb/rpc.proto", "third_party"}, []string{"common/meta.proto", "etcd/api/kvpb/kv.proto", "etcd/api/rpcpb/rpc.proto", "other/common/meta.proto"}, 0},
		{[]string{"etcd/api/rpcpb"}, []string{"etcd/api/kvpb/kv.proto", "etcd/api/rpcpb/rpc.proto"}, 2}, // the type and the import
		{[]string{"lone/v1/lone.proto"}, []string{"lone/v1/lone.proto"}, 0},
	} {
		c, dir := load(t, files, Options{}, test.paths...)
		var got []string
		for _, fd := range sortedFiles(c) {
			got = append(got, fd.Path())
		}
		if diff := cmp.Diff(test.files, got); diff != "" || len(c.Problems) != test.problems {
			t.Errorf("%v: problems %v, files:\n%s", test.paths, told(c, dir), diff)
		}
	}
}

// Of two folders with an import the first that was given has it.
func TestImportPaths(t *testing.T) {
	t.Parallel()
	const files = `
-- main/m.proto --
syntax = "proto3";
import "x.proto";
message M { X x = 1; }
-- one/x.proto --
syntax = "proto3";
message X { string one = 1; }
-- two/x.proto --
syntax = "proto3";
message X { string two = 1; }
`
	for _, order := range [][]string{{"one", "two"}, {"two", "one"}} {
		want := order[0]
		c, dir := load(t, files, Options{ImportPaths: order}, "main/m.proto")
		d, err := c.Symbol("X." + want)
		if err != nil || len(c.Problems) > 0 {
			t.Errorf("%s first: %v %v %v", want, d, err, told(c, dir))
		}
	}
}

// What the language has is what the descriptors have: scopes, public imports,
// groups, maps, defaults, options of one's own, comments, the newest edition.
func TestLanguage(t *testing.T) {
	t.Parallel()
	c, dir := load(t, `
-- a.proto --
syntax = "proto2";
package p.q;
import public "b.proto";
import "google/protobuf/descriptor.proto";
extend google.protobuf.MessageOptions { optional Rule rule = 50001; repeated string tags = 50002; }
message Rule { optional int32 level = 1; extensions 100 to 200; map<string, Color> colors = 2; }
enum Color { RED = 0; BLUE = 1; }
// About M.
message M {
  option (rule) = { level: 3, colors: { key: "k", value: BLUE } [p.q.more]: "m" };
  option (.p.q.tags) = "x";
  option (tags) = "y";
  message Color { optional string inner = 1; }
  optional Color a = 1;
  optional .p.q.Color b = 2 [default = BLUE];
  repeated group G = 3 { optional q.Color c = 1; }
  map<string, B> m = 4;
  extensions 100 to max;
}
extend Rule { optional string more = 100; }
-- b.proto --
edition = "2023";
package p;
message B { int32 n = 1 [features.field_presence = IMPLICIT, json_name = "nn"]; B self = 2 [features.message_encoding = DELIMITED]; }
-- c.proto --
edition = "2024";
package p;
import "a.proto";
import option "b.proto";
export message C { B b = 1; q.M.G g = 2; local enum E { E_UNSPECIFIED = 0; } E e = 3; }
`, Options{}, ".")
	if len(c.Problems) > 0 {
		t.Fatal(told(c, dir))
	}
	text, err := c.Symbol("p.q.M")
	if err != nil {
		t.Fatal(err)
	}
	m := protodesc.ToDescriptorProto(text.(descriptorMessage))
	fields := map[string]string{}
	for _, f := range m.GetField() {
		fields[f.GetName()] = strings.Join([]string{f.GetType().String(), f.GetTypeName(), f.GetDefaultValue()}, " ")
	}
	want := map[string]string{
		"a": "TYPE_MESSAGE .p.q.M.Color ", "b": "TYPE_ENUM .p.q.Color BLUE", "g": "TYPE_GROUP .p.q.M.G ", "m": "TYPE_MESSAGE .p.q.M.MEntry ",
	}
	if diff := cmp.Diff(want, fields); diff != "" {
		t.Error(diff)
	}
	if doc := text.ParentFile().SourceLocations().ByDescriptor(text).LeadingComments; doc != " About M.\n" {
		t.Errorf("comment %q", doc)
	}
	if opts := optionText(t, c, m.GetOptions()); opts != `[p.q.rule]:{level:3 colors:{key:"k" value:BLUE} [p.q.more]:"m"} [p.q.tags]:"x" [p.q.tags]:"y"` {
		t.Errorf("options %s", opts)
	}
	for name, kind := range map[string]string{"p.C.e": "enum", "p.C.g": "message", "p.B.self": "group", "p.B.n": "int32"} {
		d, err := c.Symbol(name)
		if err != nil {
			t.Fatal(err)
		}
		if f := d.(fieldKind); f.Kind().String() != kind {
			t.Errorf("%s is a %v, want %s", name, f.Kind(), kind)
		}
	}
}

// A folder has copies of a file, as vendored trees do: they are one.
func TestCopies(t *testing.T) {
	t.Parallel()
	c, dir := load(t, greeter+strings.Replace(greeter, "a.proto", "vendor/a.proto", 1)+
		"-- vendor/b.proto --\nsyntax = \"proto3\";\nimport \"a.proto\";\nmessage B { a.Name n = 1; }\n", Options{}, ".")
	if len(c.Problems) > 0 || c.Files.NumFiles() != 2 {
		t.Errorf("%d files, problems %v", c.Files.NumFiles(), told(c, dir))
	}
}

// Sources and sets merge in the order given, and the first definition counts.
func TestLoadMerges(t *testing.T) {
	t.Parallel()
	other := &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{
		{Name: proto.String("a.proto"), Package: proto.String("a"), MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Name")}}},
		{Name: proto.String("z.proto"), Package: proto.String("z"), Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("S")}}},
	}}
	raw, err := proto.Marshal(other)
	if err != nil {
		t.Fatal(err)
	}
	dir := tree(t, greeter)
	set := filepath.Join(dir, "other.bin")
	if err := os.WriteFile(set, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, paths := range [][]string{{dir, set}, {set, dir}} {
		c, err := Load(paths, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Services) != 2 || len(c.Problems) != 1 || !strings.HasPrefix(c.Problems[0].Text, "a second file of this name differs from the first") {
			t.Errorf("%d services, problems %v", len(c.Services), c.Problems)
		}
		_, err = c.Symbol("a.Name.text")
		if first := paths[0] == dir; first != (err == nil) {
			t.Errorf("%v: the field is there: %v", paths, err)
		}
		if want := strings.Join(paths, ", "); c.Origin != want {
			t.Errorf("origin %s, want %s", c.Origin, want)
		}
	}
}

// A link to a folder is that folder when it is given, and passed by below one.
func TestLinks(t *testing.T) {
	t.Parallel()
	dir := tree(t, "-- real/a.proto --\nsyntax = \"proto3\";\n-- real/.hidden/b.proto --\nbroken\n")
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "real"), link); err != nil {
		t.Skip(err)
	}
	for _, path := range []string{link, dir} {
		c, err := Load([]string{path}, Options{})
		if err != nil || c.Files.NumFiles() != 1 || len(c.Problems) > 0 {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	t.Parallel()
	dir := tree(t, "-- empty/readme.txt --\nx\n-- bad/a.proto --\nmessage\n-- bad/b.proto --\nmessage\n-- none.pb --\n")
	for path, want := range map[string]string{
		"absent":      "no such file",
		"empty":       "no .proto file in ",
		"bad":         "none of 2 files can be used: ",
		"bad/a.proto": "a.proto:2:1: syntax error: unexpected end of file",
		"none.pb":     "it is empty",
	} {
		_, err := Load([]string{filepath.Join(dir, path)}, Options{})
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "\\", "/"), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

// The public trees load, each as a folder and without import paths.
func TestPublicTrees(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]struct{ services, problems int }{
		"etcd": {8, 4}, "googleapis": {36, 0}, "grpc-gateway": {0, 0}, "grpc-go": {8, 0}, "grpcurl-testing": {5, 0},
		"opentelemetry-proto": {4, 0}, "xds": {2, 9},
	} {
		c, err := Load([]string{testdata.Dir(t, "proto/"+dir)}, Options{})
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		if len(c.Services) != want.services || len(c.Problems) > want.problems {
			t.Errorf("%s: %d services, %d problems: %v", dir, len(c.Services), len(c.Problems), c.Problems)
		}
	}
	c, err := Load([]string{testdata.Dir(t, "proto")}, Options{})
	if err != nil || c.Files.NumFiles() < 480 || len(c.Services) < 110 {
		t.Errorf("all at once: %v", err)
	}
}
