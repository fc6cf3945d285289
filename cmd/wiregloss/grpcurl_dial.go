package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc/metadata"

	"github.com/wiregloss/wiregloss/call"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

// defaultMaxMessage is grpc-go's limit of a received message, which grpcurl leaves.
const defaultMaxMessage = 4 << 20

// errALTS says why there is no ALTS.
var errALTS = errors.New("ALTS is not supported: it needs the handshake service that only Google Cloud machines have; use TLS")

// dial connects, unless that was done before.
func (s *curlSession) dial(ctx context.Context) error {
	if s.conn != nil {
		return nil
	}
	c := s.c
	timing := c.timing.part("Dial")
	defer timing.end()
	t, err := c.address()
	if err == nil && c.alts {
		err = errALTS
	}
	if err != nil {
		return failure(err, "Failed to dial target host %q", c.target)
	}
	if !c.plaintext {
		setup := timing.part("TLS Setup")
		if err := c.secure(&t); err != nil {
			return err
		}
		setup.end()
	} else {
		t.Authority = c.authority
	}
	t.ConnectTimeout = seconds(c.connectTimeout)
	if c.keepalive > 0 {
		t.Keepalive = exchange.Keepalive{Time: seconds(c.keepalive), Timeout: seconds(c.keepalive)}
	}
	o := call.Options{UserAgent: strings.TrimSpace(c.userAgent + " wiregloss/" + version()), MaxMessage: defaultMaxMessage}
	if c.maxMessage > 0 {
		o.MaxMessage = int64(c.maxMessage)
	}
	blocking := timing.part("BlockingDial")
	s.conn, err = call.Dial(ctx, t, o, record.New)
	blocking.end()
	if err != nil {
		return c.dialFailure(t, err)
	}
	return nil
}

// address reads the target as grpcurl does: host:port as it is, or what gRPC calls
// a URI of a name.
func (c *curl) address() (exchange.Target, error) {
	text := c.target
	if c.unix && !strings.HasPrefix(text, "unix://") {
		text = "unix://" + text
	}
	t := exchange.Target{Text: c.target, Network: "tcp"}
	text = strings.TrimPrefix(text, "passthrough:///")
	switch {
	case strings.HasPrefix(text, "unix:"):
		t.Network = "unix"
		t.Address = strings.TrimPrefix(strings.TrimPrefix(text, "unix:"), "//")
	case strings.HasPrefix(text, "unix-abstract:"):
		t.Network, t.Address = "unix", "@"+strings.TrimPrefix(text, "unix-abstract:")
	case strings.HasPrefix(text, "xds://"):
		return t, errors.New("xDS names are not supported; give the address of a server")
	case strings.Contains(text, "://"):
		parsed, err := call.ParseTarget(text)
		if err != nil {
			return t, err
		}
		t.Network, t.Address = parsed.Network, parsed.Address
	default:
		t.Address = text
		if _, _, err := net.SplitHostPort(text); err != nil {
			return t, err
		}
	}
	return t, nil
}

// secure sets up TLS, and checks its files first: grpcurl has words for each.
func (c *curl) secure(t *exchange.Target) error {
	const act = "Failed to create TLS config"
	t.TLS = exchange.TLS{On: true, Insecure: c.insecure, Cert: c.cert, Key: c.key}
	if c.cert != "" {
		if _, err := tls.LoadX509KeyPair(c.cert, c.key); err != nil {
			return failure(fmt.Errorf("could not load client key pair: %w", err), act)
		}
	}
	if c.cacert != "" && !c.insecure {
		pem, err := os.ReadFile(c.cacert)
		if err != nil {
			return failure(fmt.Errorf("could not read ca certificate: %w", err), act)
		}
		if !x509.NewCertPool().AppendCertsFromPEM(pem) {
			return failure(errors.New("failed to append ca certs"), act)
		}
		t.TLS.CACert = c.cacert
	}
	switch {
	case c.serverName != "" && c.authority != "" && c.serverName != c.authority:
		return c.badUse("Cannot specify different values for -servername and -authority.")
	case c.serverName != "" && c.authority != "":
		c.warn("Both -servername and -authority are present; prefer only -authority.")
	}
	if t.Authority = c.serverName; t.Authority == "" {
		t.Authority = c.authority
	}
	return nil
}

// dialFailure says that there is no connection: in the first line as grpcurl does,
// and in a second line what it means and what to do.
func (c *curl) dialFailure(t exchange.Target, err error) error {
	target := c.target
	if c.unix && !strings.HasPrefix(target, "unix://") {
		target = "unix://" + target
	}
	var dial *call.DialError
	if !errors.As(err, &dial) {
		return failure(err, "Failed to dial target host %q", target)
	}
	reason := dial.Err
	if reason == nil {
		reason = curlText(dial.Text)
	}
	hint := dial.Hint
	if dial.Step == call.TLS && strings.Contains(hint, "grpc") { // the scheme of an address, which grpcurl does not have
		if hint = "use -plaintext"; !t.TLS.On {
			hint = "leave out -plaintext"
		}
	}
	text := dial.Text
	if hint != "" {
		text += "; " + hint
	}
	return failure(curlText(reason.Error()+"\n  "+text), "Failed to dial target host %q", target)
}

// curlMetadata reads 'name: value' lines as grpcurl does: it refuses nothing, and a
// -bin value that is not base64 is taken as it is.
func curlMetadata(lines []string) metadata.MD {
	md := metadata.MD{}
	for _, line := range lines {
		if line == "" {
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		if strings.HasSuffix(name, "-bin") {
			value = fromBase64(value)
		}
		md[name] = append(md[name], value)
	}
	return md
}

// fromBase64 decodes any variant of base64, or returns what is none.
func fromBase64(text string) string {
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
		if b, err := e.DecodeString(text); err == nil {
			return string(b)
		}
	}
	return text
}
