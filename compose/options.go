package compose

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/wiregloss/wiregloss/catalog"
)

// Format is how the messages of a request are written.
type Format uint8

// The formats.
const (
	JSON   Format = iota // ProtoJSON, one value after another; with the freedoms of JSON5 unless Options.Strict
	Text                 // the protobuf text format, messages separated by the character 0x1E
	Binary               // protobuf bytes: one message, or gRPC messages each behind its five-byte prefix
)

var formats = []string{JSON: "json", Text: "text", Binary: "binary"}

// String returns the name that ParseFormat takes.
func (f Format) String() string {
	if int(f) < len(formats) {
		return formats[f]
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

// ParseFormat returns the format of a name: json, text or binary.
func ParseFormat(name string) (Format, error) {
	for f, n := range formats {
		if n == name {
			return Format(f), nil
		}
	}
	return JSON, fmt.Errorf("%q is no format of a body: write json, text or binary", name)
}

// Options say how bodies are read. The zero value reads JSON5 without files.
type Options struct {
	// Types resolves Any and extensions; nil is the types linked into the program.
	Types  catalog.Types
	Format Format
	// Strict takes JSON only as protojson does: no comments, single quotes or
	// trailing commas, and bytes only as base64.
	Strict bool
	// AllowUnknown ignores fields and names of enum values that the schema does not
	// have. Without it they are faults.
	AllowUnknown bool
	// Unchecked lets Binary pass bytes that are no protobuf, to see what a server
	// makes of them.
	Unchecked bool
	// ReadFile reads what "@name" in a bytes field names. Nil refuses files: a body
	// may come from somebody else.
	ReadFile func(name string) ([]byte, error)
	// MaxBody is how many bytes one message may have as it is written; 0 is 256 MiB.
	MaxBody int64
}

// defaultMaxBody is far above what servers take, and below what hurts.
const defaultMaxBody = 256 << 20

func (o Options) maxBody() int64 {
	if o.MaxBody > 0 {
		return o.MaxBody
	}
	return defaultMaxBody
}

func (o Options) types() catalog.Types {
	if o.Types == nil {
		return protoregistry.GlobalTypes
	}
	return o.Types
}
