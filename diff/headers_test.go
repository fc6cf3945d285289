package diff

import (
	"strings"
	"testing"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/h1"
	"github.com/wiregloss/wiregloss/inspect/hpack"
	"github.com/wiregloss/wiregloss/record"
)

// requestOf is a call with these request fields alone.
func requestOf(tb testing.TB, pairs ...string) *wire {
	tb.Helper()
	w := newWire(tb)
	w.headers(record.Sent, true, append([]string{":method", "GET"}, pairs...)...)
	return w
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		a, b []string
		want []string
	}{
		{"value", []string{"user-agent", "x/1", "te", "trailers"}, []string{"user-agent", "x/2", "te", "trailers"}, []string{"changed user-agent: x/1 | x/2"}},
		{"added", []string{"te", "trailers"}, []string{"te", "trailers", "grpc-timeout", "1S"}, []string{"only in B grpc-timeout:  | 1S"}},
		{"removed", []string{"te", "trailers", "x", ""}, []string{"te", "trailers"}, []string{"only in A x:  | "}},
		{"one of several values", []string{"k", "1", "k", "2", "k", "3"}, []string{"k", "1", "k", "3"}, []string{"only in A k: 2 | "}},
		{"values of one name swapped", []string{"k", "1", "k", "2"}, []string{"k", "2", "k", "1"}, []string{"moved k: 1 | 1"}},
		{"moved to the front", []string{"a", "1", "b", "2", "c", "3"}, []string{"c", "3", "a", "1", "b", "2"}, []string{"moved c: 3 | 3"}},
		{"an added one moves nothing", []string{"a", "1", "b", "2"}, []string{"n", "0", "a", "1", "b", "2"}, []string{"only in B n:  | 0"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a, b := requestOf(t, tc.a...).side("a"), requestOf(t, tc.b...).side("b")
			got := lines(section(t, Calls(a, b), "request headers"))
			if strings.HasPrefix(tc.want[0], "moved k") && len(got) == 1 && got[0] == "moved k: 2 | 2" {
				got = tc.want // either of two that changed places may be told
			}
			if strings.Join(got, "\n") != strings.Join(tc.want, "\n") {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			wantMirrored(t, a, b)
			wantSelfSame(t, a)
		})
	}
}

// An encoder without a table writes the same fields at another cost.
func TestHPACKRepresentationIsANote(t *testing.T) {
	t.Parallel()
	a := requestOf(t, "x-trace", "0123456789")
	b := newWire(t)
	b.enc[record.Sent].SetMaxDynamicTableSizeLimit(0)
	b.headers(record.Sent, true, ":method", "GET", "x-trace", "0123456789")
	r := Calls(a.side("a"), b.side("b"))
	s := section(t, r, "request headers")
	if !s.Same() {
		t.Fatalf("the fields differ: %q", lines(s))
	}
	note := s.Entries[1].Note
	if !strings.HasPrefix(note, "A: literal, added to table, ") || !strings.Contains(note, "; B: literal, ") {
		t.Errorf("note %q", note)
	}
	wantSpan(t, a, s.Entries[0].SpansA, []byte{0x82}) // RFC 7541, Appendix A: 2 is :method GET
}

func TestUntrustedFieldIsNoted(t *testing.T) {
	t.Parallel()
	out := &entries{}
	compareFields(out, []field{{name: "x", key: "x", value: "1"}}, []field{{name: "x", key: "x", value: "1", doubt: true}})
	if len(out.list) != 1 || !strings.Contains(out.list[0].Note, "untrusted") {
		t.Errorf("entries %+v", out.list)
	}
}

// http1Side is a call as the decoder of HTTP/1.1 lists it.
func http1Side(start string, pairs ...string) Side {
	rec := record.New(record.Meta{})
	at := rec.Add(record.Sent, 0, []byte(start+"\r\n"))
	b := inspect.HeaderBlock{Stream: 1, Kind: inspect.RequestHeaders, StartLine: start}
	for i := 0; i < len(pairs); i += 2 {
		b.Fields = append(b.Fields, hpack.Field{Name: pairs[i], Value: pairs[i+1]})
	}
	return Side{Recording: rec, Stream: 1, Trace: inspect.Trace{
		Protocol: inspect.HTTP1,
		Parts:    []inspect.Part{{Span: at, Kind: h1.Head, Stream: 1}},
		Headers:  []inspect.HeaderBlock{b},
		Streams:  []inspect.Stream{{ID: 1}},
	}}
}

func TestHTTP1NamesHaveNoCase(t *testing.T) {
	t.Parallel()
	a := http1Side("GET /x HTTP/1.1", "Host", "h", "Accept", "*/*")
	b := http1Side("GET /y HTTP/1.1", "host", "h", "Accept", "*/*")
	s := section(t, Calls(a, b), "request headers")
	wantLines(t, s, "changed :path: /x | /y", "encoded :authority: h | h")
	if got := a.Recording.Append(nil, s.Entries[1].SpansA[0]); string(got) != "GET /x HTTP/1.1" {
		t.Errorf("the span of :path holds %q", got)
	}
	wantMirrored(t, a, b)
}

// The start line stands beside the pseudo-header fields of HTTP/2.
func TestHTTP1BesideHTTP2(t *testing.T) {
	t.Parallel()
	a := requestOf(t, ":scheme", "http", ":authority", "h", ":path", "/x", "accept", "*/*").side("a")
	b := http1Side("GET /x HTTP/1.1", "Host", "h", "Accept", "*/*", "Connection", "close")
	r := Calls(a, b)
	wantLines(t, section(t, r, "request headers"), "only in A :scheme: http | ", "only in B Connection:  | close")
	wantLines(t, section(t, r, "frames sent"), "changed framing: 1 HTTP/2 frame | 1 HTTP/1.1 part")
	wantMirrored(t, a, b)
}
