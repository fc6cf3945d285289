package hpack

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	nethpack "golang.org/x/net/http2/hpack"
)

func wire(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// appendIndexed appends an indexed field. RFC 7541 §6.1.
func appendIndexed(b []byte, index int) []byte {
	if index < 127 {
		return append(b, 0x80|byte(index))
	}
	b = append(b, 0xff)
	for index -= 127; index >= 128; index >>= 7 {
		b = append(b, byte(index)|0x80)
	}
	return append(b, byte(index))
}

// checkTable compares the dynamic table with that of x/net, which can only be
// asked for one entry at a time.
func checkTable(tb testing.TB, got Table, oracle *nethpack.Decoder) {
	tb.Helper()
	size := 0
	for i, e := range got.Entries {
		want, err := oracle.DecodeFull(appendIndexed(nil, FirstIndex+i))
		if err != nil || len(want) != 1 || want[0].Name != e.Name || want[0].Value != e.Value {
			tb.Fatalf("entry %d is %+v, x/net has %v (%v)", FirstIndex+i, e, want, err)
		}
		if i > 0 && e.Number != got.Entries[i-1].Number-1 {
			tb.Fatalf("entry %d has number %d after %d", FirstIndex+i, e.Number, got.Entries[i-1].Number)
		}
		size += e.Size()
	}
	if size != got.Size || size > got.Max {
		tb.Fatalf("entries of %d bytes, the table says %d of %d", size, got.Size, got.Max)
	}
	if more, err := oracle.DecodeFull(appendIndexed(nil, FirstIndex+len(got.Entries))); err == nil {
		tb.Fatalf("x/net has one entry more: %v", more)
	}
	if err := oracle.Close(); err != nil { // after an error it would go on inside the block
		tb.Fatal(err)
	}
}

// checkBlock checks what a block says of itself.
func checkBlock(tb testing.TB, block []byte, b Block, before, after Table) {
	tb.Helper()
	s := b.Stats
	if int(s.Wire) != len(block) || int(s.TableEntries) != len(after.Entries) || int(s.TableSize) != after.Size || int(s.TableMax) != after.Max {
		tb.Fatalf("stats %+v of %d bytes; the table has %d entries of %d bytes", s, len(block), len(after.Entries), after.Size)
	}
	if len(before.Entries)+int(s.Inserted)-int(s.Evicted) != len(after.Entries) {
		tb.Fatalf("%d entries, %d added, %d evicted, then %d", len(before.Entries), s.Inserted, s.Evicted, len(after.Entries))
	}
	if int(s.Evicted) != len(b.Evicted) || int(s.Updates) != len(b.Updates) {
		tb.Fatalf("%d evictions and %d updates listed: %+v", len(b.Evicted), len(b.Updates), s)
	}
	for i, e := range b.Evicted {
		if i > 0 && e.Entry.Number != b.Evicted[i-1].Entry.Number+1 {
			tb.Fatalf("entry %d evicted after %d", e.Entry.Number, b.Evicted[i-1].Entry.Number)
		}
	}
	decoded := 0
	for _, f := range b.Fields {
		decoded += f.Decoded()
		name, value := f.Parts(block)
		if f.Rep == Indexed {
			if name != f.Range || value != f.Range {
				tb.Fatalf("%+v: parts %v and %v", f, name, value)
			}
		} else if name.Off != f.Range.Off || name.end() != value.Off || value.end() != f.Range.end() || name.Len < 1 || value.Len < 1 {
			tb.Fatalf("%+v: parts %v and %v do not tile it", f, name, value)
		}
	}
	if decoded != int(s.Decoded) || len(b.Fields) != int(s.Fields) {
		tb.Fatalf("%d fields of %d bytes, stats %+v", len(b.Fields), decoded, s)
	}
}

// walkBoth walks a block, checks it, and replays it.
func walkBoth(tb testing.TB, d, replayed *Decoder, block []byte) Block {
	tb.Helper()
	before, copied := d.Table(), d.Clone()
	b := d.Walk(block)
	checkBlock(tb, block, b, before, d.Table())
	fields, problems := copied.Decode(block)
	if !slices.Equal(fields, b.Fields) || !slices.Equal(problems, b.Problems) || copied.Last() != b.Stats {
		tb.Fatalf("Decode and Walk differ:\n%+v %+v\n%+v %+v", fields, problems, b.Fields, b.Problems)
	}
	replayed.Replay(block, b.Stats)
	if got, want := replayed.Table(), d.Table(); !slices.Equal(got.Entries, want.Entries) || got.Size != want.Size || got.Max != want.Max || got.Lost != want.Lost {
		tb.Fatalf("replayed %+v, want %+v", got, want)
	}
	return b
}

// RFC 7541 Appendix C.5: responses with evictions, in a table of 256 bytes.
func TestAppendixC5(t *testing.T) {
	t.Parallel()
	d, r := NewDecoder(), NewDecoder()
	walkBoth(t, d, r, wire(t, "3fe101")) // the size update that the appendix leaves out
	first := walkBoth(t, d, r, wire(t, "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d"))
	if first.Stats.TableSize != 222 || first.Stats.Inserted != 4 {
		t.Errorf("after the first: %+v", first.Stats)
	}
	second := walkBoth(t, d, r, wire(t, "4803333037c1c0bf"))
	want := Eviction{Entry: Entry{Name: ":status", Value: "302", Number: 1, Block: 1}, By: Range{Off: 0, Len: 5}}
	if len(second.Evicted) != 1 || second.Evicted[0] != want || second.Stats.TableSize != 222 {
		t.Errorf("after the second: %+v", second)
	}
	if f := second.Fields[1]; f.Name != "cache-control" || f.Entry != 2 || f.Index != 65 {
		t.Errorf("cache-control is %+v, want entry 2", f)
	}
	third := walkBoth(t, d, r, wire(t, "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31"))
	table := d.Table()
	if third.Stats.TableSize != 215 || len(third.Evicted) != 4 || len(table.Entries) != 3 || table.Entries[0].Name != "set-cookie" || table.Entries[0].Block != 3 {
		t.Errorf("after the third: %+v, table %+v", third, table)
	}
}

// A connection whose beginning was not captured: static hits and literals stand,
// and so does an index that reaches only what was added since.
func TestAttach(t *testing.T) {
	t.Parallel()
	d, r := NewDecoder(), NewDecoder()
	d.Attach()
	b := walkBoth(t, d, r, wire(t, "82bec1"+"400161"+"0162"+"be"+"bf"+"0f300163"))
	type row struct {
		text      string
		untrusted bool
	}
	var got []row
	for _, f := range b.Fields {
		got = append(got, row{f.String(), f.Untrusted})
	}
	want := []row{{":method: GET", false}, {": ", true}, {": ", true}, {"a: b", false}, {"a: b", false}, {": ", true}, {": c", true}}
	if !slices.Equal(got, want) {
		t.Errorf("fields %v, want %v", got, want)
	}
	if len(b.Problems) != 1 || b.Problems[0].Rule != "recording" || b.Problems[0].Range != (Range{Off: 1, Len: 1}) {
		t.Errorf("problems %+v, want one", b.Problems)
	}
	if b := walkBoth(t, d, r, wire(t, "c5c6")); len(b.Problems) > 0 || len(b.Fields) != 2 {
		t.Errorf("a second block: %+v, want two fields and no more problems", b)
	}
	// A table emptied by its encoder is known again.
	walkBoth(t, d, r, wire(t, "203fe11f"))
	if b := walkBoth(t, d, r, wire(t, "be")); len(b.Problems) != 1 || b.Problems[0].Rule != "RFC 7541 §2.3.3" || !d.Table().Lost {
		t.Errorf("after the table was emptied: %+v", b)
	}
}

// Entries that came after the capture began and were evicted since leave nothing
// unknown before them.
func TestAttachFilled(t *testing.T) {
	t.Parallel()
	d, r := NewDecoder(), NewDecoder()
	d.Attach()
	walkBoth(t, d, r, wire(t, "3fe11f")) // says 4096: its limit is known
	for i := range 200 {
		walkBoth(t, d, r, append([]byte{0x40, 3}, fmt.Sprintf("%03d\x00", i)...))
	}
	if table := d.Table(); table.Lost || len(table.Entries) != 4096/35 || table.Entries[0].Untrusted {
		t.Errorf("table %+v", table)
	}
}

// An error whose field can be cut does not end the block.
func TestWalkGoesOn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, wire, want string
	}{
		{"index not in the table", "be82", "[: !  :method: GET ]"},
		{"index 0", "8082", "[: !  :method: GET ]"},
		{"name not in the table", "7e016282", "[: b!  :method: GET ]"},
		{"huge index", "ffffffffffffffffffff0182", "[: !  :method: GET ]"},
		{"huffman", "400161" + "84ffffffff" + "82", "[a: !  :method: GET ]"},
		{"entry made of an unknown name", "7e0162" + "be", "[: b!  : b! ]"},
		{"added after an error", "be" + "4001610162" + "be", "[: !  a: b  a: b ]"},
		{"cut", "82400161", "[:method: GET ]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := walkBoth(t, NewDecoder(), NewDecoder(), wire(t, tc.wire))
			got := "["
			for i, f := range b.Fields {
				if i > 0 {
					got += " "
				}
				got += f.String()
				if f.Untrusted {
					got += "!"
				}
				got += " "
			}
			if got += "]"; got != tc.want || len(b.Problems) == 0 {
				t.Errorf("%s %+v, want %s", got, b.Problems, tc.want)
			}
		})
	}
}

