package call

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
)

// SOCKS 5: RFC 1928; user and password: RFC 1929.
const (
	socksVersion  = 5
	socksNoAuth   = 0
	socksPassword = 2
	socksNone     = 0xff
)

// socksReplies are the REP values of RFC 1928 §6, and what to do about each.
var socksReplies = [...]struct{ text, hint string }{
	1: {"general failure", ""},
	2: {"not allowed by its rules", "it may allow only some hosts and ports"},
	3: {"network unreachable", "is the server's address right as seen from the proxy?"},
	4: {"host unreachable", "is the server's address right as seen from the proxy?"},
	5: {"connection refused", "is the server running?"},
	6: {"TTL expired", "is the server's address right as seen from the proxy?"},
	7: {"command not supported", "is it a proxy that allows CONNECT?"},
	8: {"address type not supported", "give an address of the other kind"},
}

// socks asks a SOCKS 5 proxy for the way to address.
func (t *tunnel) socks(address string) error {
	request, err := socksRequest(address)
	if err != nil {
		return t.fail(err, "", "cannot be asked: %s", err)
	}
	greeting := []byte{socksVersion, 1, socksNoAuth}
	if t.proxy.user != nil {
		greeting = []byte{socksVersion, 2, socksNoAuth, socksPassword}
	}
	if err := t.send(greeting, 0); err != nil {
		return err
	}
	chosen, err := t.next(2)
	if err != nil {
		return err
	}
	switch {
	case chosen[0] != socksVersion:
		return t.notSOCKS(chosen)
	case chosen[1] == socksPassword && t.proxy.user != nil:
		if err := t.logIn(); err != nil {
			return err
		}
	case chosen[1] == socksNone && t.proxy.user == nil:
		return t.fail(nil, "give it user and password: socks5://user:password@"+t.proxy.address, "wants credentials")
	case chosen[1] != socksNoAuth:
		return t.fail(nil, "", "wants a way to log in that is not supported: method %d", chosen[1])
	}
	if err := t.send(request, 0); err != nil {
		return err
	}
	return t.socksReply(address)
}

// socksRequest is CONNECT to address: a name is left to the proxy to look up.
func socksRequest(address string) ([]byte, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port %q: %w", text, err)
	}
	b := []byte{socksVersion, 1, 0}
	ip, err := netip.ParseAddr(host)
	switch ip = ip.Unmap(); {
	case err == nil && ip.Is4():
		b = append(append(b, 1), ip.AsSlice()...)
	case err == nil:
		b = append(append(b, 4), ip.AsSlice()...)
	case len(host) > 255:
		return nil, fmt.Errorf("the host name has %d bytes, and SOCKS allows 255", len(host))
	default:
		b = append(append(b, 3, byte(len(host))), host...)
	}
	return append(b, byte(port>>8), byte(port)), nil
}

// logIn sends user and password; the password is not recorded.
func (t *tunnel) logIn() error {
	user := t.proxy.user.Username()
	password, _ := t.proxy.user.Password()
	if len(user) > 255 || len(password) > 255 {
		return t.fail(nil, "", "allows user and password of at most 255 bytes")
	}
	b := append([]byte{1, byte(len(user))}, user...)
	b = append(append(b, byte(len(password))), password...)
	if err := t.send(b, len(password)); err != nil {
		return err
	}
	answer, err := t.next(2)
	if err != nil {
		return err
	}
	if answer[1] != 0 {
		return t.fail(nil, "are they right?", "refused user and password")
	}
	return nil
}

// socksReply reads the answer to a request: §6.
func (t *tunnel) socksReply(address string) error {
	head, err := t.next(4)
	if err != nil {
		return err
	}
	if head[0] != socksVersion {
		return t.notSOCKS(head)
	}
	if rep := int(head[1]); rep != 0 {
		if rep < len(socksReplies) {
			return t.fail(nil, socksReplies[rep].hint, "did not open a way to %s: %s", address, socksReplies[rep].text)
		}
		return t.fail(nil, "", "did not open a way to %s: reply %d", address, rep)
	}
	size := 0
	switch head[3] { // the bound address, which nobody needs
	case 1:
		size = net.IPv4len
	case 4:
		size = net.IPv6len
	case 3:
		n, err := t.next(1)
		if err != nil {
			return err
		}
		size = int(n[0])
	default:
		return t.notSOCKS(head)
	}
	_, err = t.next(size + 2)
	return err
}

// next reads and records n bytes.
func (t *tunnel) next(n int) ([]byte, error) {
	b := make([]byte, n)
	got, err := io.ReadFull(t.Conn, b)
	t.received(b[:got])
	if err != nil {
		return nil, t.broken(err)
	}
	return b, nil
}

func (t *tunnel) notSOCKS(said []byte) error {
	return t.fail(nil, "is it an HTTP proxy? then its URL begins with http://", "does not speak SOCKS 5: it began with %q", said)
}
