package call

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"runtime"
	"strconv"
	"strings"

	"github.com/wiregloss/wiregloss/exchange"
)

// TargetError says why an address cannot be used.
type TargetError struct{ Text string }

// Error returns the reason and what to do.
func (e *TargetError) Error() string { return e.Text }

func badTarget(format string, args ...any) error {
	return &TargetError{fmt.Sprintf(format, args...)}
}

// ParseTarget reads the address of a gRPC server: host:port, :port, grpc://,
// grpcs://, dns:///host:port, unix:///path or unix-abstract:name. TLS is on unless
// the address is a loopback one, a socket, or grpc://. Its errors are *TargetError.
func ParseTarget(text string) (exchange.Target, error) {
	t, operation, err := ParseCall(text)
	if err == nil && operation != "" {
		return t, badTarget("%q names the operation %s too; a server's address is wanted here: grpc://%s", text, operation, t.Address)
	}
	return t, err
}

// ParseCall reads an address like ParseTarget, or the URL of a method:
// http://host:port/pkg.Service/Method. operation is empty for a bare address.
func ParseCall(text string) (t exchange.Target, operation string, err error) {
	scheme, rest, found := strings.Cut(text, ":")
	if found {
		switch strings.ToLower(scheme) {
		case "unix":
			t, err = unixTarget(text, rest)
			return t, "", err
		case "unix-abstract":
			t, err = abstractTarget(text, rest, runtime.GOOS)
			return t, "", err
		case "dns":
			t, err = dnsTarget(text, rest)
			return t, "", err
		case "grpc", "grpcs", "http", "https":
			if strings.HasPrefix(rest, "//") {
				return urlTarget(text)
			}
		}
	}
	if i := strings.Index(text, "://"); i >= 0 {
		return t, "", badTarget("%q: the scheme %q is not known; use grpc://, grpcs://, unix:///path or host:port", text, text[:i])
	}
	t, err = hostPort(text, text)
	return t, "", err
}

// SocketTarget is the target of a unix socket: a path, or @name for an abstract
// one, as grpcurl -unix takes them. Its error is a *TargetError.
func SocketTarget(path string) (exchange.Target, error) {
	if name, ok := strings.CutPrefix(path, "@"); ok {
		return abstractTarget("unix-abstract:"+name, name, runtime.GOOS)
	}
	return unixTarget("unix:"+path, path)
}

// abstractTarget accepts a name in Linux's abstract namespace. Package net writes
// its leading zero byte as @.
func abstractTarget(text, name, system string) (exchange.Target, error) {
	const longest = 107 // sun_path of unix(7), less the zero byte
	switch {
	case system != "linux":
		return exchange.Target{}, badTarget("%q: abstract sockets exist on Linux only; use unix:///path/of/socket", text)
	case name == "":
		return exchange.Target{}, badTarget("%q: no name; use unix-abstract:name", text)
	case len(name) > longest:
		return exchange.Target{}, badTarget("%q: the name of a socket has at most %d bytes, this one has %d", text, longest, len(name))
	}
	return exchange.Target{Text: text, Network: "unix", Address: "@" + name}, nil
}

// unixTarget accepts unix:///path, unix:/path and unix:relative, as gRPC does, and
// unix:@name for an abstract socket; a file of that name is unix:./@name.
func unixTarget(text, rest string) (exchange.Target, error) {
	if name, ok := strings.CutPrefix(rest, "@"); ok {
		return abstractTarget(text, name, runtime.GOOS)
	}
	path := rest
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		if path = after; !strings.HasPrefix(path, "/") {
			return exchange.Target{}, badTarget("%q: the path of a socket after unix:// is absolute: unix:///%s", text, path)
		}
	}
	if path == "" {
		return exchange.Target{}, badTarget("%q: no path; use unix:///path/of/socket", text)
	}
	return exchange.Target{Text: text, Network: "unix", Address: path}, nil
}

