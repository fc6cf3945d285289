package call

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/grpclog"
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
	MaxMessage int64  // limit of one received message; 0 is 4 GiB-1
}

// Conn is one open connection, usable with any gRPC stub. If the server sends it
// away (GOAWAY), the next call dials anew, with a recording of its own.
type Conn struct {
	*grpc.ClientConn
	dialer *dialer
}

// Dial connects now, not at the first call, and returns once the server's HTTP/2
// SETTINGS have arrived. newRec is called with the facts of each connection that
// is made; nil means record.New. Errors are *DialError.
func Dial(ctx context.Context, t exchange.Target, o Options, newRec func(record.Meta) *record.Recording) (*Conn, error) {
	return dial(ctx, t, o, newRec)
}

const defaultConnectTimeout = 10 * time.Second

func dial(ctx context.Context, t exchange.Target, o Options, newRec func(record.Meta) *record.Recording, more ...grpc.DialOption) (*Conn, error) {
	if t.ConnectTimeout <= 0 {
		t.ConnectTimeout = defaultConnectTimeout
	}
	if newRec == nil {
		newRec = record.New
	}
	d := &dialer{target: t, newRec: newRec}
	ctx, cancel := context.WithTimeout(ctx, t.ConnectTimeout)
	defer cancel()
	first, err := d.dial(ctx)
	if err != nil {
		return nil, err
	}
	d.ready = first
	cc, err := grpc.NewClient("passthrough:///connection", append(d.options(o), more...)...)
	if err != nil {
		_ = first.Close() // the error that matters is the other
		return nil, &DialError{Step: Protocol, Address: t.Address, Text: "set up gRPC: " + err.Error(), Err: err}
	}
	c := &Conn{ClientConn: cc, dialer: d}
	if err := c.settle(ctx, first); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// options leaves grpc-go no decision of its own: no proxy, no second name look-up,
// no service config, no retry and no idling, so that what is recorded is what was
// asked for.
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
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
		grpc.WithDisableHealthCheck(),
		grpc.WithIdleTimeout(0),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: d.target.ConnectTimeout}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageLimit(o.MaxMessage)), grpc.MaxCallSendMsgSize(messageLimit(0))),
	}
	if o.UserAgent != "" {
		opts = append(opts, grpc.WithUserAgent(o.UserAgent))
	}
	return opts
}

// messageLimit is the whole of what a gRPC prefix can declare, where int can hold it.
func messageLimit(n int64) int {
	if n <= 0 || n > math.MaxUint32 {
		n = math.MaxUint32
	}
	return int(min(n, math.MaxInt))
}

// settle waits until the connection can carry a call, and turns a failure into
// its reason at once where grpc-go would try again.
func (c *Conn) settle(ctx context.Context, first *conn) error {
	c.Connect()
	started := false
	for {
		state := c.GetState()
		switch state {
		case connectivity.Ready:
			return nil
		case connectivity.Idle:
			if started {
				return nil // it was ready and the server has sent it away; a call dials again
			}
		case connectivity.TransientFailure, connectivity.Shutdown:
			return c.dialer.diagnose(ctx, first)
		case connectivity.Connecting:
			started = true
		}
		if !c.WaitForStateChange(ctx, state) {
			return c.dialer.diagnose(ctx, first)
		}
	}
}

// Recording returns the recording of the newest connection.
func (c *Conn) Recording() *record.Recording { return c.dialer.newest().rec }

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

// conn is a tapped connection which can be waited for.
type conn struct {
	net.Conn // the tap
	rec      *record.Recording
	watch    watch
	auth     credentials.AuthInfo // nil for plaintext

	once   sync.Once
	closed chan struct{}
	err    error // why the first read failed; set before failed is closed
	failed chan struct{}
	onFail sync.Once
}

// Read notes what grpc-go does not tell: the status received, and the error that
// the connection ended with.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.watch.read(b[:n])
	if err != nil {
		c.onFail.Do(func() { c.err = err; close(c.failed) })
	}
	return n, err
}

// lastWords is how long a failed write waits for the reader to see the reason.
const lastWords = 200 * time.Millisecond

// Write lets the reader come first when it fails: a peer that hung up has often
// said why, and grpc-go closes the connection at the first failed write.
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err != nil {
		timer := time.NewTimer(lastWords)
		defer timer.Stop()
		select {
		case <-c.failed:
		case <-c.closed:
		case <-timer.C:
		}
	}
	return n, err
}

// Close closes the connection once.
func (c *conn) Close() (err error) {
	c.once.Do(func() {
		err = c.Conn.Close()
		close(c.closed)
	})
	return err
}

// readError returns the error of the first failed read, nil if none failed yet.
func (c *conn) readError() error {
	select {
	case <-c.failed:
		return c.err
	default:
		return nil
	}
}

// handshaken are the credentials of a connection whose TLS handshake was done
// while dialing; they only report it to grpc-go.
type handshaken struct{}

// ClientHandshake returns the connection as it is, with what its handshake settled.
func (handshaken) ClientHandshake(_ context.Context, _ string, c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	tapped, ok := c.(*conn)
	if !ok || tapped.auth == nil {
		return nil, nil, errors.New("connection was not dialed with TLS")
	}
	return c, tapped.auth, nil
}

// ServerHandshake is for servers.
func (handshaken) ServerHandshake(net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("client credentials only")
}

// Info makes grpc-go send the scheme https.
func (handshaken) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

// Clone returns the credentials, which hold nothing.
func (h handshaken) Clone() credentials.TransportCredentials { return h }

// OverrideServerName is part of the interface; the name was used while dialing.
func (handshaken) OverrideServerName(string) error { return nil }
