package inspect

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/wiregloss/wiregloss/inspect/h2"
)

// Each DATA frame has the messages whose carriers it is among, in their order.
func TestMessagesIn(t *testing.T) {
	t.Parallel()
	found := 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		tr := Decode(randomConversation(t, r).split(r, 64))
		type key struct {
			stream uint32
			seq    int
		}
		want := map[int][]key{}
		for _, m := range append(slices.Clone(tr.Messages), tr.Partial...) {
			for _, i := range tr.Carriers(m, tr.Spans(m)) {
				want[i] = append(want[i], key{m.Stream, m.Seq})
			}
		}
		for i, f := range tr.Frames {
			if f.Type != h2.Data {
				continue
			}
			var got []key
			list, _ := tr.MessagesIn(f)
			for _, m := range list {
				got = append(got, key{m.Stream, m.Seq})
			}
			found += len(got)
			if !slices.Equal(got, want[i]) {
				t.Errorf("seed %d, frame %d: messages %v, want %v", seed, i, got, want[i])
			}
		}
	}
	if found == 0 {
		t.Error("no frame carries a message")
	}
}
