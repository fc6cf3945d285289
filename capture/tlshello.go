package capture

import (
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"strings"
)

// Handshake messages and extensions. RFC 8446 §4, RFC 5246 §7.4.
const (
	tlsClientHello     = 1
	tlsServerHello     = 2
	tlsEncryptedExts   = 8
	tlsCertificate     = 11
	extServerName      = 0
	extALPN            = 16
	extVersions        = 43
	maxTLSHandshake    = 1 << 20 // bytes of one direction's handshake that are kept
	maxTLSCertificates = 100
)

// tlsFacts are what the handshake tells.
type tlsFacts struct {
	client, server       [32]byte
	hasClient, hasServer bool
	version, suite       uint16
	name                 string   // SNI
	offered              []string // ALPN of the client
	alpn                 string   // chosen; "" while unknown
	chain                [][]byte
}

// String describes a connection as far as its hellos do.
func (t *tlsFacts) String() string {
	var parts []string
	if t.hasServer {
		parts = append(parts, tls.VersionName(t.version), tls.CipherSuiteName(t.suite))
	} else {
		parts = append(parts, "TLS")
	}
	if t.name != "" {
		parts = append(parts, "SNI "+fmt.Sprintf("%q", t.name))
	}
	switch {
	case t.alpn != "":
		parts = append(parts, fmt.Sprintf("ALPN %q", t.alpn))
	case len(t.offered) > 0:
		parts = append(parts, fmt.Sprintf("ALPN offered %q", strings.Join(t.offered, ",")))
	}
	return strings.Join(parts, ", ")
}

// messages reads the handshake messages in b and returns how many bytes they
// take.
func (t *tlsFacts) messages(b []byte) int {
	read := 0
	for len(b)-read >= 4 {
		m := b[read:]
		size := int(m[1])<<16 | int(m[2])<<8 | int(m[3])
		if size > len(m)-4 {
			break
		}
		t.message(m[0], m[4:4+size])
		read += 4 + size
	}
	return read
}

func (t *tlsFacts) message(kind byte, b []byte) {
	switch r := (&tlsBytes{b: b}); kind {
	case tlsClientHello:
		r.take(2)
		t.hasClient = t.hasClient || len(r.b) >= 32
		copy(t.client[:], r.take(32))
		r.vector(1) // session
		r.vector(2) // cipher suites
		r.vector(1) // compression
		t.extensions(r.vector(2), true)
	case tlsServerHello:
		version := r.take(2)
		if len(version) < 2 {
			return
		}
		t.version = binary.BigEndian.Uint16(version)
		copy(t.server[:], r.take(32))
		r.vector(1)
		if suite := r.take(2); len(suite) == 2 {
			t.suite, t.hasServer = binary.BigEndian.Uint16(suite), true
		}
		r.take(1)
		t.extensions(r.vector(2), false)
	case tlsEncryptedExts:
		t.extensions(r.vector(2), false)
	case tlsCertificate:
		t.certificates(r)
	}
}

func (t *tlsFacts) extensions(b []byte, client bool) {
	for r := (&tlsBytes{b: b}); len(r.b) >= 4; {
		kind := binary.BigEndian.Uint16(r.take(2))
		v := &tlsBytes{b: r.vector(2)}
		switch {
		case kind == extServerName && client:
			list := &tlsBytes{b: v.vector(2)}
			list.take(1)
			t.name = string(list.vector(2))
		case kind == extALPN:
			var names []string
			for list := (&tlsBytes{b: v.vector(2)}); len(list.b) > 0; {
				names = append(names, string(list.vector(1)))
			}
			if client {
				t.offered = names
			} else if len(names) == 1 {
				t.alpn = names[0]
			}
		case kind == extVersions && !client && len(v.b) == 2:
			t.version = binary.BigEndian.Uint16(v.b)
		}
	}
}

// certificates reads the server's chain. RFC 8446 §4.4.2, RFC 5246 §7.4.2.
func (t *tlsFacts) certificates(r *tlsBytes) {
	if t.version == tls.VersionTLS13 {
		r.vector(1)
	}
	t.chain = nil
	for list := (&tlsBytes{b: r.vector(3)}); len(list.b) > 0 && len(t.chain) < maxTLSCertificates; {
		t.chain = append(t.chain, append([]byte(nil), list.vector(3)...))
		if t.version == tls.VersionTLS13 {
			list.vector(2)
		}
	}
}

// tlsBytes reads fields; of what is missing it returns what is there.
type tlsBytes struct{ b []byte }

func (r *tlsBytes) take(n int) []byte {
	n = min(n, len(r.b))
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

// vector reads a field with a length of n bytes before it.
func (r *tlsBytes) vector(n int) []byte {
	size := 0
	for _, c := range r.take(n) {
		size = size<<8 | int(c)
	}
	return r.take(size)
}
