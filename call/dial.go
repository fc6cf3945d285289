package call

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

// dialer makes the connections to one target and keeps track of them.
type dialer struct {
	target  exchange.Target
	newRec  func(record.Meta) *record.Recording
	observe func(Check) // of the first connection, on its caller's goroutine; may be nil

	mu       sync.Mutex
	start    time.Time // when dialing began
	ready    *conn     // dialed ahead of grpc-go asking for it
	conns    []*conn
	attempts []Attempt
	sentAway int   // connections in a row that ended with GOAWAY before any answer
	lost     error // why the last dial of grpc-go's failed
}

func newDialer(t exchange.Target, newRec func(record.Meta) *record.Recording) *dialer {
	if t.ConnectTimeout <= 0 {
		t.ConnectTimeout = defaultConnectTimeout
	}
	if newRec == nil {
		newRec = record.New
	}
	return &dialer{target: t, newRec: newRec, start: time.Now()}
}

// maxSentAway is how many connections in a row a server may refuse by GOAWAY:
// grpc-go would dial for ever.
const maxSentAway = 3

// next is what grpc-go calls for a connection: the one dialed ahead, later new ones.
func (d *dialer) next(ctx context.Context, _ string) (net.Conn, error) {
	d.mu.Lock()
	c := d.ready
	d.ready = nil
	d.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := d.again(ctx)
	if err == nil {
		return c, nil
	}
	d.mu.Lock()
	d.lost = err
	d.mu.Unlock()
	return nil, err
}

// again dials in place of a connection that was lost or sent away.
func (d *dialer) again(ctx context.Context) (*conn, error) {
	last := d.newest()
	_, gone := last.watch.sentAway()
	d.mu.Lock()
	if gone && !last.watch.answered() {
		d.sentAway++
	} else {
		d.sentAway = 0
	}
	tooOften := d.sentAway >= maxSentAway
	if tooOften {
		d.sentAway = 0 // a later call may try again
	}
	d.mu.Unlock()
	if tooOften {
		return nil, d.goneAway(last, nil)
	}
	ctx, cancel := context.WithTimeout(ctx, d.target.ConnectTimeout)
	defer cancel()
	return d.dial(ctx, nil)
}

// dial does DNS, connect, proxy and TLS, and starts the recording. see is told of
// each stage that went well; it may be nil. Errors are *DialError or *OptionError.
func (d *dialer) dial(ctx context.Context, see func(Check)) (*conn, error) {
	config, err := tlsConfig(d.target)
	if err != nil {
		return nil, err
	}
	meta := record.Meta{Start: time.Now(), Network: d.target.Network, Address: d.target.Address}
	raw, attempts, err := d.reach(ctx, &meta, d.newRec, see)
	d.mu.Lock()
	d.attempts = append(d.attempts, attempts...)
	d.mu.Unlock()
	if err != nil {
		return nil, err
	}
	c := &conn{closed: make(chan struct{}), failed: make(chan struct{})}
	if config != nil {
		begun := time.Now()
		secured, err := d.handshake(ctx, raw, config)
		if err != nil {
			return nil, err
		}
		meta.Dial.TLS = time.Since(begun)
		state := secured.ConnectionState()
		meta.TLS = tlsFacts(state, config)
		c.auth = credentials.TLSInfo{
			State:          state,
			CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity},
		}
		raw = secured
		if see != nil {
			see(Check{Name: StageTLS, Took: meta.Dial.TLS, OK: true, Detail: handshakeDetail(state, config)})
			see(Check{Name: StageALPN, OK: true, Detail: "h2 (RFC 9113 §3.2)"})
		}
	}
	c.rec = d.newRec(meta)
	c.Conn = record.Tap(raw, c.rec)
	d.mu.Lock()
	d.conns = append(d.conns, c)
	d.mu.Unlock()
	return c, nil
}

