package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/net/http2"
	nethpack "golang.org/x/net/http2/hpack"

	"github.com/wiregloss/wiregloss/call"
	"github.com/wiregloss/wiregloss/demo"
)

// script is what a server does on a connection once the request has arrived.
type script func(c net.Conn, fr *http2.Framer, stream uint32)

// scripted is the demo server for reflection, on the first connection, and a
// script for each one after it.
func scripted(t *testing.T, scripts ...script) string {
	t.Helper()
	behind, err := demo.Start(demo.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close() // the client has gone
				switch {
				case n == 0:
					forward(c, behind.Addr())
				case n <= len(scripts):
					answer(c, scripts[n-1])
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		_ = behind.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

func forward(c net.Conn, to string) {
	up, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer up.Close()  // the connection has ended
	go io.Copy(c, up) //nolint:errcheck // as above
	_, _ = io.Copy(up, c)
}

// answer reads up to the end of the request and plays the script.
func answer(c net.Conn, play script) {
	fr := http2.NewFramer(c, c)
	fr.AllowIllegalWrites = true
	if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	if fr.WriteSettings() != nil {
		return
	}
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			return
		}
		if h := f.Header(); h.Type == http2.FrameData && h.Flags.Has(http2.FlagDataEndStream) {
			go io.Copy(io.Discard, c) //nolint:errcheck // so that the client's writes go on
			play(c, fr, h.StreamID)
			_, _ = c.Read(make([]byte, 1)) // until the client leaves
			return
		}
	}
}

// fields encodes a header block without the dynamic table.
func fields(pairs ...string) []byte {
	var b bytes.Buffer
	e := nethpack.NewEncoder(&b)
	e.SetMaxDynamicTableSize(0)
	for i := 0; i < len(pairs); i += 2 {
		_ = e.WriteField(nethpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return b.Bytes()
}

func ada(_ net.Conn, fr *http2.Framer, stream uint32) {
	_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: fields(":status", "200", "content-type", "application/grpc"), EndHeaders: true})
	msg := []byte("\x0a\x011\x12\x03Ada")
	_ = fr.WriteData(stream, false, append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(msg))), msg...))
	_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: fields("grpc-status", "0"), EndHeaders: true, EndStream: true})
}

// runHere runs a command in this process.
func runHere(ctx context.Context, out io.Writer, args ...string) (stderr string, err error) {
	var errs bytes.Buffer
	ios := &ioStreams{in: strings.NewReader(""), out: newIdleWriter(out), err: &errs}
	root := newRoot(ios)
	root.SetArgs(args)
	err = root.ExecuteContext(ctx)
	if flushErr := ios.flush(); err == nil {
		err = flushErr
	}
	return errs.String(), err
}

// A call that the server sends away before it began goes on on a new connection,
// and so does what is shown of it.
func TestCallSentAway(t *testing.T) {
	t.Parallel()
	away := func(_ net.Conn, fr *http2.Framer, _ uint32) { _ = fr.WriteGoAway(0, http2.ErrCodeNo, nil) }
	for output, want := range map[string][]string{
		"body":   {`{"id":"1","name":"Ada"}`},
		"json":   {`"name":"Ada"`, `"code":0`},
		"wire":   {`"name": "Ada"`},
		"frames": {"last stream 0", "grpc-status 0 OK"},
	} {
		t.Run(output, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			talk, err := runHere(t.Context(), &out, "call", scripted(t, away, ada), "UserService/GetUser", "user_id=1", "-o", output)
			if err != nil {
				t.Fatalf("%v\n%s", err, talk)
			}
			for _, w := range want {
				if !strings.Contains(out.String(), w) {
					t.Errorf("the output has no %s:\n%s", w, out.String())
				}
			}
		})
	}
}

