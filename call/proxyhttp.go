package call

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	maxProxyHead = 64 << 10 // of the header of a proxy's answer, in bytes
	maxProxyPage = 2 << 10  // of the page that says why it refuses
	pageWait     = 200 * time.Millisecond
)

// connect asks an HTTP proxy for a tunnel (RFC 9110 §9.3.6).
func (t *tunnel) connect(address string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "CONNECT %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: wiregloss\r\n", address, address)
	if u := t.proxy.user; u != nil {
		password, _ := u.Password()
		// A field that renderers and exports know as secret (RFC 9110 §11.7.2).
		fmt.Fprintf(&b, "Proxy-Authorization: Basic %s\r\n", base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	b.WriteString("\r\n")
	if err := t.send([]byte(b.String()), 0); err != nil {
		return err
	}
	head, err := t.head()
	if err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &http.Request{Method: http.MethodConnect})
	if err != nil {
		return t.notHTTP(head, err)
	}
	_ = resp.Body.Close() // of memory
	if resp.StatusCode/100 == 2 {
		return nil
	}
	return t.refused(address, head, resp)
}

// head reads up to the empty line after the header fields, and keeps what follows.
func (t *tunnel) head() ([]byte, error) {
	var got []byte
	buf := make([]byte, 4096)
	for {
		n, err := t.Conn.Read(buf)
		from := max(len(got)-3, 0)
		got = append(got, buf[:n]...)
		if i := bytes.Index(got[from:], []byte("\r\n\r\n")); i >= 0 {
			end := from + i + 4
			t.received(got[len(got)-n : end])
			t.rest = got[end:]
			return got[:end], nil
		}
		t.received(buf[:n])
		switch {
		case len(got) > 0 && !bytes.HasPrefix(got, []byte("HTTP/")[:min(len(got), 5)]):
			return nil, t.notHTTP(got, err)
		case err != nil:
			return nil, t.broken(err)
		case len(got) > maxProxyHead:
			return nil, t.fail(nil, "", "answered with a header of more than %d bytes", maxProxyHead)
		}
	}
}

func (t *tunnel) notHTTP(said []byte, err error) error {
	return t.fail(err, "is it a SOCKS proxy? then its URL begins with socks5://", "does not speak HTTP: it began with %q", said[:min(len(said), 24)])
}

// refused words an answer that is no tunnel, with the beginning of its page.
func (t *tunnel) refused(address string, head []byte, resp *http.Response) error {
	line, _, _ := strings.Cut(string(head), "\r\n")
	hint := ""
	switch code := resp.StatusCode; {
	case code == http.StatusProxyAuthRequired && t.proxy.user == nil:
		hint = "give it user and password: http://user:password@" + t.proxy.address
	case code == http.StatusProxyAuthRequired:
		hint = "are user and password right?"
	case code == http.StatusForbidden, code == http.StatusMethodNotAllowed:
		hint = "it may allow only some hosts and ports"
	case code >= http.StatusInternalServerError:
		hint = "is the server's address right as seen from the proxy?"
	}
	e := t.fail(nil, hint, "did not open a way to %s: it answered %q", address, line)
	e.Detail = firstLine(t.page(resp.ContentLength))
	return e
}

// page reads the beginning of a page of length bytes, -1 if that is not known. A
// proxy that is slow with it is not waited for.
func (t *tunnel) page(length int64) []byte {
	if length < 0 || length > maxProxyPage {
		length = maxProxyPage
	}
	_ = t.SetReadDeadline(time.Now().Add(pageWait)) // the connection is of no use any more
	t.received(t.rest)
	page, _ := io.ReadAll(io.LimitReader(t.Conn, length-int64(len(t.rest)))) // however much it is
	t.received(page)
	page = append(bytes.Clone(t.rest), page...)
	t.rest = nil
	return page
}

// firstLine quotes the first line of a page that has text, as a stranger wrote it.
func firstLine(page []byte) string {
	const shown = 200
	for line := range bytes.Lines(page) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return fmt.Sprintf("the page begins with %q", line[:min(len(line), shown)])
		}
	}
	return ""
}
