package call

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/wiregloss/wiregloss/record"
)

// probeTimeout keeps a diagnosis well under a second, where the user waits for it.
// While a server is waited for anyhow, it may be asked for as long.
const probeTimeout = 300 * time.Millisecond

// briefly limits a question.
func briefly(ctx context.Context, ask func(context.Context) bool) bool {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return ask(ctx)
}

// wantsTLS asks whether a server that was spoken to in plaintext speaks TLS.
func (d *dialer) wantsTLS(ctx context.Context) bool { return !d.target.TLS.On && d.probeTLS(ctx) }

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

// probeHTTP1 asks on a connection of its own whether a TLS server chooses HTTP/1.1.
func (d *dialer) probeHTTP1(ctx context.Context) bool {
	return d.probe(ctx, func(ctx context.Context, c net.Conn) bool {
		config, err := tlsConfig(d.target)
		if err != nil {
			return false
		}
		config.NextProtos = []string{"http/1.1"}
		secured := tls.Client(c, config)
		return secured.HandshakeContext(ctx) == nil && secured.ConnectionState().NegotiatedProtocol == "http/1.1"
	})
}

// probePlaintext asks on a connection of its own whether the server answers a
// plaintext HTTP/2 preface.
func (d *dialer) probePlaintext(ctx context.Context) bool {
	return d.probe(ctx, func(_ context.Context, c net.Conn) bool {
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
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	d.probe(ctx, func(_ context.Context, c net.Conn) bool {
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

// probe asks on a connection made like the one that failed, by the same proxy. It
// is not recorded: it is no part of what the user asked for. It ends with ctx.
func (d *dialer) probe(ctx context.Context, ask func(context.Context, net.Conn) bool) bool {
	c, _, err := d.reach(ctx, &record.Meta{Start: time.Now()}, record.New, nil)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	return ask(ctx, c)
}
