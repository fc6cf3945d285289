package diff

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/wiregloss/wiregloss/demo"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
)

// get makes one REST call over a tapped connection of its own.
func get(t *testing.T, addr, path string, version2 bool) Side {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	rec := record.New(record.Meta{Start: time.Now()})
	var protocols http.Protocols
	protocols.SetHTTP1(!version2)
	protocols.SetUnencryptedHTTP2(version2)
	transport := &http.Transport{
		Protocols: &protocols,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return record.Tap(conn, rec), nil
		},
	}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return Side{Name: path, Recording: rec, Trace: inspect.Decode(rec), Stream: 1}
}

func TestLiveREST(t *testing.T) {
	t.Parallel()
	server, err := demo.Start(demo.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	one, two := get(t, server.Addr(), "/users/1", false), get(t, server.Addr(), "/users/2", false)
	r := Calls(one, two)
	wantLines(t, section(t, r, "request headers"), "changed :path: /users/1 | /users/2")
	body := section(t, r, "response body")
	for _, e := range body.Entries {
		if e.Name != "name" {
			continue
		}
		if e.A != `"Ada Lovelace"` || e.B != `"Alan Turing"` {
			t.Errorf("name is %s and %s", e.A, e.B)
		}
		if got := one.Recording.Append(nil, e.SpansA[0]); string(got) != e.A {
			t.Errorf("the span of name holds %q", got)
		}
	}
	wantMirrored(t, one, two)
	wantSelfSame(t, one)

	// The same call in both versions of HTTP: another protocol, the same body.
	newer := get(t, server.Addr(), "/users/1", true)
	r = Calls(one, newer)
	if s := section(t, r, "response body"); !s.Same() {
		t.Errorf("response body: %q", lines(s))
	}
	wantLines(t, section(t, r, "connection"), "changed protocol: HTTP/1.1 | HTTP/2")
	wantLines(t, section(t, r, "request headers"), "changed user-agent: Go-http-client/1.1 | Go-http-client/2.0", "only in B :scheme:  | http")
	wantMirrored(t, one, newer)
}
