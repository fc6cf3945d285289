package detailpane

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
)

func millis(d time.Duration) string { return render.Millis(d) + " ms" }

// timingLines tells how long each step took, and how much went each way.
func (p *Pane) timingLines() []line {
	m := p.rec.Meta()
	out := []line{
		heading("connection to " + m.Address),
		fact("peer", m.Peer),
		fact("DNS", step(m.Dial.DNS)),
		fact("connect", step(m.Dial.Connect)),
		fact("TLS handshake", step(m.Dial.TLS)),
		fact("sent", Size(p.rec.Size(record.Sent))),
		fact("received", Size(p.rec.Size(record.Received))),
		p.partsLine(),
		fact("closed", p.closed()),
	}
	if s, ok := p.stream(); ok {
		out = append(out, p.streamLines(s)...)
	}
	return out
}

// partsLine counts what the wire is made of.
func (p *Pane) partsLine() line {
	if p.trace.Protocol == inspect.HTTP1 {
		return fact("parts", fmt.Sprintf("%d of HTTP/1.1, %d frames", len(p.trace.Parts), len(p.trace.Frames)))
	}
	return fact("frames", fmt.Sprint(len(p.trace.Frames)))
}

func step(d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return millis(d)
}

func (p *Pane) closed() string {
	err, ok := p.rec.Closed()
	switch {
	case !ok:
		return "no, it is open"
	case err == nil:
		return "by us"
	case errors.Is(err, io.EOF):
		return "by the peer"
	}
	return err.Error()
}

func (p *Pane) streamLines(s inspect.Stream) []line {
	out := []line{
		heading(fmt.Sprintf("stream %d · %s %s", s.ID, s.Method, s.Path)),
		fact("opened", "at "+millis(s.Opened)),
	}
	for _, i := range blocksOf(p.trace, s.ID) {
		if b := p.trace.Headers[i]; b.Kind == inspect.ResponseHeaders {
			out = append(out, fact("response headers", "at "+millis(b.At)+", "+millis(b.At-s.Opened)+" after the request"))
			break
		}
	}
	if s.Ended > 0 {
		out = append(out, fact("ended", "at "+millis(s.Ended)+", "+millis(s.Ended-s.Opened)+" after the request"))
	}
	if s.Timed {
		out = append(out, p.deadlineLine(s))
	}
	return append(out,
		fact("messages sent", fmt.Sprintf("%d in %s of DATA", s.Messages[record.Sent], Size(s.Bytes[record.Sent]))),
		fact("messages received", fmt.Sprintf("%d in %s of DATA", s.Messages[record.Received], Size(s.Bytes[record.Received]))),
		fact("compression", encoding(s.Encoding[record.Sent])+" sent, "+encoding(s.Encoding[record.Received])+" received"),
	)
}

// deadlineLine compares the time that the client gave the call with what passed.
func (p *Pane) deadlineLine(s inspect.Stream) line {
	now := s.Opened
	if n := len(p.trace.Frames); n > 0 {
		now = p.trace.Frames[n-1].At
	}
	d, _ := s.Deadline(now)
	l := fact("deadline", millis(d.Timeout)+" from the request, "+millis(d.Margin)+" were left")
	if d.Margin < 0 {
		l = fact("deadline", millis(d.Timeout)+" from the request, over by "+millis(-d.Margin))
		l.warn = true
	}
	return l
}

func encoding(s string) string {
	if s == "" {
		return "identity"
	}
	return s
}

// tlsLines tells what the handshake settled and who the peer is.
func (p *Pane) tlsLines() []line {
	t := p.rec.Meta().TLS
	if t == nil {
		return []line{{name: "plaintext", value: "this connection is not encrypted"}}
	}
	verified := fact("verified", "yes")
	if !t.Verified {
		verified = fact("verified", "no: verification was turned off")
		verified.bad = true
	}
	out := []line{
		heading("handshake"),
		fact("version", t.Version), fact("cipher suite", t.CipherSuite),
		fact("server name", t.ServerName), fact("ALPN", t.ALPN), verified,
	}
	for i, der := range t.Chain {
		out = append(out, certificateLines(i, der)...)
	}
	return out
}

func certificateLines(i int, der []byte) []line {
	out := []line{heading(fmt.Sprintf("certificate %d of the chain", i+1))}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		l := fact("damaged", err.Error())
		l.bad = true
		return append(out, l)
	}
	out = append(out,
		fact("subject", c.Subject.String()), fact("issuer", c.Issuer.String()),
		fact("valid from", c.NotBefore.UTC().Format(time.RFC3339)), fact("valid until", c.NotAfter.UTC().Format(time.RFC3339)),
		fact("key", c.PublicKeyAlgorithm.String()), fact("signature", c.SignatureAlgorithm.String()),
	)
	for _, n := range c.DNSNames {
		out = append(out, fact("name", n))
	}
	for _, a := range c.IPAddresses {
		out = append(out, fact("address", a.String()))
	}
	return out
}

func offset(n int64) string { return fmt.Sprintf("%8d", n) }

// byteRange writes a range as first-last.
func byteRange(off, n int64) string {
	if n <= 1 {
		return fmt.Sprint(off)
	}
	return fmt.Sprintf("%d-%d", off, off+n-1)
}
