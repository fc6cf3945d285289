package diff

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// connection compares what the calls' connections are: protocol, addresses, TLS,
// and the settings of HTTP/2 with the values that were announced last.
func (c calls) connection() Section {
	out := &entries{}
	out.fact("protocol", protocol(c.a.Trace), protocol(c.b.Trace))
	out.fact("call", rpc(c.a.stream), rpc(c.b.stream))
	out.merge(c.a.Index.once(ends{c.a.Recording, c.b.Recording, c.b.Index}, c.compareConnections))
	return out.section(Connection, "connection")
}

// compareConnections compares what holds of the connections whatever their calls
// are.
func (c calls) compareConnections() *entries {
	out := &entries{}
	a, b := c.a.Recording.Meta(), c.b.Recording.Meta()
	if a.Address != "" && b.Address != "" { // a capture does not tell what was asked for
		out.fact("address", known(a.Address), known(b.Address))
	}
	if a.Peer != "" && b.Peer != "" {
		out.fact("peer", known(a.Peer), known(b.Peer))
	}
	compareTLS(out, a.TLS, b.TLS)
	if c.a.http1() || c.b.http1() {
		return out // only HTTP/2 has settings
	}
	for _, d := range []record.Dir{record.Sent, record.Received} {
		compareSettings(out, d, c.a.settings(d), c.b.settings(d))
	}
	return out
}

func protocol(t inspect.Trace) fact {
	switch t.Protocol {
	case inspect.HTTP2:
		return known("HTTP/2")
	case inspect.HTTP1:
		return known("HTTP/1.1")
	case inspect.BareBody:
		return known("a body without its connection")
	case inspect.Foreign:
		return known("not HTTP")
	default:
		if len(t.Frames) > 0 {
			return known("HTTP/2")
		}
		return fact{}
	}
}

func rpc(s inspect.Stream) fact {
	if s.ID == 0 {
		return fact{}
	}
	if name := s.RPC.String(); name != "" {
		return known(name)
	}
	return known("plain HTTP")
}

func compareTLS(out *entries, a, b *record.TLS) {
	if a == nil && b == nil {
		return
	}
	version := func(t *record.TLS) fact {
		if t == nil {
			return known("none: plaintext")
		}
		return known(t.Version)
	}
	out.fact("tls", version(a), version(b))
	if a == nil || b == nil {
		return
	}
	for _, f := range []struct{ name, a, b string }{
		{"tls cipher suite", a.CipherSuite, b.CipherSuite},
		{"tls alpn", a.ALPN, b.ALPN},
		{"tls server name", a.ServerName, b.ServerName},
		{"tls verified", strconv.FormatBool(a.Verified), strconv.FormatBool(b.Verified)},
	} {
		if f.a != "" || f.b != "" {
			out.fact(f.name, known(f.a), known(f.b))
		}
	}
	for i := range min(max(len(a.Chain), len(b.Chain)), maxChain) {
		compareCertificates(out, i, a.Chain, b.Chain)
	}
}

// maxChain bounds how many certificates of a chain are compared.
const maxChain = 16

// compareCertificates compares the certificates at a place of two chains. One
// that cannot be parsed has its size for a subject.
func compareCertificates(out *entries, i int, a, b [][]byte) {
	name := fmt.Sprintf("tls certificate %d", i+1)
	at := func(chain [][]byte) (der []byte, subject, rest fact) {
		if i >= len(chain) {
			return nil, fact{}, fact{}
		}
		cert, err := x509.ParseCertificate(chain[i])
		if err != nil {
			return chain[i], known(counted(len(chain[i]), "unreadable byte")), fact{}
		}
		return chain[i], known(cert.Subject.String()), known(fmt.Sprintf(
			"issued by %s, serial %x, until %s", cert.Issuer, cert.SerialNumber, cert.NotAfter.UTC().Format(time.DateOnly),
		))
	}
	derA, subjectA, restA := at(a)
	derB, subjectB, restB := at(b)
	before := out.differences()
	out.fact(name+" subject", subjectA, subjectB)
	if derA == nil || derB == nil || slices.Equal(derA, derB) {
		return
	}
	out.fact(name, restA, restB)
	if out.differences() == before {
		out.add(Entry{Kind: Changed, Name: name + " bytes", A: counted(len(derA), "byte"), B: counted(len(derB), "byte"), Note: "same subject, issuer and serial"})
	}
}

