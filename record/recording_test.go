package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

// pattern returns n bytes that tell where they stand, so that a byte at a wrong
// offset is noticed.
func pattern(d Dir, off, n int64) []byte {
	b := make([]byte, n)
	for i := range b {
		at := off + int64(i)
		b[i] = byte(at ^ at>>8 ^ at>>16 ^ int64(d)<<7)
	}
	return b
}

func addPattern(r *Recording, d Dir, n int64) Span {
	return r.Add(d, 0, pattern(d, r.Size(d), n))
}

func checkBytes(t *testing.T, r *Recording, s Span) {
	t.Helper()
	want := pattern(s.Dir, s.Off, s.Len)
	if got := r.Append(nil, s); !bytes.Equal(got, want) {
		t.Fatalf("Append(%+v) gives %d bytes, want %d of the pattern", s, len(got), len(want))
	}
	if got, ok := r.View(s); ok && !bytes.Equal(got, want) {
		t.Fatalf("View(%+v) differs from what was added", s)
	}
}

func TestAddKeepsBytesAndChunks(t *testing.T) {
	t.Parallel()
	r := New(Meta{Address: "localhost:50051"})
	b := []byte("PRI * HTTP/2.0")
	s1 := r.Add(Sent, time.Millisecond, b)
	b[0] = 'x' // Add has copied it
	s2 := r.Add(Received, 2*time.Millisecond, []byte("hello"))
	s3 := r.Add(Sent, 3*time.Millisecond, []byte("\r\n\r\n"))

	if got := string(r.Append(nil, Span{Sent, 0, 18})); got != "PRI * HTTP/2.0\r\n\r\n" {
		t.Errorf("sent bytes are %q", got)
	}
	if got := string(r.Append([]byte("<"), s2)); got != "<hello" {
		t.Errorf("Append to a prefix gives %q", got)
	}
	want := []Chunk{{time.Millisecond, s1}, {2 * time.Millisecond, s2}, {3 * time.Millisecond, s3}}
	if got := r.Chunks(0); !slices.Equal(got, want) {
		t.Errorf("chunks are %v, want %v", got, want)
	}
	if got := r.Chunks(2); !slices.Equal(got, want[2:]) {
		t.Errorf("chunks from 2 are %v, want %v", got, want[2:])
	}
	if got := r.Chunks(7); len(got) != 0 {
		t.Errorf("chunks after the end are %v", got)
	}
	if r.Size(Sent) != 18 || r.Size(Received) != 5 {
		t.Errorf("sizes are %d and %d", r.Size(Sent), r.Size(Received))
	}
	if s := r.Add(Sent, 0, nil); s.Len != 0 || len(r.Chunks(0)) != 3 {
		t.Errorf("an empty write was recorded as %v", s)
	}
}

func TestSpansOutsideTheRecording(t *testing.T) {
	t.Parallel()
	r := New(Meta{})
	addPattern(r, Sent, 10)
	for _, c := range []struct {
		span Span
		want int64 // bytes that Append finds
	}{
		{Span{Sent, 8, 10}, 2},
		{Span{Sent, 10, 1}, 0},
		{Span{Sent, 1 << 62, 1 << 62}, 0},
		{Span{Sent, 5, 1<<63 - 1}, 5},
		{Span{Sent, -1, 5}, 0},
		{Span{Sent, 5, -5}, 0},
		{Span{Received, 0, 1}, 0},
	} {
		if got := r.Append(nil, c.span); int64(len(got)) != c.want {
			t.Errorf("Append(%v) gives %d bytes, want %d", c.span, len(got), c.want)
		}
		if _, ok := r.View(c.span); ok {
			t.Errorf("View(%v) claims to have it all", c.span)
		}
		if r.Held(c.span) {
			t.Errorf("Held(%v) is true", c.span)
		}
	}
	if b, ok := r.View(Span{Sent, 10, 0}); !ok || len(b) != 0 {
		t.Errorf("the empty span at the end is %v, %v", b, ok)
	}
}

func TestViewStaysValidWhileTheRecordingGrows(t *testing.T) {
	t.Parallel()
	r := New(Meta{})
	s := addPattern(r, Received, 1000)
	view, ok := r.View(s)
	if !ok {
		t.Fatal("no view of the first chunk")
	}
	for r.Size(Received) < memoryLimit+4*slabSize {
		addPattern(r, Received, 30_000)
	}
	r.Discard(Received, r.Size(Received))
	for range 10 {
		addPattern(r, Received, slabSize)
	}
	if !bytes.Equal(view, pattern(Received, 0, 1000)) {
		t.Error("a view changed after its slab was spilled and discarded")
	}
	if cap(view) != len(view) {
		t.Error("appending to a view would overwrite the recording")
	}
}

