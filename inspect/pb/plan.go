package pb

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Options choose how a Plan writes JSON.
type Options struct {
	ProtoNames  bool // the .proto names instead of the JSON names
	Defaults    bool // fields without presence are written when they are not on the wire
	EnumNumbers bool // enum values as numbers
}

// Plan is the compiled way from the bytes of one message type to its JSON. It is
// safe for concurrent use. Message types are compiled when they first occur.
type Plan struct {
	root *messagePlan
	c    *compiler
}

// NewPlan returns a Plan for messages of type md. types may be nil: then no Any
// and no extension is resolved.
func NewPlan(md protoreflect.MessageDescriptor, types Types, o Options) *Plan {
	c := &compiler{types: types, opts: o, plans: map[protoreflect.MessageDescriptor]*messagePlan{}}
	return &Plan{root: c.message(md), c: c}
}

// compiler makes message plans and keeps them.
type compiler struct {
	types Types
	opts  Options
	mu    sync.Mutex
	plans map[protoreflect.MessageDescriptor]*messagePlan
	urls  atomic.Pointer[map[string]*messagePlan]
	pool  sync.Pool
}

// maxCachedURLs bounds the cache by type URL: a payload can name one type in
// endlessly many ways, since any prefix is allowed.
const maxCachedURLs = 256

// messagePlan is what the JSON of one message type needs, in output order.
type messagePlan struct {
	c        *compiler
	md       protoreflect.MessageDescriptor
	special  special
	dense    []*fieldPlan // by field number
	sparse   map[protoreflect.FieldNumber]*fieldPlan
	defaults []*fieldPlan // what Options.Defaults adds
	required []*fieldPlan
	need     uint64     // the bits of the required fields
	only     *fieldPlan // field 1 of a special type that has one field
	oneofs   int
	walkable bool // a walk can write it
	hasExts  bool
	set      bool // MessageSet encoding
	exts     atomic.Pointer[map[protoreflect.FieldNumber]*fieldPlan]
}

// maxDense is the largest field number that is looked up in a table.
const maxDense = 512

// shape is how a field is written.
type shape uint8

const (
	scalarShape shape = iota
	messageShape
	listShape
	mapShape
)

// fieldPlan is what the JSON of one field needs.
type fieldPlan struct {
	fd        protoreflect.FieldDescriptor
	num       protoreflect.FieldNumber
	kind      protoreflect.Kind
	wire      Wire
	shape     shape
	packable  bool
	isMessage bool   // its value, or each element, is a message
	presence  bool   // written even when zero
	always    bool   // written even when it is not on the wire
	fits      uint8  // the wire types it is read from, as bits
	utf8      bool   // a string that parsers check, even if a later one replaces it
	keyLen    uint8  // the length of key, when keyBlock begins with it
	ord       int32  // place in the output
	oneof     int32  // index of the real oneof, or -1
	once      uint64 // the bit of what may come once only in a walk: a oneof, a required field
	mask      uint64 // the bits of the wire value that count
	keyBlock  [keyBlock]byte
	name      string
	key       []byte                // `,"name":`
	absent    []byte                // the member of a field that is not on the wire
	extName   protoreflect.FullName // of an extension, by which they are ordered
	enum      map[protoreflect.EnumNumber]string
	lowEnum   []string // the names of the numbers from 0 on, which are the commonest
	nullEnum  bool
	sub       atomic.Pointer[messagePlan] // a message's or a map entry's
	mapKey    *fieldPlan
	mapValue  *fieldPlan
	zero      uint64 // a map value's default, as on the wire
}

// keyBlock is how many bytes of a key are copied at once.
const keyBlock = 32

// maxLowEnum is the highest enum number that is looked up in a table.
const maxLowEnum = 63

// extOrd is the ord of every extension: they come last, by full name.
const extOrd = 1 << 30

func (c *compiler) message(md protoreflect.MessageDescriptor) *messagePlan {
	c.mu.Lock()
	defer c.mu.Unlock()
	mp := c.plans[md]
	if mp == nil {
		mp = c.compile(md)
		c.plans[md] = mp
	}
	return mp
}

