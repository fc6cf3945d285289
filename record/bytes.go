package record

import "slices"

// View returns the bytes of s without copying them. It returns false when they
// do not lie in one slab or are not all held: use Append then. The slice must not
// be changed; it stays valid and as it is for as long as it is kept.
func (r *Recording) View(s Span) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &r.lanes[s.Dir]
	if s.Len <= 0 {
		return nil, s.Len == 0 && l.base <= s.Off && s.Off <= l.size
	}
	i, ok := l.find(s.Off)
	if !ok || s.Len > l.slabs[i].end()-s.Off {
		return nil, false
	}
	at := s.Off - l.slabs[i].off
	b := r.load(s.Dir, i)
	if b == nil {
		return nil, false
	}
	return b[at : at+s.Len : at+s.Len], true
}

// Append appends the bytes of s to dst. It stops before the first byte that is
// not there: not yet recorded, or in a hole. Held tells whether all are.
func (r *Recording) Append(dst []byte, s Span) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &r.lanes[s.Dir]
	n := l.run(s.Off, s.Len)
	dst = slices.Grow(dst, int(n))
	for end := s.Off + n; s.Off < end; {
		i, ok := l.find(s.Off)
		if !ok {
			return dst
		}
		piece, ok := r.appendPiece(dst, s.Dir, i, s.Off, end)
		if !ok {
			return dst
		}
		s.Off += int64(len(piece) - len(dst))
		dst = piece
	}
	return dst
}

// appendPiece appends what slab i has of the bytes from off to end.
func (r *Recording) appendPiece(dst []byte, d Dir, i int, off, end int64) ([]byte, bool) {
	s := &r.lanes[d].slabs[i]
	from, to := int(off-s.off), int(min(end, s.end())-s.off)
	if s.buf == nil && to-from >= firstSlab {
		// Long pieces go straight to where they are wanted.
		at := len(dst)
		dst = slices.Grow(dst, to-from)[:at+to-from]
		ok := r.readSlot(d, i, dst[at:], from)
		return dst, ok
	}
	b := r.load(d, i)
	if b == nil {
		return dst, false
	}
	return append(dst, b[from:to]...), true
}

// Held reports whether every byte of s is there.
func (r *Recording) Held(s Span) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return s.Len >= 0 && r.lanes[s.Dir].run(s.Off, s.Len) == s.Len
}

// Base returns the offset up to which the bytes of d were discarded.
func (r *Recording) Base(d Dir) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lanes[d].base
}

// Holes returns the spans of d that were recorded but are not held, in order,
// discarded bytes first.
func (r *Recording) Holes(d Dir) []Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lanes[d].holes(d)
}

// Discard gives up the bytes of d before an offset: Base moves there, and the
// memory and disk space of slabs wholly before it are freed. Chunks leave the
// index from the front, once every byte before them in either direction is
// discarded; so a caller that wants bounded memory discards both directions.
func (r *Recording) Discard(d Dir, before int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := &r.lanes[d]
	if before = min(before, l.size); before <= l.base {
		return
	}
	l.base = before
	n := 0
	for n < len(l.slabs) && l.slabs[n].end() <= before {
		if n == len(l.slabs)-1 && l.room() > 0 {
			break // what comes next goes there
		}
		r.drop(&l.slabs[n])
		n++
	}
	l.slabs = l.slabs[n:]
	l.spilled = max(l.spilled-n, 0)
	r.reclaim()
	r.trim()
}

// trim forgets the chunks at the front whose bytes are discarded.
func (r *Recording) trim() {
	n := 0
	for n < len(r.chunks) && r.chunks[n].Span.End() <= r.lanes[r.chunks[n].Span.Dir].base {
		n++
	}
	r.chunks = r.chunks[n:]
	r.first += n
}
