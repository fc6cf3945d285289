package record

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// sampleFile has one of everything: two connections, one of them broken with
// unsent bytes, a hole, sections.
func sampleFile() *File {
	first := New(Meta{
		Start: time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC), Network: "tcp", Address: "localhost:50051",
		Local: "127.0.0.1:40000", Peer: "127.0.0.1:50051",
		TLS: &TLS{
			Version: "TLS 1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", ServerName: "localhost", ALPN: "h2",
			Verified: true, Chain: [][]byte{{0x30, 1}, {0x30, 2}},
		},
		Dial: Dial{DNS: 1, Connect: 2 * time.Millisecond, TLS: 3 * time.Millisecond},
	})
	first.Add(Sent, 4*time.Millisecond, []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	first.Add(Received, 5*time.Millisecond, []byte{0, 0, 0, 4, 0, 0, 0, 0, 0})
	first.Add(Sent, 6*time.Millisecond, []byte("a request"))
	first.Skip(Received, 7*time.Millisecond, 1<<33)
	first.Add(Received, 8*time.Millisecond, []byte("after the hole"))
	first.Close(io.EOF)
	second := New(Meta{Network: "unix", Address: "/run/demo.sock"})
	s := second.Add(Sent, time.Second, []byte("GET / HTTP/1.1\r\n\r\n"))
	second.markUnsent(Span{Sent, s.End() - 4, 4})
	second.Close(errors.New("broken pipe"))
	return &File{
		Sections:   []Section{{"schema", []byte{0x0a, 0}}, {"", nil}, {"made/up later", []byte("kept")}},
		Recordings: []*Recording{first, second},
	}
}

func encode(t testing.TB, f *File) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := f.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("WriteTo gives %d, %v for %d bytes", n, err, b.Len())
	}
	return b.Bytes()
}

