package call

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/wiregloss/wiregloss/record"
)

// This file turns what went wrong into words: what happened, and what to do. The
// first bytes of a server tell more than any error text of a library does.

func (d *dialer) fail(s Step, err error, hint, format string, args ...any) *DialError {
	return &DialError{Step: s, Address: d.target.Address, Text: fmt.Sprintf(format, args...), Hint: hint, Err: err}
}

// ranOut names the step in which the time ran out or the user gave up; nil if neither.
func (d *dialer) ranOut(ctx context.Context, s Step, err error, waited string) *DialError {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return d.fail(s, context.Canceled, "", "dialing %s was cancelled", d.target.Address)
	case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		e := d.fail(s, context.DeadlineExceeded, "is the address right, and does no firewall stand between?", "%s %s in time", d.target.Address, waited)
		e.Timeout = true
		return e
	}
	return nil
}

// connectError words a failure before any byte was exchanged.
func (d *dialer) connectError(ctx context.Context, err error) error {
	host, _, _ := net.SplitHostPort(d.target.Address)
	var dns *net.DNSError
	if errors.As(err, &dns) && ctx.Err() == nil {
		if dns.IsNotFound {
			return d.fail(DNS, err, "check the spelling", "the host %q is not known", host)
		}
		e := d.fail(DNS, err, "is this machine online?", "the look-up of host %q failed: %s", host, dns.Err)
		e.Timeout = dns.IsTimeout
		return e
	}
	if e := d.ranOut(ctx, Connect, err, "did not answer"); e != nil {
		if errors.As(err, &dns) {
			e.Step = DNS
		}
		return e
	}
	switch {
	case d.target.Network == "unix" && errors.Is(err, os.ErrNotExist):
		return d.fail(Connect, err, "is the server running?", "there is no socket %s", d.target.Address)
	case errors.Is(err, os.ErrPermission):
		return d.fail(Connect, err, "", "no permission to connect to %s", d.target.Address)
	case refused(err):
		return d.fail(Connect, err, "is the server running?", "nothing listens on %s", d.target.Address)
	}
	return d.fail(Connect, err, "", "connect to %s: %s", d.target.Address, cause(err))
}

// refused knows Windows by its words: its error number is not among those of syscall.
func refused(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || strings.Contains(err.Error(), "refused")
}

// cause is the innermost text: "network is unreachable" of "dial tcp 10.0.0.1:1: connect: network is unreachable".
func cause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

const (
	usePlaintext = "add --plaintext or use grpc://"
	useTLS       = "add --tls or use grpcs://"
)

// handshakeError words a TLS handshake that failed.
func (d *dialer) handshakeError(ctx context.Context, err error) error {
	a := d.target.Address
	var notTLS tls.RecordHeaderError
	if errors.As(err, &notTLS) {
		what := "the server speaks plaintext"
		if strings.HasPrefix(string(notTLS.RecordHeader[:]), "HTTP/") {
			what = "the server speaks plaintext HTTP/1.1"
		}
		return d.fail(TLS, err, usePlaintext, "%s does not speak TLS: %s", a, what)
	}
	if e := d.ranOut(ctx, TLS, err, "did not finish the TLS handshake"); e != nil {
		return e
	}
	if e := d.certificateError(err); e != nil {
		return e
	}
	if e := d.alert(err); e != nil {
		return e
	}
	if closedByPeer(err) {
		if d.probePlaintext(ctx) {
			return d.fail(TLS, err, usePlaintext, "%s does not speak TLS: the server speaks plaintext", a)
		}
		return d.fail(TLS, err, "if it is a plaintext server, "+usePlaintext, "%s closed the connection during the TLS handshake", a)
	}
	return d.fail(TLS, err, "", "the TLS handshake with %s failed: %s", a, cause(err))
}

func closedByPeer(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || strings.Contains(err.Error(), "forcibly closed")
}