func (c *compiler) compile(md protoreflect.MessageDescriptor) *messagePlan {
	mp := &messagePlan{c: c, md: md, oneofs: md.Oneofs().Len(), hasExts: md.ExtensionRanges().Len() > 0}
	if set, ok := md.(interface{ IsMessageSet() bool }); ok {
		mp.set = set.IsMessageSet()
	}
	fields := md.Fields()
	for i := range fields.Len() {
		mp.add(c.field(fields.Get(i), int32(i)))
	}
	mp.special = specialOf(mp)
	mp.only = mp.field(1)
	mp.prepareWalk()
	return mp
}

// prepareWalk gives a bit to each oneof and each required field.
func (mp *messagePlan) prepareWalk() {
	mp.walkable = !mp.set && mp.oneofs+len(mp.required) <= 64
	if !mp.walkable {
		return
	}
	for i, fp := range mp.required {
		fp.once = 1 << (mp.oneofs + i)
		mp.need |= fp.once
	}
	fields := mp.md.Fields()
	for i := range fields.Len() {
		if fp := mp.field(uint64(fields.Get(i).Number())); fp.oneof >= 0 {
			fp.once = 1 << fp.oneof
		}
	}
}

func (mp *messagePlan) add(fp *fieldPlan) {
	if fp.num <= maxDense {
		if need := int(fp.num) + 1 - len(mp.dense); need > 0 {
			mp.dense = append(mp.dense, make([]*fieldPlan, need)...)
		}
		mp.dense[fp.num] = fp
	} else {
		if mp.sparse == nil {
			mp.sparse = map[protoreflect.FieldNumber]*fieldPlan{}
		}
		mp.sparse[fp.num] = fp
	}
	if fp.fd.Cardinality() == protoreflect.Required {
		mp.required = append(mp.required, fp)
	}
	if mp.c.opts.Defaults && fp.fd.ContainingOneof() == nil && !fp.fd.HasPresence() {
		mp.defaults = append(mp.defaults, fp)
		fp.always = true
	}
}

func (c *compiler) field(fd protoreflect.FieldDescriptor, ord int32) *fieldPlan {
	fp := &fieldPlan{
		fd: fd, num: fd.Number(), kind: fd.Kind(), wire: wireOf(fd.Kind()), packable: packable(fd),
		ord: ord, oneof: -1, mask: bitsOf(fd.Kind()), name: fd.JSONName(),
		presence: fd.HasPresence() || fd.IsExtension() || fd.ContainingOneof() != nil,
		utf8:     fd.Kind() == protoreflect.StringKind && enforcesUTF8(fd),
	}
	if c.opts.ProtoNames {
		fp.name = fd.TextName()
	}
	if od := fd.ContainingOneof(); od != nil && !od.IsSynthetic() {
		fp.oneof = int32(od.Index())
	}
	if fd.Kind() == protoreflect.EnumKind {
		c.enum(fp)
	}
	switch {
	case fd.IsMap():
		fp.shape = mapShape
		fp.mapKey, fp.mapValue = c.field(fd.MapKey(), 0), c.field(fd.MapValue(), 1)
	case fd.IsList():
		fp.shape = listShape
	case fd.Message() != nil:
		fp.shape = messageShape
	}
	fp.prepare()
	return fp
}

// prepare makes what follows from the rest.
func (fp *fieldPlan) prepare() {
	fp.isMessage = fp.fd.Message() != nil && fp.shape != mapShape
	fp.fits = 1 << fp.wire
	if fp.packable {
		fp.fits |= 1 << Bytes
	}
	if fp.fd.IsExtension() {
		fp.extName = fp.fd.FullName()
	}
	fp.key, _ = appendString([]byte{','}, []byte(fp.name))
	fp.key = append(fp.key, ':')
	if n := copy(fp.keyBlock[:], fp.key); n == len(fp.key) {
		fp.keyLen = uint8(n)
	}
	fp.absent = slices.Clone(fp.key)
	switch fp.shape {
	case listShape:
		fp.absent = append(fp.absent, "[]"...)
	case mapShape:
		fp.absent = append(fp.absent, "{}"...)
	case scalarShape:
		fp.absent, _ = fp.appendValue(fp.absent, nil, fp.zero, 0, 0)
	case messageShape: // always has presence
	}
}

