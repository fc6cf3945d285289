package diff

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
)

// failing is a call that ends with a status.
func failing(tb testing.TB, pairs ...string) *wire {
	tb.Helper()
	w := newWire(tb)
	w.request()
	w.data(record.Sent, true, prefixed(nil, 0))
	w.headers(record.Received, true, append([]string{":status", "200", "content-type", "application/grpc"}, pairs...)...)
	return w
}

func TestStatus(t *testing.T) {
	t.Parallel()
	details := func(reason string) string {
		a, err := anypb.New(&errdetails.ErrorInfo{Reason: reason, Domain: "demo"})
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawStdEncoding.EncodeToString(marshal(t, &status.Status{Code: 5, Message: "no", Details: []*anypb.Any{a}}))
	}
	a := failing(t, "grpc-status", "5", "grpc-message", "no", "grpc-status-details-bin", details("GONE")).side("a")
	b := failing(t, "grpc-status", "7", "grpc-message", "no", "grpc-status-details-bin", details("LOST")).side("b")
	s := section(t, Calls(a, b), "status")
	wantLines(t, s, "changed grpc status: 5 NOT_FOUND | 7 PERMISSION_DENIED", `changed details.details[0].value.reason: "GONE" | "LOST"`)
	if len(s.Entries[0].SpansA) != 1 || len(s.Entries[len(s.Entries)-1].SpansB) != 1 {
		t.Errorf("the status has no place on the wire: %+v", s.Entries)
	}
	wantMirrored(t, a, b)
	wantSelfSame(t, a)
}

func TestReset(t *testing.T) {
	t.Parallel()
	a, b := grpcCall(t, []byte{}), newWire(t)
	b.request()
	b.data(record.Sent, true, prefixed(nil, 0))
	b.frame(record.Received, func(fr *http2.Framer) error { return fr.WriteRSTStream(1, http2.ErrCodeRefusedStream) })
	r := Calls(a.side("a"), b.side("b"))
	got := strings.Join(lines(section(t, r, "status")), "\n")
	if !strings.Contains(got, "changed stream: ended by both sides | reset by the server: REFUSED_STREAM") {
		t.Errorf("status %s", got)
	}
	wantLines(
		t, section(t, r, "frames received"),
		"only in A HEADERS: "+section(t, r, "frames received").Entries[0].A+" | ", "only in A DATA: 8 bytes | ",
		"only in A HEADERS: "+section(t, r, "frames received").Entries[2].A+" | ", "only in B RST_STREAM:  | 4 bytes",
	)
	wantMirrored(t, a.side("a"), b.side("b"))
}

func TestFramesAlign(t *testing.T) {
	t.Parallel()
	call := func(sizes ...int) *wire {
		w := newWire(t)
		w.settings(record.Sent)
		w.request()
		for _, n := range sizes {
			w.data(record.Sent, false, make([]byte, n))
		}
		return w
	}
	a, b := call(10, 20, 30, 40).side("a"), call(10, 25, 30, 35, 40).side("b")
	s := section(t, Calls(a, b), "frames sent")
	wantLines(t, s, "changed DATA: 20 bytes | 25 bytes", "only in B DATA:  | 35 bytes")
	if s.Note != "folded: 1 SETTINGS" {
		t.Errorf("note %q", s.Note)
	}
	wantMirrored(t, a, b)
}

func TestSettings(t *testing.T) {
	t.Parallel()
	call := func(list ...http2.Setting) *wire {
		w := newWire(t)
		w.settings(record.Received, list...)
		w.request()
		return w
	}
	a := call(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 16384}, http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 100})
	b := call(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1}, http2.Setting{ID: 0xff, Val: 9})
	s := section(t, Calls(a.side("a"), b.side("b")), "connection")
	wantLines(
		t, s, "changed received MAX_CONCURRENT_STREAMS: 100 | 1", "only in A received MAX_FRAME_SIZE: 16384 | ",
		"only in B received UNKNOWN_0x00ff:  | 9",
	)
	for _, e := range s.Entries {
		if e.Name == "received MAX_CONCURRENT_STREAMS" {
			wantSpan(t, a, e.SpansA, []byte{0, 3, 0, 0, 0, 100})
		}
	}
	wantMirrored(t, a.side("a"), b.side("b"))
}

func certificate(tb testing.TB, name string) []byte {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	t := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotAfter: time.Unix(2e9, 0)}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

func TestConnectionFacts(t *testing.T) {
	t.Parallel()
	leaf := certificate(t, "one.test")
	side := func(m record.Meta) Side {
		rec := record.New(m)
		return Side{Recording: rec, Trace: inspect.Decode(rec), Stream: 1}
	}
	a := side(record.Meta{Address: "h:1", Peer: "[::1]:1", TLS: &record.TLS{Version: "TLS 1.3", CipherSuite: "X", ALPN: "h2", Chain: [][]byte{leaf, {1}}}})
	b := side(record.Meta{Address: "h:1", Peer: "127.0.0.1:1", TLS: &record.TLS{Version: "TLS 1.2", CipherSuite: "X", Chain: [][]byte{certificate(t, "two.test")}}})
	wantLines(
		t, section(t, Calls(a, b), "connection"),
		"changed peer: [::1]:1 | 127.0.0.1:1", "changed tls: TLS 1.3 | TLS 1.2", "changed tls alpn: h2 | ",
		"changed tls certificate 1 subject: CN=one.test | CN=two.test",
		"changed tls certificate 1: issued by CN=one.test, serial 7, until 2033-05-18 | issued by CN=two.test, serial 7, until 2033-05-18",
		"only in A tls certificate 2 subject: 1 unreadable byte | ",
	)
	plain := side(record.Meta{Address: "h:1"})
	wantLines(t, section(t, Calls(a, plain), "connection"), "changed tls: TLS 1.3 | none: plaintext")
	wantMirrored(t, a, b)
}

