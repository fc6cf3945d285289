package record

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"time"
)

// A file is Magic and blocks:
//
//	kind    1 byte
//	length  4 bytes, little endian
//	check   4 bytes: CRC-32C of kind and length
//	payload length bytes
//	check   4 bytes: CRC-32C of the payload
//
// The first check tells a damaged length from a file that was cut.
const (
	kindRecording = 'R' // number, metaJSON
	kindChunks    = 'C' // number, entries
	kindEnd       = 'E' // number, endJSON: the recording is complete
	kindSection   = 's' // length of the name, name, data
	kindFileEnd   = 'Z' // nothing: the file is complete

	blockHeader = 9
	blockCheck  = 4
)

// A reader stops at unknown kinds in upper case, and skips those in lower case.
func skippable(kind byte) bool { return kind >= 'a' && kind <= 'z' }

// The first byte of a chunk entry.
const (
	entryReceived  = 1 << iota // else sent
	entryHole                  // the bytes are not kept: none follow
	entryContinued             // more of the entry before: no time follows
	entryKnown     = entryReceived | entryHole | entryContinued
)

// What one file may hold. These bound what a hostile file can make a reader
// allocate beyond its own size.
const (
	maxChunksPayload = 1 << 20
	maxJSONPayload   = 16 << 20
	maxRecordings    = 1024
	maxHoles         = 4096
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// metaJSON is Meta as it stands in a file.
type metaJSON struct {
	Start     time.Time     `json:"start"`
	Network   string        `json:"network,omitempty"`
	Address   string        `json:"address,omitempty"`
	Local     string        `json:"local,omitempty"`
	Peer      string        `json:"peer,omitempty"`
	TLS       *tlsJSON      `json:"tls,omitempty"`
	DNSNs     time.Duration `json:"dns_ns,omitempty"`
	ConnectNs time.Duration `json:"connect_ns,omitempty"`
	TLSNs     time.Duration `json:"tls_ns,omitempty"`
}

type tlsJSON struct {
	Version     string   `json:"version,omitempty"`
	CipherSuite string   `json:"cipher_suite,omitempty"`
	ServerName  string   `json:"server_name,omitempty"`
	ALPN        string   `json:"alpn,omitempty"`
	Verified    bool     `json:"verified"`
	Chain       [][]byte `json:"chain,omitempty"`
}

func toJSON(m Meta) metaJSON {
	j := metaJSON{
		// UTC: a file that is passed on need not tell where it was made.
		Start: m.Start.UTC(), Network: m.Network, Address: m.Address, Local: m.Local, Peer: m.Peer,
		DNSNs: m.Dial.DNS, ConnectNs: m.Dial.Connect, TLSNs: m.Dial.TLS,
	}
	if m.TLS != nil {
		t := tlsJSON(*m.TLS)
		j.TLS = &t
	}
	return j
}

func (j metaJSON) meta() Meta {
	m := Meta{
		Start: j.Start, Network: j.Network, Address: j.Address, Local: j.Local, Peer: j.Peer,
		Dial: Dial{DNS: j.DNSNs, Connect: j.ConnectNs, TLS: j.TLSNs},
	}
	if j.TLS != nil {
		t := TLS(*j.TLS)
		m.TLS = &t
	}
	return m
}

// endJSON is how a recording ended, as it stands in a file.
type endJSON struct {
	Closed       string `json:"closed"` // "no", "by us", "by the peer", "error"
	Error        string `json:"error,omitempty"`
	UnsentOffset int64  `json:"unsent_offset,omitempty"`
	UnsentLength int64  `json:"unsent_length,omitempty"`
	Problem      string `json:"problem,omitempty"`
	Cut          bool   `json:"cut,omitempty"`
}

const (
	closedNo     = "no"
	closedByUs   = "by us"
	closedByPeer = "by the peer"
	closedError  = "error"
)

func (s *snapshot) end() endJSON {
	j := endJSON{Closed: closedNo, UnsentOffset: s.unsent.Off, UnsentLength: s.unsent.Len, Cut: s.cut}
	switch {
	case !s.closed:
	case s.err == nil:
		j.Closed = closedByUs
	case errors.Is(s.err, io.EOF):
		j.Closed = closedByPeer
	default:
		j.Closed, j.Error = closedError, s.err.Error()
	}
	if s.problem != nil {
		j.Problem = s.problem.Error()
	}
	return j
}

// apply ends r as j says. It returns false if j does not fit the bytes.
func (j endJSON) apply(r *Recording) bool {
	unsent := Span{Dir: Sent, Off: j.UnsentOffset, Len: j.UnsentLength}
	size := r.Size(Sent)
	if unsent.Off < 0 || unsent.Len < 0 || unsent.Off > size || unsent.Len > size-unsent.Off {
		return false
	}
	r.markUnsent(unsent)
	switch j.Closed {
	case closedNo:
	case closedByUs:
		r.Close(nil)
	case closedByPeer:
		r.Close(io.EOF)
	case closedError:
		r.Close(errors.New(j.Error))
	default:
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sealed, r.cut = j.Closed != closedNo, j.Cut
	if j.Problem != "" {
		r.fail(errors.New(j.Problem))
	}
	return true
}

func appendBlock(dst []byte, kind byte, payload []byte) []byte {
	at := len(dst)
	dst = append(dst, kind)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[at:], castagnoli))
	dst = append(dst, payload...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(payload, castagnoli))
}
