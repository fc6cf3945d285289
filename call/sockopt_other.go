//go:build !linux

package call

import (
	"syscall"

	"github.com/wiregloss/wiregloss/exchange"
)

// socketOptions sets nothing: TCP_USER_TIMEOUT is Linux's.
func socketOptions(exchange.Keepalive) func(network, address string, c syscall.RawConn) error {
	return nil
}
