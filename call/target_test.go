package call

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParseCall(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, network, address string
		tls                    bool
		operation              string
	}{
		{"localhost:50051", "tcp", "localhost:50051", false, ""},
		{":50051", "tcp", "localhost:50051", false, ""},
		{"127.9.9.9:1", "tcp", "127.9.9.9:1", false, ""},
		{"[::1]:1", "tcp", "[::1]:1", false, ""},
		{"[::ffff:127.0.0.1]:1", "tcp", "[::ffff:127.0.0.1]:1", false, ""},
		{"[fe80::1%eth0]:1", "tcp", "[fe80::1%eth0]:1", true, ""},
		{"LOCALHOST.:1", "tcp", "LOCALHOST.:1", false, ""},
		{"api.example:443", "tcp", "api.example:443", true, ""},
		{"http:8080", "tcp", "http:8080", true, ""},
		{"grpc://api.example:80", "tcp", "api.example:80", false, ""},
		{"grpc://api.example:80/", "tcp", "api.example:80", false, ""},
		{"GRPCS://localhost:1", "tcp", "localhost:1", true, ""},
		{"dns:///api.example:443", "tcp", "api.example:443", true, ""},
		{"dns:localhost:1", "tcp", "localhost:1", false, ""},
		{"unix:///run/a b.sock", "unix", "/run/a b.sock", false, ""},
		{"unix:rel.sock", "unix", "rel.sock", false, ""},
		{"http://localhost:1/pkg.Svc/Do", "tcp", "localhost:1", false, "pkg.Svc/Do"},
		{"https://api.example/pkg.Svc/Do", "tcp", "api.example:443", true, "pkg.Svc/Do"},
		{"grpc://localhost:1/pkg.Svc/Do", "tcp", "localhost:1", false, "pkg.Svc/Do"},
	} {
		got, op, err := ParseCall(tt.text)
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if got.Text != tt.text || got.Network != tt.network || got.Address != tt.address || got.TLS.On != tt.tls || op != tt.operation {
			t.Errorf("%q: %+v, %q", tt.text, got, op)
		}
	}
}

func TestParseTargetErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                       `no address given; use host:port, for example localhost:50051`,
		"example.com":            `no port in "example.com": add :443 or :50051`,
		"grpc://example.com":     `no port in "grpc://example.com": add :443 or :50051`,
		"::1":                    `no port in "::1": write [::1]:50051`,
		"[::1]":                  `no port in "[::1]": write [::1]:50051`,
		"a:b:c":                  `"a:b:c" is not host:port; an IPv6 address goes in brackets: [::1]:50051`,
		"host:":                  `no port in "host:": add 443 or 50051 after the colon`,
		"host:http":              `"host:http": the port "http" is not a number from 1 to 65535`,
		"host:65536":             `"host:65536": the port "65536" is not a number from 1 to 65535`,
		"a b:1":                  `"a b:1": "a b" is not a host name`,
		"ftp://host:1":           `"ftp://host:1": the scheme "ftp" is not known; use grpc://, grpcs://, unix:///path or host:port`,
		"unix:":                  `"unix:": no path; use unix:///path/of/socket`,
		"unix-abstract:":         `"unix-abstract:": no name; use unix-abstract:name`,
		"unix://run/x":           `"unix://run/x": the path of a socket after unix:// is absolute: unix:///run/x`,
		"dns://8.8.8.8/h:1":      `"dns://8.8.8.8/h:1": a DNS server in the address is not supported; use dns:///host:port`,
		"http://localhost:1":     `"http://localhost:1" is the base of a REST API, and no gRPC method is named; for a gRPC server use grpc://localhost:1`,
		"https://localhost:1/a":  `"https://localhost:1/a": the path "/a" is not that of a gRPC method, which is /pkg.Service/Method`,
		"grpc://u:secret@host:1": `"grpc://u:xxxxx@host:1": a gRPC address has no user, query or fragment; send credentials with -H`,
		"grpc://host:1/p.S/M":    `"grpc://host:1/p.S/M" names the operation p.S/M too; a server's address is wanted here: grpc://host:1`,
	} {
		_, err := ParseTarget(text)
		var e *TargetError
		if !errors.As(err, &e) || e.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestAbstractTarget(t *testing.T) {
	t.Parallel()
	for system, want := range map[string]string{"linux": "", "darwin": `"unix-abstract:x": abstract sockets exist on Linux only; use unix:///path/of/socket`} {
		tg, err := abstractTarget("unix-abstract:x", "x", system)
		if got := fmt.Sprint(err); want != "" && got != want || want == "" && (err != nil || tg.Address != "@x" || tg.Network != "unix" || tg.TLS.On) {
			t.Errorf("%s: %+v, %v", system, tg, err)
		}
	}
	_, err := abstractTarget("", strings.Repeat("x", 108), "linux")
	if err == nil || !strings.Contains(err.Error(), "at most 107 bytes") {
		t.Error(err)
	}
	tg, err := SocketTarget("/run/s")
	if err != nil || tg.Address != "/run/s" {
		t.Errorf("%+v, %v", tg, err)
	}
}

func FuzzParseCall(f *testing.F) {
	f.Add("localhost:1")
	f.Add("https://[::1]:2/a.b/C")
	f.Fuzz(func(t *testing.T, text string) {
		got, _, err := ParseCall(text)
		if err == nil && (got.Address == "" || got.Network == "") {
			t.Errorf("%q: %+v", text, got)
		}
	})
}
