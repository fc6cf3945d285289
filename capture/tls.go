package capture

import (
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/wiregloss/wiregloss/record"
)

// maxTLSRecord is the longest record body: RFC 8446 §5.2, RFC 5246 §6.2.3.
const maxTLSRecord = 1<<14 + 2048

// Content types. RFC 8446 §5.1.
const (
	tlsChangeCipher = 20
	tlsAlert        = 21
	tlsHandshake    = 22
	tlsData         = 23
)

const keyLogAdvice = "give --keylog FILE, the file that SSLKEYLOGFILE named when the connection was made"

// decryptConnection returns the plaintext of a TLS connection, or why there is
// none and what to do.
func decryptConnection(c *Connection, keys *keyLog) (*Connection, string) {
	t := &tlsConn{cipher: c, keys: keys}
	t.half[record.Sent].dir, t.half[record.Received].dir = record.Sent, record.Received
	for _, p := range c.Problems {
		d := p.Span.Dir
		t.half[d].problems = append(t.half[d].problems, p)
	}
	for _, chunk := range c.Recording.Chunks(0) {
		t.chunk(chunk)
	}
	if t.plain == nil {
		return nil, t.why()
	}
	for d := range t.half {
		t.place(&t.half[d], c.Recording.Size(record.Dir(d))+1)
	}
	if err, ok := c.Recording.Closed(); ok {
		t.plain.Close(err)
	}
	notes := append([]string{fmt.Sprintf("decrypted from TLS (%v): offsets count in the plaintext", &t.facts)}, c.Notes...)
	return &Connection{Recording: t.plain, Name: c.Name, Notes: notes, Problems: t.problems}, ""
}

// tlsConn decrypts a connection.
type tlsConn struct {
	cipher    *Connection
	keys      *keyLog
	facts     tlsFacts
	secrets   map[string][]byte // nil before they are looked up, and without any
	trouble   error             // why keys cannot be used
	keyed     bool              // keys were looked up
	half      [2]tlsHalf
	plain     *record.Recording // nil before the first byte of data
	problems  []Problem
	handshake time.Duration // of the last handshake record
	failed    int           // records that no key opens
}

// tlsHalf is one direction.
type tlsHalf struct {
	dir       record.Dir
	buf       []byte // of a record that is not complete
	off       int64  // of buf in the ciphertext
	holed     bool   // buf has bytes that are not known
	lost      int64  // ciphertext bytes since it is not known where a record begins; 0 if it is
	dead      bool   // these are no records
	keys      []*tlsKey
	sealed    bool   // records are encrypted from now on
	handshake []byte // messages that are not complete
	problems  []Problem
}

// why says why there is no plaintext.
func (t *tlsConn) why() string {
	about := fmt.Sprintf("(%v): ", &t.facts)
	switch {
	case !t.facts.hasClient:
		return about + "the capture begins after its handshake, so it cannot be told which keys it uses"
	case t.trouble != nil:
		return about + t.trouble.Error()
	case !t.facts.hasServer:
		return about + "the server did not answer the hello"
	case t.secrets == nil && len(t.keys.secrets) > 0:
		return about + "the keys that were given are of other connections; " + keyLogAdvice
	case t.secrets == nil:
		return about + "no keys; " + keyLogAdvice
	case t.failed > 0:
		return about + "none of its records opens with the keys that were given"
	}
	return about + "it carried no data"
}

// chunk takes a chunk of ciphertext.
func (t *tlsConn) chunk(c record.Chunk) {
	h := &t.half[c.Span.Dir]
	if h.dead {
		return
	}
	if b := t.cipher.Recording.Append(nil, c.Span); int64(len(b)) == c.Span.Len {
		h.buf = append(h.buf, b...)
	} else {
		t.hole(h, c)
	}
	t.records(h, c.At)
}

// hole takes ciphertext that is not known.
func (t *tlsConn) hole(h *tlsHalf, c record.Chunk) {
	n := c.Span.Len
	if h.lost == 0 && len(h.buf) >= 5 {
		need := int64(5 + int(h.buf[3])<<8 + int(h.buf[4]) - len(h.buf))
		if n <= need {
			h.buf, h.holed = append(h.buf, make([]byte, n)...), true
			return
		}
	}
	// It is not known where the next record begins.
	h.lost += int64(len(h.buf)) + n
	h.off += int64(len(h.buf)) + n
	h.buf, h.holed = h.buf[:0], false
}

// records takes the complete records in the buffer.
func (t *tlsConn) records(h *tlsHalf, at time.Duration) {
	if h.lost > 0 && !t.resume(h, at) {
		return
	}
	b := h.buf
	for len(b) >= 5 && !h.dead {
		size := int(b[3])<<8 | int(b[4])
		if b[0] < tlsChangeCipher || b[0] > tlsData+1 || b[1] != 3 || size > maxTLSRecord {
			h.dead = true
			t.problem(h, at, fmt.Sprintf("byte %d of the ciphertext does not begin a TLS record: what follows is not read", h.off))
			break
		}
		if len(b) < 5+size {
			break
		}
		t.place(h, h.off+5+int64(size))
		t.record(h, at, b[:5], b[5:5+size])
		b = b[5+size:]
		h.off += 5 + int64(size)
		h.holed = false
	}
	h.buf = append(h.buf[:0], b...)
}