func TestTimingIsNoDifference(t *testing.T) {
	t.Parallel()
	a, b := grpcCall(t, []byte("\x0a\x01x")), grpcCall(t, []byte("\x0a\x01x"))
	late := newWire(t)
	late.at = 5 * time.Millisecond
	late.request("grpc-timeout", "100m")
	if r := Calls(a.side("a"), b.side("b")); !r.Same() {
		t.Errorf("two calls of the same bytes differ: %+v", r)
	}
	s := section(t, Calls(late.side("a"), a.side("b")), "timing")
	wantLines(t, s, "only in A deadline: 100.00 ms | ", "only in B first byte:  | 2.00 ms", "only in B total:  | 4.00 ms")
	if !s.Same() {
		t.Error("times count as differences")
	}
}

// Calls on one connection of many are compared without the others.
func TestOneStreamOfSeveral(t *testing.T) {
	t.Parallel()
	w := grpcCall(t, []byte("\x0a\x01x"))
	a := w.side("a")
	a.Stream = 3 // not there
	r := Calls(a, w.side("b"))
	if got := section(t, r, "request headers").Counts(); got[OnlyB] != 5 || got[Equal] != 0 {
		t.Errorf("counts %v", got)
	}
}

func TestPair(t *testing.T) {
	t.Parallel()
	sides := func(paths ...string) []Side {
		t := inspect.Trace{}
		var out []Side
		for i, p := range paths {
			t.Streams = append(t.Streams, inspect.Stream{ID: uint32(2*i + 1), Method: "POST", Path: p})
		}
		for i := range paths {
			out = append(out, Side{Trace: t, Stream: uint32(2*i + 1)})
		}
		return out
	}
	tests := []struct {
		name string
		a, b []Side
		want [][2]int
	}{
		{"nothing", nil, nil, [][2]int{}},
		{"repeated path", sides("x", "x"), sides("x", "x", "x"), [][2]int{{0, 0}, {1, 1}, {-1, 2}}},
		{"only here", sides("x", "y", "z"), sides("y", "w"), [][2]int{{0, -1}, {1, 0}, {2, -1}, {-1, 1}}},
		{"another order", sides("x", "y"), sides("y", "x"), [][2]int{{0, 1}, {1, 0}}},
		{"one of each", sides("x"), sides("y"), [][2]int{{0, 0}}},
	}
	for _, tc := range tests {
		if d := cmp.Diff(tc.want, Pair(tc.a, tc.b)); d != "" {
			t.Errorf("%s (-want +got)\n%s", tc.name, d)
		}
	}
}

// many is a call with n messages, of which every k-th from the first on has
// other bytes.
func many(tb testing.TB, n, k int) *wire {
	tb.Helper()
	w := newWire(tb)
	w.request()
	var buf []byte
	for i := range n {
		p := []byte{0x08, 1}
		if k > 0 && i%k == 0 {
			p[1] = 2
		}
		if buf = append(buf, prefixed(p, 0)...); len(buf) > 16000 {
			w.data(record.Sent, false, buf)
			buf = buf[:0]
		}
	}
	w.data(record.Sent, true, buf)
	return w
}

func TestManyMessagesAreCounted(t *testing.T) {
	t.Parallel()
	const n = 200_000
	a, b := many(t, n, 0).side("a"), many(t, n, 10).side("b")
	r := Calls(a, b)
	if len(r.Sections) > 3*maxDetailed {
		t.Errorf("%d sections for %d messages", len(r.Sections), n)
	}
	sum := Counts{}
	for _, s := range r.Sections {
		if s.Topic == Message {
			c := s.Counts()
			sum[Changed], sum[Equal] = sum[Changed]+c[Changed], sum[Equal]+c[Equal]
		}
	}
	if sum[Changed] != n/10 || sum[Equal] != n-n/10 {
		t.Errorf("%d messages changed and %d are equal of %d", sum[Changed], sum[Equal], n)
	}
	if r = Calls(a, a); !r.Same() {
		t.Error("a long call differs from itself")
	}
	if s := section(t, r, "request messages 1-200000"); s.Counts()[Equal] != n {
		t.Errorf("counts %v", s.Counts())
	}
	wantMirrored(t, a, b)
}

func TestMessagesOfOneSideOnly(t *testing.T) {
	t.Parallel()
	a, b := many(t, 3, 0).side("a"), many(t, 1000, 0).side("b")
	r := Calls(a, b)
	wantLines(t, section(t, r, "request message 4"), "only in B 1:  | 1")
	last := section(t, r, "request message 54 and later")
	if last.Unlisted[OnlyB] != 1000-3-maxDetailed || last.Same() {
		t.Errorf("the rest is %+v", last)
	}
	wantMirrored(t, a, b)
}

func TestManyFieldsAreCounted(t *testing.T) {
	t.Parallel()
	build := func(value byte) []byte {
		var b []byte
		for range 5000 {
			b = append(b, 0x08, value)
		}
		return b
	}
	s, _, _ := compared(t, build(1), build(2), nil)
	if len(s.Entries) != maxListed || s.Unlisted[Changed] != 5000-maxListed {
		t.Errorf("%d entries, %d more", len(s.Entries), s.Unlisted[Changed])
	}
}
