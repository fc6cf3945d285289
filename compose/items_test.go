package compose

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/descriptorpb"
)

func parseItems(t *testing.T, args ...string) []Item {
	t.Helper()
	items := make([]Item, len(args))
	for i, a := range args {
		var err error
		if items[i], err = ParseItem(a); err != nil {
			t.Fatal(err)
		}
	}
	return items
}

func TestParseItem(t *testing.T) {
	t.Parallel()
	for arg, want := range map[string]Item{
		"name=Ada":       {"name", "=", "Ada"},
		"age:=36":        {"age", ":=", "36"},
		"q==a=b":         {"q", "==", "a=b"},
		"url=http://a:1": {"url", "=", "http://a:1"},
		"X-Token:a=b":    {"X-Token", ":", "a=b"},
		"photo@a.png":    {"photo", "@", "a.png"},
		"empty=":         {"empty", "=", ""},
	} {
		if got, err := ParseItem(arg); err != nil || got != want {
			t.Errorf("ParseItem(%q) = %+v, %v; want %+v", arg, got, err, want)
		}
	}
	for _, arg := range []string{"", "name", "=x"} {
		if _, err := ParseItem(arg); err == nil {
			t.Errorf("ParseItem(%q): no error", arg)
		}
	}
}

func TestItems(t *testing.T) {
	t.Parallel()
	md := (*descriptorpb.FileDescriptorProto)(nil).ProtoReflect().Descriptor()
	got, err := Items(md, parseItems(t, "name=a.proto", "dependency=x", "dependency=y", "options.deprecated=true",
		"publicDependency:=[1,2]", "options.java_package=p"), nil)
	want := `{"dependency":["x","y"],"name":"a.proto","options":{"deprecated":true,"java_package":"p"},"publicDependency":[1,2]}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
	if _, err := Encode(md, nil, got); err != nil {
		t.Errorf("the body does not encode: %v", err)
	}
}

func TestItemErrors(t *testing.T) {
	t.Parallel()
	md := (*descriptorpb.FileDescriptorProto)(nil).ProtoReflect().Descriptor()
	for arg, want := range map[string]string{
		"nmae=x":                              `did you mean "name"?`,
		"name.x=y":                            `no fields of its own`,
		"name:=x":                             `is not JSON`,
		"name@gone":                           `gone`,
		"options.z=1":                         `no field "z" in google.protobuf.FileOptions`,
		"options:={} options.deprecated=true": `given as a whole`,
		"options.deprecated=true options:={}": `given field by field`,
	} {
		_, err := Items(md, parseItems(t, strings.Fields(arg)...), func(string) ([]byte, error) { return nil, errors.New("gone") })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", arg, err, want)
		}
	}
}
