package call

import (
	"cmp"
	"context"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/grpclog"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

// grpc-go would write what goes wrong to stderr, into a terminal that is drawn on.
// It is in the recording. The variable that grpc-go documents turns it on again.
func init() {
	if os.Getenv("GRPC_GO_LOG_SEVERITY_LEVEL") == "" {
		grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard))
	}
}

// Options are the details of a connection that a Target does not hold.
type Options struct {
	UserAgent  string // put before grpc-go's own
	MaxMessage int64  // limit of one received message in bytes; 0 is 4 GiB-1
	MaxSend    int64  // limit of one sent message in bytes; 0 is 4 GiB-1
	// WaitForReady dials again, until the connect timeout is over, where nothing
	// answers yet.
	WaitForReady bool
	// ServiceConfig is a gRPC service config in JSON; empty is none.
	ServiceConfig string
}

// Conn is one open connection, usable with any gRPC stub. If the server sends it
// away (GOAWAY), the next call dials anew, with a recording of its own.
type Conn struct {
	*grpc.ClientConn
	dialer *dialer
	raw    *exchange.Request // what DialFor was given: calls are opened by Open; nil after Dial
}

// Dial connects now, not at the first call, and returns once the server's HTTP/2
// SETTINGS have arrived. newRec is called with the facts of each connection that
// is made, a proxy's own exchange included; nil means record.New. Errors are
// *DialError, or *OptionError for what cannot be asked of any server.
func Dial(ctx context.Context, t exchange.Target, o Options, newRec func(record.Meta) *record.Recording) (*Conn, error) {
	return dial(ctx, newDialer(t, newRec), o)
}

// DialFor dials like Dial for calls by Conn.Open, any number of them and several
// at once. What concerns a connection is taken from req: target, limits, compression,
// service config, user agent and wait-for-ready.
func DialFor(ctx context.Context, req exchange.Request, newRec func(record.Meta) *record.Recording) (*Conn, error) {
	d := newDialer(req.Target, newRec)
	more, err := rawOptions(d, req.Compress)
	if err != nil {
		return nil, err
	}
	c, err := dial(ctx, d, optionsOf(req), more...)
	if err != nil {
		return nil, err
	}
	c.raw = &req
	return c, nil
}

// optionsOf takes the settings of a connection from a request.
func optionsOf(req exchange.Request) Options {
	return Options{
		UserAgent:  cmp.Or(userAgentOf(req.Headers), req.UserAgent),
		MaxMessage: req.MaxMessage, MaxSend: req.MaxSend,
		WaitForReady: req.WaitForReady, ServiceConfig: req.ServiceConfig,
	}
}

const defaultConnectTimeout = 10 * time.Second

func dial(ctx context.Context, d *dialer, o Options, more ...grpc.DialOption) (*Conn, error) {
	// First what needs no network: it checks the service config.
	cc, err := grpc.NewClient("passthrough:///connection", append(d.options(o), more...)...)
	if err != nil {
		return nil, &OptionError{cmp.Or(o.blame(), "set up gRPC"), cause(err)}
	}
	c := &Conn{ClientConn: cc, dialer: d}
	ctx, cancel := context.WithTimeout(ctx, d.target.ConnectTimeout)
	defer cancel()
	first, err := d.first(ctx, o.WaitForReady)
	if err != nil {
		_ = c.Close() // the error that matters is the other
		return nil, err
	}
	d.ready = first
	if err := c.settle(ctx, first); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// blame names the option that grpc-go may have refused.
func (o Options) blame() string {
	if o.ServiceConfig != "" {
		return "service config"
	}
	return ""
}

// first dials; with patience again and again while nothing answers. The reason
// that it gives up with is that of a whole attempt, not of one cut short.
func (d *dialer) first(ctx context.Context, patient bool) (*conn, error) {
	const shortest, longest = 50 * time.Millisecond, time.Second
	var reason error
	for pause := shortest; ; pause = min(2*pause, longest) {
		c, err := d.dial(ctx, d.observe)
		if err == nil || !patient || !passing(err) {
			return c, err
		}
		if reason == nil || ctx.Err() == nil {
			reason = err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, reason
		}
	}
}

// options leaves grpc-go no decision of its own: no proxy, no second name look-up,
// no idling, and without a service config no retry, so that what is recorded is
// what was asked for.
func (d *dialer) options(o Options) []grpc.DialOption {
	creds := insecure.NewCredentials()
	if d.target.TLS.On {
		creds = handshaken{}
	}
	opts := []grpc.DialOption{
		grpc.WithContextDialer(d.next),
		grpc.WithTransportCredentials(creds),
		grpc.WithAuthority(authority(d.target)),
		grpc.WithNoProxy(),
		grpc.WithDisableServiceConfig(), // of a name server
		grpc.WithDisableHealthCheck(),
		grpc.WithIdleTimeout(0),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: d.target.ConnectTimeout}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageLimit(o.MaxMessage)), grpc.MaxCallSendMsgSize(messageLimit(o.MaxSend))),
	}
	if o.ServiceConfig != "" {
		opts = append(opts, grpc.WithDefaultServiceConfig(o.ServiceConfig))
	} else {
		opts = append(opts, grpc.WithDisableRetry())
	}
	if k := d.target.Keepalive; k.Time > 0 {
		opts = append(opts, grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: k.Time, Timeout: keepaliveTimeout(k), PermitWithoutStream: k.Idle,
		}))
	}
	if o.UserAgent != "" {
		opts = append(opts, grpc.WithUserAgent(o.UserAgent))
	}
	return opts
}

