package hpack

import (
	"fmt"
	"testing"
)

// A block can break a rule with every byte: that is told, but not each time.
func TestProblemsAreBounded(t *testing.T) {
	t.Parallel()
	block := make([]byte, 100_000)
	for i := range block {
		block[i] = 0x20 // a table size update, which must come first
	}
	block[0] = 0x82
	fields, problems := NewDecoder().Decode(block)
	if len(fields) != 1 || len(problems) != maxProblems {
		t.Errorf("%d fields and %d problems, want 1 and %d", len(fields), len(problems), maxProblems)
	}
}

// RFC 7541 §4.4: the newest entries stay, whatever was evicted before them.
func TestEviction(t *testing.T) {
	t.Parallel()
	const fit = 10
	tb := table{max: fit * (entryOverhead + 2)}
	for i := range 1000 {
		tb.add(entry{name: fmt.Sprintf("%02d", i%100)})
		if want := min(i+1, fit); tb.len() != want {
			t.Fatalf("after %d adds the table has %d entries, want %d", i+1, tb.len(), want)
		}
		for age := range tb.len() {
			e, number, ok := tb.at(uint64(len(static) + 1 + age))
			if number != uint32(i+1-age) {
				t.Fatalf("after %d adds entry %d has number %d", i+1, age+1, number)
			}
			if want := fmt.Sprintf("%02d", (i-age)%100); !ok || e.name != want {
				t.Fatalf("after %d adds entry %d is %q (%v), want %q", i+1, age+1, e.name, ok, want)
			}
		}
		if _, _, ok := tb.at(uint64(len(static) + 1 + tb.len())); ok {
			t.Fatalf("after %d adds there is an entry beyond the last", i+1)
		}
		if len(tb.entries) > 2*fit+2 {
			t.Fatalf("after %d adds %d entries are held", i+1, len(tb.entries))
		}
	}
	tb.add(entry{name: string(make([]byte, 4096))}) // larger than the table: it empties it
	if tb.len() != 0 || tb.size != 0 {
		t.Errorf("the table has %d entries of %d bytes, want none", tb.len(), tb.size)
	}
}
