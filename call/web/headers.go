package web

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/wiregloss/wiregloss/exchange"
)

// taken are the names that the protocols or HTTP itself set, with what to do.
var taken = map[string]string{
	"content-type":             "the protocol and the codec settle it",
	"content-length":           "it follows from the message",
	"content-encoding":         "it is set by the compression of the request",
	"connect-content-encoding": "it is set by the compression of the request",
	"grpc-encoding":            "it is set by the compression of the request",
	"grpc-timeout":             "it is set by the call's deadline; use --timeout",
	"connect-timeout-ms":       "it is set by the call's deadline; use --timeout",
	"grpc-status":              "only a server sends it",
	"grpc-message":             "only a server sends it",
	"host":                     "use --authority",

	// RFC 9110 §7.6.1 and RFC 9113 §8.2.2: these are the connection's.
	"connection":        "it is the connection's own",
	"keep-alive":        "it is the connection's own",
	"proxy-connection":  "it is the connection's own",
	"transfer-encoding": "it is the connection's own",
	"upgrade":           "it is the connection's own",
	"te":                "it is the connection's own",
	"trailer":           "the protocols send no HTTP trailers",
	"expect":            "the request is sent without asking first",
}

// addHeaders adds metadata to a request's header, names in lower case as the
// protocols want them. What is given takes the place of what is there.
func addHeaders(header http.Header, headers []exchange.Header) error {
	given := http.Header{}
	for _, h := range headers {
		name := strings.ToLower(h.Name)
		if err := checkName(h.Name, name); err != nil {
			return err
		}
		values, err := valuesOf(h, name)
		if err != nil {
			return err
		}
		given[name] = append(given[name], values...)
	}
	for name, values := range given {
		if name == "user-agent" {
			name = "User-Agent" // net/http looks for it so, and adds its own if it is not there
		}
		header[name] = values
	}
	return nil
}

// checkName returns why a name cannot be sent. Connect "Header-Name", and
// gRPC-HTTP2 "Header-Name", allow the same.
func checkName(given, name string) error {
	if reason, ok := taken[name]; ok {
		return &HeaderError{given, "cannot be set: " + reason}
	}
	if name == "" {
		return &HeaderError{given, "a header needs a name"}
	}
	for _, c := range []byte(name) {
		if ('a' > c || c > 'z') && ('0' > c || c > '9') && c != '-' && c != '_' && c != '.' {
			return &HeaderError{given, fmt.Sprintf("the name holds %q; letters, digits, -, _ and . are allowed", c)}
		}
	}
	return nil
}

// valuesOf returns a header's values as they go over the wire.
func valuesOf(h exchange.Header, name string) ([]string, error) {
	if strings.HasSuffix(name, "-bin") {
		return binaryValues(h)
	}
	for i, c := range []byte(h.Value) {
		if c < ' ' || c > '~' {
			return nil, &HeaderError{h.Name, fmt.Sprintf("byte %d of the value is 0x%02x; printable ASCII only is allowed: name it %s-bin and give base64", i, c, name)}
		}
	}
	return []string{h.Value}, nil
}

// binaryValues brings base64 of either alphabet to the one that is sent, without
// padding. Commas separate values. Connect "Binary-Metadata", gRPC-HTTP2 "Binary-Header".
func binaryValues(h exchange.Header) ([]string, error) {
	var values []string
	for v := range strings.SplitSeq(h.Value, ",") {
		v = strings.TrimRight(strings.TrimSpace(v), "=")
		coding := base64.RawStdEncoding
		if strings.ContainsAny(v, "-_") {
			coding = base64.RawURLEncoding
		}
		b, err := coding.DecodeString(v)
		if err != nil {
			return nil, &HeaderError{h.Name, fmt.Sprintf("the value of a -bin header is base64, and %q is not: %v", h.Value, err)}
		}
		values = append(values, base64.RawStdEncoding.EncodeToString(b))
	}
	return values, nil
}
