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
	// Authority is the :authority pseudo-header and the TLS server name; empty
	// means the host of Address.
	Authority string
	// ConnectTimeout limits DNS, dial and TLS handshake together; 0 is 10 s.
	ConnectTimeout time.Duration
}

// TLS says whether and how to secure the connection.
type TLS struct {
	On       bool
	Insecure bool   // do not verify the certificate
	CACert   string // PEM file
	Cert     string // PEM file, with Key
	Key      string
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
	// Compress is the grpc-encoding of the request's messages: "" or "gzip".
	Compress string
	// MaxMessage limits one received message in bytes; 0 is 4 GiB-1, all that
	// the prefix can declare.
	MaxMessage int64
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
	At    time.Duration // since the first recording's Meta.Start
}
