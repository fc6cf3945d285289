package inspect

import (
	"strconv"
	"strings"
	"time"

	"github.com/wiregloss/wiregloss/inspect/envelope"
)

// shape is how the body of one direction is to be read.
type shape struct {
	framing    Framing
	content    Content
	encoding   Encoding // of messages that are compressed
	compressed bool     // all of the body is
}

// mediaType returns a content-type in lower case without its parameters.
func mediaType(contentType string) string {
	t, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// framings are the media types of calls, each with or without "+proto" or "+json".
var framings = []struct {
	name    string
	framing Framing
	rpc     RPC
}{
	{"application/grpc-web-text", GRPCWebText, RPCWeb},
	{"application/grpc-web", GRPCWeb, RPCWeb},
	{"application/grpc", GRPC, RPCGRPC},
	{"application/connect", Connect, RPCConnect},
}

// callType reads the media type of a call. gRPC-HTTP2 "Content-Type",
// PROTOCOL-WEB, Connect "Streaming-Content-Type".
func callType(media string) (framing Framing, content Content, rpc RPC) {
	for _, f := range framings {
		rest, ok := strings.CutPrefix(media, f.name)
		if !ok || rest != "" && rest[0] != '+' || rest == "" && f.framing == Connect {
			continue
		}
		switch rest {
		case "", "+proto":
			return f.framing, Protobuf, f.rpc
		case "+json":
			return f.framing, JSON, f.rpc
		default:
			return f.framing, Opaque, f.rpc
		}
	}
	return Whole, Opaque, NoRPC
}

// contentOf says what a whole body of a media type holds.
func contentOf(media string) Content {
	switch media {
	case "application/json", "text/json":
		return JSON
	case "application/proto", "application/protobuf", "application/x-protobuf", "application/vnd.google.protobuf":
		return Protobuf
	case "application/xml", "application/x-www-form-urlencoded", "application/javascript", "application/yaml",
		"application/x-ndjson", "application/jsonl", "application/json-seq", "application/graphql", "application/toml":
		return Text
	}
	switch {
	case strings.HasSuffix(media, "+json"):
		return JSON
	case strings.HasPrefix(media, "text/"), strings.HasSuffix(media, "+xml"), strings.HasSuffix(media, "+yaml"):
		return Text
	default:
		return Opaque
	}
}

// shapeOf says how the body that a header block announces is to be read, and
// returns the name of its encoding as it stands there.
func shapeOf(b *HeaderBlock) (s shape, encoding string) {
	contentType, _ := b.Get("content-type")
	media := mediaType(contentType)
	s.framing, s.content, _ = callType(media)
	if media == "text/event-stream" {
		s.framing, s.content = Event, Text
	} else if s.framing == Whole {
		s.content = contentOf(media)
	}
	whole, _ := b.Get("content-encoding")
	if encodingOf(whole) != Identity {
		// Whatever the body is cut into lies below the coding.
		if s.framing != Whole && s.framing != Event {
			s.content = Opaque
		}
		s.framing, s.encoding, s.compressed = Whole, encodingOf(whole), true
		return s, whole
	}
	if s.prefixed() {
		encoding, _ = b.Get(encodingField(s.framing))
		s.encoding = encodingOf(encoding)
		return s, encoding
	}
	return s, whole
}

func (s shape) prefixed() bool { return s.framing >= GRPC && s.framing <= Connect }

// encodingOf reads the name of a coding, or a list of them. RFC 9110 §8.4.1.
func encodingOf(name string) Encoding {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "", "identity":
		return Identity
	case "gzip", "x-gzip":
		return Gzip
	case "deflate":
		return Deflate
	case "br":
		return Brotli
	case "zstd":
		return Zstd
	default:
		return Other
	}
}

// callOf says which protocol of calls a request speaks.
func callOf(b *HeaderBlock, path string) RPC {
	contentType, _ := b.Get("content-type")
	media := mediaType(contentType)
	if _, _, rpc := callType(media); rpc != NoRPC {
		return rpc
	}
	// Connect "Unary-Request": a header says so, since the media type is anyone's.
	if _, ok := b.Get("connect-protocol-version"); ok && (media == "application/proto" || media == "application/json") {
		return RPCConnect
	}
	// Connect "Unary-Get-Request": all of it is in the query.
	if _, query, ok := strings.Cut(path, "?"); ok && contentType == "" {
		message, version := false, false
		for part := range strings.SplitSeq(query, "&") {
			message = message || strings.HasPrefix(part, "message=")
			version = version || part == "connect=v1"
		}
		if message && version {
			return RPCConnect
		}
	}
	return NoRPC
}

// timeoutOf reads how long the client of a call waits; problem says what is
// wrong with the field.
func timeoutOf(b *HeaderBlock, rpc RPC) (timeout time.Duration, timed bool, problem string) {
	name := "grpc-timeout"
	if rpc == RPCConnect {
		name = "connect-timeout-ms"
	}
	v, ok := b.Get(name)
	switch {
	case rpc == NoRPC || !ok:
		return 0, false, ""
	case rpc != RPCConnect:
		if timeout, timed = envelope.ParseTimeout(v); !timed {
			problem = "grpc-timeout " + strconv.Quote(v) + " is not at most eight digits and one of H, M, S, m, u, n"
		}
		return timeout, timed, problem
	}
	// Connect "Timeout": at most ten digits of milliseconds.
	ms, err := strconv.ParseUint(v, 10, 64)
	if err != nil || len(v) > 10 {
		return 0, false, "connect-timeout-ms " + strconv.Quote(v) + " is not at most ten digits"
	}
	return time.Duration(ms) * time.Millisecond, true, ""
}
