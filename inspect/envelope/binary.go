package envelope

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// BinaryType returns the protobuf type of the metadata with a name, which ends in
// -bin; false if none is known, and the value is bytes to whoever reads it.
// Fallback resolves the type if it is linked in.
//
// Known are grpc-status-details-bin (gRPC-HTTP2), endpoint-load-metrics-bin (gRFC
// A51), and, as ProtoUtils of grpc-java names such metadata, the full name of a
// google.rpc message with -bin after it.
func BinaryType(name string) (protoreflect.FullName, bool) {
	name = strings.ToLower(name)
	switch name {
	case "grpc-status-details-bin":
		return "google.rpc.Status", true
	case "endpoint-load-metrics-bin":
		return "xds.data.orca.v3.OrcaLoadReport", true
	}
	base, ok := strings.CutSuffix(name, "-bin")
	if !ok || !strings.HasPrefix(base, "google.rpc.") {
		return "", false
	}
	found := protoreflect.FullName("")
	protoregistry.GlobalTypes.RangeMessages(func(mt protoreflect.MessageType) bool {
		// Names of metadata are lower case on the wire.
		if full := mt.Descriptor().FullName(); strings.EqualFold(string(full), base) {
			found = full
		}
		return found == ""
	})
	return found, found != ""
}

// BinaryValue is one of the values of a -bin field, which commas separate.
type BinaryValue struct {
	Text  string // base64, as it came
	Bytes []byte // what could be decoded
	Err   error  // says that it is not base64
}

// DecodeBinaryList reads every value of metadata whose name ends in -bin: a
// field may hold several, and each may lack its padding. gRPC-HTTP2, "ASCII-Value".
func DecodeBinaryList(value string) []BinaryValue {
	var out []BinaryValue
	for text := range strings.SplitSeq(value, ",") {
		text = strings.TrimSpace(text)
		b, err := DecodeBinary(text)
		out = append(out, BinaryValue{Text: text, Bytes: b, Err: err})
	}
	return out
}
