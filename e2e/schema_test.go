//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// peers are the servers of grpc-go that .ci/peers builds.
var peers = []string{"interop", "route_guide", "reflection", "errors", "metadata"}

func TestListAsGrpcurl(t *testing.T) {
	t.Parallel()
	grpcurl := peer(t, "grpcurl")
	for _, name := range peers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := startPeer(t, name)
			var all []string
			for _, service := range strings.Fields(mustRun(t, grpcurl, "-plaintext", addr, "list")) {
				var want []string
				for _, method := range strings.Fields(mustRun(t, grpcurl, "-plaintext", addr, "list", service)) {
					want = append(want, service+"/"+strings.TrimPrefix(method, service+"."))
				}
				sameOperations(t, mustRun(t, wiregloss, "list", addr, service), want)
				all = append(all, want...)
			}
			if len(all) == 0 {
				t.Fatal("grpcurl lists nothing")
			}
			sameOperations(t, mustRun(t, wiregloss, "list", addr), all)
		})
	}
}

// sameOperations compares as sets: wiregloss keeps the order of the source and
// grpcurl sorts.
func sameOperations(t *testing.T, listed string, want []string) {
	t.Helper()
	got := strings.Split(strings.TrimSuffix(listed, "\n"), "\n")
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("wiregloss list gives\n%s\ngrpcurl list gives\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestDescribeAsGrpcurl describes every service, method, message and enum in the
// files of every peer's services.
func TestDescribeAsGrpcurl(t *testing.T) {
	t.Parallel()
	grpcurl := peer(t, "grpcurl")
	for _, name := range peers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := startPeer(t, name)
			all := run(t, grpcurl, "-plaintext", addr, "describe")
			if got := run(t, wiregloss, "describe", addr); got.stdout != all.stdout || got.code != all.code {
				t.Errorf("describe gives %d\n%s\ngrpcurl gives %d\n%s", got.code, got.stdout, all.code, all.stdout)
			}
			for _, symbol := range symbols(t, grpcurl, addr) {
				want := mustRun(t, grpcurl, "-plaintext", addr, "describe", symbol)
				if got := mustRun(t, wiregloss, "describe", addr, symbol); got != want {
					t.Errorf("describe %s gives\n%s\ngrpcurl gives\n%s", symbol, got, want)
				}
			}
		})
	}
}

func TestTemplateAsGrpcurl(t *testing.T) {
	t.Parallel()
	grpcurl := peer(t, "grpcurl")
	for name, messages := range map[string][]string{
		"interop": {
			"grpc.testing.SimpleRequest", "grpc.testing.StreamingOutputCallRequest", "grpc.testing.Empty",
			"xds.data.orca.v3.OrcaLoadReport", "xds.service.orca.v3.OrcaLoadReportRequest",
		},
		"route_guide": {"routeguide.Rectangle", "routeguide.RouteNote"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := startPeer(t, name)
			for _, message := range messages {
				text := mustRun(t, grpcurl, "-plaintext", "-msg-template", addr, "describe", message)
				_, want, found := strings.Cut(text, "Message template:\n")
				if !found {
					t.Fatalf("grpcurl shows no template of %s:\n%s", message, text)
				}
				// A template is there to be filled in: it shows where the key of a map goes.
				got := strings.ReplaceAll(mustRun(t, wiregloss, "describe", addr, message, "--template"), `"key":`, `"":`)
				sameValues(t, got, want)
			}
		})
	}
}

// symbols returns the full names of what the files of a server's services
// declare, as grpcurl gets them by reflection.
func symbols(t *testing.T, grpcurl, addr string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "peer.protoset")
	mustRun(t, grpcurl, "-plaintext", "-protoset-out", file, addr, "describe")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(data, &set); err != nil {
		t.Fatal(err)
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	files.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			service := f.Services().Get(i)
			names = append(names, string(service.FullName()))
			for j := range service.Methods().Len() {
				names = append(names, string(service.Methods().Get(j).FullName()))
			}
		}
		names = append(names, types(f)...)
		return true
	})
	if len(names) < 4 {
		t.Fatalf("grpcurl found only %q", names)
	}
	return slices.Sorted(slices.Values(names))
}

// types returns the messages and enums that a file or message declares. The
// entries of maps stand in no source and are left out.
func types(in interface {
	Messages() protoreflect.MessageDescriptors
	Enums() protoreflect.EnumDescriptors
},
) []string {
	var names []string
	for i := range in.Enums().Len() {
		names = append(names, string(in.Enums().Get(i).FullName()))
	}
	for i := range in.Messages().Len() {
		if m := in.Messages().Get(i); !m.IsMapEntry() {
			names = append(append(names, string(m.FullName())), types(m)...)
		}
	}
	return names
}
