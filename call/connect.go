package call

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/wiregloss/wiregloss/exchange"
)

// Attempt is one try to connect to one address of a name.
type Attempt struct {
	Address string        // ip:port
	Took    time.Duration // until it was connected, refused or given up
	Err     error         // nil for the one that was used
}

const (
	// attemptDelay is how long an address may be silent before the next is tried
	// beside it: the Connection Attempt Delay of RFC 8305 §5.
	attemptDelay = 250 * time.Millisecond
	// maxAddresses bounds what a hostile name server can make us dial.
	maxAddresses = 32
)

// reached is a connection below TLS, and how it came about.
type reached struct {
	net.Conn
	dns, connect time.Duration
	addresses    []string
	attempts     []Attempt
}

// connect looks a name up and connects to its addresses in turn. On error, what
// is known until then is returned too.
func connect(ctx context.Context, network, address string, k exchange.Keepalive) (reached, error) {
	var r reached
	dialer := &net.Dialer{Control: socketOptions(k)}
	start := time.Now()
	if network == "unix" {
		c, err := dialer.DialContext(ctx, network, address)
		r.Conn, r.connect = c, time.Since(start)
		return r, err
	}
	var err error
	if r.addresses, err = resolve(ctx, address); err != nil {
		r.dns = time.Since(start)
		return r, err
	}
	if len(r.addresses) != 1 || r.addresses[0] != address {
		r.dns = time.Since(start)
	}
	r.Conn, r.attempts, err = race(ctx, dialer, network, r.addresses)
	r.connect = time.Since(start) - r.dns
	return r, err
}

// resolve returns the addresses of host:port, in the order of RFC 6724 that the
// resolver gives them. An IP address needs no look-up.
func resolve(ctx context.Context, address string) ([]string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return []string{address}, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, ip := range ips[:min(len(ips), maxAddresses)] {
		all = append(all, net.JoinHostPort(ip.Unmap().String(), port))
	}
	if len(all) == 0 {
		return nil, &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	return all, nil
}

// race tries addresses one after another, the next as soon as one fails or is
// silent for attemptDelay (RFC 8305 §5). The first that connects is used; the
// error is that of the first that failed.
func race(ctx context.Context, dialer *net.Dialer, network string, addresses []string) (net.Conn, []Attempt, error) {
	start := time.Now()
	if len(addresses) == 1 { // no goroutine for the usual case
		c, err := dialer.DialContext(ctx, network, addresses[0])
		return c, []Attempt{{addresses[0], time.Since(start), err}}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		Attempt
		conn net.Conn
	}
	results := make(chan result)
	try := func(address string) {
		start := time.Now()
		c, err := dialer.DialContext(ctx, network, address)
		results <- result{Attempt{address, time.Since(start), err}, c}
	}
	var won net.Conn
	var tried []Attempt
	var first error
	delay := time.NewTimer(0)
	defer delay.Stop()
	for waiting := 0; len(addresses) > 0 || waiting > 0; {
		next := delay.C
		if len(addresses) == 0 {
			next = nil
		}
		select {
		case <-next:
			go try(addresses[0])
			addresses = addresses[1:]
			waiting++
			delay.Reset(attemptDelay)
		case r := <-results:
			waiting--
			switch {
			case r.Err == nil && won == nil:
				won, addresses = r.conn, nil
				cancel() // the others end at once, and are waited for
			case r.Err == nil:
				_ = r.conn.Close() // the other was as quick
				continue
			case won != nil:
				continue // cancelled
			case first == nil:
				first = r.Err
			}
			tried = append(tried, r.Attempt)
			delay.Reset(0)
		}
	}
	if won != nil {
		return won, tried, nil
	}
	return nil, tried, first
}
