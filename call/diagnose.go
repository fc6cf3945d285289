package call

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// This file turns what went wrong into words: what happened, and what to do. The
// first bytes of a server tell more than any error text of a library does.

func (d *dialer) fail(s Step, err error, hint, format string, args ...any) *DialError {
	e := &DialError{Step: s, Stage: stageOf[s], Address: d.target.Address, Text: fmt.Sprintf(format, args...), Hint: hint, Err: err}
	if s == Connect && d.target.Network == "unix" {
		e.Stage = StageSocket
	}
	return e
}

// stageOf is where a failed step fails mostly.
var stageOf = map[Step]Stage{DNS: StageDNS, Connect: StageTCP, Proxy: StageProxy, TLS: StageTLS, Protocol: StageHTTP2}

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

// connectError words a failure to reach an address, the target's or a proxy's.
func (d *dialer) connectError(ctx context.Context, network, address string, err error) *DialError {
	host, _, _ := net.SplitHostPort(address)
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
			e.Step, e.Stage = DNS, StageDNS
		}
		return e
	}
	switch {
	case network == "unix" && errors.Is(err, os.ErrNotExist):
		return d.fail(Connect, err, "is the server running?", "there is no socket %s", address)
	case errors.Is(err, os.ErrPermission):
		return d.fail(Connect, err, "", "no permission to connect to %s", address)
	case refused(err) && strings.HasPrefix(address, "@"):
		return d.fail(Connect, err, "is the server running?", "there is no abstract socket %s", address)
	case refused(err):
		return d.fail(Connect, err, "is the server running?", "nothing listens on %s", address)
	}
	return d.fail(Connect, err, "", "connect to %s: %s", address, cause(err))
}

// triedDetail lists the addresses of a name that were tried, where there are several.
func triedDetail(attempts []Attempt) string {
	if len(attempts) < 2 {
		return ""
	}
	var parts []string
	for _, a := range attempts {
		parts = append(parts, fmt.Sprintf("%s: %s", a.Address, cause(a.Err)))
	}
	return "tried " + strings.Join(parts, ", ")
}

// passing reports whether waiting may help: nothing listens yet, a name or a
// network is not there yet.
func passing(err error) bool {
	var e *DialError
	return errors.As(err, &e) && (e.Step == Connect || e.Step == DNS) && !errors.Is(err, context.Canceled)
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

// noHTTP2 words a server that chose another protocol, or none, and asks whether
// it is HTTP/1.1 that it speaks.
func (d *dialer) noHTTP2(ctx context.Context) *DialError {
	e := d.fail(Protocol, nil, "gRPC needs HTTP/2: is this the port of a gRPC server?",
		"%s did not choose HTTP/2 in the TLS handshake (ALPN h2, RFC 9113 §3.2)", d.target.Address)
	e.Stage = StageALPN
	if briefly(ctx, d.probeHTTP1) {
		e.Detail = "it chooses http/1.1 where that is offered"
	}
	return e
}

// goneAway words a server that sends every connection away.
func (d *dialer) goneAway(c *conn, err error) *DialError {
	g, _ := c.watch.sentAway()
	hint := "is it shutting down or overloaded?"
	const http11Required h2.ErrCode = 0xd // RFC 9113 §7
	if g.Code == http11Required {
		hint = "gRPC needs HTTP/2: is this the port of a gRPC server?"
	}
	return d.fail(Protocol, err, hint, "%s sends every connection away at once: %s", d.target.Address, goAwayText(g))
}

// diagnose says why a connection that was made never became an HTTP/2 one.
func (d *dialer) diagnose(ctx context.Context, c *conn) error {
	if newest := d.newest(); newest != c { // it was sent away, and so were the next
		c = newest
	}
	a := d.target.Address
	first := c.rec.Append(nil, record.Span{Dir: record.Received, Len: min(c.rec.Size(record.Received), 512)})
	err := c.readError()
	if len(first) == 0 && ctx.Err() == nil && !errors.Is(err, io.EOF) && d.alert(ctx, err) == nil {
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
		if _, ok := c.watch.sentAway(); ok {
			return d.goneAway(c, err)
		}
		return d.fail(Protocol, err, "", "%s ended the HTTP/2 connection before a call could be made%s", a, because(err))
	case len(first) > 0:
		return d.fail(Protocol, err, "is this the port of a gRPC server?", "%s does not speak HTTP/2: it began with %q", a, first[:min(len(first), 24)])
	}
	if e := d.alert(ctx, err); e != nil {
		return e
	}
	if err == nil || ctx.Err() != nil {
		if e := d.ranOut(ctx, Protocol, err, "accepted the connection but sent no HTTP/2 SETTINGS"); e != nil {
			e.Hint = "is this the port of a gRPC server?"
			return e
		}
	}
	if briefly(ctx, d.wantsTLS) {
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
