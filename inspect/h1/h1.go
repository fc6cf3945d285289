// Package h1 reads HTTP/1.1 messages (RFC 9112) tolerantly: a message that
// breaks a rule is read as far as it goes, and the rule is named. It knows no
// connection: a Parser cuts the bytes of one direction into parts, and is told
// what it must know of the other one.
//
//	p := h1.NewParser(bytes, false, nil)
//	for e, ok := p.Next(avail); ok; e, ok = p.Next(avail) { … e.Kind, e.Off, e.Len … }
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

// Range is a range of bytes in a part.
type Range struct{ Off, Len int }

// Violation is a broken rule at its bytes in a part.
type Violation struct {
	Range Range
	Rule  string // "RFC 9112 §6.3"
	Text  string // what is wrong, and the consequence
}

// Limits of what a hostile peer can make a parser hold or look at again.
const (
	MaxHead       = 1 << 20 // bytes of a head or of trailers
	MaxFields     = 10_000  // fields listed of one of those
	MaxLine       = 16 << 10
	maxStartLine  = 64 << 10
	maxViolations = 50 // named for one part
)

// isToken reports whether b may stand in a method or a field name. RFC 9110 §5.6.2.
func isToken(b byte) bool {
	switch {
	case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9':
		return true
	}
	switch b {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
		return true
	}
	return false
}

// allTokens reports whether s is a token: not empty, and all of it may stand in one.
func allTokens(s []byte) bool {
	for _, b := range s {
		if !isToken(b) {
			return false
		}
	}
	return len(s) > 0
}
