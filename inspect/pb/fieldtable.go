package pb

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// tables finds message types and extensions, and remembers what it found. What
// types answered is remembered until reset. It belongs to one goroutine.
type tables struct {
	types    Types
	messages map[protoreflect.MessageDescriptor]*fieldTable
	exts     map[extensionKey]*tableField
	urls     map[string]*fieldTable
}

type extensionKey struct {
	of  *fieldTable
	num protowire.Number
}

// maxTables bounds what tables keep between payloads, and by type URL: any
// prefix is allowed there, so one type has endlessly many.
const maxTables = 256

// reset begins anew with other types.
func (c *tables) reset(types Types) {
	if len(c.messages) > maxTables {
		clear(c.messages)
	}
	clear(c.exts)
	clear(c.urls)
	c.types = types
}

// message returns the table of md, or nil when md says nothing.
func (c *tables) message(md protoreflect.MessageDescriptor) *fieldTable {
	if md = known(md); md == nil {
		return nil
	}
	t := c.messages[md]
	if t == nil {
		t = newFieldTable(md)
		if c.messages == nil {
			c.messages = map[protoreflect.MessageDescriptor]*fieldTable{}
		}
		c.messages[md] = t
	}
	return t
}

// url returns the table of the type that an Any names, or nil.
func (c *tables) url(url []byte) *fieldTable {
	if t, ok := c.urls[string(url)]; ok {
		return t
	}
	t := c.message(findMessage(c.types, string(url)))
	if len(c.urls) < maxTables {
		if c.urls == nil {
			c.urls = map[string]*fieldTable{}
		}
		c.urls[string(url)] = t
	}
	return t
}

// field returns the field num of a type or of its extensions, or nil. Those of a
// MessageSet are not fields: they stand in items.
func (c *tables) field(t *fieldTable, num protowire.Number) *tableField {
	if f := t.own(num); f.fd != nil || !t.exts || t.set {
		return f.orNil()
	}
	return c.extension(t, num)
}

// extension returns the extension num of a type, or nil.
func (c *tables) extension(t *fieldTable, num protowire.Number) *tableField {
	if e := c.exts[extensionKey{t, num}]; e != nil {
		return e
	}
	fd := lookupField(t.md, num, c.types)
	if fd == nil {
		return nil
	}
	if c.exts == nil {
		c.exts = map[extensionKey]*tableField{}
	}
	e := new(tableField)
	*e = newTableField(fd)
	c.exts[extensionKey{t, num}] = e
	return e
}

// sub returns the table of the field's message type: nil for a placeholder.
func (c *tables) sub(f *tableField) *fieldTable {
	if f.sub == nil {
		f.sub = c.message(f.message)
	}
	return f.sub
}

// fieldTable answers, for one message type, which field a number is, without
// asking the descriptor each time. It is filled as numbers occur and belongs to
// one goroutine.
type fieldTable struct {
	md     protoreflect.MessageDescriptor // never a placeholder
	any    bool                           // google.protobuf.Any
	set    bool                           // MessageSet encoding
	exts   bool                           // has extension ranges
	dense  []tableField                   // by number, up to maxDenseNumber
	sparse map[protowire.Number]*tableField
}

// tableField is what decoding needs to know of one field.
type tableField struct {
	fd       protoreflect.FieldDescriptor // nil when the type has no such field
	seen     bool                         // fd has been looked up
	wire     Wire
	packable bool
	text     bool                           // a string
	message  protoreflect.MessageDescriptor // of a message or group, also a placeholder
	sub      *fieldTable                    // of message, once it was asked for
}

// maxDenseNumber is the largest field number that is looked up in a slice.
const maxDenseNumber = 255

func newFieldTable(md protoreflect.MessageDescriptor) *fieldTable {
	t := &fieldTable{md: md, any: md.FullName() == anyName, exts: md.ExtensionRanges().Len() > 0}
	t.set = isMessageSet(md)
	return t
}

// isMessageSet reports whether md has the MessageSet encoding, which only
// protobuf-go's own descriptors tell.
func isMessageSet(md protoreflect.MessageDescriptor) bool {
	set, ok := md.(interface{ IsMessageSet() bool })
	return ok && set.IsMessageSet()
}

const anyName = "google.protobuf.Any"

// own returns the entry of field num, whose fd is nil for an unknown field.
func (t *fieldTable) own(num protowire.Number) *tableField {
	if int(num) < len(t.dense) && t.dense[num].seen {
		return &t.dense[num]
	}
	if f := t.sparse[num]; f != nil {
		return f
	}
	fd := t.md.Fields().ByNumber(num)
	if fd == nil {
		return &noField // not kept: a payload can name very many
	}
	if num > maxDenseNumber {
		if t.sparse == nil {
			t.sparse = map[protowire.Number]*tableField{}
		}
		f := new(tableField)
		*f = newTableField(fd)
		t.sparse[num] = f
		return f
	}
	if int(num) >= len(t.dense) {
		// Entries may move: whoever holds one has what it needs of it.
		t.dense = append(t.dense, make([]tableField, int(num)+1-len(t.dense))...)
	}
	t.dense[num] = newTableField(fd)
	return &t.dense[num]
}

var noField tableField

func newTableField(fd protoreflect.FieldDescriptor) tableField {
	return tableField{
		fd: fd, seen: true, wire: wireOf(fd.Kind()), packable: packable(fd),
		text: fd.Kind() == protoreflect.StringKind, message: fd.Message(),
	}
}

// fits reports whether parsers read a value of this wire type as the field.
func (f *tableField) fits(wire Wire) bool {
	return wire == f.wire || wire == Bytes && f.packable
}

func (f *tableField) orNil() *tableField {
	if f.fd == nil {
		return nil
	}
	return f
}

// lookupField returns the field or extension num of md, or nil.
func lookupField(md protoreflect.MessageDescriptor, num protowire.Number, types Types) protoreflect.FieldDescriptor {
	if fd := md.Fields().ByNumber(num); fd != nil {
		return fd
	}
	if types == nil || !md.ExtensionRanges().Has(num) {
		return nil
	}
	xt, err := types.FindExtensionByNumber(md.FullName(), num)
	if err != nil || xt == nil {
		return nil
	}
	return xt.TypeDescriptor()
}

func findMessage(types Types, url string) protoreflect.MessageDescriptor {
	if url == "" || types == nil {
		return nil
	}
	mt, err := types.FindMessageByURL(url)
	if err != nil || mt == nil {
		return nil
	}
	return mt.Descriptor()
}
