package call

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

// FuzzProxyAnswer lets a proxy say anything: it is a tunnel or a *DialError, all
// that it said is recorded or belongs to the tunnel, and nothing hangs.
func FuzzProxyAnswer(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\n\r\nrest", "HTTP/1.1 407 No\r\nContent-Length: 3\r\n\r\nyes", "HTTP/1.1 200\r\nContent-Length: -1\r\n\r\n",
		"HTTP/9 x\r\n\r\n", "\x05\x00\x05\x00\x00\x01\x01\x02\x03\x04\x05\x06rest", "\x05\x02\x01\x00\x05\x00\x00\x03\x01a\x00\x00", "",
	} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, said []byte, http bool) {
		client, server := net.Pipe()
		p, err := parseProxy("socks5://u:p@proxy:1", "--proxy")
		if http {
			p, err = parseProxy("http://u:p@proxy:1", "--proxy")
		}
		must(t, err)
		done := make(chan struct{})
		go func() { // what is sent is read, so that no write waits
			defer close(done)
			b := make([]byte, 512)
			for {
				if _, err := server.Read(b); err != nil {
					return
				}
			}
		}()
		go func() { _, _ = server.Write(said); _ = server.Close() }()
		d := newDialer(exchange.Target{Network: "tcp", Address: "host.example:443"}, nil)
		rec := record.New(record.Meta{Start: time.Now()})
		c, err := d.throughProxy(context.Background(), p, client, record.Meta{}, func(record.Meta) *record.Recording { return rec })
		var e *DialError
		if (c == nil) != errors.As(err, &e) {
			t.Errorf("%v, %v", c, err)
		}
		kept := rec.Size(record.Received)
		if c != nil {
			kept += int64(len(c.(*tunnel).rest))
		}
		if kept > int64(len(said)) || string(rec.Append(nil, record.Span{Dir: record.Received, Len: rec.Size(record.Received)})) != string(said[:rec.Size(record.Received)]) {
			t.Errorf("recorded %d bytes of %d", kept, len(said))
		}
		_ = client.Close()
		<-done
	})
}

func FuzzParseProxy(f *testing.F) {
	f.Add("http://u:p@h:1")
	f.Add("socks5h://[::1]")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parseProxy(text, "--proxy")
		if err != nil {
			return
		}
		if _, _, err := net.SplitHostPort(p.address); err != nil {
			t.Errorf("%q: %q: %v", text, p.address, err)
		}
	})
}
