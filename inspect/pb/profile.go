package pb

import (
	"cmp"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Cost is what the occurrences of one field path took.
type Cost struct {
	Path   string                       // list indexes and map keys left out: addresses.city, labels.value; an Any's type in brackets
	Field  protoreflect.FieldDescriptor // nil when the schema does not have the field
	Number protoreflect.FieldNumber
	Depth  int   // 0 for the fields of the message itself
	Count  int64 // occurrences on the wire; a packed run is one
	Tag    int64 // bytes of tags, those that end a group included
	Length int64 // bytes of length prefixes
	Value  int64 // bytes of values; what children took is counted at them
}

// Total returns all bytes of the path, without its children.
func (c Cost) Total() int64 { return c.Tag + c.Length + c.Value }

// The paths of what has none.
const (
	DamagedPath = "(damaged)" // bytes that are no field
	OthersPath  = "(others)"  // fields on paths beyond those that a Profile keeps
)

// maxPaths bounds the paths of a Profile, maxUnknownPaths those of fields that
// are not in the schema: a hostile payload can have any number of them.
const (
	maxPaths        = 8192
	maxUnknownPaths = 2048
)

// Profile sums up what fields take on the wire, over one message or a whole
// stream. It belongs to one goroutine.
type Profile struct {
	tables   tables
	root     pathCost
	others   pathCost
	any      namedType // of the Any that is being read
	damaged  int64
	paths    int
	unknown  int
	bytes    int64
	messages int64
}

// pathCost is a path with what it took so far.
type pathCost struct {
	cost   Cost
	step   string // its name; of what an Any holds, the type in brackets
	kind   pathKind
	wires  uint8 // the wire types that are this path, one bit each
	how    content
	field  *tableField // nil without a schema
	table  *fieldTable // of the children; nil without a schema
	dense  []*pathCost // children by number
	sparse map[sparseKey]*pathCost
	inAny  map[*fieldTable]*pathCost // what an Any held, by type
}

// content is what the bytes of a LEN field are.
type content uint8

const (
	plainContent   content = iota // a string, bytes or a packed list
	messageContent                // a message
	anyContent                    // the value of an Any
	guessContent                  // without a schema
)

type sparseKey struct {
	num  protowire.Number
	kind pathKind
}

// pathKind tells paths with the same number apart.
type pathKind uint8

const (
	fieldPath    pathKind = iota
	mismatchPath          // the number is in the schema, the wire type is another
	itemPath              // an item of a MessageSet, by its extension
	heldPath              // what an Any holds: no field, but a step before its fields
)

// namedType is the type that an Any names.
type namedType struct {
	table *fieldTable // nil when it is not known
	named bool
}

// NewProfile returns an empty profile for messages of type md; md and types may
// be nil.
func NewProfile(md protoreflect.MessageDescriptor, types Types) *Profile {
	p := &Profile{}
	p.tables.reset(types)
	p.root = pathCost{cost: Cost{Depth: -1}, table: p.tables.message(md)}
	p.others = pathCost{step: OthersPath, wires: 0xff}
	return p
}

// Add counts the fields of one message. It keeps no reference to payload, and
// allocates only for paths that are new. Time is linear in the payload.
func (p *Profile) Add(payload []byte) {
	p.messages++
	p.bytes += int64(len(payload))
	p.message(&p.root, payload, 0, 0)
}

// Bytes returns how many bytes were added; the costs' totals add up to it.
func (p *Profile) Bytes() int64 { return p.bytes }

// Messages returns how many messages were added.
func (p *Profile) Messages() int64 { return p.messages }

// Costs returns the paths that occurred, each before its children, siblings by
// number; last DamagedPath and OthersPath, if they have bytes.
func (p *Profile) Costs() []Cost {
	costs := make([]Cost, 0, p.paths+2)
	costs = p.root.appendTo(costs, "")
	if p.damaged > 0 {
		costs = append(costs, Cost{Path: DamagedPath, Value: p.damaged})
	}
	if p.others.cost.Total() > 0 {
		c := p.others.cost
		c.Path = OthersPath
		costs = append(costs, c)
	}
	return costs
}

// appendTo appends the costs below n, whose path is path.
func (n *pathCost) appendTo(costs []Cost, path string) []Cost {
	for _, k := range n.children() {
		name := k.step
		if path != "" && k.kind != heldPath {
			name = "." + name
		}
		if k.cost.Count > 0 {
			c := k.cost
			c.Path = path + name
			costs = append(costs, c)
		}
		costs = k.appendTo(costs, path+name)
	}
	return costs
}

// children returns the children by number, then those inside of an Any by type.
func (n *pathCost) children() []*pathCost {
	var kids []*pathCost
	for _, k := range n.dense {
		if k != nil {
			kids = append(kids, k)
		}
	}
	for _, k := range n.sparse {
		kids = append(kids, k)
	}
	for _, k := range n.inAny {
		kids = append(kids, k)
	}
	slices.SortFunc(kids, func(a, b *pathCost) int {
		return cmp.Or(cmp.Compare(a.cost.Number, b.cost.Number), cmp.Compare(a.kind, b.kind), cmp.Compare(a.step, b.step))
	})
	return kids
}

// child returns the path of field num below n.
func (p *Profile) child(n *pathCost, num protowire.Number, wire Wire) *pathCost {
	if int(num) < len(n.dense) {
		if k := n.dense[num]; k != nil && k.wires>>wire&1 != 0 {
			return k
		}
	}
	if n == &p.others {
		return n
	}
	return p.childSlow(n, num, wire)
}

func (p *Profile) childSlow(n *pathCost, num protowire.Number, wire Wire) *pathCost {
	key := sparseKey{num, fieldPath}
	if k := n.sparse[key]; k != nil && k.wires>>wire&1 != 0 {
		return k
	}
	var f *tableField
	if n.table != nil {
		f = p.tables.field(n.table, num)
	}
	if f != nil && !f.fits(wire) {
		key.kind, f = mismatchPath, nil
		if k := n.sparse[key]; k != nil {
			return k
		}
	}
	k := p.newPath(n, num, f)
	if k == nil {
		return &p.others
	}
	k.kind = key.kind
	n.keep(key, k)
	return k
}

// newPath makes a path, or nil when there are too many.
func (p *Profile) newPath(n *pathCost, num protowire.Number, f *tableField) *pathCost {
	if p.paths >= maxPaths || f == nil && p.unknown >= maxUnknownPaths {
		return nil
	}
	p.paths++
	k := &pathCost{cost: Cost{Number: num, Depth: n.cost.Depth + 1}, field: f}
	if f == nil {
		p.unknown++
		k.step, k.wires, k.how = strconv.Itoa(int(num)), 0xff, guessContent
		return k
	}
	k.cost.Field, k.step, k.wires = f.fd, f.fd.JSONName(), 1<<f.wire
	if f.packable {
		k.wires |= 1 << Bytes
	}
	switch {
	case f.message != nil:
		k.how, k.table = messageContent, p.tables.sub(f)
	case n.table.any && num == 2:
		k.how = anyContent
	}
	return k
}

// keep makes k a child of n.
func (n *pathCost) keep(key sparseKey, k *pathCost) {
	if key.kind == fieldPath && key.num <= maxDenseNumber {
		if int(key.num) >= len(n.dense) {
			n.dense = append(n.dense, make([]*pathCost, int(key.num)+1-len(n.dense))...)
		}
		n.dense[key.num] = k
		return
	}
	if n.sparse == nil {
		n.sparse = map[sparseKey]*pathCost{}
	}
	n.sparse[key] = k
}