// A stream that the server promises under the call's path is not the call.
func TestCallWithPromises(t *testing.T) {
	t.Parallel()
	promise := func(c net.Conn, fr *http2.Framer, stream uint32) {
		for id := uint32(2); id < 100; id += 2 {
			_ = fr.WritePushPromise(http2.PushPromiseParam{
				StreamID: stream, PromiseID: id, EndHeaders: true, BlockFragment: fields(":method", "POST", ":path", "/demo.v1.UserService/GetUser"),
			})
		}
		ada(c, fr, stream)
	}
	var out bytes.Buffer
	if _, err := runHere(t.Context(), &out, "call", scripted(t, promise), "UserService/GetUser", "user_id=1"); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "{\"id\":\"1\",\"name\":\"Ada\"}\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

// canceller cancels once it has seen a text.
type canceller struct {
	text   string
	cancel context.CancelFunc
	seen   atomic.Bool
}

func (w *canceller) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(w.text)) {
		w.seen.Store(true)
		w.cancel()
	}
	return len(b), nil
}

// Frames without end and without a message are shown as they come, and an
// interrupt ends them.
func TestFramesWithoutEnd(t *testing.T) {
	t.Parallel()
	flood := func(c net.Conn, _ *http2.Framer, _ uint32) {
		var b bytes.Buffer
		fr := http2.NewFramer(&b, nil)
		for range 1000 {
			_ = fr.WriteRawFrame(0x42, 0, 0, []byte("12345678"))
		}
		for {
			if _, err := c.Write(b.Bytes()); err != nil {
				return
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &canceller{text: "UNKNOWN_0x42", cancel: cancel}
	_, err := runHere(ctx, out, "call", scripted(t, flood), "UserService/GetUser", "user_id=1", "-o", "frames")
	if !out.seen.Load() || exitCode(err, true) != exitInterrupted {
		t.Errorf("seen %v, error %v", out.seen.Load(), err)
	}
}

// What -v and -o frames tell at the end is of the whole call, however much of its
// index was dropped on the way.
func TestSummaryOfALongCall(t *testing.T) {
	t.Parallel()
	s, err := demo.Start(demo.Config{Listen: "127.0.0.1:0", GRPCListen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	const count = 60_000
	talk, err := runHere(t.Context(), io.Discard, "call", s.Addr(), "LoadService/Flood", fmt.Sprint("count=", count), "size=200", "-v")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"> POST /demo.v1.LoadService/Flood", "  :status: 200", "  grpc-status: 0", fmt.Sprintf("1 sent, %d received", count)} {
		if !strings.Contains(talk, want) {
			t.Errorf("-v does not tell %q:\n%s", want, talk)
		}
	}
}

// gRPC defines codes to 16. Another one must not become any exit code, 0 or that
// of an interrupt among them.
func TestStatusExit(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]int{1: 65, 5: 69, 16: 80, 17: 66, 66: 66, 192: 66, -1: 66, 1 << 32: 66} {
		if got := statusExit(code); got != want {
			t.Errorf("status %d gives exit code %d, want %d", code, got, want)
		}
	}
}

// A pipe that breaks is success where it is our output's, and nowhere else.
func TestBrokenPipe(t *testing.T) {
	t.Parallel()
	dial := &call.DialError{Step: call.TLS, Address: "a:1", Text: "broken", Err: syscall.EPIPE}
	if got := exitCode(dial, false); got != exitTLS || message(dial, false) == "" {
		t.Errorf("a broken connection gives exit code %d and says %q", got, message(dial, false))
	}
	w := newIdleWriter(brokenPipe{})
	if _, err := w.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	err := w.Flush()
	if got := exitCode(err, false); got != exitOK || message(err, false) != "" {
		t.Errorf("a closed output gives exit code %d and says %q", got, message(err, false))
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestSplitArgs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		named, given, operation, items string
		bad                            bool
	}{
		{"", "t Op", "Op", "", false},
		{"", "t Op a=1 b:=2", "Op", "a=1 b:=2", false},
		{"Op", "t", "Op", "", false},
		{"Op", "t a=1 h:v", "Op", "a=1 h:v", false},
		{"Op", "t Other", "", "", true},
		{"", "t", "", "", true},
	} {
		operation, items, err := splitArgs(c.named, strings.Fields(c.given))
		if operation != c.operation || !slices.Equal(items, strings.Fields(c.items)) || (err != nil) != c.bad {
			t.Errorf("%q with %q: %q, %q, %v", c.given, c.named, operation, items, err)
		}
	}
}
