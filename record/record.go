// Package record holds what went over one connection: raw bytes of both
// directions, each with the time it was written or read. A Recording is the
// single source of truth of wiregloss; frames, headers, messages and JSON are
// decodings of it. The package knows no protocol and imports only the standard
// library.
//
//	rec := record.New(record.Meta{Start: time.Now()})
//	conn = record.Tap(conn, rec) // above TLS: sees plaintext
package record

import (
	"time"
)

// Dir is a direction of the connection, as the client sees it.
type Dir uint8

// The two directions.
const (
	Sent     Dir = iota // from the client to the server
	Received            // from the server to the client
)

// String returns "sent" or "received".
func (d Dir) String() string {
	if d == Sent {
		return "sent"
	}
	return "received"
}

// Other returns the opposite direction.
func (d Dir) Other() Dir { return d ^ 1 }

// Span is a range of bytes in one direction. Off counts from the first byte of
// the connection in that direction, so an HTTP/2 client preface is Span{Sent, 0, 24}.
type Span struct {
	Dir      Dir
	Off, Len int64
}

// End returns the offset of the first byte after the span.
func (s Span) End() int64 { return s.Off + s.Len }

// Chunk is one write or read of the connection. At counts from Meta.Start on
// the monotonic clock.
type Chunk struct {
	At   time.Duration
	Span Span
}

// Meta holds the facts about a connection that are not in its bytes.
type Meta struct {
	Start   time.Time // when dialing began; Chunk.At counts from here
	Network string    // "tcp" or "unix"
	Address string    // what was dialed, as given: "localhost:50051"
	Local   string    // the connection's own address
	Peer    string    // the address that answered
	TLS     *TLS      // nil for plaintext
	Dial    Dial
}

// Dial holds how long each step of opening the connection took. A step that did
// not happen is zero.
type Dial struct {
	DNS, Connect, TLS time.Duration
}

// TLS holds what the handshake settled. Strings are the names of the IANA
// registries ("TLS 1.3", "TLS_AES_128_GCM_SHA256").
type TLS struct {
	Version     string
	CipherSuite string
	ServerName  string
	ALPN        string
	Verified    bool     // false when verification was turned off
	Chain       [][]byte // the peer's certificates, DER, leaf first
}