// enum prepares the quoted names of an enum field's values.
func (c *compiler) enum(fp *fieldPlan) {
	ed := fp.fd.Enum()
	fp.nullEnum = ed.FullName() == "google.protobuf.NullValue"
	if !fp.fd.IsList() {
		fp.zero = uint64(fp.fd.Default().Enum())
	}
	if c.opts.EnumNumbers || fp.nullEnum {
		return
	}
	values := ed.Values()
	fp.enum = make(map[protoreflect.EnumNumber]string, values.Len())
	for i := range values.Len() {
		// The first name of a number is the one that is written.
		if ev := values.Get(i); fp.enum[ev.Number()] == "" {
			fp.enum[ev.Number()] = `"` + string(ev.Name()) + `"`
		}
	}
	for i := protoreflect.EnumNumber(0); i <= maxLowEnum && int(i) < 2*values.Len(); i++ {
		fp.lowEnum = append(fp.lowEnum, fp.enum[i])
	}
}

// enforcesUTF8 says what protobuf-go does: proto3 checks strings, proto2 does
// not, and in editions it is a feature, which only its own descriptors tell.
func enforcesUTF8(fd protoreflect.FieldDescriptor) bool {
	if fd.Syntax() == protoreflect.Editions {
		if f, ok := fd.(interface{ EnforceUTF8() bool }); ok {
			return f.EnforceUTF8()
		}
	}
	return fd.Syntax() == protoreflect.Proto3
}

// bitsOf masks the bits of a wire value that a field of the kind keeps.
func bitsOf(kind protoreflect.Kind) uint64 {
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Uint32Kind, protoreflect.EnumKind:
		return 1<<32 - 1
	}
	return 1<<64 - 1
}

// message returns the plan of the field's message type, compiled on first use.
func (fp *fieldPlan) message(c *compiler) *messagePlan {
	mp := fp.sub.Load()
	if mp == nil {
		mp = c.message(fp.fd.Message())
		fp.sub.Store(mp)
	}
	return mp
}

// field returns the plan of field num, which is nil for an unknown field.
func (mp *messagePlan) field(num uint64) *fieldPlan {
	if num < uint64(len(mp.dense)) {
		return mp.dense[num]
	}
	return mp.sparse[protoreflect.FieldNumber(num)]
}

// extension returns the plan of extension num, which is nil when it is unknown.
func (mp *messagePlan) extension(num protoreflect.FieldNumber) (*fieldPlan, error) {
	if known := mp.exts.Load(); known != nil {
		if fp := (*known)[num]; fp != nil {
			return fp, nil
		}
	}
	if mp.c.types == nil || !mp.md.ExtensionRanges().Has(num) {
		return nil, nil
	}
	xt, err := mp.c.types.FindExtensionByNumber(mp.md.FullName(), num)
	if err != nil && err != protoregistry.NotFound { //nolint:errorlint // protobuf-go compares it so, and we accept what it accepts
		return nil, fmt.Errorf("extension %d of %s cannot be resolved: %w", num, mp.md.FullName(), err)
	}
	if xt == nil {
		return nil, nil
	}
	return mp.keepExtension(mp.c.field(xt.TypeDescriptor(), extOrd)), nil
}

func (mp *messagePlan) keepExtension(fp *fieldPlan) *fieldPlan {
	mp.c.mu.Lock()
	defer mp.c.mu.Unlock()
	next := map[protoreflect.FieldNumber]*fieldPlan{}
	if known := mp.exts.Load(); known != nil {
		// Another goroutine may have been faster; all must share one plan.
		if first := (*known)[fp.num]; first != nil {
			return first
		}
		maps.Copy(next, *known)
	}
	next[fp.num] = fp
	mp.exts.Store(&next)
	return fp
}

// byURL returns the plan of the type that an Any names.
func (c *compiler) byURL(url []byte) (*messagePlan, error) {
	if known := c.urls.Load(); known != nil {
		if mp := (*known)[string(url)]; mp != nil {
			return mp, nil
		}
	}
	if c.types == nil {
		return nil, protoregistry.NotFound
	}
	mt, err := c.types.FindMessageByURL(string(url))
	if err != nil {
		return nil, err
	}
	if mt == nil {
		return nil, protoregistry.NotFound
	}
	mp := c.message(mt.Descriptor())
	c.keepURL(string(url), mp)
	return mp, nil
}

func (c *compiler) keepURL(url string, mp *messagePlan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := map[string]*messagePlan{}
	if known := c.urls.Load(); known != nil {
		if len(*known) >= maxCachedURLs {
			return
		}
		maps.Copy(next, *known)
	}
	next[url] = mp
	c.urls.Store(&next)
}
