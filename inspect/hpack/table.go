package hpack

// entry is a name and value of a table.
type entry struct {
	name, value string
	block       uint32 // which block added it, counted from 0
	untrusted   bool   // a part of it is not known, or came from an untrusted entry
}

func (e entry) size() int { return len(e.name) + len(e.value) + entryOverhead }

// static is the static table; index 1 is static[0]. RFC 7541 Appendix A.
var static = [...]entry{
	{name: ":authority"},
	{name: ":method", value: "GET"},
	{name: ":method", value: "POST"},
	{name: ":path", value: "/"},
	{name: ":path", value: "/index.html"},
	{name: ":scheme", value: "http"},
	{name: ":scheme", value: "https"},
	{name: ":status", value: "200"},
	{name: ":status", value: "204"},
	{name: ":status", value: "206"},
	{name: ":status", value: "304"},
	{name: ":status", value: "400"},
	{name: ":status", value: "404"},
	{name: ":status", value: "500"},
	{name: "accept-charset"},
	{name: "accept-encoding", value: "gzip, deflate"},
	{name: "accept-language"},
	{name: "accept-ranges"},
	{name: "accept"},
	{name: "access-control-allow-origin"},
	{name: "age"},
	{name: "allow"},
	{name: "authorization"},
	{name: "cache-control"},
	{name: "content-disposition"},
	{name: "content-encoding"},
	{name: "content-language"},
	{name: "content-length"},
	{name: "content-location"},
	{name: "content-range"},
	{name: "content-type"},
	{name: "cookie"},
	{name: "date"},
	{name: "etag"},
	{name: "expect"},
	{name: "expires"},
	{name: "from"},
	{name: "host"},
	{name: "if-match"},
	{name: "if-modified-since"},
	{name: "if-none-match"},
	{name: "if-range"},
	{name: "if-unmodified-since"},
	{name: "last-modified"},
	{name: "link"},
	{name: "location"},
	{name: "max-forwards"},
	{name: "proxy-authenticate"},
	{name: "proxy-authorization"},
	{name: "range"},
	{name: "referer"},
	{name: "refresh"},
	{name: "retry-after"},
	{name: "server"},
	{name: "set-cookie"},
	{name: "strict-transport-security"},
	{name: "transfer-encoding"},
	{name: "user-agent"},
	{name: "vary"},
	{name: "via"},
	{name: "www-authenticate"},
}

// table is a dynamic table: a queue whose newest entry is last. RFC 7541 §2.3.2.
type table struct {
	entries  []entry
	evicted  int // entries[:evicted] are gone and empty
	size     int
	max      int
	inserted uint32 // entries ever added: the number of the newest
}

func (t *table) len() int { return len(t.entries) - t.evicted }

// at returns the entry with a combined index (static, then dynamic) and its
// number, which is 0 in the static table. RFC 7541 §2.3.3.
func (t *table) at(index uint64) (e entry, number uint32, ok bool) {
	if index == 0 {
		return entry{}, 0, false
	}
	if index <= uint64(len(static)) {
		return static[index-1], 0, true
	}
	age := index - uint64(len(static)) // 1 is the newest
	if age > uint64(t.len()) {
		return entry{}, 0, false
	}
	return t.entries[uint64(len(t.entries))-age], t.inserted - uint32(age) + 1, true
}

// add inserts an entry and evicts what no longer fits; an entry larger than the
// table empties it and is not added. RFC 7541 §4.4.
func (t *table) add(e entry) (evicted int, added bool) {
	if e.size() > t.max {
		return t.drop(t.len()), false
	}
	evicted = t.drop(t.overflow(e.size(), t.max))
	t.entries = append(t.entries, e)
	t.size += e.size()
	t.inserted++
	return evicted, true
}

func (t *table) resize(limit int) (evicted int) {
	t.max = limit
	return t.drop(t.overflow(0, limit))
}

// overflow counts the oldest entries that must go before extra bytes fit into limit.
func (t *table) overflow(extra, limit int) int {
	n := 0
	for size := t.size + extra; size > limit && n < t.len(); n++ {
		size -= t.entries[t.evicted+n].size()
	}
	return n
}

// drop evicts the n oldest entries. Their places are closed up once they are
// half of all: the cost of an add does not grow with the table.
func (t *table) drop(n int) int {
	for range n {
		t.size -= t.entries[t.evicted].size()
		t.entries[t.evicted] = entry{}
		t.evicted++
	}
	if t.evicted > len(t.entries)/2 {
		kept := copy(t.entries, t.entries[t.evicted:])
		clear(t.entries[kept:])
		t.entries, t.evicted = t.entries[:kept], 0
	}
	return n
}