// certificateError words a certificate that was refused here; nil if none was.
func (d *dialer) certificateError(err error) *DialError {
	var verify *tls.CertificateVerificationError
	if !errors.As(err, &verify) {
		return nil
	}
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	a := d.target.Address
	switch {
	case errors.As(err, &name):
		return d.fail(TLS, err, "give the name it is for with --authority, or --insecure to skip the check",
			"the certificate of %s is not for %q but for %s", a, serverName(d.target), names(name.Certificate))
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return d.fail(TLS, err, "renew it and check this machine's clock, or --insecure to skip the check",
			"the certificate of %s is valid from %s to %s, and now is not between", a, day(invalid.Cert.NotBefore), day(invalid.Cert.NotAfter))
	case errors.As(err, &unknown):
		return d.fail(TLS, err, "give that authority's certificate with --cacert FILE, or --insecure to skip the check",
			"the certificate of %s is signed by an unknown authority", a)
	}
	return d.fail(TLS, err, "give the right authority with --cacert FILE, or --insecure to skip the check",
		"the certificate of %s is not accepted: %q", a, verify.Err.Error())
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 MST") }

// names lists what a certificate is for, quoted because a stranger wrote it.
func names(c *x509.Certificate) string {
	const shown = 4
	var all []string
	for _, n := range c.DNSNames {
		all = append(all, fmt.Sprintf("%q", n))
	}
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	switch {
	case len(all) == 0:
		return "no name at all"
	case len(all) > shown:
		return fmt.Sprintf("%s and %d more", strings.Join(all[:shown], ", "), len(all)-shown)
	}
	return strings.Join(all, ", ")
}

// alert words a TLS alert that the server sent; nil if it sent none.
func (d *dialer) alert(err error) *DialError {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return nil
	}
	text := strings.TrimPrefix(op.Err.Error(), "tls: ")
	a := d.target.Address
	switch {
	case strings.Contains(text, "application protocol"):
		return d.noHTTP2()
	case strings.Contains(text, "certificate required"), text == "bad certificate" && d.target.TLS.Cert == "":
		return d.fail(TLS, err, "give one with --cert FILE --key FILE", "%s asks for a client certificate", a)
	case strings.Contains(text, "certificate"), strings.Contains(text, "unknown authority"):
		return d.fail(TLS, err, "is --cert signed by the authority that the server trusts?", "%s refused the client certificate: %s", a, text)
	case strings.Contains(text, "protocol version"):
		return d.fail(TLS, err, "", "%s speaks neither TLS 1.2 nor TLS 1.3", a)
	case strings.Contains(text, "unrecognized name"):
		return d.fail(TLS, err, "give the name it is for with --authority", "%s does not serve the name %q", a, serverName(d.target))
	}
	return d.fail(TLS, err, "", "%s ended the TLS handshake with an alert: %s", a, text)
}

func (d *dialer) noHTTP2() *DialError {
	return d.fail(Protocol, nil, "gRPC needs HTTP/2: is this the port of a gRPC server?",
		"%s did not choose HTTP/2 in the TLS handshake (ALPN h2, RFC 9113 §3.2)", d.target.Address)
}

// diagnose says why a connection that was made never became an HTTP/2 one.
func (d *dialer) diagnose(ctx context.Context, c *conn) error {
	a := d.target.Address
	first := c.rec.Append(nil, record.Span{Dir: record.Received, Len: min(c.rec.Size(record.Received), 512)})
	err := c.readError()
	if len(first) == 0 && ctx.Err() == nil && !errors.Is(err, io.EOF) && d.alert(err) == nil {
		// A server that hangs up on our preface may reset the connection, and what
		// it said before is lost with it.
		if said, heard := d.probeWords(ctx); len(said) > 0 || heard != nil {
			first, err = said, heard
		}
	}
	switch {
	case len(first) > 1 && first[0] == 0x15 && first[1] == 3: // a TLS alert record
		return d.fail(TLS, err, useTLS, "%s speaks TLS, and plaintext was sent", a)
	case strings.HasPrefix(string(first), "HTTP/"):
		return d.answeredHTTP1(first, err)
	case isSettings(first):
		return d.fail(Protocol, err, "", "%s ended the HTTP/2 connection before a call could be made%s", a, because(err))
	case len(first) > 0:
		return d.fail(Protocol, err, "is this the port of a gRPC server?", "%s does not speak HTTP/2: it began with %q", a, first[:min(len(first), 24)])
	}
	if e := d.alert(err); e != nil {
		return e
	}
	if err == nil || ctx.Err() != nil {
		if e := d.ranOut(ctx, Protocol, err, "accepted the connection but sent no HTTP/2 SETTINGS"); e != nil {
			e.Hint = "is this the port of a gRPC server?"
			return e
		}
	}
	if !d.target.TLS.On && d.probeTLS(ctx) {
		return d.fail(TLS, err, useTLS, "%s speaks TLS, and plaintext was sent", a)
	}
	return d.fail(Protocol, err, "is this the port of a gRPC server?", "%s closed the connection without sending anything", a)
}

