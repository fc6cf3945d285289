// Package h1 reads HTTP/1.1 messages (RFC 9112) tolerantly: a message that
// breaks a rule is read as far as it goes, and the rule is named.
package h1

// Kind is what a part of an HTTP/1.1 message is.
type Kind uint8

// The parts of a message, in the order in which they stand. RFC 9112 §2.1, §7.1.
const (
	Head      Kind = iota // start line, fields and the empty line after them
	Data                  // content: all of it, or that of one chunk
	ChunkSize             // the line before a chunk
	ChunkEnd              // the CRLF after a chunk
	LastChunk             // the line of the chunk of size 0
	Trailer               // fields after the last chunk, and the empty line
	Tunnel                // what follows an upgrade or a CONNECT
	Junk                  // bytes that are no HTTP
)

var kindNames = [...]string{"head", "data", "chunk size", "chunk end", "last chunk", "trailers", "tunnel", "junk"}

// String returns a short name.
func (k Kind) String() string { return kindNames[k] }
