package hpack

// entry is a name and value of a table.
type entry struct{ name, value string }

func (e entry) size() int { return len(e.name) + len(e.value) + entryOverhead }

// static is the static table; index 1 is static[0]. RFC 7541 Appendix A.
var static = [...]entry{
	{":authority", ""},
	{":method", "GET"},
	{":method", "POST"},
	{":path", "/"},
	{":path", "/index.html"},
	{":scheme", "http"},
	{":scheme", "https"},
	{":status", "200"},
	{":status", "204"},
	{":status", "206"},
	{":status", "304"},
	{":status", "400"},
	{":status", "404"},
	{":status", "500"},
	{"accept-charset", ""},
	{"accept-encoding", "gzip, deflate"},
	{"accept-language", ""},
	{"accept-ranges", ""},
	{"accept", ""},
	{"access-control-allow-origin", ""},
	{"age", ""},
	{"allow", ""},
	{"authorization", ""},
	{"cache-control", ""},
	{"content-disposition", ""},
	{"content-encoding", ""},
	{"content-language", ""},
	{"content-length", ""},
	{"content-location", ""},
	{"content-range", ""},
	{"content-type", ""},
	{"cookie", ""},
	{"date", ""},
	{"etag", ""},
	{"expect", ""},
	{"expires", ""},
	{"from", ""},
	{"host", ""},
	{"if-match", ""},
	{"if-modified-since", ""},
	{"if-none-match", ""},
	{"if-range", ""},
	{"if-unmodified-since", ""},
	{"last-modified", ""},
	{"link", ""},
	{"location", ""},
	{"max-forwards", ""},
	{"proxy-authenticate", ""},
	{"proxy-authorization", ""},
	{"range", ""},
	{"referer", ""},
	{"refresh", ""},
	{"retry-after", ""},
	{"server", ""},
	{"set-cookie", ""},
	{"strict-transport-security", ""},
	{"transfer-encoding", ""},
	{"user-agent", ""},
	{"vary", ""},
	{"via", ""},
	{"www-authenticate", ""},
}

// table is a dynamic table: a queue whose newest entry is last. RFC 7541 §2.3.2.
type table struct {
	entries []entry
	evicted int // entries[:evicted] are gone and empty
	size    int
	max     int
}

func (t *table) len() int { return len(t.entries) - t.evicted }

// at returns the entry with a combined index (static, then dynamic). RFC 7541 §2.3.3.
func (t *table) at(index uint64) (entry, bool) {
	if index == 0 {
		return entry{}, false
	}
	if index <= uint64(len(static)) {
		return static[index-1], true
	}
	age := index - uint64(len(static)) // 1 is the newest
	if age > uint64(t.len()) {
		return entry{}, false
	}
	return t.entries[uint64(len(t.entries))-age], true
}

// add inserts an entry and evicts what no longer fits; an entry larger than the
// table empties it. RFC 7541 §4.4.
func (t *table) add(e entry) {
	t.entries = append(t.entries, e)
	t.size += e.size()
	t.evict()
}

func (t *table) resize(limit int) {
	t.max = limit
	t.evict()
}

// evict drops the oldest entries until the rest fits. Their places are closed up
// once they are half of all: the cost of an add does not grow with the table.
func (t *table) evict() {
	for t.size > t.max {
		t.size -= t.entries[t.evicted].size()
		t.entries[t.evicted] = entry{}
		t.evicted++
	}
	if t.evicted > len(t.entries)/2 {
		kept := copy(t.entries, t.entries[t.evicted:])
		clear(t.entries[kept:])
		t.entries, t.evicted = t.entries[:kept], 0
	}
}
