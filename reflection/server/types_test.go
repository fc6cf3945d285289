package server

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	holder = `name: "holder.proto" package: "a" syntax: "proto2" dependency: "google/protobuf/any.proto"
message_type { name: "Box" field { name: "in" number: 1 type: TYPE_MESSAGE type_name: ".google.protobuf.Any" label: LABEL_OPTIONAL } extension_range { start: 100 end: 200 } }
service { name: "Holder" method { name: "Do" input_type: ".a.Box" output_type: ".a.Box" } }`
	gifts = `name: "gifts.proto" package: "b" syntax: "proto2" dependency: "holder.proto" dependency: "ribbon.proto"
message_type { name: "Gift" field { name: "ribbon" number: 1 type: TYPE_MESSAGE type_name: ".b.Ribbon" label: LABEL_OPTIONAL } } message_type { name: "Card" }
extension { name: "note" number: 100 extendee: ".a.Box" type: TYPE_STRING label: LABEL_OPTIONAL }`
	ribbon = `name: "ribbon.proto" package: "b" syntax: "proto2" message_type { name: "Ribbon" }`
)

// hidden is a server with types that no service needs.
func hidden() *scripted {
	return &scripted{
		services:   []string{"a.Holder"},
		symbols:    map[string][]string{"a.Holder": {holder}, "b.Gift": {gifts}, "b.Card": {gifts}},
		byName:     map[string][]string{"ribbon.proto": {ribbon}},
		extensions: map[string][]string{"a.Box 100": {gifts}},
	}
}

// typesOf asks a server for its catalog and returns the types behind it.
func typesOf(t *testing.T, s *scripted, o TypesOptions) *Types {
	t.Helper()
	cc := serve(t, func(g *grpc.Server) { reflectpb.RegisterServerReflectionServer(g, s) })
	a, err := Ask(t.Context(), cc, Options{Operation: "Holder/Do", OnDemand: true})
	if err != nil {
		t.Fatal(err)
	}
	s.forget()
	if o.Dial == nil {
		o.Dial = func(context.Context) (grpc.ClientConnInterface, error) { return cc, nil }
	}
	types := NewTypes(t.Context(), a, o)
	t.Cleanup(types.Close)
	return types
}

// What nothing imports is asked for when it is met, once, with what it needs and
// without what is there already.
func TestTypesOnDemand(t *testing.T) {
	t.Parallel()
	s := hidden()
	types := typesOf(t, s, TypesOptions{})
	for range 2 {
		m, err := types.FindMessageByURL("type.googleapis.com/b.Gift")
		if err != nil {
			t.Fatal(err)
		}
		if m.Descriptor().Fields().ByName("ribbon").Message().IsPlaceholder() {
			t.Error("what the type needs is missing")
		}
		if _, err := types.FindMessageByName("b.Card"); err != nil {
			t.Errorf("a second type of a file: %v", err)
		}
		x, err := types.FindExtensionByNumber("a.Box", 100)
		if err != nil || x.TypeDescriptor().Name() != "note" {
			t.Errorf("extension: %v, %v", x, err)
		}
		for _, number := range []protoreflect.FieldNumber{101, 7} {
			if _, err := types.FindExtensionByNumber("a.Box", number); err == nil {
				t.Errorf("there is an extension %d", number)
			}
		}
		if _, err := types.FindMessageByURL("type.googleapis.com/b.None"); err == nil {
			t.Error("there is a b.None")
		}
	}
	if got := s.questions(); got != "b.Gift ribbon.proto b.Card a.Box 100 a.Box 101 b.None" {
		t.Errorf("asked %q", got)
	}
	if len(types.Files()) != 3 || types.Problem() != "" {
		t.Errorf("%d files, problem %q", len(types.Files()), types.Problem())
	}
}

// A caller that may not wait is told when there is more.
func TestTypesInTheBackground(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	s := hidden()
	cc := serve(t, func(g *grpc.Server) { reflectpb.RegisterServerReflectionServer(g, s) })
	types := typesOf(t, s, TypesOptions{Background: true, Dial: func(context.Context) (grpc.ClientConnInterface, error) {
		<-hold
		return cc, nil
	}})
	if _, err := types.FindMessageByName("b.Gift"); err == nil {
		t.Error("found before the server was asked")
	}
	close(hold)
	<-types.Learned()
	if _, err := types.FindMessageByName("b.Gift"); err != nil {
		t.Errorf("not found after it was learned: %v", err)
	}
}

// A payload that names types without end does not make us ask without end.
func TestTypesAreBounded(t *testing.T) {
	t.Parallel()
	s := hidden()
	types := typesOf(t, s, TypesOptions{})
	for i := range maxLookups + 50 {
		_, _ = types.FindMessageByName(protoreflect.FullName(fmt.Sprintf("b.None%d", i)))
	}
	for _, name := range []string{"b.", "", strings.Repeat("b", 5000), "type b"} {
		_, _ = types.FindMessageByURL("x/" + name)
	}
	if n := len(strings.Fields(s.questions())); n != maxLookups {
		t.Errorf("asked %d questions", n)
	}
	if !strings.Contains(types.Problem(), "more than 256 types were looked for") {
		t.Errorf("problem %q", types.Problem())
	}
}

// A server that says nothing is waited for once.
func TestTypesOfASilentServer(t *testing.T) {
	t.Parallel()
	s := hidden()
	silent := serve(t, func(g *grpc.Server) { reflectpb.RegisterServerReflectionServer(g, mute{}) })
	dials := 0
	types := typesOf(t, s, TypesOptions{Timeout: 20 * time.Millisecond, Dial: func(context.Context) (grpc.ClientConnInterface, error) {
		dials++
		return silent, nil
	}})
	for range 3 {
		if _, err := types.FindMessageByName("b.Gift"); err == nil {
			t.Error("found out of nothing")
		}
		if _, err := types.FindMessageByName("b.Card"); err == nil {
			t.Error("found out of nothing")
		}
	}
	if dials != 1 {
		t.Errorf("%d dials", dials)
	}
	types.Close()
	if _, err := types.FindMessageByName("b.Other"); err == nil {
		t.Error("found after Close")
	}
}

// mute is a reflection server that never answers.
type mute struct {
	reflectpb.UnimplementedServerReflectionServer
}

func (mute) ServerReflectionInfo(stream grpc.BidiStreamingServer[reflectpb.ServerReflectionRequest, reflectpb.ServerReflectionResponse]) error {
	<-stream.Context().Done()
	return nil
}
