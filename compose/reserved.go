package compose

import "strings"

// reserved says of names that the protocols use themselves what to do instead.
var reserved = map[string]string{
	"host":                 "the target sets it; change it with --authority",
	"content-type":         "the protocol sets it",
	"content-length":       "a stream of messages has no length ahead; the frames say it",
	"te":                   "gRPC sends it on every call as \"trailers\"",
	"user-agent":           "it is set with --user-agent",
	"connection":           "HTTP/2 has no connection headers (RFC 9113 §8.2.2)",
	"keep-alive":           "HTTP/2 has no connection headers (RFC 9113 §8.2.2)",
	"proxy-connection":     "HTTP/2 has no connection headers (RFC 9113 §8.2.2)",
	"transfer-encoding":    "HTTP/2 has no connection headers (RFC 9113 §8.2.2)",
	"upgrade":              "HTTP/2 has no connection headers (RFC 9113 §8.2.2)",
	"grpc-timeout":         "the deadline sets it: give a timeout",
	"grpc-encoding":        "the compression of the call sets it",
	"grpc-status":          "only a server sends it",
	"grpc-message":         "only a server sends it",
	"grpc-accept-encoding": "the client sets it to what it can decompress",
}

// reservedReason says why a call's metadata may not have this name; empty if it
// may.
func reservedReason(name string) string {
	if reason, ok := reserved[name]; ok {
		return "the name is reserved: " + reason
	}
	// Two names of the prefix are an application's to set: tracing libraries do.
	if strings.HasPrefix(name, "grpc-") && name != "grpc-trace-bin" && name != "grpc-tags-bin" {
		return "the name is reserved: gRPC keeps all that begin with grpc- for itself"
	}
	return ""
}

// pseudoReason says why a name with a colon first is refused.
func pseudoReason(name string) string {
	switch name {
	case ":authority":
		return "a pseudo-header is no metadata; change it with --authority"
	case ":path", ":method", ":scheme":
		return "a pseudo-header is no metadata; the target and the method set it"
	}
	return "a name may not begin with a colon: HTTP/2 keeps those for itself (RFC 9113 §8.3)"
}
