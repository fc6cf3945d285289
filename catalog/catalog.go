// Package catalog says what can be called, whatever the source: services and
// their operations, with the schema each was found with. It holds data and
// look-ups; finding things out is the work of package reflection.
package catalog

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Source is where a catalog's schema came from.
type Source string

// The sources.
const (
	ReflectionV1      Source = "reflection v1"
	ReflectionV1Alpha Source = "reflection v1alpha"
	ProtoFiles        Source = "proto files"
	DescriptorSet     Source = "descriptor set"
	OpenAPI           Source = "OpenAPI"
)

// Catalog is what a target offers. It does not change after it was loaded.
type Catalog struct {
	Source   Source
	Origin   string // the address, file or URL it was read from
	Services []Service
	Problems []Problem

	// Types finds messages and extensions by name or number, for Any fields and
	// extensions. It falls back to the well-known and google.rpc types. May be nil.
	Types Types
	// Files holds every file that could be resolved. May be nil.
	Files *protoregistry.Files
}

// Types resolves the types that a payload names itself: messages in an Any, and
// extensions. *dynamicpb.Types and *protoregistry.Types implement it.
type Types interface {
	FindMessageByName(message protoreflect.FullName) (protoreflect.MessageType, error)
	FindMessageByURL(url string) (protoreflect.MessageType, error)
	FindExtensionByName(field protoreflect.FullName) (protoreflect.ExtensionType, error)
	FindExtensionByNumber(message protoreflect.FullName, field protoreflect.FieldNumber) (protoreflect.ExtensionType, error)
}

// Service is a gRPC service, or a tag of an OpenAPI document.
type Service struct {
	Name       string // full name: "demo.v1.UserService"
	Doc        string // comment from the source; untrusted text
	Operations []Operation
	// Problem says why a service that the server lists could not be resolved;
	// empty if it could. Such a service has no operations.
	Problem string
	// Desc is nil for REST and for a service with a Problem.
	Desc protoreflect.ServiceDescriptor
}

// Operation is one thing that can be called.
type Operation struct {
	ID   string // "pkg.Svc/Method" or "GET /pets/{id}"
	Name string // "Method", or the operationId
	Doc  string // comment from the source; untrusted text
	Call Call
}

// Problem is something that could not be read while the rest could.
type Problem struct {
	Where string // file:line:column, or the name of the thing
	Text  string
}

// Call is how an operation is called: RPC or REST.
type Call interface{ isCall() }

// RPC is a gRPC method.
type RPC struct {
	Method protoreflect.MethodDescriptor
}

// REST is an HTTP operation of an OpenAPI document.
type REST struct {
	Method, Path string
}

func (RPC) isCall()  {}
func (REST) isCall() {}
