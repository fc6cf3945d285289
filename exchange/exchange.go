// Package exchange holds a request as it was composed, and an exchange: the
// request, the schema it was made with, and the recordings of its connections.
// Plain data: nothing here sends or decodes.
package exchange

import (
	"encoding/json"
	"time"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/record"
)

// Target is where a request goes and how the connection is made.
type Target struct {
	Text    string // as the user gave it
	Network string // "tcp" or "unix"
	Address string // "host:port", or the path of a socket
	TLS     TLS
	// Authority is the :authority pseudo-header, and the TLS server name unless
	// TLS.ServerName is set; empty means Address.
	Authority string
	// ConnectTimeout limits DNS, dial, proxy and TLS handshake together; 0 is 10 s.
	ConnectTimeout time.Duration
	// Proxy is how the server is reached: "" as the environment says (HTTPS_PROXY,
	// HTTP_PROXY, ALL_PROXY, NO_PROXY), "none" directly, or the URL of a proxy:
	// http://, https:// or socks5://, with user:password@ if it wants them.
	Proxy     string
	Keepalive Keepalive
}

// Keepalive says when a silent connection is asked whether it still lives, by an
// HTTP/2 PING. The zero value never asks.
type Keepalive struct {
	Time    time.Duration // of silence before a PING; less than 10 s is taken as 10 s; 0 is never
	Timeout time.Duration // for the answer, then the connection is given up; 0 is 20 s
	Idle    bool          // also while no call is under way
}

// TLS says whether and how to secure the connection.
type TLS struct {
	On       bool
	Insecure bool   // do not verify the certificate
	CACert   string // PEM file
	Cert     string // PEM file, with Key
	Key      string
	// ServerName is the name sent as SNI (RFC 6066 §3) and looked for in the
	// certificate; empty means the host of the target's authority.
	ServerName string
}

// Header is one metadata entry. A value of a name that ends in -bin is base64,
// as it is on the wire.
type Header struct{ Name, Value string }

// Request is a call as composed. Bodies are the messages to send, in order.
type Request struct {
	Target    Target
	Operation string
	Headers   []Header
	Bodies    []json.RawMessage
	Timeout   time.Duration // the call's deadline; 0 is none
	// Compress is the grpc-encoding of the request's messages: "", "gzip" or "zstd".
	Compress string
	// MaxMessage limits one received message in bytes; 0 is 4 GiB-1, all that
	// the prefix can declare.
	MaxMessage int64
	// MaxSend limits one sent message in bytes, compressed if it is; 0 is 4 GiB-1.
	MaxSend int64
	// WaitForReady dials again, until Target.ConnectTimeout is over, where nothing
	// answers yet, and lets the call wait for a connection that was lost.
	WaitForReady bool
	// ServiceConfig is a gRPC service config in JSON, with its retry policy; empty
	// is none, and nothing is sent twice.
	ServiceConfig string
	// UserAgent is put before grpc-go's own; a user-agent among Headers is taken instead.
	UserAgent string
}

// Exchange is a request and what became of it.
type Exchange struct {
	Request Request
	Types   *catalog.Catalog
	Wire    []*record.Recording
	Outcome Outcome
}

// Outcome is how a call ended, as the client saw it.
type Outcome struct {
	Code    int // google.rpc.Code
	Message string
	// Local is true when it was decided here (deadline, cancel, limit, lost
	// connection) and no status came over the wire.
	Local bool
	At    time.Duration // since dialing began
	// Detail says, of a call that did not end well, what had been seen until then
	// or what the answer was instead; may be empty.
	Detail string `json:",omitempty"`
}