func TestViewAcrossSlabsIsRefused(t *testing.T) {
	t.Parallel()
	r := New(Meta{})
	addPattern(r, Sent, firstSlab+100)
	s := Span{Sent, firstSlab - 10, 20}
	if _, ok := r.View(s); ok {
		t.Error("View of two slabs")
	}
	if !r.Held(s) {
		t.Error("Held is false across two slabs")
	}
	checkBytes(t, r, s)
}

func TestSpill(t *testing.T) {
	t.Parallel()
	r := New(Meta{})
	defer r.Release()
	for r.Size(Received) < 3*memoryLimit {
		addPattern(r, Received, 32_768)
		addPattern(r, Sent, 1_000)
	}
	if r.memory > memoryLimit+2*slabSize {
		t.Errorf("%d bytes are in memory, the limit is %d", r.memory, memoryLimit)
	}
	if r.spill.slots == 0 {
		t.Fatal("nothing was spilled")
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, d := range []Dir{Sent, Received} {
		checkBytes(t, r, Span{d, 0, r.Size(d)})
		for range 2000 {
			off := rnd.Int64N(r.Size(d))
			checkBytes(t, r, Span{d, off, min(rnd.Int64N(2*slabSize), r.Size(d)-off)})
		}
		if h := r.Holes(d); len(h) != 0 {
			t.Errorf("%s has holes %v", d, h)
		}
	}
	if err := r.Problem(); err != nil {
		t.Errorf("problem: %v", err)
	}
}

func TestSpillFileIsPrivateAndGone(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir)
	r := New(Meta{})
	addPattern(r, Sent, memoryLimit+4*slabSize)
	if r.spill.file == nil {
		t.Fatal("nothing was spilled")
	}
	info, err := r.spill.file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if r.spill.file.name == "" && info.Mode().Perm() != 0o600 {
		t.Errorf("the spill file has mode %v", info.Mode())
	}
	file := r.spill.file
	r.Release()
	if _, err := file.Stat(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the spill file is still open: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if r.memory != 0 {
		t.Errorf("%d bytes are still held", r.memory)
	}
	if got := r.Append(nil, Span{Sent, 0, 10}); len(got) != 0 || r.Held(Span{Sent, 0, 1}) {
		t.Error("a released recording still has bytes")
	}
}

func TestSpillFailureLeavesAHole(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir+"/does-not-exist")
	t.Setenv("TMP", dir+"/does-not-exist")
	r := New(Meta{})
	for r.Size(Received) < memoryLimit+10*slabSize {
		addPattern(r, Received, slabSize)
	}
	if err := r.Problem(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the problem is %v", err)
	}
	holes := r.Holes(Received)
	if len(holes) != 1 || holes[0].Off != 0 {
		t.Fatalf("holes are %v", holes)
	}
	end := holes[0].End()
	if r.Held(Span{Received, end - 1, 1}) {
		t.Error("a lost byte is said to be held")
	}
	if got := r.Append(nil, Span{Received, 0, 100}); len(got) != 0 {
		t.Errorf("%d bytes were made up", len(got))
	}
	checkBytes(t, r, Span{Received, end, r.Size(Received) - end})
}

func TestSpillReadFailureLeavesAHole(t *testing.T) {
	t.Parallel()
	r := New(Meta{})
	defer r.Release()
	addPattern(r, Received, memoryLimit+10*slabSize)
	if err := r.spill.file.Truncate(slabSize + 100); err != nil {
		t.Fatalf("cannot damage the spill file: %v", err)
	}
	got := r.Append(nil, Span{Received, 0, r.Size(Received)})
	// Slot 0 holds the small first slab, slot 1 the one that was damaged.
	if !bytes.Equal(got, pattern(Received, 0, firstSlab)) {
		t.Errorf("Append gives %d bytes, want the first %d", len(got), firstSlab)
	}
	if r.Problem() == nil {
		t.Error("the recording does not say that bytes were lost")
	}
	if want := (Span{Received, firstSlab, slabSize}); !slices.Contains(r.Holes(Received), want) {
		t.Errorf("holes are %v, want %v among them", r.Holes(Received), want)
	}
}

