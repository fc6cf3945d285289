package diff

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/net/http2"
	nethpack "golang.org/x/net/http2/hpack"

	"github.com/google/go-cmp/cmp"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// wire writes an HTTP/2 connection, a frame a chunk, each a millisecond later.
type wire struct {
	tb   testing.TB
	rec  *record.Recording
	at   time.Duration
	buf  bytes.Buffer
	fr   *http2.Framer
	enc  [2]*nethpack.Encoder
	hbuf [2]bytes.Buffer

	stream uint32
}

func newWire(tb testing.TB) *wire {
	tb.Helper()
	w := &wire{tb: tb, rec: record.New(record.Meta{}), stream: 1}
	w.fr = http2.NewFramer(&w.buf, nil)
	w.fr.AllowIllegalWrites = true
	for d := range w.enc {
		w.enc[d] = nethpack.NewEncoder(&w.hbuf[d])
	}
	w.rec.Add(record.Sent, 0, []byte(h2.Preface))
	return w
}

func (w *wire) frame(d record.Dir, write func(fr *http2.Framer) error) {
	w.tb.Helper()
	w.buf.Reset()
	if err := write(w.fr); err != nil {
		w.tb.Fatal(err)
	}
	w.at += time.Millisecond
	w.rec.Add(d, w.at, w.buf.Bytes())
}

func (w *wire) settings(d record.Dir, list ...http2.Setting) {
	w.frame(d, func(fr *http2.Framer) error { return fr.WriteSettings(list...) })
}

func (w *wire) headers(d record.Dir, end bool, pairs ...string) {
	w.hbuf[d].Reset()
	for i := 0; i < len(pairs); i += 2 {
		if err := w.enc[d].WriteField(nethpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}); err != nil {
			w.tb.Fatal(err)
		}
	}
	block := w.hbuf[d].Bytes()
	w.frame(d, func(fr *http2.Framer) error {
		return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: w.stream, BlockFragment: block, EndHeaders: true, EndStream: end})
	})
}

func (w *wire) data(d record.Dir, end bool, b []byte) {
	w.frame(d, func(fr *http2.Framer) error { return fr.WriteData(w.stream, end, b) })
}

func (w *wire) request(pairs ...string) {
	w.headers(record.Sent, false, append([]string{
		":method", "POST", ":scheme", "http", ":path", "/demo.v1.UserService/GetUser", ":authority", "test", "content-type", "application/grpc",
	}, pairs...)...)
}

func (w *wire) response(pairs ...string) {
	w.headers(record.Received, false, append([]string{":status", "200", "content-type", "application/grpc"}, pairs...)...)
}

func (w *wire) side(name string) Side {
	return Side{Name: name, Recording: w.rec, Trace: inspect.Decode(w.rec), Stream: 1}
}

// grpcCall is a whole call with these request payloads and one answer.
func grpcCall(tb testing.TB, payloads ...[]byte) *wire {
	tb.Helper()
	w := newWire(tb)
	w.request()
	for i, p := range payloads {
		w.data(record.Sent, i == len(payloads)-1, prefixed(p, 0))
	}
	w.response()
	w.data(record.Received, false, prefixed([]byte{0x0a, 1, 'x'}, 0))
	w.headers(record.Received, true, "grpc-status", "0")
	return w
}

// bodyCall is a call whose request is one body of a content type.
func bodyCall(tb testing.TB, contentType string, body []byte) *wire {
	tb.Helper()
	w := newWire(tb)
	w.headers(record.Sent, false, ":method", "POST", ":scheme", "http", ":path", "/users", ":authority", "test", "content-type", contentType)
	w.data(record.Sent, true, body)
	w.headers(record.Received, true, ":status", "204")
	return w
}

func prefixed(b []byte, flag byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(b))), b...)
}

