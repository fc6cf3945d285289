package catalog

import "google.golang.org/protobuf/reflect/protoreflect"

// NotFoundError says that a catalog has nothing of a name.
type NotFoundError struct {
	Name       string
	Kind       string // "operation" or "symbol"
	Origin     string
	Suggestion string // the nearest name; empty if none is near
	Problem    string // why the service of that name could not be read; usually empty
}

// Error names the thing and the suggestion.
func (e *NotFoundError) Error() string { return e.Name }

// AmbiguousError says that a short name fits several operations.
type AmbiguousError struct {
	Name       string
	Candidates []string
}

// Error lists the candidates.
func (e *AmbiguousError) Error() string { return e.Name }

// Find returns the operation of a name: pkg.Service/Method, pkg.Service.Method or any unambiguous suffix.
func (c *Catalog) Find(name string) (Operation, error) { return Operation{}, &NotFoundError{Name: name} }

// RPC returns the method of an HTTP/2 path: "/pkg.Service/Method".
func (c *Catalog) RPC(path string) (RPC, bool) { return RPC{}, false }

// Symbol returns any descriptor by its full name; a leading dot is accepted.
func (c *Catalog) Symbol(name string) (protoreflect.Descriptor, error) { return nil, &NotFoundError{Name: name} }

// Nearest returns the name that word was likely meant to be.
func Nearest(word string, among []string) (string, bool) { return "", false }