func TestDiscard(t *testing.T) {
	t.Parallel()
	r := New(Meta{})
	defer r.Release()
	for r.Size(Received) < 2*memoryLimit {
		addPattern(r, Received, 20_000)
		addPattern(r, Sent, 100)
	}
	all := r.Chunks(0)
	cut := r.Size(Received) / 2
	r.Discard(Received, cut)
	if r.Base(Received) != cut || r.Base(Sent) != 0 {
		t.Errorf("bases are %d and %d", r.Base(Sent), r.Base(Received))
	}
	if r.FirstChunk() != 1 {
		t.Errorf("the first chunk is %d: the first sent one is not discarded", r.FirstChunk())
	}
	if r.Held(Span{Received, cut - 1, 2}) || !r.Held(Span{Received, cut, 1}) {
		t.Error("the hole does not end where it should")
	}
	if want := []Span{{Received, 0, cut}}; !slices.Equal(r.Holes(Received), want) {
		t.Errorf("holes are %v, want %v", r.Holes(Received), want)
	}
	checkBytes(t, r, Span{Received, cut, r.Size(Received) - cut})

	r.Discard(Received, cut-5)
	if r.Base(Received) != cut {
		t.Error("Discard went back")
	}
	r.Discard(Received, 1<<62)
	r.Discard(Sent, 1<<62)
	if r.Base(Received) != r.Size(Received) || r.FirstChunk() != len(all) || len(r.Chunks(0)) != 0 {
		t.Errorf("after discarding all: base %d, first chunk %d", r.Base(Received), r.FirstChunk())
	}
	if r.memory > 2*slabSize || r.spill.slots != 0 {
		t.Errorf("%d bytes and %d slots are still held", r.memory, r.spill.slots)
	}
	s := addPattern(r, Received, 50)
	checkBytes(t, r, s)
	if got := r.Chunks(r.FirstChunk()); len(got) != 1 || got[0].Span != s {
		t.Errorf("chunks after discarding are %v", got)
	}
}

// A consumer that discards what it has printed keeps memory flat for ever.
func TestDiscardKeepsMemoryFlat(t *testing.T) {
	t.Parallel()
	r := New(Meta{})
	for range 5000 {
		s := addPattern(r, Received, 20_000)
		checkBytes(t, r, Span{Received, s.Off, 10})
		r.Discard(Received, s.End())
		if r.memory > 2*slabSize || cap(r.chunks) > 2048 || len(r.lanes[Received].slabs) > 2 {
			t.Fatalf("at %d bytes: %d held, %d chunks", s.End(), r.memory, cap(r.chunks))
		}
	}
	if r.spill.file != nil {
		t.Error("a spill file was made")
	}
}

func TestSpillSlotsAreUsedAgain(t *testing.T) {
	t.Parallel()
	r := New(Meta{})
	defer r.Release()
	for r.Size(Received) < 10*memoryLimit {
		s := addPattern(r, Received, 30_000)
		if keep := int64(2 * memoryLimit); s.End() > keep {
			r.Discard(Received, s.End()-keep)
		}
	}
	if most := 2*memoryLimit/slabSize + 2; r.spill.slots > most {
		t.Errorf("the spill file has %d slots, %d would do", r.spill.slots, most)
	}
	base := r.Base(Received)
	checkBytes(t, r, Span{Received, base, r.Size(Received) - base})
}

func TestSkipLeavesAHole(t *testing.T) {
	t.Parallel()
	r := New(Meta{})
	addPattern(r, Sent, 100)
	s := r.Skip(Sent, time.Second, 1<<40)
	tail := addPattern(r, Sent, 10)
	if s != (Span{Sent, 100, 1 << 40}) || tail.Off != 100+1<<40 {
		t.Fatalf("spans are %v and %v", s, tail)
	}
	checkBytes(t, r, Span{Sent, 0, 100})
	checkBytes(t, r, tail)
	if want := []Span{s}; !slices.Equal(r.Holes(Sent), want) {
		t.Errorf("holes are %v, want %v", r.Holes(Sent), want)
	}
	if got := r.Append(nil, Span{Sent, 90, 1000}); len(got) != 10 {
		t.Errorf("Append runs %d bytes up to the hole, want 10", len(got))
	}
	for _, n := range []int64{0, -1, 1<<63 - 1} {
		if s := r.Skip(Sent, 0, n); s.Len != 0 {
			t.Errorf("Skip(%d) made %v", n, s)
		}
	}
}

