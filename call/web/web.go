// Package web performs calls over gRPC-Web and Connect: the protocols of remote
// procedure calls that need no HTTP/2 framing. A call runs over one connection
// that the caller made, secured and tapped; its bytes are in the caller's
// recording. Here messages are bytes: of a reply only so much is read as tells
// that a message has ended, and how the call ended. What it holds is for inspect.
//
// It must not dial, know schemas, or keep what was received.
//
//	s, err := web.Open(ctx, web.Options{Dial: dial, Protocol: web.Connect, Scheme: "http", Authority: "a:80", Path: "/pkg.Svc/Method"})
//	s.Send(message)
//	s.CloseSend()
//	for s.Recv() == nil { … } // a message is in the recording
//	fmt.Println(s.Outcome())
//
// The rules are those of the document "gRPC Web" of the gRPC project, cited as
// PROTOCOL-WEB, of "gRPC over HTTP2" (gRPC-HTTP2), and of the Connect protocol
// reference, whose rules are cited by name.
package web

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/wiregloss/wiregloss/exchange"
)

// Protocol is a protocol of remote procedure calls.
type Protocol uint8

// The protocols. NoProtocol is none of them, or one that is not known.
const (
	NoProtocol  Protocol = iota
	GRPC                 // named by Detect; Open does not speak it
	GRPCWeb              // application/grpc-web
	GRPCWebText          // application/grpc-web-text: the same in base64
	Connect              // application/proto, application/json, application/connect+…
)

var protocolNames = [...]string{"", "grpc", "grpc-web", "grpc-web-text", "connect"}

// String returns the name as --protocol takes it; "" of NoProtocol.
func (p Protocol) String() string {
	if int(p) < len(protocolNames) {
		return protocolNames[p]
	}
	return fmt.Sprintf("protocol %d", uint8(p))
}

// title returns the name as its specification writes it.
func (p Protocol) title() string {
	return [...]string{"no known protocol", "gRPC", "gRPC-Web", "gRPC-Web in base64", "Connect"}[p]
}

// ParseProtocol reads a name as String returns it; false for any other.
func ParseProtocol(name string) (Protocol, bool) {
	for p, n := range protocolNames {
		if n != "" && n == name {
			return Protocol(p), true
		}
	}
	return NoProtocol, false
}

// web reports whether the protocol is gRPC-Web in either coding.
func (p Protocol) web() bool { return p == GRPCWeb || p == GRPCWebText }

// Kind is how many messages go each way.
type Kind uint8

// The kinds of method.
const (
	Unary        Kind = iota // one and one
	ClientStream             // many and one
	ServerStream             // one and many
	Bidi                     // many and many, at the same time
)

// KindOf returns the kind of a method whose client, whose server or both stream.
func KindOf(client, server bool) Kind {
	switch {
	case client && server:
		return Bidi
	case client:
		return ClientStream
	case server:
		return ServerStream
	default:
		return Unary
	}
}

// many reports whether the client may send any number of messages.
func (k Kind) many() bool { return k == ClientStream || k == Bidi }

// Options say what to call and how.
type Options struct {
	// Dial returns a connection to the server, secured and tapped already, and the
	// protocol that ALPN settled on it; "" if there was no ALPN. It is called once,
	// and Close closes the connection.
	Dial func(ctx context.Context) (conn net.Conn, alpn string, err error)
	// Version is that of HTTP: "1.1", "2", or "" for what ALPN says. Without ALPN ""
	// is 1.1, but 2 for Bidi, and 2 is spoken without asking (RFC 9113 §3.3).
	Version   string
	Scheme    string // "http" or "https"
	Authority string // the host and port that the request names; "" is localhost
	Path      string // "/pkg.Service/Method", with any prefix before it; escaped as in a URL
	Protocol  Protocol
	Codec     string // "proto" or "json", of messages; "" is proto
	Kind      Kind

	// Headers are metadata. A value of a name that ends in -bin is base64 of any
	// variant. A name that the protocol sets but does not depend on (user-agent,
	// accept-encoding…) is taken instead of its own.
	Headers []exchange.Header
	// Timeout is the call's, from Start; 0 is none. A deadline of Open's context
	// counts too. The server is told what is left of it.
	Timeout  time.Duration
	Compress string // of sent messages: "", "gzip" or "zstd"
	// GET sends the one message in the query: Connect, unary, and only for methods
	// without side effects. Connect "Unary-Get-Request".
	GET        bool
	MaxMessage int64     // of a received message as it is sent, in bytes; 0 is no limit
	MaxSend    int64     // of a sent message, compressed if it is, in bytes; 0 is no limit
	Start      time.Time // when dialing began; zero is when Open is called
}

// check returns what cannot be done with the options, before anything is sent.
func (o *Options) check() error {
	switch {
	case o.Protocol == NoProtocol || o.Protocol == GRPC || o.Protocol > Connect:
		return &OptionError{"protocol", fmt.Sprintf("%q is not spoken here; give grpc-web, grpc-web-text or connect", o.Protocol)}
	case o.Codec != "proto" && o.Codec != "json":
		return &OptionError{"codec", fmt.Sprintf("%q is not known; give proto or json", o.Codec)}
	case o.Scheme != "http" && o.Scheme != "https":
		return &OptionError{"scheme", fmt.Sprintf("%q is not known; give http or https", o.Scheme)}
	case o.Version != "" && o.Version != "1.1" && o.Version != "2":
		return &OptionError{"HTTP version", fmt.Sprintf("%q is not known; give 1.1 or 2", o.Version)}
	case !strings.HasPrefix(o.Path, "/"):
		return &OptionError{"path", fmt.Sprintf("%q does not begin with /", o.Path)}
	case !isCoding(o.Compress):
		return &OptionError{"compression", fmt.Sprintf("%q is not supported; use gzip or zstd", o.Compress)}
	case o.GET && (o.Protocol != Connect || o.Kind != Unary):
		return &OptionError{"GET", "only a unary call over Connect can be a GET; leave it out, or use --protocol connect"}
	case o.Kind == Bidi && o.Version == "1.1":
		return errHalfDuplex
	}
	return nil
}

// version returns the version of HTTP to speak on a connection on which ALPN
// settled a protocol, or nothing.
func (o *Options) version(alpn string) (string, error) {
	settled := map[string]string{"h2": "2", "http/1.1": "1.1"}[alpn]
	switch {
	case o.Version == "" && settled != "":
		if settled == "1.1" && o.Kind == Bidi {
			return "", errHalfDuplex
		}
		return settled, nil
	case o.Version == "" && o.Kind == Bidi:
		return "2", nil
	case o.Version == "":
		return "1.1", nil
	case settled != "" && settled != o.Version:
		return "", &OptionError{"HTTP version", fmt.Sprintf("the server settled on %s by ALPN, so HTTP/%s cannot be spoken; leave the version out", alpn, o.Version)}
	}
	return o.Version, nil
}

// errHalfDuplex is the refusal of a call for which HTTP/1.1 is not enough.
var errHalfDuplex = &OptionError{
	"HTTP version",
	"a bidirectional stream needs HTTP/2, for over HTTP/1.1 the answer comes after the request; use --http 2",
}
