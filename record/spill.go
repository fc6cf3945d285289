package record

import (
	"fmt"
	"os"
	"runtime"
)

// spill is a temporary file for slabs that do not fit in memory, shared by both
// directions. It is divided into slots of slabSize bytes.
type spill struct {
	file    *spillFile
	cleanup runtime.Cleanup
	slots   int   // slots the file has
	free    []int // slots of discarded slabs
	loaded  [4]loadedSlab
	oldest  int // the entry of loaded that goes next
}

// loadedSlab is a slab read back from the file. Readers tend to stay near where
// they are: without it each message of a spilled stream would cost a system call.
type loadedSlab struct {
	dir Dir
	off int64
	buf []byte
}

type spillFile struct {
	*os.File
	name string // to be removed when closed; empty if that is done
}

// openSpill creates the file, readable by this user only, and removes its name
// at once, so that nothing is left behind however the process ends. Windows does
// not remove open files: there the name goes when the file is closed.
func openSpill() (*spillFile, error) {
	f, err := os.CreateTemp("", "wiregloss-*.spill")
	if err != nil {
		return nil, err
	}
	s := &spillFile{File: f, name: f.Name()}
	if os.Remove(s.name) == nil {
		s.name = ""
	}
	return s, nil
}

func (s *spillFile) release() {
	_ = s.Close() // nothing in it is needed any more
	if s.name != "" {
		_ = os.Remove(s.name)
	}
}

func (s *spill) release() {
	if s.file != nil {
		s.cleanup.Stop()
		s.file.release()
	}
	*s = spill{}
}

// grow gives l a new last slab, after moving old ones out of memory if needed.
func (r *Recording) grow(l *lane) {
	size := slabSize
	if len(l.slabs) == 0 && l.size == 0 {
		size = firstSlab
	}
	for r.memory+size > memoryLimit && r.spillOldest() {
	}
	l.slabs = append(l.slabs, slab{off: l.size, buf: make([]byte, size)})
	r.memory += size
}

// spillOldest moves the oldest slab of the direction that holds more memory to
// the file. When that fails the slab is lost and the recording says so: the call
// goes on. It returns false if there is no slab to move.
func (r *Recording) spillOldest() bool {
	l, d := &r.lanes[Sent], Sent
	if o := &r.lanes[Received]; len(o.slabs)-o.spilled > len(l.slabs)-l.spilled {
		l, d = o, Received
	}
	if len(l.slabs)-l.spilled < 2 {
		return false // the last slab is being written to
	}
	s := &l.slabs[l.spilled]
	r.memory -= len(s.buf)
	slot, err := r.store(s.buf[:s.n])
	if err != nil {
		r.fail(fmt.Errorf("keep %s bytes %d to %d: %w (free some disk space, or set TMPDIR to a larger disk)", d, s.off, s.end(), err))
		l.remove(l.spilled)
		return true
	}
	s.buf, s.slot = nil, slot
	l.spilled++
	return true
}

// store writes b to a free slot.
func (r *Recording) store(b []byte) (slot int, err error) {
	s := &r.spill
	if s.file == nil {
		f, err := openSpill()
		if err != nil {
			return 0, err
		}
		s.file = f
		s.cleanup = runtime.AddCleanup(r, (*spillFile).release, f)
	}
	slot = s.slots
	if n := len(s.free); n > 0 {
		slot = s.free[n-1]
	}
	if _, err := s.file.WriteAt(b, int64(slot)*slabSize); err != nil {
		return 0, err
	}
	if n := len(s.free); n > 0 {
		s.free = s.free[:n-1]
	} else {
		s.slots++
	}
	return slot, nil
}

// drop gives back the memory or the slot of a slab.
func (r *Recording) drop(s *slab) {
	if s.buf != nil {
		r.memory -= len(s.buf)
	} else {
		r.spill.free = append(r.spill.free, s.slot)
	}
	*s = slab{}
}

// reclaim gives the disk space back once no slot is in use, and forgets loaded
// slabs that were discarded.
func (r *Recording) reclaim() {
	s := &r.spill
	for i := range s.loaded {
		if e := &s.loaded[i]; e.off+int64(len(e.buf)) <= r.lanes[e.dir].base {
			*e = loadedSlab{}
		}
	}
	if s.slots > 0 && len(s.free) == s.slots && s.file.Truncate(0) == nil {
		s.slots, s.free = 0, nil
	}
}

// load returns the bytes of slab i of direction d, reading them back if they
// were spilled. A slab that cannot be read becomes a hole.
func (r *Recording) load(d Dir, i int) []byte {
	s := &r.lanes[d].slabs[i]
	if s.buf != nil {
		return s.buf[:s.n]
	}
	for _, e := range r.spill.loaded {
		if e.buf != nil && e.dir == d && e.off == s.off {
			return e.buf
		}
	}
	buf := make([]byte, s.n) // new each time: Views of the one it replaces stay valid
	if !r.readSlot(d, i, buf, 0) {
		return nil
	}
	r.spill.loaded[r.spill.oldest] = loadedSlab{dir: d, off: s.off, buf: buf}
	r.spill.oldest = (r.spill.oldest + 1) % len(r.spill.loaded)
	return buf
}

// readSlot fills p from byte at of the spilled slab i.
func (r *Recording) readSlot(d Dir, i int, p []byte, at int) bool {
	l := &r.lanes[d]
	s := l.slabs[i]
	if _, err := r.spill.file.ReadAt(p, int64(s.slot)*slabSize+int64(at)); err != nil {
		r.fail(fmt.Errorf("read back %s bytes %d to %d: %w", d, s.off, s.end(), err))
		l.remove(i) // its slot is not used again: the disk may be bad there
		return false
	}
	return true
}