// place gives the problems of the ciphertext before off their place in the
// plaintext.
func (t *tlsConn) place(h *tlsHalf, off int64) {
	for len(h.problems) > 0 && h.problems[0].Span.Off < off {
		p := h.problems[0]
		h.problems = h.problems[1:]
		p.Span = record.Span{Dir: h.dir, Off: t.size(h.dir)}
		t.problems = append(t.problems, p)
	}
}

func (t *tlsConn) size(d record.Dir) int64 {
	if t.plain == nil {
		return 0
	}
	return t.plain.Size(d)
}

func (t *tlsConn) problem(h *tlsHalf, at time.Duration, text string) {
	if len(t.problems) < maxProblems {
		t.problems = append(t.problems, Problem{At: at, Span: record.Span{Dir: h.dir, Off: t.size(h.dir)}, Text: text})
	}
}

// record takes one record. RFC 8446 §5, RFC 5246 §6.2.
func (t *tlsConn) record(h *tlsHalf, at time.Duration, header, body []byte) {
	kind := header[0]
	switch {
	case t.facts.version == tls.VersionTLS13:
		if kind == tlsData {
			t.open(h, at, header, body)
			return
		}
	case kind == tlsChangeCipher:
		h.sealed = true
		return
	case h.sealed:
		t.open(h, at, header, body)
		return
	case kind == tlsData:
		t.early(h, at)
		return
	}
	t.content(h, at, kind, body)
}

// early takes data before the handshake allows any. RFC 8446 §2.3.
func (t *tlsConn) early(h *tlsHalf, at time.Duration) {
	t.failed++
	if !t.facts.hasServer && h.dir == record.Sent {
		t.problem(h, at, "early data (0-RTT) was sent, which is not decrypted")
	}
}

// content takes what a record carries.
func (t *tlsConn) content(h *tlsHalf, at time.Duration, kind byte, b []byte) {
	switch kind {
	case tlsHandshake:
		if t.plain == nil {
			t.handshake = at
		}
		if len(h.handshake)+len(b) <= maxTLSHandshake {
			h.handshake = append(h.handshake, b...)
			h.handshake = h.handshake[t.facts.messages(h.handshake):]
		}
	case tlsAlert:
		if len(b) == 2 && b[1] != 0 { // close_notify is how it should end
			t.problem(h, at, fmt.Sprintf("a TLS alert was %v: %v", h.dir, tls.AlertError(b[1])))
		}
	case tlsData:
		t.begin()
		t.plain.Add(h.dir, at, b)
	}
}

// begin begins the plaintext's recording, when the handshake has told all it
// will.
func (t *tlsConn) begin() {
	if t.plain != nil {
		return
	}
	m := t.cipher.Recording.Meta()
	m.TLS = &record.TLS{
		Version: tls.VersionName(t.facts.version), CipherSuite: tls.CipherSuiteName(t.facts.suite),
		ServerName: t.facts.name, ALPN: t.facts.alpn, Chain: t.facts.chain,
	}
	m.Dial.TLS = max(t.handshake-m.Dial.Connect, 0)
	t.plain = record.New(m)
}

// lookUp finds the keys of the connection once its hellos are known.
func (t *tlsConn) lookUp() {
	if t.keyed || !t.facts.hasClient || !t.facts.hasServer {
		return
	}
	t.keyed = true
	t.secrets = t.keys.secrets[t.facts.client]
	suite, ok := tlsSuites[t.facts.suite]
	switch {
	case t.facts.version < tls.VersionTLS12:
		t.trouble = errors.New("this version is not decrypted: only TLS 1.2 and 1.3 are")
	case !ok:
		t.trouble = errors.New("this cipher suite is not decrypted: only those with GCM or ChaCha20-Poly1305 are")
	case t.secrets == nil:
	case t.facts.version == tls.VersionTLS12:
		var keys [2]*tlsKey
		keys, t.trouble = newKeys12(suite, t.secrets[labelMaster], t.facts.client[:], t.facts.server[:])
		if t.trouble == nil {
			t.half[0].keys, t.half[1].keys = keys[:1], keys[1:]
		}
	default:
		for d := range t.half {
			t.addKey(&t.half[d], suite, labelsHandshake[d], phaseHandshake)
			t.addKey(&t.half[d], suite, labelsTraffic[d], phaseTraffic)
		}
	}
}

func (t *tlsConn) addKey(h *tlsHalf, suite tlsSuite, label string, phase tlsPhase) {
	secret, ok := t.secrets[label]
	if !ok {
		return
	}
	k, err := newKey13(suite, secret, phase)
	if err != nil {
		t.trouble = err
		return
	}
	h.keys = append(h.keys, k)
}

