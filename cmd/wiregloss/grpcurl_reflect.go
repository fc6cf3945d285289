package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	reflectpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
)

// errNoReflection is what grpcurl says of a server without reflection.
var errNoReflection = errors.New("server does not support the reflection API")

// reflectionPaths are the versions of reflection, in order of preference. Their
// messages differ only in the name of the package.
var reflectionPaths = []string{
	"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
	"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
}

// What a server may answer before it is not asked any more. No honest schema
// comes near.
const (
	mostAnswers = 20_000
	mostSchema  = 256 << 20
)

// curlServer asks a server for one symbol at a time, as grpcurl does: a server
// may know symbols that no service of it uses. What it sent is linked together
// when something is looked up.
type curlServer struct {
	ctx    context.Context
	cc     grpc.ClientConnInterface
	paths  []string // versions that may still be tried
	stream grpc.ClientStream
	cancel context.CancelFunc
	proven bool // the stream has answered

	files   map[string]*descriptorpb.FileDescriptorProto
	order   []*descriptorpb.FileDescriptorProto
	asked   map[string]error // by path: files that were asked for
	linked  *catalog.Catalog // of order; nil if more has come since
	answers int
	bytes   int
}

func newCurlServer(ctx context.Context, cc grpc.ClientConnInterface) *curlServer {
	return &curlServer{
		ctx: ctx, cc: cc, paths: reflectionPaths,
		files: map[string]*descriptorpb.FileDescriptorProto{}, asked: map[string]error{},
	}
}

func (s *curlServer) close() {
	if s.stream == nil {
		return
	}
	_ = s.stream.CloseSend() // never fails
	s.cancel()
	s.stream = nil
}

func (s *curlServer) services() ([]string, error) {
	resp, err := s.ask(&reflectpb.ServerReflectionRequest{
		MessageRequest: &reflectpb.ServerReflectionRequest_ListServices{ListServices: "*"},
	})
	if err != nil {
		return nil, supported(err)
	}
	list := resp.GetListServicesResponse()
	if list == nil {
		return nil, errors.New("the server did not answer which services there are")
	}
	var names []string
	for _, svc := range list.GetService() {
		names = append(names, svc.GetName())
	}
	return names, nil
}

// supported words that a server has no reflection.
func supported(err error) error {
	if status.Code(err) == codes.Unimplemented {
		return errNoReflection
	}
	return err
}

func (s *curlServer) symbol(name string) (protoreflect.Descriptor, error) {
	if d := s.known(name); d != nil {
		return d, nil
	}
	if err := s.ask1(symbolRequest(name)); err != nil {
		if status.Code(err) == codes.NotFound {
			return nil, missing("Symbol", name)
		}
		return nil, supported(err)
	}
	if err := s.imports(); err != nil {
		return nil, supported(err)
	}
	d := s.known(name)
	if d == nil {
		return nil, s.absent(name)
	}
	if path := unresolved(d, map[protoreflect.FullName]bool{}); path != "" {
		return nil, &curlMissing{fmt.Sprintf("Symbol not found: %s\ncaused by: %s", name, path)}
	}
	return d, nil
}

func symbolRequest(name string) *reflectpb.ServerReflectionRequest {
	return &reflectpb.ServerReflectionRequest{
		MessageRequest: &reflectpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: name},
	}
}

// known looks a symbol up in what the server has sent.
func (s *curlServer) known(name string) protoreflect.Descriptor {
	if len(s.order) == 0 {
		return nil
	}
	if s.linked == nil {
		s.linked = catalog.FromDescriptors(s.order)
	}
	d, err := find(s.linked, name)
	if err != nil || s.files[d.ParentFile().Path()] == nil {
		return nil // of a file that is linked into this program: the server decides what it has
	}
	return d
}

// absent says why what the server sent for a symbol does not have it.
func (s *curlServer) absent(name string) error {
	if s.linked != nil && len(s.linked.Problems) > 0 {
		p := s.linked.Problems[0]
		return fmt.Errorf("%s: %s", p.Where, p.Text)
	}
	return missing("Symbol", name)
}

// unresolved names a type that d needs and that is not there; empty if there is
// none. Only what a call needs is looked at.
func unresolved(d protoreflect.Descriptor, seen map[protoreflect.FullName]bool) string {
	switch d := d.(type) {
	case protoreflect.ServiceDescriptor:
		for i := range d.Methods().Len() {
			if name := unresolved(d.Methods().Get(i), seen); name != "" {
				return name
			}
		}
	case protoreflect.MethodDescriptor:
		if name := unresolved(d.Input(), seen); name != "" {
			return name
		}
		return unresolved(d.Output(), seen)
	case protoreflect.MessageDescriptor:
		return unresolvedIn(d, seen)
	}
	return ""
}

func unresolvedIn(md protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) string {
	if md.IsPlaceholder() {
		return "Symbol not found: " + string(md.FullName())
	}
	if seen[md.FullName()] {
		return ""
	}
	seen[md.FullName()] = true
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if e := fd.Enum(); e != nil && e.IsPlaceholder() {
			return "Symbol not found: " + string(e.FullName())
		}
		if fd.Message() == nil {
			continue
		}
		if name := unresolvedIn(fd.Message(), seen); name != "" {
			return name
		}
	}
	return ""
}

func (s *curlServer) fetch(names []string) {
	for _, name := range names {
		if s.ctx.Err() == nil {
			_ = s.ask1(symbolRequest(name)) // whoever needs it will ask again
		}
	}
	_ = s.imports()
}