func because(err error) string {
	if err == nil || errors.Is(err, io.EOF) {
		return ""
	}
	return ": " + cause(err)
}

// answeredHTTP1 quotes the status line. Some TLS servers answer plaintext so.
func (d *dialer) answeredHTTP1(first []byte, err error) error {
	line, _, _ := strings.Cut(string(first), "\n")
	line = strings.TrimSpace(line)
	if !d.target.TLS.On && strings.Contains(strings.ToUpper(string(first)), "HTTPS") {
		return d.fail(TLS, err, useTLS, "%s speaks TLS, and plaintext was sent: it answered %q", d.target.Address, line)
	}
	return d.fail(Protocol, err, "gRPC needs HTTP/2: is this the port of a gRPC server?",
		"%s answered HTTP/1.1, not HTTP/2: %q", d.target.Address, line)
}

// isSettings reports whether b begins like a SETTINGS frame of stream 0 (RFC 9113 §6.5).
func isSettings(b []byte) bool {
	return len(b) >= 9 && b[0] == 0 && b[3] == 4 && string(b[5:9]) == "\x00\x00\x00\x00"
}

// probeTimeout keeps a diagnosis well under a second.
const probeTimeout = 300 * time.Millisecond

// probeTLS asks on a connection of its own whether the server speaks TLS. An
// alert is TLS too.
func (d *dialer) probeTLS(ctx context.Context) bool {
	return d.probe(ctx, func(ctx context.Context, c net.Conn) bool {
		// Nothing is sent over it but the hello, so whom it reaches does not matter.
		err := tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}).HandshakeContext(ctx)
		var op *net.OpError
		return err == nil || errors.As(err, &op) && op.Op == "remote error"
	})
}

// probePlaintext asks on a connection of its own whether the server answers a
// plaintext HTTP/2 preface.
func (d *dialer) probePlaintext(ctx context.Context) bool {
	return d.probe(ctx, func(ctx context.Context, c net.Conn) bool {
		deadline, _ := ctx.Deadline()
		_ = c.SetDeadline(deadline) // without it the probe ends with the read
		if _, err := io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"); err != nil {
			return false
		}
		b := make([]byte, 9)
		n, _ := io.ReadFull(c, b)
		return isSettings(b[:n]) || strings.HasPrefix(string(b[:n]), "HTTP/")
	})
}

// probeWords returns what the server says on a connection of its own when nothing
// is sent: the banner of another protocol, or a TLS alert.
func (d *dialer) probeWords(ctx context.Context) (said []byte, err error) {
	d.probe(ctx, func(ctx context.Context, c net.Conn) bool {
		deadline, _ := ctx.Deadline()
		_ = c.SetDeadline(deadline) // without it the probe ends with the read
		if config, _ := tlsConfig(d.target); config != nil {
			c = tls.Client(c, config)
		}
		b := make([]byte, 64)
		var n int
		n, err = c.Read(b)
		said = b[:n]
		return n > 0
	})
	return said, err
}

func (d *dialer) probe(ctx context.Context, ask func(context.Context, net.Conn) bool) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, d.target.Network, d.target.Address)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	return ask(ctx, c)
}