// open decrypts a record with the key at hand or the one that comes after it:
// which record is the first of the next key is known by trying.
func (t *tlsConn) open(h *tlsHalf, at time.Duration, header, body []byte) {
	t.lookUp()
	if h.holed {
		t.missing(h, at, body)
		return
	}
	kind, plain, ok := t.try(h, header, body)
	if !ok {
		t.failed++
		if t.plain != nil && len(h.keys) > 0 && h.keys[0].phase == phaseTraffic {
			t.problem(h, at, fmt.Sprintf("the TLS record at byte %d of the ciphertext does not open: its content is left out", h.off))
			t.gap(h, at, int64(len(body)))
		}
		return
	}
	t.content(h, at, kind, plain)
}

// try opens a record with a key of the direction.
func (t *tlsConn) try(h *tlsHalf, header, body []byte) (kind byte, plain []byte, ok bool) {
	var err error
	if t.facts.version != tls.VersionTLS13 {
		if len(h.keys) == 0 {
			return 0, nil, false
		}
		plain, err = h.keys[0].open12(header, body)
		return header[0], plain, err == nil
	}
	for i, k := range h.keys {
		if kind, plain, err = k.open13(header, body); err == nil {
			h.keys = h.keys[i:]
			return kind, plain, true
		}
	}
	if len(h.keys) == 0 || h.keys[0].phase != phaseTraffic || h.keys[0].seq == 0 {
		return 0, nil, false
	}
	next, err := h.keys[0].next()
	if err != nil {
		return 0, nil, false
	}
	if kind, plain, err = next.open13(header, body); err != nil {
		return 0, nil, false
	}
	h.keys[0] = next
	return kind, plain, true
}

// missing takes a record of which bytes are not known.
func (t *tlsConn) missing(h *tlsHalf, at time.Duration, body []byte) {
	if len(h.keys) == 0 {
		return
	}
	h.keys[0].seq++
	if h.keys[0].phase == phaseTraffic && t.plain != nil {
		t.gap(h, at, int64(len(body)))
	}
}

// gap records the plaintext of a record that is not known, as long as it would
// be without padding.
func (t *tlsConn) gap(h *tlsHalf, at time.Duration, body int64) {
	t.plain.Skip(h.dir, at, max(body-t.overhead(), 1))
}

// overhead is what encryption adds to a record's body.
func (t *tlsConn) overhead() int64 {
	switch {
	case t.facts.version == tls.VersionTLS13:
		return 16 + 1
	case tlsSuites[t.facts.suite].chacha:
		return 16
	}
	return 16 + 8
}

// Limits of the search for a record after a gap.
const (
	maxResumeWait = 64 << 10 // bytes in which a record must begin
	maxResumeSeq  = 64       // records that a gap may hold
)

// resume looks for a record after a gap that swallowed the beginning of one. It
// is one that a key opens with a sequence number that is not far.
func (t *tlsConn) resume(h *tlsHalf, at time.Duration) bool {
	if t.plain == nil || len(h.keys) == 0 || h.keys[0].phase != phaseTraffic {
		h.dead = true
		t.problem(h, at, "bytes of the TLS handshake are missing: what follows is not read")
		return false
	}
	k := h.keys[0]
	for i := 0; i+5 <= len(h.buf); i++ {
		b := h.buf[i:]
		size := int(b[3])<<8 | int(b[4])
		if b[0] != tlsData || b[1] != 3 || b[2] != 3 || size > maxTLSRecord || size < 17 {
			continue
		}
		if len(b) < 5+size {
			return false // it may be one: wait for the rest
		}
		seq := k.seq
		for range maxResumeSeq {
			if _, _, ok := t.peek(k, b[:5], b[5:5+size]); ok {
				lost := h.lost + int64(i)
				t.problem(h, at, fmt.Sprintf("%d bytes of ciphertext are missing, which were about %d TLS records: as many bytes are left out", lost, k.seq-seq))
				t.plain.Skip(h.dir, at, max(lost-int64(k.seq-seq)*(5+t.overhead()), 1))
				h.off += int64(i)
				h.buf, h.lost = append(h.buf[:0], b...), 0
				return true
			}
			k.seq++
		}
		k.seq = seq
	}
	if len(h.buf) > maxResumeWait {
		h.dead = true
		t.problem(h, at, "no TLS record is found after missing bytes: what follows is not read")
	}
	return false
}

// peek tries to open a record and leaves the key as it is.
func (t *tlsConn) peek(k *tlsKey, header, body []byte) (kind byte, plain []byte, ok bool) {
	seq := k.seq
	defer func() { k.seq = seq }()
	var err error
	if t.facts.version == tls.VersionTLS13 {
		kind, plain, err = k.open13(header, body)
	} else {
		plain, err = k.open12(header, body)
	}
	return kind, plain, err == nil
}
