package demo

import (
	"sync"

	"google.golang.org/protobuf/proto"
)

// changeType is what happened to a resource.
type changeType int

const (
	created changeType = iota
	updated
	deleted
)

// String returns the word used in server-sent events.
func (c changeType) String() string { return [...]string{"created", "updated", "deleted"}[c] }

// change is one thing that happened in a table.
type change struct {
	kind string // "User" or "Order"
	what changeType
	msg  proto.Message // as it is now, or last was
}

// backlog is how many changes a subscriber may be behind.
const backlog = 256

// hub passes changes on to whoever watches.
type hub struct {
	mu          sync.Mutex
	subscribers map[chan change]struct{}
}

func newHub() *hub { return &hub{subscribers: map[chan change]struct{}{}} }

// publish never waits: a subscriber that is too far behind is cut off, and
// finds its channel closed.
func (h *hub) publish(c change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.subscribers {
		select {
		case ch <- c:
		default:
			h.drop(ch)
		}
	}
}

// subscribe returns the changes from now on. The caller must call stop.
func (h *hub) subscribe() (changes <-chan change, stop func()) {
	ch := make(chan change, backlog)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subscribers[ch] = struct{}{}
	return ch, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.drop(ch)
	}
}

func (h *hub) drop(ch chan change) {
	if _, ok := h.subscribers[ch]; ok {
		delete(h.subscribers, ch)
		close(ch)
	}
}
