// Package capture turns files of other programs into recordings and recordings
// into such files: pcap and pcapng, HAR, raw HTTP/2, HTTP/1.1, gRPC and protobuf
// bytes, each also as hex or base64. It rebuilds what an application would have
// read from each connection and names whatever stands between the file and the
// wire: lost, reordered and cut packets, a guessed client, bytes made up from a
// HAR file's fields. It decodes no protocol above TCP and TLS; package inspect
// does that with the recordings.
//
//	c, err := capture.Read(file, capture.Options{})
//	for _, conn := range c.Connections { t := inspect.Decode(conn.Recording) … }
package capture

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/wiregloss/wiregloss/record"
)

// Format is what a file holds.
type Format string

// The formats.
const (
	FormatRecording Format = "recording" // a recording file, docs/recording-format.md
	FormatPCAP      Format = "pcap"      // pcap or pcapng
	FormatHAR       Format = "har"       // HTTP archive 1.2
	FormatHTTP2     Format = "h2"        // the bytes of one direction, RFC 9113
	FormatHTTP1     Format = "http1"     // requests or responses, RFC 9112
	FormatGRPC      Format = "grpc"      // length-prefixed messages, gRPC-HTTP2
	FormatProtobuf  Format = "protobuf"  // one message
)

// Formats lists all formats in the order in which content is held against them.
func Formats() []Format {
	return []Format{FormatRecording, FormatPCAP, FormatHAR, FormatHTTP2, FormatHTTP1, FormatGRPC, FormatProtobuf}
}

// Encoding is how a file writes its bytes down.
type Encoding string

// The encodings.
const (
	EncodingRaw    Encoding = "raw"
	EncodingHex    Encoding = "hex"
	EncodingBase64 Encoding = "base64"
)

// Encodings lists all encodings.
func Encodings() []Encoding { return []Encoding{EncodingRaw, EncodingHex, EncodingBase64} }

// Shape says how the bytes of a Connection are to be decoded.
type Shape uint8

// The shapes.
const (
	Wire     Shape = iota // a connection: HTTP/2 or HTTP/1.1 told from its bytes
	GRPCBody              // Received is a sequence of length-prefixed messages
	Message               // Received is one protobuf message
)

// Connection is one connection of a capture, or the bytes of a file that holds
// less than a connection.
type Connection struct {
	Recording *record.Recording
	Shape     Shape
	Name      string    // "127.0.0.1:51234 → 127.0.0.1:50051"; what was read where there are no addresses
	Notes     []string  // what to know about all of it: its bytes are rebuilt, the client was guessed
	Problems  []Problem // in the order in which they were met
}

// Problem is a place where the capture is not what was on the wire, or where the
// wire was not well.
type Problem struct {
	At     time.Duration // from Meta.Start of the recording
	Span   record.Span   // the bytes concerned; Len 0 marks a place
	Packet int           // number in the file, counted from 1; 0 if there is none
	Text   string
}

// Capture is what a file holds.
type Capture struct {
	Format      Format
	Encoding    Encoding
	Connections []Connection
	File        *record.File // of a recording file: its sections too; else nil
	Skipped     []string     // what in the file was not read, why, and what to do about it
	Damaged     bool         // the file itself is cut or damaged; Skipped says where
}

// Release releases every recording of the capture.
func (c *Capture) Release() {
	for _, conn := range c.Connections {
		conn.Recording.Release()
	}
}

// Options say how to read a file. The zero value guesses and sets the default
// limits.
type Options struct {
	Format   Format   // empty: told from the content
	Encoding Encoding // empty: told from the content
	Body     bool     // what is none of the formats is a damaged message, or a gRPC body
	KeyLog   []byte   // NSS key log lines, for TLS in packet captures

	MaxConnections int   // default 1024, which is what a recording file can hold
	MaxBytes       int64 // of the input, after gunzip: default 1 GiB
}

// Default limits.
const (
	defaultMaxConnections = 1024
	defaultMaxBytes       = 1 << 30
)

func (o Options) withDefaults() Options {
	if o.MaxConnections <= 0 {
		o.MaxConnections = defaultMaxConnections
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultMaxBytes
	}
	return o
}

// Read reads a file: what it holds is told from its content unless o says it. A
// file compressed by gzip is decompressed first.
//
// A file that is cut or damaged is read as far as it goes, and Skipped says where
// it ended. Of a damaged recording file Read returns, as record.ReadFile does,
// both what was read and a *record.DamageError. An input that is none of the
// formats gives a *FormatError.
func Read(in io.Reader, o Options) (*Capture, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	src, err := open(in, o)
	if err != nil {
		return nil, err
	}
	c, err := src.read(o)
	if c == nil {
		return nil, err
	}
	if src.limited.hit {
		c.Skipped = append(c.Skipped, fmt.Sprintf("the input goes on after %d bytes, which is the limit: raise --max-bytes to read more", o.MaxBytes))
	}
	if src.gzipErr != nil {
		c.Damaged = true
		c.Skipped = append(c.Skipped, fmt.Sprintf("the gzip file is cut or damaged: %v; what stands before was read", src.gzipErr))
	}
	return c, err
}

func (o Options) check() error {
	if o.Format != "" && !contains(Formats(), o.Format) {
		return fmt.Errorf("unknown format %q: use one of %v", o.Format, Formats())
	}
	if o.Encoding != "" && !contains(Encodings(), o.Encoding) {
		return fmt.Errorf("unknown encoding %q: use one of %v", o.Encoding, Encodings())
	}
	return nil
}

func contains[T comparable](list []T, v T) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}

// read reads the input, whose encoding is settled first.
func (s *input) read(o Options) (*Capture, error) {
	format := o.Format
	if o.Encoding == EncodingHex || o.Encoding == EncodingBase64 {
		return s.readWhole(o)
	}
	if magic := s.magic(); magic != "" && (format == "" || format == magic) {
		format = magic
	} else if o.Encoding == "" && (format == FormatPCAP || format == FormatRecording) {
		return s.readWhole(o) // the magic may be there in hex
	}
	switch format {
	case FormatRecording:
		return readRecording(s)
	case FormatPCAP:
		return readPackets(s, o), nil
	default:
		return s.readWhole(o)
	}
}

// readRecording reads a file of our own.
func readRecording(in io.Reader) (*Capture, error) {
	f, err := record.ReadFile(in)
	if f == nil {
		return nil, err
	}
	c := &Capture{Format: FormatRecording, Encoding: EncodingRaw, File: f}
	for _, r := range f.Recordings {
		c.Connections = append(c.Connections, Connection{Recording: r, Name: nameOf(r.Meta())})
	}
	if f.Cut() {
		c.Skipped = append(c.Skipped, "the recording file is cut: it ends before its end mark")
	}
	return c, err
}

// nameOf names a connection by its addresses, as far as they are known.
func nameOf(m record.Meta) string {
	peer := m.Peer
	if peer == "" {
		peer = m.Address
	}
	switch {
	case peer == "":
		return "a connection of unknown address"
	case m.Local == "":
		return "→ " + peer
	}
	return m.Local + " → " + peer
}

// errEmpty is returned for an input without a byte.
var errEmpty = errors.New("the input is empty")
