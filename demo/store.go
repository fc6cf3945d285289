package demo

import (
	"encoding/base64"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"
)

// Bounds of each table: clients can create, so they could create for ever.
const (
	maxRows       = 10_000
	maxTableBytes = 64 << 20
)

// resource is what a table holds. *demov1.User and *demov1.Order are ones.
type resource interface {
	proto.Message
	GetId() string
}

// rules are what differs between tables.
type rules[M resource] struct {
	kind  string // "User", as in demo.v1.User
	setID func(m M, id string)

	// accept checks a message before it is stored and fills in what the server
	// owns. prev is what it replaces, nil when it is new.
	accept func(next, prev M) error

	// release says why a message may not be deleted.
	release func(M) error
}

// row is one place in a table. Its message never changes: an edit stores
// another message, so readers can keep what they have without a lock.
type row[M resource] struct {
	seq uint64
	msg M
}

// table holds messages by id and in order of their creation.
type table[M resource] struct {
	rules[M]
	hub *hub

	mu      sync.RWMutex
	rows    []*row[M] // sorted by seq
	bytes   int       // of all messages
	byID    map[string]*row[M]
	lastSeq uint64
	lastID  uint64 // the last id chosen by the server
}

func newTable[M resource](r rules[M], h *hub, firstID uint64) *table[M] {
	return &table[M]{rules: r, hub: h, byID: map[string]*row[M]{}, lastID: firstID - 1}
}

// get returns the message with an id.
func (t *table[M]) get(id string) (M, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.find(id)
}

// find is get for those who hold the lock.
func (t *table[M]) find(id string) (M, error) {
	if r := t.byID[id]; r != nil {
		return r.msg, nil
	}
	var none M
	return none, errNotFound(t.kind, clip(id))
}

// create stores a new message, under its own id or else one chosen here.
func (t *table[M]) create(m M) (M, error) {
	m = proto.CloneOf(m)
	t.mu.Lock()
	defer t.mu.Unlock()
	var none M
	if len(t.rows) >= maxRows {
		return none, errFull(strings.ToLower(t.kind)+"s", maxRows)
	}
	id, lastID := m.GetId(), t.lastID
	if id == "" {
		id, lastID = t.freeID()
		t.setID(m, id)
	}
	if !validID(id) {
		return none, errField(t.kind, "id", idRule)
	}
	if t.byID[id] != nil {
		return none, errTaken(t.kind, id)
	}
	if err := t.accept(m, none); err != nil {
		return none, err
	}
	if err := t.grow(proto.Size(m)); err != nil {
		return none, err
	}
	t.lastID = lastID
	t.lastSeq++
	r := &row[M]{seq: t.lastSeq, msg: m}
	t.rows, t.byID[id] = append(t.rows, r), r
	t.hub.publish(change{kind: t.kind, what: created, msg: m})
	return m, nil
}

// grow accounts for n more bytes, or refuses them.
func (t *table[M]) grow(n int) error {
	if n > 0 && t.bytes+n > maxTableBytes {
		return errFull("bytes of "+strings.ToLower(t.kind)+"s", maxTableBytes)
	}
	t.bytes += n
	return nil
}

// freeID returns the next number that nobody has taken as an id.
func (t *table[M]) freeID() (string, uint64) {
	for n := t.lastID + 1; ; n++ {
		if id := strconv.FormatUint(n, 10); t.byID[id] == nil {
			return id, n
		}
	}
}

// edit replaces the message with an id by what edited makes of it. Nothing else
// happens to the table meanwhile, so edited can check what it replaces.
func (t *table[M]) edit(id string, edited func(prev M) (M, error)) (M, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	prev, err := t.find(id)
	if err != nil {
		return prev, err
	}
	var none M
	next, err := edited(prev)
	if err != nil {
		return none, err
	}
	next = proto.CloneOf(next)
	switch next.GetId() {
	case id:
	case "":
		t.setID(next, id)
	default:
		return none, errField(t.kind, "id", "is fixed: leave it out or repeat it")
	}
	if err := t.accept(next, prev); err != nil {
		return none, err
	}
	if err := t.grow(proto.Size(next) - proto.Size(prev)); err != nil {
		return none, err
	}
	t.byID[id].msg = next
	t.hub.publish(change{kind: t.kind, what: updated, msg: next})
	return next, nil
}

// remove deletes the message with an id, if allowed says nothing against it.
func (t *table[M]) remove(id string, allowed func(M) error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	prev, err := t.find(id)
	if err != nil {
		return err
	}
	if err := allowed(prev); err != nil {
		return err
	}
	if err := t.release(prev); err != nil {
		return err
	}
	t.bytes -= proto.Size(prev)
	at := t.after(t.byID[id].seq - 1)
	t.rows = slices.Delete(t.rows, at, at+1)
	delete(t.byID, id)
	t.hub.publish(change{kind: t.kind, what: deleted, msg: prev})
	return nil
}

// after returns the index of the first row created after the one with seq.
func (t *table[M]) after(seq uint64) int {
	return sort.Search(len(t.rows), func(i int) bool { return t.rows[i].seq > seq })
}

// watch returns all messages and the changes that follow them, without a gap
// or an overlap. The caller must call stop.
func (t *table[M]) watch() (now []M, changes <-chan change, stop func()) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, r := range t.rows {
		now = append(now, r.msg)
	}
	changes, stop = t.hub.subscribe()
	return now, changes, stop
}

// Sizes of a page.
const (
	defaultPageSize = 10
	maxPageSize     = 100
)

// page is a part of a table.
type page[M resource] struct {
	items []M
	next  string // token of the page after this one, "" on the last
	total int    // of all pages
}

// list returns the page of a given size that a token names, of the messages
// that match. Tokens stay good while rows come and go.
func (t *table[M]) list(size int32, token string, match func(M) bool) (page[M], error) {
	var p page[M]
	seq, err := readPageToken(token)
	if err == nil && size < 0 {
		err = errField("list", "page_size", "must not be negative")
	}
	if err != nil {
		return p, err
	}
	if size == 0 {
		size = defaultPageSize
	}
	size = min(size, maxPageSize)
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, r := range t.rows {
		if !match(r.msg) {
			continue
		}
		p.total++
		switch {
		case r.seq <= seq:
		case len(p.items) < int(size):
			p.items = append(p.items, r.msg)
			token = pageToken(r.seq)
		default:
			p.next = token
		}
	}
	return p, nil
}

// pageToken names the page that follows a row.
func pageToken(seq uint64) string {
	return base64.RawURLEncoding.EncodeToString(strconv.AppendUint([]byte("after:"), seq, 10))
}

// readPageToken returns the row that a page follows: 0 for the first page.
func readPageToken(token string) (uint64, error) {
	if token == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		if digits, ok := strings.CutPrefix(string(text), "after:"); ok {
			if seq, err := strconv.ParseUint(digits, 10, 64); err == nil {
				return seq, nil
			}
		}
	}
	return 0, errField("list", "page_token", "must be the next_page_token of an earlier reply, or empty")
}

const idRule = `must be 1 to 64 letters, digits, "-" or "_"`

// validID reports whether an id is fit for URLs and error texts.
func validID(id string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	return len(id) >= 1 && len(id) <= 64 && strings.Trim(id, allowed) == ""
}

// clip shortens what a client sent before it goes into an error text: a status
// travels in headers, which are small.
func clip(s string) string { return clipTo(s, 64) }

func clipTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