// setting is a parameter as it was announced last.
type setting struct {
	id   h2.SettingID
	fact fact
}

// settings returns what a side's SETTINGS frames announce in a direction.
// RFC 9113 §6.5.
func (c *call) settings(d record.Dir) []setting {
	var out []setting
	index := map[h2.SettingID]int{}
	for _, at := range c.Index.shared[d].settings {
		p := c.Trace.Frames[at].PayloadSpan()
		const size = 6 // RFC 9113 §6.5.1
		for i, s := range h2.ReadSettings(c.read(p, h2.DefaultMaxFrameSize)) {
			at := record.Span{Dir: d, Off: p.Off + int64(i)*size, Len: size}
			n := setting{s.ID, known(strconv.FormatUint(uint64(s.Value), 10), at)}
			if k, ok := index[s.ID]; ok {
				out[k] = n
				continue
			}
			index[s.ID] = len(out)
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b setting) int { return int(a.id) - int(b.id) })
	return out
}

func compareSettings(out *entries, d record.Dir, a, b []setting) {
	for len(a) > 0 || len(b) > 0 {
		var fa, fb fact
		id := h2.SettingID(0)
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].id < b[0].id:
			id, fa, a = a[0].id, a[0].fact, a[1:]
		case len(a) == 0 || b[0].id < a[0].id:
			id, fb, b = b[0].id, b[0].fact, b[1:]
		default:
			id, fa, fb, a, b = a[0].id, a[0].fact, b[0].fact, a[1:], b[1:]
		}
		out.fact(fmt.Sprintf("%s %s", d, id), fa, fb)
	}
}

// timing puts the times of the calls side by side.
func (c calls) timing() Section {
	out := &entries{}
	a, b := c.a.Recording.Meta().Dial, c.b.Recording.Meta().Dial
	out.duration("deadline", c.a.deadline(), c.b.deadline())
	out.duration("dns", a.DNS, b.DNS)
	out.duration("connect", a.Connect, b.Connect)
	out.duration("tls", a.TLS, b.TLS)
	out.duration("first byte", c.a.firstByte(), c.b.firstByte())
	out.duration("total", c.a.total(), c.b.total())
	return out.section(Timing, "timing")
}

// duration lists how long something took on each side; 0 is not known.
func (e *entries) duration(name string, a, b time.Duration) {
	word := func(d time.Duration) fact {
		if d <= 0 {
			return fact{}
		}
		return known(millis(d) + " ms")
	}
	e.fact(name, word(a), word(b))
	if n := len(e.list) - 1; a > 0 && b > 0 && e.list[n].Kind == Changed {
		sign := ""
		if b > a {
			sign = "+"
		}
		e.list[n].Note = sign + millis(b-a) + " ms"
	}
}

func millis(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 2, 64)
}

// deadline returns the time that the client gave the call. gRPC-HTTP2, "Timeout".
func (c *call) deadline() time.Duration {
	for _, f := range c.fields(requestHeaders) {
		if f.key == "grpc-timeout" {
			d, _ := envelope.ParseTimeout(f.value)
			return d
		}
	}
	return 0
}

// firstByte returns the time from the request's first header to the response's.
func (c *call) firstByte() time.Duration {
	for _, i := range c.headers {
		if b := &c.Trace.Headers[i]; b.Dir == record.Received {
			return b.At - c.stream.Opened
		}
	}
	return 0
}

func (c *call) total() time.Duration { return c.stream.Ended - c.stream.Opened }
