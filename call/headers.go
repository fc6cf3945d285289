package call

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"google.golang.org/grpc/metadata"

	"github.com/wiregloss/wiregloss/exchange"
)

// HeaderError says why a header cannot be sent as gRPC metadata.
type HeaderError struct{ Name, Text string }

// Error names the header and the reason.
func (e *HeaderError) Error() string { return fmt.Sprintf("header %q: %s", e.Name, e.Text) }

// WithHeaders returns a context under which every call sends headers. A value of
// a name that ends in -bin is base64 of any variant. Its errors are *HeaderError.
func WithHeaders(ctx context.Context, headers []exchange.Header) (context.Context, error) {
	md := metadata.MD{}
	for _, h := range headers {
		name := strings.ToLower(h.Name)
		if name == userAgent {
			continue // sent by the connection
		}
		if err := checkName(h.Name, name); err != nil {
			return nil, err
		}
		values, err := valuesOf(h, name)
		if err != nil {
			return nil, err
		}
		md.Append(name, values...)
	}
	if len(md) == 0 {
		return ctx, nil
	}
	old, _ := metadata.FromOutgoingContext(ctx)
	return metadata.NewOutgoingContext(ctx, metadata.Join(old, md)), nil
}

const userAgent = "user-agent"

// userAgentOf returns the User-Agent among headers. grpc-go takes it per
// connection only, and puts its own after it.
func userAgentOf(headers []exchange.Header) string {
	for _, h := range headers {
		if strings.EqualFold(h.Name, userAgent) {
			return h.Value
		}
	}
	return ""
}

// taken are the names that a call sets itself; grpc-go would drop them silently.
var taken = map[string]string{
	"content-type":      "gRPC sets it itself",
	"te":                "gRPC sets it itself",
	"grpc-timeout":      "it is set by the call's deadline; use --timeout",
	"grpc-encoding":     "it is set by the compression of the request",
	"grpc-message-type": "gRPC sets it itself",
	"grpc-status":       "only a server sends it",
	"grpc-message":      "only a server sends it",
	"host":              "HTTP/2 sends :authority instead; use --authority",
	":authority":        "use --authority",

	// RFC 9113 §8.2.2
	"connection":        "HTTP/2 does not allow it",
	"keep-alive":        "HTTP/2 does not allow it",
	"proxy-connection":  "HTTP/2 does not allow it",
	"transfer-encoding": "HTTP/2 does not allow it",
	"upgrade":           "HTTP/2 does not allow it",
}

func checkName(given, name string) error {
	if reason, ok := taken[name]; ok {
		return &HeaderError{given, "cannot be set: " + reason}
	}
	if name == "" {
		return &HeaderError{given, "a header needs a name"}
	}
	for _, c := range []byte(name) {
		if ('a' > c || c > 'z') && ('0' > c || c > '9') && c != '-' && c != '_' && c != '.' {
			return &HeaderError{given, fmt.Sprintf("the name holds %q; gRPC allows letters, digits, -, _ and .", c)}
		}
	}
	return nil
}

func valuesOf(h exchange.Header, name string) ([]string, error) {
	if strings.HasSuffix(name, "-bin") {
		return decodeBinary(h)
	}
	for i, c := range []byte(h.Value) {
		if c < ' ' || c > '~' {
			return nil, &HeaderError{h.Name, fmt.Sprintf("byte %d of the value is 0x%02x; gRPC allows printable ASCII only: name it %s-bin and give base64", i, c, name)}
		}
	}
	return []string{h.Value}, nil
}

// decodeBinary decodes base64 with or without padding, of both alphabets. Values joined
// by commas are several, as on the wire.
func decodeBinary(h exchange.Header) ([]string, error) {
	var values []string
	for v := range strings.SplitSeq(h.Value, ",") {
		v = strings.TrimRight(strings.TrimSpace(v), "=")
		enc := base64.RawStdEncoding
		if strings.ContainsAny(v, "-_") {
			enc = base64.RawURLEncoding
		}
		b, err := enc.DecodeString(v)
		if err != nil {
			return nil, &HeaderError{h.Name, fmt.Sprintf("the value of a -bin header is base64, and %q is not: %v", h.Value, err)}
		}
		values = append(values, string(b))
	}
	return values, nil
}
