//go:build e2e

package e2e

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// restScenarios speak HTTP/1.1.
var restScenarios = []scenario{
	{
		name: "REST of the demo server", http1: true, serve: sharedDemo, drive: callREST,
		least: facts{"requests": 6, "responses": 6, "lines": 50, "bodies": 5, "connections": 1},
	},
	{
		name: "server-sent events", http1: true, serve: sharedDemo, drive: readEvents,
		least: facts{"chunks": 3, "bodies": 1, "events": 3},
	},
	{
		name: "chunks, gzip and trailers", http1: true, serve: bodyServer, drive: callBodies,
		least: facts{"requests": 7, "responses": 8, "chunks": 6, "bodies": 5, "gzip": 1, "trailers": 1, "informational": 1},
	},
}

// fetch makes a request on one kept-alive connection and reads its answer to the end.
func fetch(t *testing.T, client *http.Client, method, url, body string, fields ...string) {
	t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, in)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == "Transfer-Encoding" {
			req.ContentLength = -1
			continue
		}
		req.Header.Set(fields[i], fields[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
}

// oneConnection is a client that keeps its connection and asks for no compression
// by itself.
func oneConnection(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{DisableCompression: true, MaxConnsPerHost: 1, ExpectContinueTimeout: limit}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: limit}
}

func callREST(t *testing.T, addr string) {
	t.Helper()
	client, url := oneConnection(t), "http://"+addr
	defer client.CloseIdleConnections()
	fetch(t, client, "GET", url+"/users/1", "", "X-Empty", "", "X-Words", "two  words")
	fetch(t, client, "GET", url+"/users?page_size=3", "")
	fetch(t, client, "POST", url+"/users", `{"id":"e2e","name":"E. Two","email":"e2e@example.com"}`, "Content-Type", "application/json")
	fetch(t, client, "PATCH", url+"/users/e2e", `{"age":30}`, "Content-Type", "application/merge-patch+json", "Transfer-Encoding", "chunked")
	fetch(t, client, "HEAD", url+"/users/e2e", "")
	fetch(t, client, "DELETE", url+"/users/e2e", "")
	fetch(t, client, "GET", url+"/users/none", "")
	fetch(t, client, "GET", url+"/openapi.json", "")
}

func readEvents(t *testing.T, addr string) {
	t.Helper()
	client := oneConnection(t)
	defer client.CloseIdleConnections()
	fetch(t, client, "GET", "http://"+addr+"/events?count=4&interval_ms=10", "")
}

// bodyServer answers with bodies of every framing.
func bodyServer(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/chunks", func(w http.ResponseWriter, _ *http.Request) {
		for i := range 4 {
			_, _ = fmt.Fprintf(w, "chunk %d %s\n", i, strings.Repeat("x", i*1000)) // the client reads all
			_ = http.NewResponseController(w).Flush()                              // likewise
		}
	})
	mux.HandleFunc("/gzip", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, strings.Repeat("to be compressed ", 500)) // likewise
		_ = z.Close()                                                      // likewise
	})
	mux.HandleFunc("/trailers", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, "with a sum") // likewise
		_ = http.NewResponseController(w).Flush()
		w.Header().Set("X-Sum", "10")
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what came is sent back
		_, _ = w.Write(body)          // likewise
	})
	mux.HandleFunc("/none", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: mux, ReadHeaderTimeout: limit, IdleTimeout: limit, WriteTimeout: time.Minute}
	go func() { _ = s.Serve(l) }()      // it ends when it is closed
	t.Cleanup(func() { _ = s.Close() }) // the test is over
	return l.Addr().String()
}

func callBodies(t *testing.T, addr string) {
	t.Helper()
	client, url := oneConnection(t), "http://"+addr
	defer client.CloseIdleConnections()
	fetch(t, client, "GET", url+"/chunks", "")
	fetch(t, client, "GET", url+"/gzip", "")
	fetch(t, client, "GET", url+"/trailers", "")
	fetch(t, client, "POST", url+"/echo", strings.Repeat("a body in chunks ", 4000), "Transfer-Encoding", "chunked", "Content-Type", "text/plain")
	fetch(t, client, "POST", url+"/echo", "only if welcome", "Expect", "100-continue", "Content-Type", "text/plain")
	fetch(t, client, "GET", url+"/none", "")
	fetch(t, client, "GET", url+"/nowhere", "")
}