func (s *curlServer) extensions(message protoreflect.FullName) ([]protoreflect.ExtensionDescriptor, error) {
	resp, err := s.ask(&reflectpb.ServerReflectionRequest{
		MessageRequest: &reflectpb.ServerReflectionRequest_AllExtensionNumbersOfType{AllExtensionNumbersOfType: string(message)},
	})
	switch {
	case status.Code(err) == codes.NotFound:
		return nil, nil
	case err != nil:
		return nil, supported(err)
	}
	var found []protoreflect.ExtensionDescriptor
	for _, n := range resp.GetAllExtensionNumbersResponse().GetExtensionNumber() {
		x, err := s.extension(message, n)
		if err != nil {
			return nil, supported(err)
		}
		found = append(found, x)
	}
	return found, nil
}

func (s *curlServer) extension(message protoreflect.FullName, number int32) (protoreflect.ExtensionDescriptor, error) {
	err := s.ask1(&reflectpb.ServerReflectionRequest{
		MessageRequest: &reflectpb.ServerReflectionRequest_FileContainingExtension{
			FileContainingExtension: &reflectpb.ExtensionRequest{ContainingType: string(message), ExtensionNumber: number},
		},
	})
	if err == nil {
		err = s.imports()
	}
	if err != nil {
		return nil, err
	}
	if s.linked == nil {
		s.linked = catalog.FromDescriptors(s.order)
	}
	own := curlFiles{cat: s.linked}
	all, _ := own.extensions(message) // never fails
	i := slices.IndexFunc(all, func(x protoreflect.ExtensionDescriptor) bool { return int32(x.Number()) == number })
	if i < 0 {
		return nil, missing("Extension", fmt.Sprintf("tag %d for %s", number, message))
	}
	return all[i], nil
}

func (s *curlServer) original(path string) *descriptorpb.FileDescriptorProto { return s.files[path] }

// imports asks for the files that those at hand import, and keeps on without the
// ones that the server does not have: they may not be needed. The well-known ones
// are in this program; a server that sends its own is believed.
func (s *curlServer) imports() error {
	for i := 0; i < len(s.order); i++ { // it grows meanwhile
		for _, path := range s.order[i].GetDependency() {
			if s.files[path] != nil || wellKnownFile(path) {
				continue
			}
			if _, ok := s.asked[path]; ok {
				continue
			}
			err := s.ask1(&reflectpb.ServerReflectionRequest{
				MessageRequest: &reflectpb.ServerReflectionRequest_FileByFilename{FileByFilename: path},
			})
			s.asked[path] = err
			if err != nil && status.Code(err) != codes.NotFound {
				return err
			}
		}
	}
	return nil
}

func wellKnownFile(path string) bool {
	if !strings.HasPrefix(path, "google/protobuf/") {
		return false
	}
	_, err := protoregistry.GlobalFiles.FindFileByPath(path)
	return err == nil
}

// ask1 asks for a file and keeps what comes.
func (s *curlServer) ask1(q *reflectpb.ServerReflectionRequest) error {
	resp, err := s.ask(q)
	if err != nil {
		return err
	}
	if resp.GetFileDescriptorResponse() == nil {
		return errors.New("the server answered another question")
	}
	for _, b := range resp.GetFileDescriptorResponse().GetFileDescriptorProto() {
		f := &descriptorpb.FileDescriptorProto{}
		if err := proto.Unmarshal(b, f); err != nil {
			return fmt.Errorf("the server sent a file descriptor that cannot be read: %w", err)
		}
		if s.files[f.GetName()] == nil {
			s.files[f.GetName()] = f
			s.order = append(s.order, f)
			s.linked = nil
		}
	}
	return nil
}

// ask asks one question. A stream that ended after an answer is replaced, and a
// server that does not know v1 is asked by v1alpha. An error answer is a status.
func (s *curlServer) ask(q *reflectpb.ServerReflectionRequest) (*reflectpb.ServerReflectionResponse, error) {
	resp, err := s.exchange(q)
	for err != nil && s.ctx.Err() == nil {
		again := s.proven
		s.close()
		code := status.Code(err)
		// Some servers hang up on a service that they do not know.
		if !again && len(s.paths) > 1 && (code == codes.Unimplemented || code == codes.Unavailable) {
			s.paths, again = s.paths[1:], true
		}
		if !again {
			return nil, err
		}
		s.proven = false
		resp, err = s.exchange(q)
	}
	if err != nil {
		return nil, err
	}
	s.proven = true
	s.answers++
	s.bytes += proto.Size(resp)
	if s.answers > mostAnswers || s.bytes > mostSchema {
		return nil, fmt.Errorf("the server sends more than %d answers or %d MiB of schema", mostAnswers, mostSchema>>20)
	}
	if e := resp.GetErrorResponse(); e != nil {
		return nil, status.Error(codes.Code(uint32(e.GetErrorCode())), e.GetErrorMessage())
	}
	return resp, nil
}

func (s *curlServer) exchange(q *reflectpb.ServerReflectionRequest) (*reflectpb.ServerReflectionResponse, error) {
	if s.stream == nil {
		ctx, cancel := context.WithCancel(s.ctx)
		stream, err := s.cc.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, s.paths[0])
		if err != nil {
			cancel()
			return nil, err
		}
		s.stream, s.cancel = stream, cancel
	}
	// A failed send says only EOF: the receive knows why.
	if err := s.stream.SendMsg(q); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	resp := &reflectpb.ServerReflectionResponse{}
	return resp, s.stream.RecvMsg(resp)
}
