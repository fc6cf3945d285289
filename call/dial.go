package call

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptrace"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

// dialer makes the connections to one target and keeps track of them.
type dialer struct {
	target exchange.Target
	newRec func(record.Meta) *record.Recording

	mu    sync.Mutex
	ready *conn // dialed ahead of grpc-go asking for it
	conns []*conn
}

// next is what grpc-go calls for a connection: the one dialed ahead, later new ones.
func (d *dialer) next(ctx context.Context, _ string) (net.Conn, error) {
	d.mu.Lock()
	c := d.ready
	d.ready = nil
	d.mu.Unlock()
	if c != nil {
		return c, nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.target.ConnectTimeout)
	defer cancel()
	c, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// dial does DNS, connect and TLS, and starts the recording. Errors are *DialError.
func (d *dialer) dial(ctx context.Context) (*conn, error) {
	start := time.Now()
	config, err := tlsConfig(d.target)
	if err != nil {
		return nil, err
	}
	raw, steps, err := d.connect(ctx)
	if err != nil {
		return nil, d.connectError(ctx, err)
	}
	c := &conn{closed: make(chan struct{}), failed: make(chan struct{})}
	meta := record.Meta{
		Start: start, Network: d.target.Network, Address: d.target.Address,
		Local: raw.LocalAddr().String(), Peer: raw.RemoteAddr().String(), Dial: steps,
	}
	if config != nil {
		secured, err := d.handshake(ctx, raw, config)
		if err != nil {
			return nil, err
		}
		meta.Dial.TLS = time.Since(start) - steps.DNS - steps.Connect
		state := secured.ConnectionState()
		meta.TLS = tlsFacts(state, config)
		c.auth = credentials.TLSInfo{
			State:          state,
			CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity},
		}
		raw = secured
	}
	c.rec = d.newRec(meta)
	c.Conn = record.Tap(raw, c.rec)
	d.mu.Lock()
	d.conns = append(d.conns, c)
	d.mu.Unlock()
	return c, nil
}

// connect does what net.Dialer does, all addresses of a name included, and takes
// the time of its two steps.
func (d *dialer) connect(ctx context.Context) (net.Conn, record.Dial, error) {
	var mu sync.Mutex
	var asked time.Time
	var steps record.Dial
	trace := &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { mu.Lock(); asked = time.Now(); mu.Unlock() },
		DNSDone:  func(httptrace.DNSDoneInfo) { mu.Lock(); steps.DNS = time.Since(asked); mu.Unlock() },
	}
	start := time.Now()
	c, err := (&net.Dialer{}).DialContext(httptrace.WithClientTrace(ctx, trace), d.target.Network, d.target.Address)
	mu.Lock()
	defer mu.Unlock()
	steps.Connect = time.Since(start) - steps.DNS
	return c, steps, err
}

// handshake closes raw if it fails.
func (d *dialer) handshake(ctx context.Context, raw net.Conn, config *tls.Config) (*tls.Conn, error) {
	c := tls.Client(raw, config)
	if err := c.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, d.handshakeError(ctx, err)
	}
	if p := c.ConnectionState().NegotiatedProtocol; p != "h2" {
		_ = c.Close()
		return nil, d.noHTTP2()
	}
	return c, nil
}

// newest returns the connection dialed last.
func (d *dialer) newest() *conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.conns[len(d.conns)-1]
}

// closeAll closes every connection that grpc-go has not closed already: one that
// it never fetched, or one whose peer does not read its GOAWAY.
func (d *dialer) closeAll() {
	d.mu.Lock()
	conns := d.conns
	d.mu.Unlock()
	for _, c := range conns {
		_ = c.Close() // the recording holds how it ended
	}
}
