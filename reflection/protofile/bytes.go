package protofile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
)

// maxSchema is how many bytes of one schema are read, after decompression too.
const maxSchema = 256 << 20

// FromReader is FromBytes of all that r has, up to 256 MiB.
func FromReader(name string, r io.Reader) (*catalog.Catalog, error) {
	data, err := readAll(r, 0)
	if err != nil {
		return nil, fmt.Errorf("read schema %s: %w", name, err)
	}
	return FromBytes(name, data)
}

// FromBytes makes a catalog of a schema, told by what is in it: a descriptor set or
// a buf image, as protobuf, as JSON, or one of these compressed with gzip; one file
// descriptor; or the source of a .proto file, whose imports must be well known.
// name is for errors and Origin.
func FromBytes(name string, data []byte) (*catalog.Catalog, error) {
	set, src, err := read(data)
	if err != nil {
		return nil, fmt.Errorf("read schema %s: %w", name, err)
	}
	if set != nil {
		c, err := FromSet(set)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		c.Origin = name
		return c, nil
	}
	l := newLoader(Options{})
	l.alone = true
	l.file(name, "").src = src
	c := l.catalog()
	if err := l.usable(c); err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	c.Origin = name
	return c, nil
}

// read tells a descriptor set from the source of a .proto file.
func read(data []byte) (*descriptorpb.FileDescriptorSet, []byte, error) {
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, nil, fmt.Errorf("gzip: %w", err)
		}
		if data, err = readAll(z, 0); err != nil {
			return nil, nil, fmt.Errorf("gzip: %w", err)
		}
	}
	if len(data) == 0 {
		return nil, nil, errors.New("it is empty")
	}
	if set := binarySet(data); set != nil {
		return set, nil, nil
	}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte{'{'}) {
		set := &descriptorpb.FileDescriptorSet{}
		if err := (protojson.UnmarshalOptions{AllowPartial: true, DiscardUnknown: true}).Unmarshal(data, set); err != nil {
			return nil, nil, fmt.Errorf("descriptor set as JSON: %w", err)
		}
		if len(set.GetFile()) == 0 {
			return nil, nil, errors.New("it is JSON, but no descriptor set: it has no \"file\"")
		}
		return set, nil, nil
	}
	if looksBinary(data) {
		return nil, nil, errors.New("it is neither a descriptor set nor the source of a .proto file: make a set with protoc --include_imports -o FILE or buf build -o FILE")
	}
	return nil, data, nil
}

// binarySet returns the set that data is, or nil. Text is valid protobuf more often
// than one would think, so the files must have names.
func binarySet(data []byte) *descriptorpb.FileDescriptorSet {
	lenient := proto.UnmarshalOptions{AllowPartial: true}
	set := &descriptorpb.FileDescriptorSet{}
	if lenient.Unmarshal(data, set) == nil && len(set.GetFile()) > 0 {
		for _, f := range set.GetFile() {
			if f.GetName() != "" {
				return set
			}
		}
	}
	one := &descriptorpb.FileDescriptorProto{}
	if data[0] == 0x0a && lenient.Unmarshal(data, one) == nil && utf8.ValidString(one.GetName()) && len(one.ProtoReflect().GetUnknown()) == 0 {
		return &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{one}}
	}
	return nil
}

// looksBinary reports whether bytes are no text, as far as their beginning tells.
func looksBinary(data []byte) bool {
	const looked = 4096
	for _, c := range data[:min(len(data), looked)] {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != '\v' {
			return true
		}
	}
	return false
}

// readAll reads at most maxSchema bytes; size is a guess of how many.
func readAll(r io.Reader, size int64) ([]byte, error) {
	buf := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	if _, err := buf.ReadFrom(io.LimitReader(r, maxSchema+1)); err != nil {
		return nil, err
	}
	if buf.Len() > maxSchema {
		return nil, fmt.Errorf("more than %d MiB", maxSchema>>20)
	}
	return buf.Bytes(), nil
}
