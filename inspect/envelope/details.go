package envelope

import (
	"errors"
	"fmt"

	_ "google.golang.org/genproto/googleapis/rpc/errdetails" // registers the detail types
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/wiregloss/wiregloss/inspect/pb"
)

// Detail is one entry of a google.rpc.Status's details: an Any.
type Detail struct {
	TypeURL string // untrusted text
	Value   []byte
}

// Details reads the value of grpc-status-details-bin, base64 undone. An error
// says that it is not a google.rpc.Status.
func Details(raw []byte) ([]Detail, error) {
	var st status.Status
	if err := proto.Unmarshal(raw, &st); err != nil {
		return nil, fmt.Errorf("grpc-status-details-bin is no google.rpc.Status: %w", err)
	}
	out := make([]Detail, 0, len(st.GetDetails()))
	for _, d := range st.GetDetails() {
		out = append(out, Detail{TypeURL: d.GetTypeUrl(), Value: d.GetValue()})
	}
	return out, nil
}

// StatusDescriptor is the schema of grpc-status-details-bin.
func StatusDescriptor() protoreflect.MessageDescriptor {
	return (*status.Status)(nil).ProtoReflect().Descriptor()
}

// Fallback resolves with types first and then with what is linked in: the
// well-known types and google.rpc. types may be nil.
func Fallback(types pb.Types) pb.Types { return fallback{types} }

type fallback struct{ first pb.Types }

func (f fallback) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	if f.first != nil {
		mt, err := f.first.FindMessageByURL(url)
		if err == nil || !errors.Is(err, protoregistry.NotFound) {
			return mt, err
		}
	}
	return protoregistry.GlobalTypes.FindMessageByURL(url)
}

func (f fallback) FindExtensionByNumber(message protoreflect.FullName, field protoreflect.FieldNumber) (protoreflect.ExtensionType, error) {
	if f.first != nil {
		xt, err := f.first.FindExtensionByNumber(message, field)
		if err == nil || !errors.Is(err, protoregistry.NotFound) {
			return xt, err
		}
	}
	return protoregistry.GlobalTypes.FindExtensionByNumber(message, field)
}
