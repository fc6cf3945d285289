package call

import (
	"syscall"

	"github.com/wiregloss/wiregloss/exchange"
)

// tcpUserTimeout is TCP_USER_TIMEOUT of linux/tcp.h, which package syscall lacks.
const tcpUserTimeout = 0x12

// socketOptions sets how long sent bytes may stay unacknowledged, where keepalive
// is wanted (gRFC A18). grpc-go would set it, but does not see the TCP connection
// below a recorded one. nil if nothing is to be set.
func socketOptions(k exchange.Keepalive) func(network, address string, c syscall.RawConn) error {
	if k.Time <= 0 {
		return nil
	}
	ms := int(keepaliveTimeout(k).Milliseconds())
	return func(network, _ string, c syscall.RawConn) error {
		if network == "unix" {
			return nil
		}
		var err error
		if failed := c.Control(func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, ms)
		}); failed != nil {
			return failed
		}
		return err
	}
}
