package catalog

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Merge makes one catalog of several, none of which it changes. Of files, services
// and types that several define, the first definition counts; a later one that
// differs is a Problem. A service that could not be resolved gives way to one that
// could. Nil catalogs are left out; Source is that of the first, Origin names all.
func Merge(cats ...*Catalog) *Catalog {
	cats = slices.DeleteFunc(slices.Clone(cats), func(c *Catalog) bool { return c == nil })
	all := &Catalog{Files: &protoregistry.Files{}}
	at := map[string]int{} // service -> index
	var types merged
	var origins []string
	for i, c := range cats {
		if i == 0 {
			all.Source = c.Source
		}
		if c.Origin != "" && !slices.Contains(origins, c.Origin) {
			origins = append(origins, c.Origin)
		}
		all.Problems = append(all.Problems, c.Problems...)
		all.addFiles(c)
		for _, s := range c.Services {
			all.addService(s, at)
		}
		switch t := c.Types.(type) {
		case nil:
		case linked:
			types = append(types, t.own)
		case merged:
			types = append(types, t...)
		default:
			types = append(types, t)
		}
	}
	slices.SortStableFunc(all.Services, func(a, b Service) int { return strings.Compare(a.Name, b.Name) })
	all.Origin = strings.Join(origins, ", ")
	all.Types = append(types, protoregistry.GlobalTypes)
	return all
}

// addService adds a service unless its name is taken by one that was resolved.
func (c *Catalog) addService(s Service, at map[string]int) {
	i, ok := at[s.Name]
	if !ok {
		at[s.Name] = len(c.Services)
		c.Services = append(c.Services, s)
		return
	}
	if c.Services[i].Problem != "" && s.Problem == "" {
		c.Services[i] = s
	}
}

// addFiles registers the files of another catalog, as far as their names are free.
func (c *Catalog) addFiles(from *Catalog) {
	if from.Files == nil {
		return
	}
	for _, fd := range sortedFiles(from.Files) {
		if first, err := c.Files.FindFileByPath(fd.Path()); err == nil {
			if first != fd && !sameFile(first, fd) {
				c.Problems = append(c.Problems, Problem{fd.Path(), "a second file of this name differs from the first, which is used" + by(from)})
			}
			continue
		}
		if err := c.Files.RegisterFile(fd); err != nil {
			c.Problems = append(c.Problems, Problem{fd.Path(), "left out, the first definition is used" + by(from) + ": " + errorText(err)})
		}
	}
}

// by names the source whose definition is not used.
func by(from *Catalog) string {
	if from.Origin == "" {
		return ""
	}
	return " (not that of " + from.Origin + ")"
}

// errorText takes the varying spaces out of what protobuf says.
func errorText(err error) string {
	return strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto: ")
}

func sortedFiles(files *protoregistry.Files) []protoreflect.FileDescriptor {
	var all []protoreflect.FileDescriptor
	files.RangeFiles(func(fd protoreflect.FileDescriptor) bool {
		all = append(all, fd)
		return true
	})
	slices.SortFunc(all, func(a, b protoreflect.FileDescriptor) int { return strings.Compare(a.Path(), b.Path()) })
	return all
}

// sameFile compares what two files declare. Comments and places do not count.
func sameFile(a, b protoreflect.FileDescriptor) bool {
	pa, pb := protodesc.ToFileDescriptorProto(a), protodesc.ToFileDescriptorProto(b)
	pa.SourceCodeInfo, pb.SourceCodeInfo = nil, nil
	return proto.Equal(pa, pb)
}

// merged finds types in several places, the first of them first.
type merged []Types

var _ = []Types{merged(nil), linked{}, (*dynamicpb.Types)(nil)}

func first[T any](m merged, find func(Types) (T, error)) (T, error) {
	for _, t := range m {
		if found, err := find(t); err == nil {
			return found, nil
		}
	}
	var none T
	return none, protoregistry.NotFound
}

// FindMessageByName finds a message.
func (m merged) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	return first(m, func(t Types) (protoreflect.MessageType, error) { return t.FindMessageByName(name) })
}

// FindMessageByURL finds the message of an Any.
func (m merged) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	return first(m, func(t Types) (protoreflect.MessageType, error) { return t.FindMessageByURL(url) })
}

// FindExtensionByName finds an extension.
func (m merged) FindExtensionByName(name protoreflect.FullName) (protoreflect.ExtensionType, error) {
	return first(m, func(t Types) (protoreflect.ExtensionType, error) {
		x, err := t.FindExtensionByName(name)
		if err == nil && !x.TypeDescriptor().IsExtension() {
			return nil, protoregistry.NotFound // dynamicpb finds ordinary fields, too
		}
		return x, err
	})
}

// FindExtensionByNumber finds an extension of a message.
func (m merged) FindExtensionByNumber(message protoreflect.FullName, field protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	return first(m, func(t Types) (protoreflect.ExtensionType, error) { return t.FindExtensionByNumber(message, field) })
}