func TestChangedFiresOnceForEachLook(t *testing.T) {
	t.Parallel()
	r := New(Meta{})
	fired := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	c := r.Changed()
	if fired(c) {
		t.Fatal("fired before anything happened")
	}
	if r.Changed() != c {
		t.Error("two waiters got different channels")
	}
	for _, change := range []struct {
		name string
		make func()
	}{
		{"Add", func() { r.Add(Sent, 0, []byte("x")) }},
		{"Skip", func() { r.Skip(Sent, 0, 1) }},
		{"markUnsent", func() { r.markUnsent(Span{Sent, 0, 1}) }},
		{"Close", func() { r.Close(nil) }},
	} {
		c := r.Changed()
		change.make()
		if !fired(c) {
			t.Errorf("%s was not noticed", change.name)
		}
	}
	c = r.Changed()
	r.Close(io.EOF)
	r.Add(Received, 0, []byte("late"))
	if fired(c) {
		t.Error("fired after the end")
	}
}

func TestCloseFirstCallWins(t *testing.T) {
	t.Parallel()
	reset := errors.New("connection reset")
	for _, c := range []struct {
		name  string
		calls []error
		want  error
	}{
		{"by us", []error{nil, reset}, nil},
		{"by the peer", []error{io.EOF, nil}, io.EOF},
		{"wrapped end", []error{fmt.Errorf("read: %w", io.EOF)}, io.EOF},
		{"broken", []error{reset, nil}, reset},
	} {
		r := New(Meta{})
		if _, ok := r.Closed(); ok {
			t.Errorf("%s: closed before the end", c.name)
		}
		for _, err := range c.calls {
			r.Close(err)
		}
		if err, ok := r.Closed(); !ok || err != c.want { //nolint:errorlint // the very error is what is promised
			t.Errorf("%s: Closed gives %v, %v", c.name, err, ok)
		}
		if r.Add(Received, 0, []byte("x")); r.Size(Received) != 0 {
			t.Errorf("%s: bytes were received after the end", c.name)
		}
	}
}

// The peer closed its side; what we still send is part of the truth.
func TestSentGoesOnAfterThePeersEnd(t *testing.T) {
	t.Parallel()
	r := New(Meta{})
	r.Close(io.EOF)
	r.Add(Sent, 0, []byte("GOAWAY"))
	r.Close(nil)
	r.Add(Sent, 0, []byte("more"))
	if got := string(r.Append(nil, Span{Sent, 0, 100})); got != "GOAWAY" {
		t.Errorf("sent is %q", got)
	}
}

// One appender for each direction, and readers of every kind. The race detector
// is the judge; the readers check that what they see is never torn.
func TestTwoAppendersManyReaders(t *testing.T) {
	t.Parallel()
	const total = memoryLimit + 20*slabSize
	r := New(Meta{})
	defer r.Release()
	var wg sync.WaitGroup
	for _, d := range []Dir{Sent, Received} {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(d), 7))
			for r.Size(d) < total {
				addPattern(r, d, 1+rnd.Int64N(40_000))
			}
		})
	}
	var readers sync.WaitGroup
	for i := range 4 {
		readers.Go(func() { follow(t, r, Dir(i%2), i > 1) })
	}
	wg.Wait()
	r.Close(nil)
	readers.Wait()
}

// follow reads a direction as it grows, until the recording is closed.
func follow(t *testing.T, r *Recording, d Dir, discard bool) {
	next := 0
	for {
		changed := r.Changed()
		_, closed := r.Closed()
		chunks := r.Chunks(next)
		for _, c := range chunks {
			got := r.Append(nil, c.Span)
			if c.Span.Off < r.Base(c.Span.Dir) {
				continue // another reader has discarded it
			}
			if !bytes.Equal(got, pattern(c.Span.Dir, c.Span.Off, c.Span.Len)) {
				t.Errorf("%v differs", c.Span)
				return
			}
			if v, ok := r.View(c.Span); ok && !bytes.Equal(v, got) {
				t.Errorf("the view of %v differs", c.Span)
				return
			}
			if discard && c.Span.Dir == d {
				r.Discard(d, c.Span.Off-memoryLimit)
			}
		}
		next += len(chunks)
		if closed {
			return
		}
		<-changed
	}
}
