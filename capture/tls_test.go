package capture

import (
	"bytes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wiregloss/wiregloss/record"
)

// tlsCall is a TLS connection as it was on the wire, and what it carried.
type tlsCall struct {
	cipher, plain *record.Recording
	keyLog        []byte
	state         tls.ConnectionState
}

// callTLS makes a connection with a real client and server.
func callTLS(t testing.TB, version uint16, suites ...uint16) tlsCall {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"example.org"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	server := &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		MinVersion:   version, MaxVersion: version, CipherSuites: suites, NextProtos: []string{"h2"},
	}
	served := make(chan error, 1)
	go func() { served <- serveTLS(ln, server) }()
	raw, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	m := record.Meta{Start: time.Now(), Local: raw.LocalAddr().String(), Peer: raw.RemoteAddr().String()}
	call := tlsCall{cipher: record.New(m), plain: record.New(m)}
	var log bytes.Buffer
	conn := tls.Client(record.Tap(raw, call.cipher), &tls.Config{
		ServerName: "example.org", InsecureSkipVerify: true, KeyLogWriter: &log, NextProtos: []string{"h2", "http/1.1"},
		MinVersion: version, MaxVersion: version,
	})
	tap := record.Tap(conn, call.plain)
	for i := range 20 {
		if _, err := fmt.Fprintf(tap, "%s%0*d\n", preface, i*1000, i); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 10+i*1200)
		if _, err := io.ReadFull(tap, answer); err != nil {
			t.Fatal(err)
		}
	}
	call.state = conn.ConnectionState()
	_ = tap.Close()
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	call.keyLog = log.Bytes()
	return call
}

// serveTLS answers 20 lines with ever more bytes.
func serveTLS(ln net.Listener, c *tls.Config) error {
	raw, err := ln.Accept()
	if err != nil {
		return err
	}
	conn := tls.Server(raw, c)
	defer conn.Close()
	for i := range 20 {
		request := make([]byte, len(preface)+max(i*1000, len(fmt.Sprint(i)))+1)
		if _, err := io.ReadFull(conn, request); err != nil {
			return err
		}
		if _, err := conn.Write(bytes.Repeat([]byte{byte(i)}, 10+i*1200)); err != nil {
			return err
		}
	}
	return nil
}

var tlsVersions = map[string]struct {
	version uint16
	suites  []uint16
}{
	"TLS 1.3":         {tls.VersionTLS13, nil},
	"TLS 1.2 AES-128": {tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}},
	"TLS 1.2 AES-256": {tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}},
	"TLS 1.2 ChaCha":  {tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}},
}

func TestTLSIsDecrypted(t *testing.T) {
	t.Parallel()
	for name, v := range tlsVersions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			call := callTLS(t, v.version, v.suites...)
			conn := only(t, mustRead(t, written(t, call.cipher), Options{KeyLog: call.keyLog}))
			for _, d := range []record.Dir{record.Sent, record.Received} {
				if got, want := content(conn.Recording, d), content(call.plain, d); !bytes.Equal(got, want) {
					t.Errorf("%v: %d bytes, want %d, or others", d, len(got), len(want))
				}
			}
			if len(conn.Problems) > 0 {
				t.Errorf("problems: %+v", conn.Problems)
			}
			facts := conn.Recording.Meta().TLS
			if facts == nil || facts.ServerName != "example.org" || facts.ALPN != "h2" || facts.Verified ||
				facts.Version != tls.VersionName(v.version) || facts.CipherSuite != tls.CipherSuiteName(call.state.CipherSuite) ||
				len(facts.Chain) != 1 || !bytes.Equal(facts.Chain[0], call.state.PeerCertificates[0].Raw) {
				t.Errorf("the facts are %+v", facts)
			}
			checkOrderOfTurns(t, conn.Recording)
		})
	}
}

// checkOrderOfTurns checks that requests and answers take turns.
func checkOrderOfTurns(t *testing.T, r *record.Recording) {
	t.Helper()
	turns := 0
	last := record.Received
	for _, c := range r.Chunks(0) {
		if c.Span.Dir != last {
			turns, last = turns+1, c.Span.Dir
		}
	}
	if turns != 40 {
		t.Errorf("%d turns, want 40", turns)
	}
}

func TestTLSWithoutKeys(t *testing.T) {
	t.Parallel()
	call, other := callTLS(t, tls.VersionTLS13), callTLS(t, tls.VersionTLS12)
	for name, c := range map[string]struct {
		keyLog []byte
		want   string
	}{
		"none":   {nil, "no keys; give --keylog FILE"},
		"others": {other.keyLog, "keys that were given are of other connections"},
		"wrong":  {bytes.ReplaceAll(call.keyLog, call.keyLog[len(call.keyLog)-20:len(call.keyLog)-1], bytes.Repeat([]byte{'0'}, 19)), ""},
	} {
		capture := mustRead(t, written(t, call.cipher), Options{KeyLog: c.keyLog})
		if c.want == "" {
			continue
		}
		if len(capture.Connections) > 0 || len(capture.Skipped) != 1 {
			t.Fatalf("%s: %d connections, skipped %q", name, len(capture.Connections), capture.Skipped)
		}
		line := capture.Skipped[0]
		for _, want := range []string{"TLS without keys: connection 127.0.0.1:", "TLS 1.3, TLS_AES_", `SNI "example.org"`, `"h2,http/1.1"`, c.want} {
			if !strings.Contains(line, want) {
				t.Errorf("%s: %q does not contain %q", name, line, want)
			}
		}
	}
}

