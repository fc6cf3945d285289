package server

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	// The well-known types, for servers that import but do not serve them.
	_ "google.golang.org/protobuf/types/descriptorpb"
	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/apipb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/sourcecontextpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/typepb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/wiregloss/wiregloss/catalog"
)

// fetch collects files, each once.
type fetch struct {
	session  *session
	files    []*descriptorpb.FileDescriptorProto
	have     map[string]bool   // by path: it came
	asked    map[string]bool   // by path: it was asked for
	defines  map[string]string // service -> path of its file
	bytes    int
	full     bool // a limit was reached
	problems []catalog.Problem
}

func newFetch(s *session) *fetch {
	return &fetch{session: s, have: map[string]bool{}, asked: map[string]bool{}, defines: map[string]string{}}
}

// service fetches the file of a service, unless it came along with another.
func (f *fetch) service(name string) error {
	if _, ok := f.defines[name]; ok {
		return nil
	}
	return f.ask(&reflectpb.ServerReflectionRequest{
		MessageRequest: &reflectpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: name},
	})
}

// imports fetches what the files import and the server did not send along. The
// well-known types are linked in and need no asking. It fails only when the
// connection does.
func (f *fetch) imports() error {
	for i := 0; i < len(f.files); i++ { // f.files grows meanwhile
		for _, path := range f.files[i].GetDependency() {
			if f.have[path] || f.asked[path] || wellKnown(path) {
				continue
			}
			f.asked[path] = true
			err := f.ask(&reflectpb.ServerReflectionRequest{
				MessageRequest: &reflectpb.ServerReflectionRequest_FileByFilename{FileByFilename: path},
			})
			if err == nil {
				continue
			}
			if fatal(f.session.ctx, err) {
				return err
			}
			f.problem(path, reason(err))
		}
	}
	return nil
}

// usesAny reports whether a message of the files may hold one of any type.
func (f *fetch) usesAny() bool {
	for _, file := range f.files {
		if slices.Contains(file.GetDependency(), "google/protobuf/any.proto") {
			return true
		}
	}
	return false
}

// others fetches the files of services that were not asked for, for their types.
// It fails only when the connection does: what cannot be had is not missed yet.
func (f *fetch) others(services []string) error {
	for _, name := range services {
		if err := f.service(name); err != nil && fatal(f.session.ctx, err) {
			return err
		}
	}
	return f.imports()
}

func wellKnown(path string) bool {
	if !strings.HasPrefix(path, "google/protobuf/") {
		return false
	}
	_, err := protoregistry.GlobalFiles.FindFileByPath(path)
	return err == nil
}

func (f *fetch) problem(where, text string) {
	f.problems = append(f.problems, catalog.Problem{Where: where, Text: text})
}

func (f *fetch) ask(q *reflectpb.ServerReflectionRequest) error {
	if f.full {
		return &refusal{text: "not asked for: the server has sent too much already"}
	}
	resp, err := f.session.ask(q)
	if err != nil {
		return err
	}
	if resp.GetFileDescriptorResponse() == nil {
		return errors.New("the server answered another question")
	}
	for _, b := range resp.GetFileDescriptorResponse().GetFileDescriptorProto() {
		f.add(b)
	}
	return nil
}

// add keeps a file that is new. Its services are noted even if another file of
// the same path came first: servers that change their mind are not followed.
func (f *fetch) add(b []byte) {
	if f.bytes += len(b); f.full || f.bytes > maxBytes || len(f.files) >= maxFiles {
		if !f.full {
			f.full = true
			f.problem("reflection", fmt.Sprintf("the server sends more than %d files or %d MiB of schema; the rest is left out", maxFiles, maxBytes>>20))
		}
		return
	}
	file := &descriptorpb.FileDescriptorProto{}
	if err := proto.Unmarshal(b, file); err != nil {
		f.problem("reflection", fmt.Sprintf("a file of %d bytes is not a file descriptor: %v", len(b), err))
		return
	}
	for _, s := range file.GetService() {
		name := s.GetName()
		if p := file.GetPackage(); p != "" {
			name = p + "." + name
		}
		if _, ok := f.defines[name]; !ok {
			f.defines[name] = file.GetName()
		}
	}
	if f.have[file.GetName()] {
		return
	}
	f.have[file.GetName()] = true
	f.files = append(f.files, file)
}
