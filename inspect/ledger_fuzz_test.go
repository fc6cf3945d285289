package inspect

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http2"

	"github.com/wiregloss/wiregloss/record"
)

// joinPrefixes adds prefixes to payloads: what comes on a stream that was reset is
// cut into messages only if the stream was not forgotten.
func (f *facts) joinPrefixes() {
	join := func(c *Cost) { c.Payload, c.Prefix = c.Payload+c.Prefix, 0 }
	for dir := range f.Cost {
		join(&f.Cost[dir])
	}
	for id, c := range f.Costs {
		join(&c[0])
		join(&c[1])
		f.Costs[id] = c
	}
}

// FuzzLedger gives any bytes to both directions: costs tile, windows are those of
// the frames, tables can be replayed, and steps do not matter.
func FuzzLedger(f *testing.F) {
	for seed := range 5 {
		c := newConversation(f)
		c.must(c.framer[0].WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(10 * seed)}))
		c.request(1, "/a.B/C")
		c.data(record.Sent, 1, true, 9, prefixed([]byte("request"), false))
		c.must(c.framer[1].WriteSettings())
		c.must(c.framer[1].WritePing(false, [8]byte{1}))
		c.must(c.framer[0].WritePing(true, [8]byte{1}))
		c.headers(record.Received, 1, false, 9, ":status", "200", "content-type", "application/grpc")
		c.must(c.framer[1].WriteDataPadded(1, false, prefixed([]byte("reply"), false), make([]byte, seed)))
		c.must(c.framer[0].WriteWindowUpdate(1, 5))
		c.trailers(1, seed, "done")
		rec := c.recording(true)
		f.Add(rec.Append(nil, record.Span{Dir: record.Sent, Len: rec.Size(record.Sent)}),
			rec.Append(nil, record.Span{Dir: record.Received, Len: rec.Size(record.Received)}), uint16(7*seed))
	}
	f.Add([]byte("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), uint16(3))
	f.Fuzz(func(t *testing.T, sent, received []byte, step uint16) {
		rec := record.New(record.Meta{})
		rec.Add(record.Sent, 0, sent)
		rec.Add(record.Received, 1, received)
		rec.Close(nil)
		whole, tr := ledgerOf(rec)
		checkLedger(t, rec, whole, tr)
		d, l := NewDecoder(rec), NewLedger(rec)
		n := int64(step%999) + 1 + int64(len(sent)+len(received))/64
		for more := true; more; {
			var part Trace
			part, more = d.Advance(n)
			l.Advance(part)
			if step%2 == 0 {
				d.Forget(part)
			}
		}
		want, got := factsOf(whole), factsOf(l)
		if step%2 == 0 {
			want.joinPrefixes()
			got.joinPrefixes()
		}
		if !reflect.DeepEqual(want, got) {
			diff := cmp.Diff(want, got, factOptions)
			t.Fatalf("steps of %d bytes change the ledger:\n%s", n, diff)
		}
	})
}