// keepaliveTimeout is the time for the answer to a PING; grpc-go's own default.
func keepaliveTimeout(k exchange.Keepalive) time.Duration {
	return cmp.Or(max(k.Timeout, 0), 20*time.Second)
}

// messageLimit is the whole of what a gRPC prefix can declare, where int can hold it.
func messageLimit(n int64) int {
	if n <= 0 || n > math.MaxUint32 {
		n = math.MaxUint32
	}
	return int(min(n, math.MaxInt))
}

// settle waits until the connection can carry a call, and turns a failure into
// its reason at once where grpc-go would try again. A server that says nothing is
// asked beside it whether it speaks TLS.
func (c *Conn) settle(ctx context.Context, first *conn) error {
	begun := time.Now()
	limited, mismatch := c.dialer.whileSilent(ctx, c.dialer.wantsTLS)
	err := c.ready(limited)
	if mismatch() && err != nil {
		return c.dialer.fail(TLS, nil, useTLS, "%s speaks TLS, and plaintext was sent", c.dialer.target.Address)
	}
	if err != nil {
		return c.dialer.diagnose(ctx, first)
	}
	if see := c.dialer.observe; see != nil {
		c.dialer.observe = nil // what follows is not of the first connection
		see(Check{Name: StageHTTP2, Took: time.Since(begun), OK: true, Detail: first.watch.settingsDetail()})
	}
	return nil
}

// ready waits until grpc-go has the server's SETTINGS.
func (c *Conn) ready(ctx context.Context) error {
	c.Connect()
	for {
		state := c.GetState()
		switch state {
		case connectivity.Ready:
			return nil
		case connectivity.Idle:
			// Before it has begun, or the server has sent it away at once: the next
			// connection may be taken, and next counts them.
			c.Connect()
		case connectivity.TransientFailure, connectivity.Shutdown:
			return errNotReady
		case connectivity.Connecting:
		}
		if !c.WaitForStateChange(ctx, state) {
			return ctx.Err()
		}
	}
}

// Recording returns the recording of the newest connection.
func (c *Conn) Recording() *record.Recording { return c.dialer.newest().rec }

// Attempts returns every try to connect to an address so far, in the order of
// their ends: a name may have several addresses.
func (c *Conn) Attempts() []Attempt {
	c.dialer.mu.Lock()
	defer c.dialer.mu.Unlock()
	return slices.Clone(c.dialer.attempts)
}

// Close ends the connection and returns once its recording is complete.
func (c *Conn) Close() error {
	err := c.ClientConn.Close()
	c.dialer.closeAll()
	if status.Code(err) == codes.Canceled {
		return nil // it was closed before
	}
	return err
}

// authority is the :authority of requests.
func authority(t exchange.Target) string {
	switch {
	case t.Authority != "":
		return t.Authority
	case t.Network == "unix":
		return "localhost"
	}
	return t.Address
}
