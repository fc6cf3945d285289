package h1

import (
	"fmt"
	"strings"
	"testing"
)

// cut parses text that arrives step bytes at a time, and returns its parts: their
// kind, whether they end a message, the rules they break. With verbose come the
// bytes of both.
func cut(text string, response bool, method string, step int, verbose bool) (out []string, p *Parser) {
	b := []byte(text)
	src := func(off, n int64) []byte { return b[off : off+n] }
	p = NewParser(src, response, func(int) string { return method })
	take := func(e Element) {
		if !e.Done && len(e.Violations) == 0 {
			return
		}
		s := e.Kind.String()
		if verbose {
			s += fmt.Sprintf(" %q", text[e.Start:e.Off+e.Len])
		}
		if e.End {
			s += " end"
		}
		for _, v := range e.Violations {
			s += " ! " + v.Rule
			if verbose {
				s += fmt.Sprintf(" %q", text[e.Start+int64(v.Range.Off):e.Start+int64(v.Range.Off+v.Range.Len)])
			}
		}
		out = append(out, s)
	}
	for avail := step; ; avail += step {
		avail = min(avail, len(text))
		for e, ok := p.Next(int64(avail)); ok; e, ok = p.Next(int64(avail)) {
			take(e)
		}
		if avail == len(text) {
			break
		}
	}
	if e, ok := p.Close(int64(len(text))); ok {
		take(e)
	}
	return out, p
}

func TestParserIsTheSameForAnyChunks(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: 1\r\n\r\n\r\nHTTP/1.1 204 None\r\n\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 3\n\nabcjunk HTTP/1.1 2xxHTTP/1.0 404 No\r\n\r\nuntil close",
		"HTTP/1.1 101 Switch\r\nUpgrade: x\r\n\r\n\x00\x01",
		"}}\r\n\r\nHTTP/1.1 200 \r\nContent-Length: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
	} {
		want, _ := cut(text, true, "GET", len(text), true)
		for step := 1; step < 9; step++ {
			if got, _ := cut(text, true, "GET", step, true); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%d bytes at a time: %q, want %q", step, got, want)
			}
		}
	}
}

// RFC 9112 §6.3, case by case: how a message's content ends.
func TestFraming(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ method, text, want string }{
		{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "head end"},
		{"GET", "HTTP/1.1 304 Not\r\nContent-Length: 5\r\n\r\n", "head end"},
		{"GET", "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", "head end, head, data end"},
		{"CONNECT", "HTTP/1.1 200 OK\r\n\r\nab", "head end, tunnel"},
		{"CONNECT", "HTTP/1.1 400 No\r\nContent-Length: 2\r\n\r\nab", "head, data end"},
		{"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab", "head ! RFC 9112 §6.3, data end"},
		{"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\nContent-Length: 9\r\n\r\n1\r\na\r\n0\r\n\r\n", "head ! RFC 9112 §6.3, chunk size, data, chunk end, last chunk, trailers end"},
		{"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nab", "head ! RFC 9110 §8.6, data end"},
		{"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nab", "head ! RFC 9112 §6.3, data end"},
		{"GET", "HTTP/1.1 200 OK\r\n\r\n", "head, data end"},
		{"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\nHost: a\r\n\r\n", "head ! RFC 9112 §6.1, last chunk, trailers end ! RFC 9110 §6.5.1"},
		{"GET", "HTTP/2.0 20 OK\r\n\r\n", "junk ! RFC 9112 §2.1"},
	} {
		got, _ := cut(tc.text, true, tc.method, 1000, false)
		if s := strings.Join(got, ", "); s != tc.want {
			t.Errorf("%s %q: %s, want %s", tc.method, tc.text, s, tc.want)
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	next := "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
	for name, text := range map[string]string{
		"head":   "GET / HTTP/1.1\r\n" + strings.Repeat("X: 1\r\n", MaxHead/6) + "\r\n" + next,
		"line":   "GET /" + strings.Repeat("a", maxStartLine) + " HTTP/1.1\r\n\r\n" + next,
		"chunk":  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("x", MaxLine) + "\r\na\r\n0\r\n\r\n" + next,
		"fields": "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: 1\r\n", MaxFields+5) + "\r\n" + next,
	} {
		got, _ := cut(text, false, "", 5000, true)
		all := strings.Join(got, "\n")
		if !strings.Contains(all, "! limit") || !strings.HasPrefix(got[len(got)-1], `head "GET /next`) {
			t.Errorf("%s: no limit, or nothing after it: %.300q", name, got[len(got)-1])
		}
	}
	// A value of very many lines is joined in bounded time.
	m, _ := ParseHead([]byte("GET / HTTP/1.1\r\nA: 1\r\n"+strings.Repeat(" 2\r\n", 200_000)+"\r\n"), false)
	if len(m.Fields) != 1 || len(m.Fields[0].Value) > 2*MaxLine || m.Fields[0].Range.Len != 6+4*200_000 {
		t.Errorf("%d fields, %d bytes", len(m.Fields), len(m.Fields[0].Value))
	}
}

func FuzzParser(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", true, "GET", uint8(3))
	f.Add("junk\nPOST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nabGET / HTTP/1.1\n\n", false, "", uint8(1))
	f.Fuzz(func(t *testing.T, text string, response bool, method string, step uint8) {
		whole, p := cut(text, response, method, len(text)+1, true)
		got, q := cut(text, response, method, max(int(step), len(text)/64, 1), true)
		if fmt.Sprint(got) != fmt.Sprint(whole) || p.Start() != q.Start() {
			t.Fatalf("%q, want %q", got, whole)
		}
	})
}
