package capture

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
)

// labelMaster is the label of a master secret of TLS 1.2 in a key log.
// draft-ietf-tls-keylogfile §2.
const labelMaster = "CLIENT_RANDOM"

// The labels of TLS 1.3 by the direction whose records they open.
var (
	labelsHandshake = [2]string{"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET"}
	labelsTraffic   = [2]string{"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"}
)

// keyLog holds secrets by the random of the ClientHello that led to them.
type keyLog struct {
	secrets map[[32]byte]map[string][]byte
}

// newKeyLog reads the lines of key logs. Lines that are none are passed over, as
// other programs do.
func newKeyLog(logs ...[]byte) *keyLog {
	k := &keyLog{secrets: map[[32]byte]map[string][]byte{}}
	for _, log := range logs {
		for line := range bytes.Lines(log) {
			k.line(line)
		}
	}
	return k
}

func (k *keyLog) line(line []byte) {
	words := bytes.Fields(line)
	if len(words) != 3 || words[0][0] == '#' || len(words[1]) != 64 || len(words[2]) > 128 {
		return
	}
	var random [32]byte
	if _, err := hex.Decode(random[:], words[1]); err != nil {
		return
	}
	secret, err := hex.DecodeString(string(words[2]))
	if err != nil {
		return
	}
	if k.secrets[random] == nil {
		k.secrets[random] = map[string][]byte{}
	}
	k.secrets[random][string(words[0])] = secret
}

// tlsSuite is what opening the records of a cipher suite takes.
type tlsSuite struct {
	hash   func() hash.Hash
	key    int // bytes
	chacha bool
}

// tlsSuites are those with authenticated encryption. RFC 8446 §B.4, RFC 5288,
// RFC 5289, RFC 7905.
var tlsSuites = map[uint16]tlsSuite{
	0x1301: {sha256.New, 16, false},
	0x1302: {sha512.New384, 32, false},
	0x1303: {sha256.New, 32, true},
	0x009c: {sha256.New, 16, false},
	0x009d: {sha512.New384, 32, false},
	0x009e: {sha256.New, 16, false},
	0x009f: {sha512.New384, 32, false},
	0xc02b: {sha256.New, 16, false},
	0xc02c: {sha512.New384, 32, false},
	0xc02f: {sha256.New, 16, false},
	0xc030: {sha512.New384, 32, false},
	0xcca8: {sha256.New, 32, true},
	0xcca9: {sha256.New, 32, true},
	0xccaa: {sha256.New, 32, true},
}

// opener is the half of cipher.AEAD that is needed.
type opener interface {
	Open(dst, nonce, text, extra []byte) ([]byte, error)
	Overhead() int
}

func (s tlsSuite) aead(key []byte) (opener, error) {
	if s.chacha {
		return newChaCha(key)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// tlsKey opens the records of one direction in one phase.
type tlsKey struct {
	suite  tlsSuite
	secret []byte // TLS 1.3: what the next generation is made from
	aead   opener
	iv     []byte
	seq    uint64
	phase  tlsPhase
}

// tlsPhase is what records of a key carry.
type tlsPhase uint8

const (
	phaseEarly tlsPhase = iota
	phaseHandshake
	phaseTraffic
)

// newKey13 derives a key of TLS 1.3 from its secret. RFC 8446 §7.3.
func newKey13(s tlsSuite, secret []byte, phase tlsPhase) (*tlsKey, error) {
	if len(secret) != s.hash().Size() {
		return nil, fmt.Errorf("a secret of %d bytes does not fit the cipher suite", len(secret))
	}
	key, err := expandLabel(s.hash, secret, "key", s.key)
	if err != nil {
		return nil, err
	}
	iv, err := expandLabel(s.hash, secret, "iv", 12)
	if err != nil {
		return nil, err
	}
	aead, err := s.aead(key)
	return &tlsKey{suite: s, secret: secret, aead: aead, iv: iv, phase: phase}, err
}

// expandLabel is HKDF-Expand-Label without context. RFC 8446 §7.1.
func expandLabel(h func() hash.Hash, secret []byte, label string, n int) ([]byte, error) {
	info := []byte{byte(n >> 8), byte(n), byte(len("tls13 ") + len(label))}
	info = append(append(info, "tls13 "+label...), 0)
	return hkdf.Expand(h, secret, string(info), n)
}

// next is the key after a KeyUpdate. RFC 8446 §7.2.
func (k *tlsKey) next() (*tlsKey, error) {
	secret, err := expandLabel(k.suite.hash, k.secret, "traffic upd", len(k.secret))
	if err != nil {
		return nil, err
	}
	return newKey13(k.suite, secret, k.phase)
}

// newKeys12 derives both keys of TLS 1.2. RFC 5246 §6.3.
func newKeys12(s tlsSuite, master, client, server []byte) (keys [2]*tlsKey, err error) {
	iv := 4
	if s.chacha {
		iv = 12
	}
	seed := append(append([]byte("key expansion"), server...), client...)
	block := prf12(s.hash, master, seed, 2*s.key+2*iv)
	for i := range keys {
		k := &tlsKey{suite: s, phase: phaseTraffic, iv: block[2*s.key+i*iv:][:iv]}
		if k.aead, err = s.aead(block[i*s.key:][:s.key]); err != nil {
			return keys, err
		}
		keys[i] = k
	}
	return keys, nil
}

// prf12 is P_hash. RFC 5246 §5.
func prf12(h func() hash.Hash, secret, seed []byte, n int) []byte {
	var out []byte
	sum := func(parts ...[]byte) []byte {
		m := hmac.New(h, secret)
		for _, p := range parts {
			m.Write(p)
		}
		return m.Sum(nil)
	}
	for a := sum(seed); len(out) < n; a = sum(a) {
		out = append(out, sum(a, seed)...)
	}
	return out[:n]
}

var errShort = errors.New("the record is too short")

// open13 opens a record of TLS 1.3 and returns the type that it hides. RFC 8446
// §5.2.
func (k *tlsKey) open13(header, body []byte) (kind byte, plain []byte, err error) {
	plain, err = k.aead.Open(nil, k.nonce(), body, header)
	if err != nil {
		return 0, nil, err
	}
	k.seq++
	plain = bytes.TrimRight(plain, "\x00")
	if len(plain) == 0 {
		return 0, nil, nil // padding alone; RFC 8446 §5.4 forbids it
	}
	return plain[len(plain)-1], plain[:len(plain)-1], nil
}

// nonce is the IV with the sequence number. RFC 8446 §5.3.
func (k *tlsKey) nonce() []byte {
	nonce := make([]byte, 12)
	copy(nonce, k.iv)
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^k.seq)
	return nonce
}

// open12 opens a record of TLS 1.2. RFC 5288 §3, RFC 7905 §2.
func (k *tlsKey) open12(header, body []byte) ([]byte, error) {
	nonce, text := k.nonce(), body
	if !k.suite.chacha {
		if len(body) < 8 {
			return nil, errShort
		}
		nonce, text = append(bytes.Clone(k.iv), body[:8]...), body[8:]
	}
	if len(text) < k.aead.Overhead() {
		return nil, errShort
	}
	extra := binary.BigEndian.AppendUint64(nil, k.seq)
	extra = append(extra, header[:3]...)
	extra = binary.BigEndian.AppendUint16(extra, uint16(len(text)-k.aead.Overhead()))
	plain, err := k.aead.Open(nil, nonce, text, extra)
	if err == nil {
		k.seq++
	}
	return plain, err
}