// dnsTarget accepts dns:///host:port and dns:host:port. A DNS server of its own
// (dns://8.8.8.8/host) is not supported.
func dnsTarget(text, rest string) (exchange.Target, error) {
	after, ok := strings.CutPrefix(rest, "//")
	if ok {
		if after, ok = strings.CutPrefix(after, "/"); !ok {
			return exchange.Target{}, badTarget("%q: a DNS server in the address is not supported; use dns:///host:port", text)
		}
		rest = after
	}
	return hostPort(text, rest)
}

// hostPort reads "host:port" without a scheme.
func hostPort(text, address string) (exchange.Target, error) {
	t := exchange.Target{Text: text, Network: "tcp"}
	if address == "" {
		return t, badTarget("no address given; use host:port, for example localhost:50051")
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return t, noPort(text, address)
	}
	if err := checkPort(text, port); err != nil {
		return t, err
	}
	if host == "" {
		host = "localhost"
	}
	if err := checkHost(text, host); err != nil {
		return t, err
	}
	t.Address = net.JoinHostPort(host, port)
	t.TLS.On = !loopback(host)
	return t, nil
}

func noPort(text, address string) error {
	if ip, err := netip.ParseAddr(strings.Trim(address, "[]")); err == nil && ip.Is6() {
		return badTarget("no port in %q: write [%s]:50051", text, ip)
	}
	switch strings.Count(address, ":") {
	case 0:
		return badTarget("no port in %q: add :443 or :50051", text)
	case 1:
		return badTarget("%q is not host:port", text)
	}
	return badTarget("%q is not host:port; an IPv6 address goes in brackets: [::1]:50051", text)
}

func checkPort(text, port string) error {
	if port == "" {
		return badTarget("no port in %q: add 443 or 50051 after the colon", text)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return badTarget("%q: the port %q is not a number from 1 to 65535", text, port)
	}
	return nil
}

// checkHost refuses what no resolver can know, before a look-up takes its time.
func checkHost(text, host string) error {
	if strings.ContainsAny(host, " \t\r\n/\\@?#\"'<>") {
		return badTarget("%q: %q is not a host name", text, host)
	}
	return nil
}

// loopback reports whether a host is this machine by its name alone; nothing is
// looked up.
func loopback(host string) bool {
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// urlTarget reads grpc://, grpcs://, http:// and https://. The scheme alone
// decides about TLS.
func urlTarget(text string) (t exchange.Target, operation string, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return t, "", badTarget("%q is not a URL: %v", text, err)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return t, "", badTarget("%q: a gRPC address has no user, query or fragment; send credentials with -H", u.Redacted())
	}
	rest := strings.HasPrefix(u.Scheme, "http")
	secure := strings.HasSuffix(u.Scheme, "s")
	address := u.Host
	if u.Port() == "" && rest {
		port := "80"
		if secure {
			port = "443"
		}
		address = net.JoinHostPort(u.Hostname(), port)
	}
	if t, err = hostPort(text, address); err != nil {
		return t, "", err
	}
	t.TLS.On = secure
	operation = strings.Trim(u.Path, "/")
	switch {
	case operation == "" && rest:
		return t, "", badTarget("%q is the base of a REST API, and no gRPC method is named; for a gRPC server use %s", text, grpcForm(t))
	case operation != "" && strings.Count(operation, "/") != 1:
		return t, "", badTarget("%q: the path %q is not that of a gRPC method, which is /pkg.Service/Method", text, u.Path)
	}
	return t, operation, nil
}

// grpcForm is the gRPC URL of a target.
func grpcForm(t exchange.Target) string {
	switch {
	case strings.HasPrefix(t.Address, "@"):
		return "unix-abstract:" + t.Address[1:]
	case t.Network == "unix":
		return "unix://" + t.Address
	case t.TLS.On:
		return "grpcs://" + t.Address
	}
	return "grpc://" + t.Address
}