// reach connects to the target or to the proxy before it, and asks that for the
// way. It fills in the facts of meta. A proxy's own exchange gets a recording of newRec.
func (d *dialer) reach(ctx context.Context, meta *record.Meta, newRec func(record.Meta) *record.Recording, see func(Check)) (net.Conn, []Attempt, error) {
	via, err := proxyFor(d.target)
	if err != nil {
		return nil, nil, err
	}
	network, address := d.target.Network, d.target.Address
	if via != nil {
		network, address = "tcp", via.address
	}
	r, err := connect(ctx, network, address, d.target.Keepalive)
	meta.Dial.DNS, meta.Dial.Connect = r.dns, r.connect
	if see != nil {
		seeConnect(see, network, address, r)
	}
	if err != nil {
		e := d.connectError(ctx, network, address, err)
		e.Detail = triedDetail(r.attempts)
		if via != nil {
			e.Step, e.Stage, e.Text = Proxy, StageProxy, "the proxy cannot be reached: "+e.Text
			e.Hint = via.hint(e.Hint)
		}
		return nil, r.attempts, e
	}
	meta.Local, meta.Peer = r.LocalAddr().String(), r.RemoteAddr().String()
	if via == nil {
		return r.Conn, r.attempts, nil
	}
	begun := time.Now()
	c, err := d.throughProxy(ctx, via, r.Conn, *meta, newRec)
	if err != nil {
		return nil, r.attempts, err
	}
	meta.Dial.Connect += time.Since(begun)
	if see != nil {
		see(Check{Name: StageProxy, Took: time.Since(begun), OK: true, Detail: via.kind + " proxy " + via.address + " opened a way to " + d.target.Address})
	}
	return c, r.attempts, nil
}

// handshake closes raw if it fails. A server that says nothing is asked beside it
// whether it speaks plaintext, so that the wrong kind of server is named at once.
func (d *dialer) handshake(ctx context.Context, raw net.Conn, config *tls.Config) (*tls.Conn, error) {
	keys, err := logKeys(config)
	if err != nil {
		_ = raw.Close()
		return nil, fileError(d.target, "write the TLS keys to SSLKEYLOGFILE", err)
	}
	defer keys()
	c := tls.Client(raw, config)
	limited, mismatch := d.whileSilent(ctx, d.probePlaintext)
	err = c.HandshakeContext(limited)
	if mismatch() && err != nil {
		_ = raw.Close()
		return nil, d.fail(TLS, err, usePlaintext, "%s does not speak TLS: the server speaks plaintext", d.target.Address)
	}
	if err != nil {
		_ = raw.Close()
		return nil, d.handshakeError(ctx, err)
	}
	if p := c.ConnectionState().NegotiatedProtocol; p != "h2" {
		_ = c.Close()
		return nil, d.noHTTP2(ctx)
	}
	return c, nil
}

// silence is how long a server may say nothing before it is asked, on a
// connection of its own, whether another protocol was meant.
const silence = 500 * time.Millisecond

// whileSilent asks after a while, unless done was called, and ends the context if
// the answer is yes. done returns the answer.
func (d *dialer) whileSilent(ctx context.Context, ask func(context.Context) bool) (limited context.Context, done func() bool) {
	limited, cancel := context.WithCancelCause(ctx)
	yes, asked := errors.New("another protocol"), make(chan struct{})
	timer := time.AfterFunc(silence, func() {
		defer close(asked)
		if ask(limited) {
			cancel(yes)
		}
	})
	return limited, func() bool {
		cancel(nil)
		if !timer.Stop() {
			<-asked
		}
		return errors.Is(context.Cause(limited), yes)
	}
}

// newest returns the connection dialed last.
func (d *dialer) newest() *conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.conns[len(d.conns)-1]
}

// all returns every connection so far, the oldest first.
func (d *dialer) all() []*conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.conns)
}

// closeAll closes every connection that grpc-go has not closed already: one that
// it never fetched, or one whose peer does not read its GOAWAY.
func (d *dialer) closeAll() {
	for _, c := range d.all() {
		_ = c.Close() // the recording holds how it ended
	}
}