func gzipped(tb testing.TB, b []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		tb.Fatal(err)
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// section returns the section with a title.
func section(tb testing.TB, r Report, title string) Section {
	tb.Helper()
	for _, s := range r.Sections {
		if s.Title == title {
			return s
		}
	}
	tb.Fatalf("no section %q in %q", title, titles(r))
	return Section{}
}

func titles(r Report) []string {
	var out []string
	for _, s := range r.Sections {
		out = append(out, s.Title)
	}
	return out
}

// lines words the differences of a section: "changed name: A | B".
func lines(s Section) []string {
	out := []string{}
	for _, e := range s.Entries {
		if e.Kind != Equal {
			out = append(out, e.Kind.String()+" "+e.Name+": "+e.A+" | "+e.B)
		}
	}
	return out
}

func wantLines(tb testing.TB, s Section, want ...string) {
	tb.Helper()
	if d := cmp.Diff(append([]string{}, want...), lines(s)); d != "" {
		tb.Errorf("%s (-want +got)\n%s", s.Title, d)
	}
}

// wantSpan checks that the first span of an entry holds these bytes.
func wantSpan(tb testing.TB, w *wire, spans []record.Span, want []byte) {
	tb.Helper()
	var got []byte
	for _, s := range spans {
		got = w.rec.Append(got, s)
	}
	if !bytes.Equal(got, want) {
		tb.Errorf("the spans hold % x, want % x", got, want)
	}
}

var places = regexp.MustCompile(`(\d+)→(\d+)`)

// mirrored swaps the sides of a report. Notes stay out: they name the sides.
func mirrored(r Report) Report {
	out := Report{A: r.B, B: r.A}
	for _, s := range r.Sections {
		m := Section{Topic: s.Topic, Title: s.Title, Unlisted: swapped(s.Unlisted)}
		for _, e := range s.Entries {
			e.Kind = swappedKind(e.Kind)
			e.Name = places.ReplaceAllString(e.Name, "$2→$1")
			e.A, e.B, e.SpansA, e.SpansB = e.B, e.A, e.SpansB, e.SpansA
			m.Entries = append(m.Entries, e)
		}
		out.Sections = append(out.Sections, m)
	}
	return out
}

func swappedKind(k Kind) Kind {
	switch k {
	case OnlyA:
		return OnlyB
	case OnlyB:
		return OnlyA
	case Equal, Changed, Moved, Encoded:
	}
	return k
}

func swapped(c Counts) Counts {
	c[OnlyA], c[OnlyB] = c[OnlyB], c[OnlyA]
	return c
}

// normal leaves out what a mirrored report may order or word differently.
func normal(r Report) Report {
	for i := range r.Sections {
		s := &r.Sections[i]
		s.Note = ""
		s.Entries = slices.Clone(s.Entries)
		for j := range s.Entries {
			s.Entries[j].Note = ""
		}
		slices.SortStableFunc(s.Entries, func(a, b Entry) int {
			return strings.Compare(a.Kind.String()+a.Name+"\x00"+a.A+"\x00"+a.B, b.Kind.String()+b.Name+"\x00"+b.A+"\x00"+b.B)
		})
	}
	return r
}

// wantMirrored checks that comparing b with a says what comparing a with b does.
func wantMirrored(tb testing.TB, a, b Side) {
	tb.Helper()
	if d := cmp.Diff(normal(mirrored(Calls(a, b))), normal(Calls(b, a)), cmp.AllowUnexported()); d != "" {
		tb.Errorf("the comparison is not the mirror of its mirror (-mirrored +got)\n%s", d)
	}
	wantIndexed(tb, a, b)
}

// wantMirroredCounts checks that the two ways round find as many differences of
// each kind. Which of several fields alike pair may depend on the way round.
func wantMirroredCounts(tb testing.TB, a, b Side) {
	tb.Helper()
	count := func(r Report) map[string]Counts {
		out := map[string]Counts{}
		for _, s := range r.Sections {
			c := out[s.Title]
			for k, n := range s.Counts() {
				c[k] += n
			}
			out[s.Title] = c
		}
		return out
	}
	if d := cmp.Diff(count(mirrored(Calls(a, b))), count(Calls(b, a))); d != "" {
		tb.Errorf("the two ways round find different numbers (-mirrored +got)\n%s", d)
	}
}

// wantSelfSame checks that a call is the same as itself.
func wantSelfSame(tb testing.TB, s Side) {
	tb.Helper()
	for _, sec := range Calls(s, s).Sections {
		if !sec.Same() {
			tb.Errorf("%s differs from itself: %q", sec.Title, lines(sec))
		}
	}
}

// busy is a connection of n calls, one after another, each of which also sends
// frames of the connection: those that write says.
func busy(tb testing.TB, n int, write func(w *wire, call int)) *wire {
	tb.Helper()
	w := newWire(tb)
	w.settings(record.Sent, http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 15})
	for i := range n {
		w.stream = uint32(2*i + 1)
		w.request()
		w.data(record.Sent, true, prefixed([]byte{0x08, byte(i % 100)}, 0))
		w.response()
		w.data(record.Received, false, prefixed([]byte{0x0a, 1, 'x'}, 0))
		w.headers(record.Received, true, "grpc-status", "0")
		if write != nil {
			write(w, i)
		}
	}
	return w
}

// allSides are the calls of a connection, with an index or without.
func allSides(w *wire, name string, n int, indexed bool) []Side {
	one := w.side(name)
	if indexed {
		one.Index = NewIndex(one.Trace)
	}
	out := make([]Side, n)
	for i := range out {
		out[i] = one
		out[i].Stream = uint32(2*i + 1)
	}
	return out
}
