package hpack

import "slices"

// Block is all that one header block says and does.
type Block struct {
	Fields   []Field
	Updates  []SizeUpdate
	Problems []Problem
	Evicted  []Eviction // in order; at most maxFields are listed, Stats counts all
	Stats    Stats
}

// SizeUpdate is a dynamic table size update. RFC 7541 §6.3.
type SizeUpdate struct {
	Range Range
	Size  uint64 // the table's new limit in bytes
}

// Eviction is an entry that the table lost.
type Eviction struct {
	Entry Entry
	By    Range // the field or the size update in the block that pushed it out
}

// Stats is what a block cost, and how it left the dynamic table, in numbers.
type Stats struct {
	Block   uint32 // counts the blocks of its direction from 0
	Wire    uint32 // bytes of the block
	Decoded uint32 // bytes of all names and values, listed or not
	Fields  uint32 // how many, listed or not

	Before   uint32 // entries ever added before this block: its own are Before+1 to Before+Inserted
	Inserted uint32
	Evicted  uint32
	Updates  uint32 // table size updates

	TableSize    uint32 // after the block, in bytes as RFC 7541 §4.1 counts
	TableMax     uint32 // likewise, its limit
	TableEntries uint32 // likewise

	// Base and Lost are how far the table was known when the block began: entries
	// up to number Base are untrusted; Lost says that there may be older ones that
	// are unknown; LimitKnown that the table's limit is what the encoder thinks.
	Base       uint32
	Lost       bool
	LimitKnown bool
}

// ListSize is what the block counts against SETTINGS_MAX_HEADER_LIST_SIZE, in
// bytes. RFC 9113 §6.5.2.
func (s Stats) ListSize() uint64 { return uint64(s.Decoded) + entryOverhead*uint64(s.Fields) }

// Entry is an entry of the dynamic table.
type Entry struct {
	Name, Value string // untrusted text
	Number      uint32 // counts entries from 1 in the order in which they were added
	Block       int    // which block of the direction added it, counted from 0
	Untrusted   bool   // from before an error or the capture, or not wholly known
}

// Size is what the entry counts in the table, in bytes. RFC 7541 §4.1.
func (e Entry) Size() int { return len(e.Name) + len(e.Value) + entryOverhead }

// Table is a dynamic table as it stood at one moment.
type Table struct {
	Entries   []Entry // the newest first: Entries[i] has index FirstIndex + i
	Size, Max int     // bytes, RFC 7541 §4.1
	Lost      bool    // there may be older entries that are not known
}

// FirstIndex is the index of the newest entry of a dynamic table: those before it
// are the static table's. RFC 7541 §2.3.3.
const FirstIndex = len(static) + 1

// Table returns the dynamic table as it stands now. The cost is that of a copy.
func (d *Decoder) Table() Table {
	t := Table{Size: d.table.size, Max: d.table.max, Lost: d.lost}
	t.Entries = make([]Entry, 0, d.table.len())
	for i := len(d.table.entries) - 1; i >= d.table.evicted; i-- {
		t.Entries = append(t.Entries, d.entry(i))
	}
	return t
}

// entry returns the entry at a place of the queue.
func (d *Decoder) entry(i int) Entry {
	e := d.table.entries[i]
	number := d.table.inserted - uint32(len(d.table.entries)-1-i)
	return Entry{
		Name: e.name, Value: e.value, Number: number, Block: int(e.block),
		Untrusted: e.untrusted || number <= d.base,
	}
}

// Clone returns a Decoder that goes on from the same state by itself. The cost
// is a copy of the table's index; the texts are shared.
func (d *Decoder) Clone() *Decoder {
	c := *d
	c.table.entries = slices.Clone(d.table.entries[d.table.evicted:])
	c.table.evicted = 0
	c.scratch = nil
	return &c
}

// Len returns how many entries the dynamic table holds now.
func (d *Decoder) Len() int { return d.table.len() }
