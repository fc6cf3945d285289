package pb

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// message counts the fields in b as children of n. Within a group it stops at
// the tag that ends the group: used is what was read with that tag, whose length
// is end; end is 0 when the group has no end.
func (p *Profile) message(n *pathCost, b []byte, group protowire.Number, depth int) (used, end int) {
	if n.table != nil && n.table.any {
		outer := p.any
		p.any = p.anyType(b)
		defer func() { p.any = outer }()
	}
	pos := 0
	for pos < len(b) {
		v, l := readVarint(b[pos:])
		if l < 0 || v>>3-1 >= uint64(protowire.MaxValidNumber) || v&7 > uint64(Fixed32) {
			break
		}
		num, wire := protowire.Number(v>>3), Wire(v&7)
		if wire == EndGroup {
			if pos += l; num == group {
				return pos, l
			}
			p.damaged += int64(l)
			continue
		}
		size := p.field(n, b[pos:], l, num, wire, depth)
		if size < 0 {
			break
		}
		pos += size
	}
	p.damaged += int64(len(b) - pos)
	return len(b), 0
}

// field counts the field at the start of b, whose tag takes tag bytes, and
// returns its length, or -1 when it does not end in b.
func (p *Profile) field(n *pathCost, b []byte, tag int, num protowire.Number, wire Wire, depth int) int {
	rest := b[tag:]
	value, prefix := 0, 0
	switch wire {
	case Varint:
		_, value = readVarint(rest)
	case Fixed32:
		value = fixedLen(rest, 4)
	case Fixed64:
		value = fixedLen(rest, 8)
	case Bytes:
		var size uint64
		if size, prefix = readVarint(rest); prefix < 0 || size > uint64(len(rest)-prefix) {
			return -1
		}
		value = int(size)
	}
	if value < 0 {
		return -1
	}
	k := p.child(n, num, wire)
	if wire == StartGroup {
		if n.table != nil && n.table.set && num == 1 {
			k = p.setItem(n, k, rest)
		}
		return tag + p.group(k, rest, tag, num, depth)
	}
	k.cost.Count++
	k.cost.Tag += int64(tag)
	k.cost.Length += int64(prefix)
	if wire != Bytes || k.how == plainContent || !p.inside(k, rest[prefix:prefix+value], depth) {
		k.cost.Value += int64(value)
	}
	return tag + prefix + value
}

// inside counts the fields in the value of a LEN field. It is false when the
// value counts as a whole.
func (p *Profile) inside(k *pathCost, b []byte, depth int) bool {
	if depth+1 >= maxShownDepth {
		return false
	}
	switch {
	case k.how == messageContent:
	case k.how == anyContent && p.any.table != nil:
		if k = p.held(k, p.any.table); k == nil {
			return false
		}
	case k.how == anyContent && !p.any.named, guessShape(b, depth) != looksMessage:
		return false
	}
	p.message(k, b, 0, depth+1)
	return true
}

// group counts what follows the tag that starts a group, and returns its length
// with the tag that ends it.
func (p *Profile) group(k *pathCost, b []byte, tag int, num protowire.Number, depth int) int {
	k.cost.Count++
	k.cost.Tag += int64(tag)
	if depth+1 < maxShownDepth {
		used, end := p.message(k, b, num, depth+1)
		k.cost.Tag += int64(end)
		return used
	}
	end, next := skipGroup(b, span{0, len(b)}, num)
	if next < 0 {
		end, next = len(b), len(b)
	}
	k.cost.Value += int64(end)
	k.cost.Tag += int64(next - end)
	return next
}

// anyType finds the type that the Any in b names. The last one counts.
func (p *Profile) anyType(b []byte) namedType {
	var a namedType
	eachField(b, func(num protowire.Number, wire Wire, value []byte) {
		if num == 1 && wire == Bytes {
			url := lenValue(value)
			a = namedType{p.tables.url(url), len(url) > 0}
		}
	})
	return a
}

// held returns the path of what an Any of the given type holds, or nil.
func (p *Profile) held(k *pathCost, t *fieldTable) *pathCost {
	if h := k.inAny[t]; h != nil {
		return h
	}
	if p.paths >= maxPaths {
		return nil
	}
	p.paths++
	if k.inAny == nil {
		k.inAny = map[*fieldTable]*pathCost{}
	}
	h := &pathCost{cost: Cost{Depth: k.cost.Depth}, kind: heldPath, step: "[" + string(t.md.FullName()) + "]", table: t}
	k.inAny[t] = h
	return h
}

// setItem returns the path of the MessageSet item in b: that of the extension
// that it names, if that is known, else k.
func (p *Profile) setItem(n, k *pathCost, b []byte) *pathCost {
	id := protowire.Number(0)
	eachField(b, func(num protowire.Number, wire Wire, value []byte) {
		if num == 2 && wire == Varint {
			if v, _ := protowire.ConsumeVarint(value); v <= uint64(protowire.MaxValidNumber) {
				id = protowire.Number(v)
			}
		}
	})
	if id == 0 || k == &p.others {
		return k
	}
	key := sparseKey{id, itemPath}
	if item := n.sparse[key]; item != nil {
		return item
	}
	f := p.tables.extension(n.table, id)
	if f == nil || f.message == nil {
		return k
	}
	item := p.newPath(n, id, f)
	if item == nil {
		return &p.others
	}
	item.kind, item.table = itemPath, nil
	n.keep(key, item)
	if content := p.newPath(item, 3, nil); content != nil {
		content.how, content.table, content.wires = messageContent, p.tables.sub(f), 1<<Bytes
		item.keep(sparseKey{3, fieldPath}, content)
	}
	return item
}

// eachField calls f with the value of each field in b, and returns how many bytes
// were read: all, or up to what is no field or ends a group. A LEN value comes
// with its length, that of a group without the tag that ends it.
func eachField(b []byte, f func(num protowire.Number, wire Wire, value []byte)) int {
	pos := 0
	for pos < len(b) {
		num, typ, n := protowire.ConsumeTag(b[pos:])
		if n < 0 || num > protowire.MaxValidNumber || typ == protowire.EndGroupType {
			return pos
		}
		rest := b[pos+n:]
		value, next := scalarLen(rest, Wire(typ)), 0
		if next = value; typ == protowire.StartGroupType {
			value, next = skipGroup(rest, span{0, len(rest)}, num)
		}
		if next < 0 {
			return pos
		}
		f(num, Wire(typ), rest[:value])
		pos += n + next
	}
	return pos
}

// lenValue returns a LEN value without its length.
func lenValue(b []byte) []byte {
	_, n := protowire.ConsumeVarint(b)
	return b[n:]
}

// readVarint is protowire.ConsumeVarint, quick for a single byte.
func readVarint(b []byte) (uint64, int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return protowire.ConsumeVarint(b)
}
