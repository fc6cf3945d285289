package catalog

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/types/descriptorpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
)

// file parses the text form of a file descriptor.
func file(tb testing.TB, text string) *descriptorpb.FileDescriptorProto {
	tb.Helper()
	f := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(text), f); err != nil {
		tb.Fatal(err)
	}
	return f
}

const users = `
name: "users.proto" package: "demo.v1" syntax: "proto3" dependency: "google/protobuf/timestamp.proto"
message_type {
  name: "User"
  field { name: "id" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "at" number: 2 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL }
  enum_type { name: "Kind" value { name: "NONE" number: 0 } }
}
service {
  name: "UserService"
  method { name: "GetUser" input_type: ".demo.v1.User" output_type: ".demo.v1.User" }
  method { name: "ListUsers" input_type: ".demo.v1.User" output_type: ".demo.v1.User" server_streaming: true }
}
source_code_info { location { path: 6 path: 0 span: 1 span: 0 span: 1 leading_comments: " Users and so on.\n" } }`

const admins = `
name: "admins.proto" package: "demo.admin" syntax: "proto3" dependency: "users.proto"
service {
  name: "AdminService"
  method { name: "GetUser" input_type: ".demo.v1.User" output_type: ".demo.v1.User" }
  method { name: "Ban" input_type: ".demo.v1.User" output_type: ".demo.v1.User" }
}`

func demo(tb testing.TB) *Catalog {
	tb.Helper()
	c := FromDescriptors([]*descriptorpb.FileDescriptorProto{file(tb, admins), file(tb, users)})
	c.Origin = "localhost:1"
	c.Services = append(c.Services, Service{Name: "demo.v1.Lost", Problem: "file lost.proto not found"})
	if len(c.Problems) > 0 {
		tb.Fatal(c.Problems)
	}
	return c
}

func TestFind(t *testing.T) {
	t.Parallel()
	c := demo(t)
	for name, want := range map[string]string{
		"demo.v1.UserService/GetUser":  "demo.v1.UserService/GetUser",
		"/demo.v1.UserService/GetUser": "demo.v1.UserService/GetUser",
		"demo.v1.UserService.GetUser":  "demo.v1.UserService/GetUser",
		".demo.v1.UserService.GetUser": "demo.v1.UserService/GetUser",
		"UserService/GetUser":          "demo.v1.UserService/GetUser",
		"v1.UserService.GetUser":       "demo.v1.UserService/GetUser",
		"ListUsers":                    "demo.v1.UserService/ListUsers",
		"Ban":                          "demo.admin.AdminService/Ban",
	} {
		op, err := c.Find(name)
		if err != nil || op.ID != want {
			t.Errorf("Find(%q) = %q, %v; want %q", name, op.ID, err, want)
		}
	}
}

func TestFindErrors(t *testing.T) {
	t.Parallel()
	c := demo(t)
	for name, want := range map[string]string{
		"demo.v1.UserService/GetUsr":         `no operation "demo.v1.UserService/GetUsr" at localhost:1; did you mean "demo.v1.UserService/GetUser"?`,
		"demo.v1.userservice/getuser":        `no operation "demo.v1.userservice/getuser" at localhost:1; did you mean "demo.v1.UserService/GetUser"?`,
		"UserServise/ListUsers":              `no operation "UserServise/ListUsers" at localhost:1; did you mean "demo.v1.UserService/ListUsers"?`,
		"Bann":                               `no operation "Bann" at localhost:1; did you mean "demo.admin.AdminService/Ban"?`,
		"demo.v1.UserService/ListAllOfUsers": `no operation "demo.v1.UserService/ListAllOfUsers" at localhost:1; did you mean "demo.v1.UserService/ListUsers"?`,
		"demo.v1.UserService":                `no operation "demo.v1.UserService" at localhost:1: that is a service; name one of its methods; did you mean "demo.v1.UserService/GetUser"?`,
		"demo.v1.Lost/Do":                    `no operation "demo.v1.Lost/Do" at localhost:1: the schema of demo.v1.Lost could not be read: file lost.proto not found`,
		"completely.Different/Thing":         `no operation "completely.Different/Thing" at localhost:1; see what there is with wiregloss list`,
		"":                                   `no operation "" at localhost:1; see what there is with wiregloss list`,
		"GetUser":                            `"GetUser" fits several: demo.admin.AdminService/GetUser, demo.v1.UserService/GetUser; give the full name`,
	} {
		_, err := c.Find(name)
		var missing *NotFoundError
		var many *AmbiguousError
		if !errors.As(err, &missing) && !errors.As(err, &many) {
			t.Errorf("Find(%q): %v has an unknown type", name, err)
			continue
		}
		if err.Error() != want {
			t.Errorf("Find(%q):\n got %s\nwant %s", name, err, want)
		}
	}
}

