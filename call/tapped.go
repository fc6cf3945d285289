package call

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/wiregloss/wiregloss/record"
)

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
