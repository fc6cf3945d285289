package catalog

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

func TestFromDescriptors(t *testing.T) {
	t.Parallel()
	c := demo(t)
	if len(c.Services) != 3 || c.Services[0].Name != "demo.admin.AdminService" || c.Services[1].Name != "demo.v1.UserService" {
		t.Fatalf("services %v", c.Services)
	}
	if doc := c.Services[1].Doc; doc != "Users and so on." {
		t.Errorf("doc %q", doc)
	}
	if _, err := c.Types.FindMessageByURL("type.googleapis.com/demo.v1.User"); err != nil {
		t.Errorf("own type: %v", err)
	}
	if _, err := c.Types.FindMessageByName("google.protobuf.FileDescriptorSet"); err != nil {
		t.Errorf("linked type: %v", err)
	}
	if _, err := c.Types.FindExtensionByNumber("demo.v1.User", 100); err == nil {
		t.Error("an extension out of nothing")
	}
}

// What is broken is named, and what does not depend on it works.
func TestFromBrokenDescriptors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		files []string
		want  []string // problems, each as part of one
		works string   // an operation that works all the same
	}{
		{
			"missing import",
			[]string{users, `name: "a.proto" syntax: "proto3" dependency: "gone.proto" service { name: "A" method { name: "Do" input_type: ".gone.In" output_type: ".gone.Out" } }`},
			[]string{"a.proto: imports gone.proto, which is missing", "A.Do: its message gone.In is not known", "A.Do: its message gone.Out is not known"},
			"A/Do",
		},
		{
			"cycle",
			[]string{users, `name: "a.proto" syntax: "proto3" dependency: "b.proto" message_type { name: "M" }`, `name: "b.proto" syntax: "proto3" dependency: "a.proto"`},
			[]string{"b.proto: imports a.proto, which imports it: the cycle is cut here"},
			"GetUser",
		},
		{
			"itself",
			[]string{users, `name: "a.proto" syntax: "proto3" dependency: "a.proto" message_type { name: "M" }`},
			[]string{"a.proto: imports a.proto, which imports it", "a.proto: already imported"},
			"GetUser",
		},
		{
			"same symbol twice",
			[]string{users, `name: "a.proto" package: "demo.v1" syntax: "proto3" message_type { name: "User" }`},
			[]string{`a.proto: file "a.proto" has a name conflict over demo.v1.User`},
			"GetUser",
		},
		{
			"invalid",
			[]string{users, `name: "a.proto" syntax: "proto9"`},
			[]string{`a.proto: invalid syntax: "proto9"`},
			"GetUser",
		},
		{
			"imported under another path",
			[]string{users, `name: "a.proto" syntax: "proto3" dependency: "src/users.proto" service { name: "A" method { name: "Do" input_type: ".demo.v1.User" output_type: ".demo.v1.User" } }`},
			[]string{"a.proto: imports src/users.proto, which is missing"},
			"A/Do",
		},
		{
			"message set",
			[]string{`name: "a.proto" message_type { name: "Set" options { message_set_wire_format: true } extension_range { start: 4 end: 2147483647 } } service { name: "A" method { name: "Do" input_type: ".Set" output_type: ".Set" } }`},
			nil, "A/Do",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var files []*descriptorpb.FileDescriptorProto
			for _, f := range tt.files {
				files = append(files, file(t, f))
			}
			c := FromDescriptors(files)
			var got []string
			for _, p := range c.Problems {
				got = append(got, p.Where+": "+p.Text)
			}
			if len(got) != len(tt.want) {
				t.Errorf("problems %q, want %q", got, tt.want)
			}
			for _, w := range tt.want {
				if !strings.Contains(strings.Join(got, "\n"), w) {
					t.Errorf("problems %q lack %q", got, w)
				}
			}
			op, err := c.Find(tt.works)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(tt.name, "another path") && op.Call.(RPC).Method.Input().IsPlaceholder() {
				t.Error("the message was not found under its own path")
			}
		})
	}
}

// A field whose file says only the name of its type, and that type is missing,
// becomes a message: as a field of no kind it would make the library panic.
func TestFieldOfUnknownType(t *testing.T) {
	t.Parallel()
	c := FromDescriptors([]*descriptorpb.FileDescriptorProto{file(t, `name: "a.proto" syntax: "proto3"
		message_type { name: "M" field { name: "what" number: 1 label: LABEL_OPTIONAL type_name: ".gone.What" } field { name: "other" number: 2 label: LABEL_OPTIONAL type_name: ".M" } }`)})
	d, err := c.Symbol("M")
	if err != nil {
		t.Fatal(err, c.Problems)
	}
	fields := d.(protoreflect.MessageDescriptor).Fields()
	for i := range fields.Len() {
		if fields.Get(i).Kind() != protoreflect.MessageKind {
			t.Errorf("%s is a %v", fields.Get(i).Name(), fields.Get(i).Kind())
		}
	}
}

// Descriptors of any content make a catalog or problems.
func FuzzFromDescriptors(f *testing.F) {
	for _, text := range []string{users, admins, "name: \"a\" message_type { field { } extension { } }"} {
		b, err := proto.Marshal(file(f, text))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fdp := &descriptorpb.FileDescriptorProto{}
		if proto.Unmarshal(b, fdp) != nil {
			return
		}
		c := FromDescriptors([]*descriptorpb.FileDescriptorProto{fdp})
		if len(c.Problems) == 0 && c.Files.NumFiles() == 0 {
			t.Error("a file was lost without a word")
		}
		_, _ = c.Find("x")
		_, _ = c.Symbol("x")
	})
}

func TestLongImportChain(t *testing.T) {
	t.Parallel()
	var files []*descriptorpb.FileDescriptorProto
	for i := range 20000 {
		files = append(files, &descriptorpb.FileDescriptorProto{
			Name: ptr(fmt.Sprint(i)), Dependency: []string{fmt.Sprint(i + 1)},
		})
	}
	c := FromDescriptors(files)
	if c.Files.NumFiles() != 20000 || len(c.Problems) != 1 {
		t.Errorf("%d files, problems %v", c.Files.NumFiles(), c.Problems)
	}
}

func ptr[T any](v T) *T { return &v }
