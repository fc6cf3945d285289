package catalog

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Symbol returns any descriptor by its full name or an unambiguous suffix of it:
// a service, method, message, enum, value, field, oneof or extension. A leading
// dot and pkg.Service/Method are accepted. Its errors are *NotFoundError and
// *AmbiguousError.
func (c *Catalog) Symbol(name string) (protoreflect.Descriptor, error) {
	want := dotted(name)
	if d := c.exactSymbol(protoreflect.FullName(want)); d != nil {
		return d, nil
	}
	e := &NotFoundError{Name: name, Kind: "symbol", Origin: c.Origin}
	for _, s := range c.Services {
		if s.Name == want && s.Problem != "" {
			e.Problem = "its schema could not be read: " + s.Problem
			return nil, e
		}
	}
	var fits []protoreflect.Descriptor
	n := newNearest(want)
	parts := strings.Count(want, ".") + 1
	c.eachSymbol(func(d protoreflect.Descriptor) {
		full := string(d.FullName())
		if want != "" && strings.HasSuffix(full, "."+want) {
			fits = append(fits, d)
		}
		n.offer(full, full)
		n.offer(lastParts(full, parts), full)
	})
	switch len(fits) {
	case 0:
		e.Suggestion, _ = n.best()
		return nil, e
	case 1:
		return fits[0], nil
	}
	names := make([]string, len(fits))
	for i, d := range fits {
		names[i] = string(d.FullName())
	}
	slices.Sort(names)
	return nil, &AmbiguousError{Name: name, Candidates: names}
}

func (c *Catalog) exactSymbol(name protoreflect.FullName) protoreflect.Descriptor {
	if !name.IsValid() {
		return nil
	}
	if c.Files != nil {
		if d, err := c.Files.FindDescriptorByName(name); err == nil {
			return d
		}
	}
	if c.Types == nil {
		return nil
	}
	if m, err := c.Types.FindMessageByName(name); err == nil {
		return m.Descriptor()
	}
	if x, err := c.Types.FindExtensionByName(name); err == nil {
		return x.TypeDescriptor().Descriptor()
	}
	return nil
}

// eachSymbol visits services, methods, messages, enums and extensions, which are
// what a person asks for by a short name.
func (c *Catalog) eachSymbol(visit func(protoreflect.Descriptor)) {
	if c.Files == nil {
		return
	}
	c.Files.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			s := f.Services().Get(i)
			visit(s)
			for j := range s.Methods().Len() {
				visit(s.Methods().Get(j))
			}
		}
		eachType(f, visit)
		return true
	})
}

// scope is what holds messages, enums and extensions: a file or a message.
type scope interface {
	Messages() protoreflect.MessageDescriptors
	Enums() protoreflect.EnumDescriptors
	Extensions() protoreflect.ExtensionDescriptors
}

func eachType(in scope, visit func(protoreflect.Descriptor)) {
	for i := range in.Messages().Len() {
		m := in.Messages().Get(i)
		if !m.IsMapEntry() {
			visit(m)
			eachType(m, visit)
		}
	}
	for i := range in.Enums().Len() {
		visit(in.Enums().Get(i))
	}
	for i := range in.Extensions().Len() {
		visit(in.Extensions().Get(i))
	}
}
