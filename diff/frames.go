package diff

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// piece is what a direction is cut into: a frame of HTTP/2, or a part of an
// HTTP/1.1 message.
type piece struct {
	name  string // "DATA"
	words string // "END_STREAM · 12 bytes"
	sum   uint64
	span  record.Span
}

// frames compares the sequence of frames in a direction: those of the call's
// stream, and those of the connection that are more than noise.
func (c calls) frames(d record.Dir) Section {
	folds := func(t h2.Type) bool { return c.a.Index.shared[d].folded[t] || c.b.Index.shared[d].folded[t] }
	a, foldedA := c.a.pieces(d, folds)
	b, foldedB := c.b.pieces(d, folds)
	out := &entries{}
	if c.a.http1() != c.b.http1() && len(a)+len(b) > 0 {
		out.add(Entry{Kind: Changed, Name: "framing", A: c.a.pieceCount(len(a)), B: c.b.pieceCount(len(b))})
	} else {
		comparePieces(out, a, b)
	}
	if note := sides(foldedA, foldedB); note != "" {
		out.note = joined(out.note, "folded: "+note)
	}
	title := "frames "
	if c.a.http1() && c.b.http1() {
		title = "parts "
	}
	return out.section(Frames, title+d.String())
}

func (c *call) http1() bool { return len(c.Trace.Frames) == 0 && len(c.Trace.Parts) > 0 }

func (c *call) pieceCount(n int) string {
	if c.http1() {
		return counted(n, "HTTP/1.1 part")
	}
	return counted(n, "HTTP/2 frame")
}

// pieces returns the call's pieces in a direction, and what was folded: noise,
// and what folds says of the connection's frames.
func (c *call) pieces(d record.Dir, folds func(h2.Type) bool) ([]piece, string) {
	var out []piece
	if c.http1() {
		for _, i := range c.parts[d] {
			p := &c.Trace.Parts[i]
			out = append(out, newPiece(p.Kind.String(), nil, p.Span, p.Span.Len, 0))
		}
		return out, ""
	}
	folded := map[h2.Type]int{}
	for t, n := range c.Index.shared[d].counts {
		if noise(t) || folds(t) {
			folded[t] = n
		}
	}
	for _, i := range byPosition(c.frames[d], c.Index.shared[d].told) {
		f := &c.Trace.Frames[i]
		switch {
		case noise(f.Type):
			folded[f.Type]++
		case f.Stream != 0 || !folds(f.Type):
			flags := f.Flags.Names(f.Type)
			out = append(out, newPiece(f.Type.String(), flags, f.Span(), int64(f.Length), uint64(f.Type)|uint64(f.Flags)<<8|uint64(min(f.Stream, 1))<<16))
		}
	}
	return out, foldedWords(folded)
}

// byPosition merges positions.
func byPosition(a, b []int32) []int32 {
	if len(b) == 0 {
		return a
	}
	out := slices.Concat(a, b)
	slices.Sort(out)
	return out
}

// noise reports whether frames of a type come and go with timing and buffers.
// What SETTINGS say is compared with the connection.
func noise(t h2.Type) bool { return t == h2.Settings || t == h2.WindowUpdate || t == h2.Ping }

func foldedWords(folded map[h2.Type]int) string {
	var words []string
	for t, n := range folded {
		words = append(words, fmt.Sprintf("%d %s", n, t))
	}
	slices.SortFunc(words, func(a, b string) int {
		return strings.Compare(a[strings.IndexByte(a, ' '):], b[strings.IndexByte(b, ' '):])
	})
	return strings.Join(words, ", ")
}

func newPiece(name string, flags []string, at record.Span, length int64, id uint64) piece {
	words := counted(int(length), "byte")
	if len(flags) > 0 {
		words += ", " + strings.Join(flags, " ")
	}
	return piece{name: name, words: words, span: at, sum: uint64(digest(digestSeed).text(name).number(id).number(uint64(length)))}
}

// comparePieces aligns two sequences. Between what is equal, pieces of the same
// name that differ in length or flags are pairs.
func comparePieces(out *entries, a, b []piece) {
	keys := func(list []piece) []uint64 {
		sums := make([]uint64, len(list))
		for i, p := range list {
			sums[i] = p.sum
		}
		return sums
	}
	runs, exact := align(keys(a), keys(b))
	if !exact {
		out.note = "long sequences are aligned piece by piece: what moved far is told as removed and added"
	}
	walk(
		runs, len(a), len(b),
		func(i, j int) { out.piece(Equal, &a[i], &b[j]) },
		func(sa, sb span) { pieceGap(out, a[sa.from:sa.to], b[sb.from:sb.to]) },
	)
}

func pieceGap(out *entries, a, b []piece) {
	left := map[string][]int{}
	for j, p := range b {
		left[p.name] = append(left[p.name], j)
	}
	taken := make([]bool, len(b))
	for i, p := range a {
		list := left[p.name]
		if len(list) == 0 {
			out.piece(OnlyA, &a[i], nil)
			continue
		}
		taken[list[0]], left[p.name] = true, list[1:]
		out.piece(Changed, &a[i], &b[list[0]])
	}
	for j := range b {
		if !taken[j] {
			out.piece(OnlyB, nil, &b[j])
		}
	}
}

// piece lists what became of a frame.
func (e *entries) piece(k Kind, a, b *piece) {
	if !e.room(k) {
		e.count(k, 1)
		return
	}
	n := Entry{Kind: k}
	if b != nil {
		n.Name, n.B, n.SpansB = b.name, b.words, []record.Span{b.span}
	}
	if a != nil {
		n.Name, n.A, n.SpansA = a.name, a.words, []record.Span{a.span}
	}
	e.add(n)
}
