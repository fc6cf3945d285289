package inspect

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wiregloss/wiregloss/record"
)

// FuzzLedger gives any bytes to both directions: costs tile, windows are those of
// the frames, tables can be replayed, and steps do not matter.
func FuzzLedger(f *testing.F) {
	for seed := range uint64(5) {
		rec := randomConversation(f, rand.New(rand.NewPCG(seed, 3))).recording(true)
		f.Add(rec.Append(nil, record.Span{Dir: record.Sent, Len: rec.Size(record.Sent)}),
			rec.Append(nil, record.Span{Dir: record.Received, Len: rec.Size(record.Received)}), uint16(seed*100))
	}
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
		if diff := cmp.Diff(factsOf(whole), factsOf(l), factOptions); diff != "" {
			t.Fatalf("steps of %d bytes change the ledger:\n%s", n, diff)
		}
	})
}