func TestFindREST(t *testing.T) {
	t.Parallel()
	c := &Catalog{Services: []Service{{Name: "pets", Operations: []Operation{
		{ID: "GET /pets/{id}", Name: "getPet", Call: REST{"GET", "/pets/{id}"}},
		{ID: "GET /pets", Name: "listPets", Call: REST{"GET", "/pets"}},
	}}}}
	for _, name := range []string{"GET /pets/{id}", "getPet"} {
		if op, err := c.Find(name); err != nil || op.Name != "getPet" {
			t.Errorf("Find(%q) = %v, %v", name, op, err)
		}
	}
	if _, err := c.Find("GET /pet"); err == nil || err.Error() != `no operation "GET /pet"; did you mean "GET /pets"?` {
		t.Errorf("err = %v", err)
	}
}

func TestRPC(t *testing.T) {
	t.Parallel()
	c := demo(t)
	if rpc, ok := c.RPC("/demo.v1.UserService/ListUsers"); !ok || !rpc.Method.IsStreamingServer() {
		t.Errorf("RPC = %v, %v", rpc, ok)
	}
	for _, path := range []string{"", "/", "/demo.v1.UserService/None", "/demo.v1.Lost/Do", "/none/Do", "demo.v1.UserService"} {
		if rpc, ok := c.RPC(path); ok || rpc.Method != nil {
			t.Errorf("RPC(%q) = %v", path, rpc)
		}
	}
	if _, ok := (*Catalog)(nil).RPC("/a/b"); ok {
		t.Error("a nil catalog has a method")
	}
}

func TestSymbol(t *testing.T) {
	t.Parallel()
	c := demo(t)
	for name, want := range map[string]string{
		"demo.v1.User":                "demo.v1.User",
		".demo.v1.User":               "demo.v1.User",
		"demo.v1.User.id":             "demo.v1.User.id",
		"demo.v1.User.Kind":           "demo.v1.User.Kind",
		"demo.v1.User.NONE":           "demo.v1.User.NONE",
		"demo.v1.UserService":         "demo.v1.UserService",
		"demo.v1.UserService/GetUser": "demo.v1.UserService.GetUser",
		"google.protobuf.Timestamp":   "google.protobuf.Timestamp",
		"User.Kind":                   "demo.v1.User.Kind",
		"AdminService":                "demo.admin.AdminService",
	} {
		d, err := c.Symbol(name)
		if err != nil || string(d.FullName()) != want {
			t.Errorf("Symbol(%q) = %v, %v", name, d, err)
		}
	}
	for name, want := range map[string]string{
		"demo.v1.Usr":  `no symbol "demo.v1.Usr" at localhost:1; did you mean "demo.v1.User"?`,
		"demo.v1.Lost": `no symbol "demo.v1.Lost" at localhost:1: its schema could not be read: file lost.proto not found`,
		"GetUser":      `"GetUser" fits several: demo.admin.AdminService.GetUser, demo.v1.UserService.GetUser; give the full name`,
		"":             `no symbol "" at localhost:1; see what there is with wiregloss list`,
	} {
		if _, err := c.Symbol(name); err == nil || err.Error() != want {
			t.Errorf("Symbol(%q):\n got %v\nwant %s", name, err, want)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	among := []string{"city", "user_id", "createTime", "x"}
	for word, want := range map[string]string{
		"citty": "city", "ciyt": "city", "userId": "user_id", "USER_ID": "user_id", "create_time": "createTime", "xx": "x",
		"wholly": "", "cxxy": "",
	} {
		got, ok := Nearest(word, among)
		if got != want || ok != (want != "") {
			t.Errorf("Nearest(%q) = %q, %v; want %q", word, got, ok, want)
		}
	}
	if d := distance([]rune("kitten"), []rune("sitting"), 9); d != 3 {
		t.Errorf("distance = %d, want 3", d)
	}
}
