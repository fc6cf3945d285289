package hpack

// defaultTableSize is the table size before SETTINGS. RFC 9113 §6.5.2.
const defaultTableSize = 4096

// Limits of one block: what lies beyond is walked, so that the table stays
// right, but not listed.
const (
	maxFields  = 1 << 16
	maxDecoded = 16 << 20
	// maxProblems is far more than a block has that anyone looks at; a hostile
	// one can break a rule with every byte.
	maxProblems = 100
	// maxScratch is more fields than ordinary blocks have.
	maxScratch = 256
	// maxTable bounds a table whose encoder asks for more than SETTINGS allow.
	maxTable = 1 << 30
)

// Problem is a broken rule at its bytes in the block.
type Problem struct {
	Range Range
	Rule  string
	Text  string
}

// Decoder walks the header blocks of one direction of one connection, in order.
type Decoder struct {
	table   table
	allowed int    // the largest table size that the peer's SETTINGS allow
	blocks  uint32 // walked so far
	last    Stats
	scratch []Field // where Decode collects them

	// Entries up to number base stood before the state was lost: what they hold,
	// and at which index, is a guess. Those added later are the newest ones of the
	// encoder's table too, so an index that reaches only them is right.
	base     uint32
	lost     bool // the encoder's table may hold entries older than ours
	maxKnown bool // the table's limit is what the encoder thinks it is
	told     bool // a problem has said that the state is lost
	partial  bool // of Replay: blocks were left out, so more is lost than was then
}

// NewDecoder returns a Decoder with an empty table of the default size.
func NewDecoder() *Decoder {
	return &Decoder{table: table{max: defaultTableSize}, allowed: defaultTableSize, maxKnown: true}
}

// AllowTableSize says that SETTINGS_HEADER_TABLE_SIZE n was sent to the encoder.
// The smaller of old and new binds only once the encoder has seen it, which
// nobody can tell from here: so the allowance only grows. RFC 9113 §4.3.1.
func (d *Decoder) AllowTableSize(n uint32) {
	d.allowed = max(d.allowed, int(min(n, maxTable)))
}

// Attach says that blocks before the next one were not captured. Fields from
// the dynamic table are untrusted or unknown until entries are added again, and
// one problem says so. What SETTINGS allow is unknown too.
func (d *Decoder) Attach() {
	d.lose()
	d.allowed = maxTable
	d.told = false
}

// Break says that bytes of the blocks are missing, which the caller has told:
// what stands in the dynamic table now is untrusted.
func (d *Decoder) Break() {
	d.lose()
	d.told = true
}

// damage says that the encoder broke a rule in a field whose end is known. So is
// the table's limit then.
func (d *Decoder) damage() {
	known := d.maxKnown
	d.Break()
	d.maxKnown = known
}

// lose marks what the table holds now as a guess.
func (d *Decoder) lose() {
	d.base = d.table.inserted
	d.lost, d.maxKnown = true, false
}

// Decode walks one complete block and returns its fields and what is wrong with
// it. It never fails: a field whose length is known is listed even if its name or
// value is not, and only an integer or a string that is cut ends the block.
func (d *Decoder) Decode(block []byte) ([]Field, []Problem) {
	w := walker{d: d, block: block, fields: d.scratch[:0]}
	w.walk()
	fields := append([]Field(nil), w.fields...) // as large as it needs to be
	d.scratch = nil
	if cap(w.fields) <= maxScratch {
		d.scratch = w.fields
	}
	return fields, w.problems
}

// Last returns the numbers of the block that was walked last.
func (d *Decoder) Last() Stats { return d.last }

// Walk is Decode with all that the block did to the table.
func (d *Decoder) Walk(block []byte) Block {
	b := Block{}
	w := walker{d: d, block: block, full: &b}
	w.walk()
	b.Fields, b.Problems, b.Stats = w.fields, w.problems, d.last
	return b
}

// Replay is Walk for a block that was walked before, to which the numbers of that
// time belong: it leaves the table as it was then, without new problems about what
// is lost. Where blocks before it were left out, the table is empty at first and
// lost, as after Attach.
func (d *Decoder) Replay(block []byte, then Stats) Block {
	if then.Before != d.table.inserted {
		d.table = table{max: int(then.TableMax), inserted: then.Before}
		d.partial = true
	}
	d.blocks = then.Block
	d.base, d.lost, d.maxKnown, d.told = then.Base, then.Lost || d.partial, then.LimitKnown, true
	return d.Walk(block)
}
