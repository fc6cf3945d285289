// Package protofile reads schemas from files: today descriptor sets.
package protofile

import (
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
)

// FromSet makes a catalog of a descriptor set. A broken file loses only itself.
func FromSet(set *descriptorpb.FileDescriptorSet) (*catalog.Catalog, error) { return &catalog.Catalog{}, nil }

// Set returns every file of c as a descriptor set, imports first.
func Set(c *catalog.Catalog) *descriptorpb.FileDescriptorSet { return &descriptorpb.FileDescriptorSet{} }
