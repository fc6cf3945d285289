package record

import (
	"errors"
	"fmt"
	"io"
)

// Changed returns a channel that is closed at the next change: bytes, the end of
// the connection, a failed write, a problem. Take the channel first, then look
// at the recording, then wait: nothing is missed.
func (r *Recording) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return r.changed
}

func (r *Recording) notify() {
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// Closed returns how the connection ended: nil if we closed it, io.EOF if the
// peer did, else the error that broke it. ok is false while it is open.
func (r *Recording) Closed() (err error, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err, r.closed
}

// Close marks the end of the connection. The first call decides what Closed
// says, and nothing is recorded after it. One exception: after io.EOF, which only
// ends what the peer sends, Sent goes on until the next call.
func (r *Recording) Close(err error) {
	if errors.Is(err, io.EOF) {
		err = io.EOF
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		r.sealed = true
		return
	}
	r.closed, r.err = true, err
	r.notify()
}

// Unsent returns the trailing bytes of Sent that a short or failed write never
// handed to the kernel. They are recorded, but the peer cannot have seen them.
func (r *Recording) Unsent() (Span, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.unsent, r.unsent.Len > 0
}

// markUnsent notes that s, the end of one recorded write, did not go out.
func (r *Recording) markUnsent(s Span) {
	if s.Len <= 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.notify()
	switch {
	case r.unsent.Len == 0:
		r.unsent = s
	case r.unsent.End() == s.Off:
		r.unsent.Len += s.Len
	default:
		r.fail(fmt.Errorf("the connection was written to after a failed write: the %d bytes sent from offset %d on never left either",
			r.unsent.Len, r.unsent.Off))
		r.unsent = s
	}
}

// Release frees the bytes and the spill file. The recording counts as closed by
// us if it was still open; all its bytes are holes.
func (r *Recording) Release() {
	r.Close(nil)
	r.Discard(Sent, r.Size(Sent))
	r.Discard(Received, r.Size(Received))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sealed = true
	for d := range r.lanes {
		r.lanes[d].slabs, r.lanes[d].spilled = nil, 0
	}
	r.memory = 0
	r.spill.release()
}