func TestTLSCaptureThatBeginsInTheMiddle(t *testing.T) {
	t.Parallel()
	call := callTLS(t, tls.VersionTLS13)
	packets := packetsOf(t, call.cipher)
	i := 0
	for n := 0; n < 10; i++ { // past the handshake
		if packets[i].carries() > 0 {
			n++
		}
	}
	c := mustRead(t, pcapOf(packets[i:]), Options{KeyLog: call.keyLog})
	if len(c.Connections) > 0 || len(c.Skipped) != 1 || !strings.Contains(c.Skipped[0], "begins after its handshake") {
		t.Errorf("%d connections, skipped %q", len(c.Connections), c.Skipped)
	}
}

// secretsBlock is a Decryption Secrets Block with a key log.
func secretsBlock(log []byte) []byte {
	b := le.AppendUint32(nil, secretsTLS)
	b = le.AppendUint32(b, uint32(len(log)))
	b = pad4(append(b, log...))
	size := uint32(len(b) + 12)
	out := le.AppendUint32(le.AppendUint32(nil, blockSecrets), size)
	return le.AppendUint32(append(out, b...), size)
}

func TestTLSWithSecretsInTheFile(t *testing.T) {
	t.Parallel()
	call := callTLS(t, tls.VersionTLS13)
	file := written(t, call.cipher)
	at := int(le.Uint32(file[4:])) // after the section header
	conn := only(t, mustRead(t, slices.Insert(file, at, secretsBlock(call.keyLog)...), Options{}))
	if !bytes.Equal(content(conn.Recording, record.Received), content(call.plain, record.Received)) {
		t.Error("the bytes differ")
	}
}

// Each packet with application data is lost in turn: what follows is decrypted.
func TestTLSWithLostPackets(t *testing.T) {
	t.Parallel()
	for name, v := range tlsVersions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			call := callTLS(t, v.version, v.suites...)
			packets := packetsOf(t, call.cipher)
			want := content(call.plain, record.Received)
			tail := want[len(want)-5000:]
			n := 0
			for i, p := range packets {
				if p.carries() < 1000 {
					continue
				}
				if n++; n < 12 || i > len(packets)-8 {
					continue // of the handshake, or nothing follows
				}
				conn := only(t, mustRead(t, pcapOf(slices.Delete(slices.Clone(packets), i, i+1)), Options{KeyLog: call.keyLog}))
				if got := content2(conn.Recording, record.Received); !bytes.HasSuffix(got, tail) {
					t.Errorf("without packet %d the end is not decrypted: %d bytes, %+v", p.number, len(got), conn.Problems)
				}
				if len(conn.Recording.Holes(record.Sent))+len(conn.Recording.Holes(record.Received)) == 0 || len(conn.Problems) == 0 {
					t.Errorf("without packet %d the loss is not named: %+v", p.number, conn.Problems)
				}
			}
		})
	}
}

// content2 is content with nothing for the holes.
func content2(r *record.Recording, d record.Dir) []byte {
	var out []byte
	for _, c := range r.Chunks(0) {
		if c.Span.Dir == d {
			out = r.Append(out, c.Span)
		}
	}
	return out
}

func TestTLSKeyUpdate(t *testing.T) {
	t.Parallel()
	seal := func(k *tlsKey, text string) (header, body []byte) {
		plain := append([]byte(text), tlsData, 0, 0) // padded
		header = []byte{tlsData, 3, 3, 0, byte(len(plain) + 16)}
		body = k.aead.(cipher.AEAD).Seal(nil, k.nonce(), plain, header)
		k.seq++
		return header, body
	}
	newKey := func() *tlsKey {
		k, err := newKey13(tlsSuites[0x1302], bytes.Repeat([]byte{7}, 48), phaseTraffic)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	sender, h := newKey(), &tlsHalf{keys: []*tlsKey{newKey()}}
	conn := &tlsConn{facts: tlsFacts{version: tls.VersionTLS13, suite: 0x1302}}
	for i := range 10 {
		header, body := seal(sender, fmt.Sprint("text ", i))
		kind, plain, ok := conn.try(h, header, body)
		if !ok || kind != tlsData || string(plain) != fmt.Sprint("text ", i) {
			t.Fatalf("record %d gives %d, %q, %v", i, kind, plain, ok)
		}
		if i%3 == 2 {
			var err error
			if sender, err = sender.next(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// RFC 8439 §2.8.2.
func TestChaCha20Poly1305OfTheRFC(t *testing.T) {
	t.Parallel()
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	key := make([]byte, 32)
	for i := range key {
		key[i] = 0x80 + byte(i)
	}
	c, err := newChaCha(key)
	if err != nil {
		t.Fatal(err)
	}
	sealed := unhex("d31a8d34648e60db7b86afbc53ef7ec2 a4aded51296e08fea9e2b5a736ee62d6 3dbea45e8ca9671282fafb69da92728b" +
		"1a71de0a9e060b2905d6a5b67ecd3b36 92ddbd7f2d778b8c9803aee328091b58 fab324e4fad675945585808b4831d7bc" +
		"3ff4def08e4b7a9de576d26586cec64b 6116 1ae10b594f09e26a7e902ecbd0600691")
	nonce, extra := unhex("070000004041424344454647"), unhex("50515253c0c1c2c3c4c5c6c7")
	plain, err := c.Open(nil, nonce, sealed, extra)
	want := "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
	if err != nil || string(plain) != want {
		t.Errorf("it opens as %q, %v", plain, err)
	}
	for i := range sealed {
		sealed[i] ^= 1
		if _, err := c.Open(nil, nonce, sealed, extra); err == nil {
			t.Errorf("with byte %d changed it opens, too", i)
		}
		sealed[i] ^= 1
	}
}