// FuzzConnection walks several blocks with one table beside x/net.
func FuzzConnection(f *testing.F) {
	f.Add(wire(f, "4803333032580770726976617465"), wire(f, "bebf203fe11f"), uint8(3), false)
	f.Add(wire(f, "400161016282"), wire(f, "7e0162bec0"), uint8(9), true)
	f.Fuzz(func(t *testing.T, a, b []byte, cut uint8, attach bool) {
		d, r := NewDecoder(), NewDecoder()
		oracle := nethpack.NewDecoder(defaultTableSize, nil)
		if attach {
			d.Attach()
		}
		valid := !attach
		whole := bytes.Join([][]byte{a, b, a}, nil)
		at := min(int(cut), len(whole))
		for _, block := range [][]byte{whole[:at], whole[at:], a, b} {
			got := walkBoth(t, d, r, block)
			want, err := oracle.DecodeFull(block)
			if valid = valid && err == nil; !valid {
				continue
			}
			late := slices.ContainsFunc(got.Problems, func(p Problem) bool { return p.Rule != "RFC 7541 §4.2" })
			if late || len(got.Fields) != len(want) {
				t.Fatalf("%d fields, problems %v; x/net reads %d", len(got.Fields), got.Problems, len(want))
			}
			for i, f := range got.Fields {
				if f.Name != want[i].Name || f.Value != want[i].Value || f.Untrusted {
					t.Fatalf("field %d: %+v, x/net %v", i, f, want[i])
				}
			}
			checkTable(t, d.Table(), oracle)
		}
	})
}
