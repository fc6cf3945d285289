// Package protofile reads schemas from files: descriptor sets today. A set is
// also how a saved recording keeps the schema it was made with.
package protofile

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
)

// FromSet makes a catalog of a descriptor set. A broken file loses only itself:
// it becomes a Problem of the catalog. It is an error if no file is left.
func FromSet(set *descriptorpb.FileDescriptorSet) (*catalog.Catalog, error) {
	c := catalog.FromDescriptors(set.GetFile())
	c.Source = catalog.DescriptorSet
	if len(set.GetFile()) > 0 && c.Files.NumFiles() == 0 {
		p := c.Problems[0]
		return nil, fmt.Errorf("read descriptor set: none of its %d files can be used: %q: %s", len(set.GetFile()), p.Where, p.Text)
	}
	return c, nil
}

// Set returns every file of c as a descriptor set, imports first, ordered so that
// equal catalogs give equal sets. Files that could not be resolved are not in it.
func Set(c *catalog.Catalog) *descriptorpb.FileDescriptorSet {
	set := &descriptorpb.FileDescriptorSet{}
	if c == nil || c.Files == nil {
		return set
	}
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(fd protoreflect.FileDescriptor) {
		if seen[fd.Path()] || fd.IsPlaceholder() {
			return
		}
		seen[fd.Path()] = true
		for i := range fd.Imports().Len() {
			add(fd.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(fd))
	}
	for _, fd := range sortedFiles(c) {
		add(fd)
	}
	return set
}

func sortedFiles(c *catalog.Catalog) []protoreflect.FileDescriptor {
	var files []protoreflect.FileDescriptor
	c.Files.RangeFiles(func(fd protoreflect.FileDescriptor) bool {
		files = append(files, fd)
		return true
	})
	slices.SortFunc(files, func(a, b protoreflect.FileDescriptor) int { return strings.Compare(a.Path(), b.Path()) })
	return files
}
