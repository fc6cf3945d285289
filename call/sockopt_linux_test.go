package call

import (
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/wiregloss/wiregloss/exchange"
)

func TestTCPUserTimeout(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	for _, tt := range []struct {
		keep exchange.Keepalive
		want int
	}{
		{exchange.Keepalive{}, 0},
		{exchange.Keepalive{Time: time.Minute}, 20000},
		{exchange.Keepalive{Time: time.Minute, Timeout: 3 * time.Second}, 3000},
	} {
		r, err := connect(t.Context(), "tcp", addr, tt.keep)
		must(t, err)
		raw, err := r.Conn.(*net.TCPConn).SyscallConn()
		must(t, err)
		var got int
		must(t, raw.Control(func(fd uintptr) { got, err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout) }))
		must(t, err)
		must(t, r.Close())
		if got != tt.want {
			t.Errorf("%+v: TCP_USER_TIMEOUT %d, want %d", tt.keep, got, tt.want)
		}
	}
}