// checkSame compares all that can be asked of a recording.
func checkSame(t *testing.T, got, want *Recording) {
	t.Helper()
	if g, w := got.Meta(), want.Meta(); !g.Start.Equal(w.Start) || !reflect.DeepEqual(toJSON(g), toJSON(w)) {
		t.Errorf("meta is %+v, want %+v", g, w)
	}
	if g, w := got.Chunks(0), want.Chunks(0); !slices.Equal(g, w) {
		t.Errorf("chunks are %v, want %v", g, w)
	}
	for _, d := range []Dir{Sent, Received} {
		if g, w := got.Holes(d), want.Holes(d); !slices.Equal(g, w) {
			t.Errorf("holes are %v, want %v", g, w)
		}
	}
	for _, c := range want.Chunks(0) {
		if !bytes.Equal(got.Append(nil, c.Span), want.Append(nil, c.Span)) {
			t.Errorf("the bytes of %v differ", c.Span)
		}
	}
	gerr, gok := got.Closed()
	werr, wok := want.Closed()
	if gok != wok || text(gerr) != text(werr) || errors.Is(gerr, io.EOF) != errors.Is(werr, io.EOF) {
		t.Errorf("closed is %v %v, want %v %v", gerr, gok, werr, wok)
	}
	gs, _ := got.Unsent()
	if ws, _ := want.Unsent(); gs != ws {
		t.Errorf("unsent is %v, want %v", gs, ws)
	}
	if g, w := text(got.Problem()), text(want.Problem()); g != w {
		t.Errorf("problem is %q, want %q", g, w)
	}
	if got.Cut() != want.Cut() {
		t.Errorf("cut is %v", got.Cut())
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestFileRoundTrip(t *testing.T) {
	t.Parallel()
	want := sampleFile()
	b := encode(t, want)
	got, err := ReadFile(bytes.NewReader(b))
	if err != nil || got.Cut() {
		t.Fatalf("ReadFile: %v, cut %v", err, got.Cut())
	}
	if len(got.Recordings) != 2 {
		t.Fatalf("%d recordings", len(got.Recordings))
	}
	for i := range want.Recordings {
		checkSame(t, got.Recordings[i], want.Recordings[i])
	}
	for i, s := range want.Sections {
		if g := got.Sections[i]; g.Name != s.Name || !bytes.Equal(g.Data, s.Data) {
			t.Errorf("section %d is %+v, want %+v", i, g, s)
		}
	}
	if data, ok := got.Section("made/up later"); !ok || string(data) != "kept" {
		t.Errorf("the unknown section is %q, %v", data, ok)
	}
	if again := encode(t, got); !bytes.Equal(again, b) {
		t.Error("writing what was read gives another file")
	}
}

func TestFileRoundTripOfOpenAndBrokenRecordings(t *testing.T) {
	t.Parallel()
	open := New(Meta{})
	open.Add(Sent, 0, []byte("waiting"))
	byUs := New(Meta{})
	byUs.Close(nil)
	failed := New(Meta{})
	failed.fail(errors.New("disk full"))
	for _, want := range []*Recording{New(Meta{}), open, byUs, failed} {
		var b bytes.Buffer
		if _, err := want.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		got, err := Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		checkSame(t, got, want)
	}
}

// Large enough for chunks that span blocks and slabs, for spilled slabs, and for
// chunk entries that were discarded.
func TestFileRoundTripOfALargeRecording(t *testing.T) {
	t.Parallel()
	want := New(Meta{})
	defer want.Release()
	addPattern(want, Sent, 3*blockBytes+17)
	for want.Size(Received) < memoryLimit+10*slabSize {
		addPattern(want, Received, 50_001)
	}
	want.Discard(Sent, 2000)
	want.Discard(Received, 123_456)
	want.Close(nil)
	var b bytes.Buffer
	if _, err := want.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	got, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Release()
	checkSame(t, got, want)

	want.Discard(Sent, want.Size(Sent)) // now chunks leave the index
	if want.FirstChunk() == 0 {
		t.Fatal("no chunk left the index")
	}
	b.Reset()
	if _, err := want.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if got, err = Read(&b); err != nil {
		t.Fatal(err)
	}
	defer got.Release()
	for _, d := range []Dir{Sent, Received} {
		if got.Size(d) != want.Size(d) || !slices.Equal(got.Holes(d), want.Holes(d)) {
			t.Errorf("%s: size %d with holes %v, want %d with %v", d, got.Size(d), got.Holes(d), want.Size(d), want.Holes(d))
		}
	}
	base := want.Base(Received)
	checkBytes(t, got, Span{Received, base, want.Size(Received) - base})
}

// A file cut at any byte loads up to there: never an error, never other bytes.
func TestFileCutAtEveryByte(t *testing.T) {
	t.Parallel()
	f := sampleFile()
	b := encode(t, f)
	full := f.Recordings[0].Append(nil, Span{Sent, 0, 1 << 20})
	var before int64
	for n := 1; n < len(b); n++ {
		got, err := ReadFile(bytes.NewReader(b[:n]))
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		if !got.Cut() {
			t.Fatalf("cut at %d: not noticed", n)
		}
		if len(got.Recordings) == 0 {
			continue
		}
		r := got.Recordings[0]
		sent := r.Append(nil, Span{Sent, 0, 1 << 20})
		if !bytes.HasPrefix(full, sent) || int64(len(sent)) != r.Size(Sent) {
			t.Fatalf("cut at %d: sent is %q", n, sent)
		}
		if size := r.Size(Sent) + r.Size(Received); size < before {
			t.Fatalf("cut at %d: %d bytes, one byte earlier %d", n, size, before)
		} else {
			before = size
		}
		if _, ended := r.Closed(); ended == r.Cut() {
			t.Fatalf("cut at %d: the recording has ended: %v, is cut: %v", n, ended, r.Cut())
		}
	}
	if want := f.Recordings[0].Size(Sent) + f.Recordings[0].Size(Received); before != want {
		t.Errorf("%d bytes were found in the end, want %d", before, want)
	}
	if _, err := ReadFile(strings.NewReader("")); !errors.Is(err, ErrFormat) {
		t.Errorf("an empty file gives %v", err)
	}
}

// The bytes of a chunk are there as far as the file goes, though its block is
// not complete.
func TestFileCutInsideAChunk(t *testing.T) {
	t.Parallel()
	r := New(Meta{})
	addPattern(r, Received, 1000)
	b := encode(t, &File{Recordings: []*Recording{r}})
	at := bytes.Index(b, pattern(Received, 0, 100))
	got, err := Read(bytes.NewReader(b[:at+700]))
	if err != nil || !got.Cut() || got.Size(Received) != 700 {
		t.Fatalf("%d bytes, cut %v: %v", got.Size(Received), got.Cut(), err)
	}
	checkBytes(t, got, Span{Received, 0, 700})
}

// Every flipped bit is noticed.
func TestFileBitFlips(t *testing.T) {
	t.Parallel()
	b := encode(t, sampleFile())
	for i := range b {
		for bit := range 8 {
			damaged := bytes.Clone(b)
			damaged[i] ^= 1 << bit
			f, err := ReadFile(bytes.NewReader(damaged))
			var damage *DamageError
			switch {
			case err == nil:
				t.Fatalf("bit %d of byte %d: not noticed", bit, i)
			case i < len(Magic):
				if f != nil {
					t.Fatalf("bit %d of byte %d: a file came of it", bit, i)
				}
			case !errors.As(err, &damage) || damage.Offset > int64(i) || f == nil:
				t.Fatalf("bit %d of byte %d: %v", bit, i, err)
			}
		}
	}
}

func TestFileDamageKeepsWhatStandsBefore(t *testing.T) {
	t.Parallel()
	r := New(Meta{})
	addPattern(r, Sent, 5*blockBytes)
	b := encode(t, &File{Recordings: []*Recording{r}})
	b[len(b)-2*blockBytes] ^= 1
	got, err := Read(bytes.NewReader(b))
	var damage *DamageError
	if !errors.As(err, &damage) || got == nil || !got.Cut() {
		t.Fatalf("%v, %v", got, err)
	}
	if size := got.Size(Sent); size < 2*blockBytes || size >= 5*blockBytes {
		t.Errorf("%d bytes were read", size)
	}
	checkBytes(t, got, Span{Sent, 0, got.Size(Sent)})
}

func block(kind byte, payload string) string { return string(appendBlock(nil, kind, []byte(payload))) }

func TestFileHostile(t *testing.T) {
	t.Parallel()
	begin := Magic + block(kindRecording, "\x00{}")
	for _, c := range []struct{ name, file, want string }{
		{"not a recording", "HTTP/1.1 200 OK\r\n", "not a wiregloss recording"},
		{"newer format", "wiregloss recording 2\nwhatever", `format "2" was written by a newer wiregloss`},
		{"newer block", Magic + block('X', ""), "unknown kind 'X'"},
		{"bytes after the end", Magic + block(kindFileEnd, "") + "x", "after the end"},
		{"bytes in the end mark", Magic + block(kindFileEnd, "x"), "at most 0"},
		{"large chunk block", begin + block(kindChunks, strings.Repeat("x", maxChunksPayload+1)), "at most"},
		{"no such recording", Magic + block(kindChunks, "\x00\x00\x00\x01x"), "not open"},
		{"second number first", Magic + block(kindRecording, "\x01{}"), "number 1 instead of 0"},
		{"bad facts", Magic + block(kindRecording, "\x00{"), "facts about a connection"},
		{"chunk longer than its block", begin + block(kindChunks, "\x00\x00\x00\x09x"), "has 1 left"},
		{"empty chunk", begin + block(kindChunks, "\x00\x00\x00\x00"), "makes no sense"},
		{"unknown flag", begin + block(kindChunks, "\x00\x08\x00\x01x"), "makes no sense"},
		{"nothing to continue", begin + block(kindChunks, "\x00\x04\x01x"), "does not fit"},
		{"hole beyond any offset", begin + block(kindChunks, "\x00\x02\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "does not fit"},
		{"many holes", begin + block(kindChunks, "\x00"+strings.Repeat("\x02\x00\x01\x00\x00\x01x", maxHoles+1)), "does not fit"},
		{"unsent beyond the bytes", begin + block(kindEnd, "\x00"+`{"closed":"no","unsent_length":5}`), "does not fit its bytes"},
		{"unknown end", begin + block(kindEnd, "\x00"+`{"closed":"maybe"}`), "does not fit its bytes"},
		{"ended twice", begin + block(kindEnd, "\x00"+`{"closed":"no"}`) + block(kindEnd, "\x00"+`{"closed":"no"}`), "not open"},
		{"end without the recording's", begin + block(kindFileEnd, ""), "before recording 0"},
		{"section name", Magic + block(kindSection, "\x05abc"), "longer than the section"},
		{"many recordings", Magic + manyRecordings(maxRecordings+1), "more than 1024"},
	} {
		_, err := ReadFile(strings.NewReader(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", c.name, err, c.want)
		}
	}
}

func manyRecordings(n int) string {
	var b strings.Builder
	for i := range n {
		fw := &fileWriter{w: &b}
		fw.jsonBlock(kindRecording, i, metaJSON{})
	}
	return b.String()
}

// A block of a kind that came later and may be skipped does no harm.
func TestFileSkipsUnknownBlocks(t *testing.T) {
	t.Parallel()
	f, err := ReadFile(strings.NewReader(Magic + block('q', "later") + block(kindSection, "\x01ab") + block(kindFileEnd, "")))
	if err != nil || len(f.Sections) != 1 || string(f.Sections[0].Data) != "b" {
		t.Errorf("%+v, %v", f, err)
	}
}

// A length that is not there must not be allocated. Not parallel: it looks at
// what the whole process allocates.
func TestFileHugeLengthAllocatesNothing(t *testing.T) {
	head := appendBlock(nil, kindSection, make([]byte, 100))[:blockHeader+10]
	head[3], head[4] = 0xff, 0xff // almost 4 GiB
	fixHeader(head)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := ReadFile(strings.NewReader(Magic + string(head)))
	runtime.ReadMemStats(&after)
	if err != nil || !f.Cut() {
		t.Fatalf("%v", err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes were allocated for a file of %d", n, len(Magic)+len(head))
	}
}

// Every write error is reported, with what was written before it.
func TestWriteToReportsErrors(t *testing.T) {
	t.Parallel()
	f := sampleFile()
	full := errors.New("no space left")
	for limit := range encode(t, f) {
		w := &limitedWriter{left: limit, err: full}
		n, err := f.WriteTo(w)
		if !errors.Is(err, full) || n != int64(limit) {
			t.Fatalf("limit %d: %d written, %v", limit, n, err)
		}
	}
}

type limitedWriter struct {
	left int
	err  error
}

func (w *limitedWriter) Write(b []byte) (int, error) {
	if len(b) > w.left {
		n := w.left
		w.left = 0
		return n, w.err
	}
	w.left -= len(b)
	return len(b), nil
}

func TestReadReportsErrorsOfTheReader(t *testing.T) {
	t.Parallel()
	b := encode(t, sampleFile())
	bad := errors.New("bad sector")
	for n := range b {
		_, err := ReadFile(io.MultiReader(bytes.NewReader(b[:n]), &failingReader{bad}))
		if !errors.Is(err, bad) {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	}
}

type failingReader struct{ err error }

func (r *failingReader) Read([]byte) (int, error) { return 0, r.err }

func TestReadOfAFileWithoutRecordings(t *testing.T) {
	t.Parallel()
	if r, err := Read(bytes.NewReader(encode(t, &File{}))); r != nil || err == nil {
		t.Errorf("%v, %v", r, err)
	}
}
