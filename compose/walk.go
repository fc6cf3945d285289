package compose

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/wiregloss/wiregloss/catalog"
)

// walker compares a parsed body with its schema, in step with protojson's rules,
// and stops at the first difference. On its way it collects what protojson must
// be given in place of what was written.
type walker struct {
	o    Options
	body []byte
	// instead holds the JSON of values by where they start.
	instead map[int][]byte
}

// raw returns a value as it was written, for messages.
func (w *walker) raw(v value) []byte { return w.body[v.start:v.end] }

// replace remembers the JSON of a value that protojson would not take as written.
func (w *walker) replace(v value, json []byte) {
	if w.instead == nil {
		w.instead = map[int][]byte{}
	}
	w.instead[v.start] = json
}

func fail(at int, path, format string, args ...any) *fault {
	return &fault{at: at, path: path, text: fmt.Sprintf(format, args...)}
}

// message checks v against md. Errors are *fault.
func (w *walker) message(v value, md protoreflect.MessageDescriptor, path string) error {
	if isWellKnown(md.FullName()) {
		return w.wellKnown(v, md, path)
	}
	return w.fields(v, md, path, false)
}

// fields checks the members of an object. Inside an Any the "@type" belongs to
// the Any, and required fields are not asked for.
func (w *walker) fields(v value, md protoreflect.MessageDescriptor, path string, inAny bool) error {
	if v.kind != object {
		return fail(v.start, path, "want an object (%s), got %s", md.FullName(), w.show(v))
	}
	seen := map[protoreflect.FieldNumber]string{}
	oneofs := map[protoreflect.Name]string{}
	for _, m := range v.members {
		if inAny && m.name == "@type" {
			continue
		}
		at := join(path, m.name)
		fd, err := w.field(md, m, at)
		if err != nil {
			return err
		}
		if fd == nil {
			continue // unknown, and that is allowed
		}
		if first, dup := seen[fd.Number()]; dup {
			return fail(m.at, at, "the field is given twice%s", otherName(first, m.name))
		}
		seen[fd.Number()] = m.name
		if m.val.kind == null && !takesNull(fd) {
			continue
		}
		if od := fd.ContainingOneof(); od != nil {
			if first, dup := oneofs[od.Name()]; dup {
				return fail(m.at, at, "%q of the same oneof %s is set already; only one of its fields may be", first, od.Name())
			}
			oneofs[od.Name()] = m.name
		}
		if err := w.member(m.val, fd, at); err != nil {
			return err
		}
	}
	if inAny {
		return nil
	}
	return required(v, md, path)
}

func otherName(first, second string) string {
	if first == second {
		return ""
	}
	return fmt.Sprintf(", before as %q", first)
}

func required(v value, md protoreflect.MessageDescriptor, path string) error {
	for i := range md.RequiredNumbers().Len() {
		fd := md.Fields().ByNumber(md.RequiredNumbers().Get(i))
		given := false
		for _, m := range v.members {
			given = given || m.val.kind != null && (m.name == fd.JSONName() || m.name == fd.TextName())
		}
		if !given {
			return fail(v.start, path, "the required field %q of %s is missing", fd.JSONName(), md.FullName())
		}
	}
	return nil
}

// field finds the field of a member: by JSON name, proto name, or [extension]. It
// returns nil for one that is not known if unknown fields are allowed.
func (w *walker) field(md protoreflect.MessageDescriptor, m member, path string) (protoreflect.FieldDescriptor, error) {
	if name, ok := bracketed(m.name); ok {
		return w.extension(md, protoreflect.FullName(name), m, path)
	}
	return w.named(md, m, path)
}

func (w *walker) named(md protoreflect.MessageDescriptor, m member, path string) (protoreflect.FieldDescriptor, error) {
	if fd := md.Fields().ByJSONName(m.name); fd != nil {
		return fd, nil
	}
	if fd := md.Fields().ByTextName(m.name); fd != nil {
		return fd, nil
	}
	if w.o.AllowUnknown {
		return nil, nil
	}
	f := fail(m.at, path, "no such field in %s", md.FullName())
	f.suggestion = nearestField(md, m.name)
	if f.suggestion == "" {
		f.text += fieldList(md)
	}
	return nil, f
}

func bracketed(name string) (string, bool) {
	if len(name) < 2 || name[0] != '[' || name[len(name)-1] != ']' {
		return "", false
	}
	return name[1 : len(name)-1], true
}

func (w *walker) extension(md protoreflect.MessageDescriptor, name protoreflect.FullName, m member, path string) (protoreflect.FieldDescriptor, error) {
	x, err := w.o.types().FindExtensionByName(name)
	if err != nil || x == nil {
		if w.o.AllowUnknown {
			return nil, nil
		}
		return nil, fail(m.at, path, "no extension of this name is known")
	}
	fd := x.TypeDescriptor()
	if !md.ExtensionRanges().Has(fd.Number()) || fd.ContainingMessage().FullName() != md.FullName() {
		return nil, fail(m.at, path, "the extension belongs to %s, not to %s", fd.ContainingMessage().FullName(), md.FullName())
	}
	return fd, nil
}

// nearestField answers in the style of the word: proto names for a word with an
// underscore, JSON names for the rest.
func nearestField(md protoreflect.MessageDescriptor, word string) string {
	names := fieldNames(md, strings.Contains(word, "_"))
	name, _ := catalog.Nearest(word, names)
	return name
}

func fieldNames(md protoreflect.MessageDescriptor, proto bool) []string {
	fields := md.Fields()
	names := make([]string, fields.Len())
	for i := range names {
		names[i] = fields.Get(i).JSONName()
		if proto {
			names[i] = fields.Get(i).TextName()
		}
	}
	return names
}

func fieldList(md protoreflect.MessageDescriptor) string {
	if md.Fields().Len() == 0 {
		return ", which has no fields"
	}
	return "; it has " + enumerate(fieldNames(md, false))
}

// enumerate lists some names.
func enumerate(names []string) string {
	const shown = 8
	if len(names) > shown {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
	}
	return strings.Join(names, ", ")
}

// takesNull reports whether null is a value of the field and not its absence.
func takesNull(fd protoreflect.FieldDescriptor) bool {
	if md := fd.Message(); md != nil {
		return md.FullName() == "google.protobuf.Value"
	}
	return isNullValue(fd)
}

func isNullValue(fd protoreflect.FieldDescriptor) bool {
	return fd.Enum() != nil && fd.Enum().FullName() == "google.protobuf.NullValue"
}

func (w *walker) member(v value, fd protoreflect.FieldDescriptor, path string) error {
	switch {
	case fd.IsList():
		if v.kind != array {
			f := fail(v.start, path, "want an array of %s, got %s", typeName(fd), w.show(v))
			if v.end-v.start <= 40 && v.kind != null {
				f.text += fmt.Sprintf("; write [%s]", w.raw(v))
			}
			return f
		}
		for i, e := range v.elems {
			if err := w.single(e, fd, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		return nil
	case fd.IsMap():
		return w.entries(v, fd, path)
	}
	return w.single(v, fd, path)
}

func (w *walker) entries(v value, fd protoreflect.FieldDescriptor, path string) error {
	key, val := fd.MapKey(), fd.MapValue()
	if v.kind != object {
		return fail(v.start, path, "want an object (map<%s, %s>), got %s", key.Kind(), typeName(val), w.show(v))
	}
	seen := map[string]bool{}
	for _, m := range v.members {
		at := path + "[" + strconv.Quote(m.name) + "]"
		canonical, ok := mapKey(key.Kind(), m.name)
		if !ok {
			return fail(m.at, at, "the key of this map must be %s", wants(key))
		}
		if seen[canonical] {
			return fail(m.at, at, "the key is given twice")
		}
		seen[canonical] = true
		if err := w.single(m.val, val, at); err != nil {
			return err
		}
	}
	return nil
}

// mapKey returns the key's one spelling: "+1" and "01" are 1.
func mapKey(k protoreflect.Kind, s string) (string, bool) {
	switch k {
	case protoreflect.StringKind:
		return s, true
	case protoreflect.BoolKind:
		return s, s == "true" || s == "false"
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		n, err := strconv.ParseUint(s, 10, 32)
		return strconv.FormatUint(n, 10), err == nil
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		n, err := strconv.ParseUint(s, 10, 64)
		return strconv.FormatUint(n, 10), err == nil
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		n, err := strconv.ParseInt(s, 10, 32)
		return strconv.FormatInt(n, 10), err == nil
	default: // the schema allows only 64-bit integers besides
		n, err := strconv.ParseInt(s, 10, 64)
		return strconv.FormatInt(n, 10), err == nil
	}
}

// single checks one value: of a singular field, an element or a map's value.
func (w *walker) single(v value, fd protoreflect.FieldDescriptor, path string) error {
	switch fd.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return w.message(v, fd.Message(), path)
	case protoreflect.EnumKind:
		return w.enum(v, fd, path)
	}
	return w.scalar(v, fd, path)
}

func (w *walker) enum(v value, fd protoreflect.FieldDescriptor, path string) error {
	ed := fd.Enum()
	switch v.kind {
	case text:
		if w.o.AllowUnknown || ed.Values().ByName(protoreflect.Name(v.str)) != nil {
			return nil
		}
		names := make([]string, ed.Values().Len())
		for i := range names {
			names[i] = string(ed.Values().Get(i).Name())
		}
		f := fail(v.start, path, "no value %q in enum %s", v.str, ed.FullName())
		if f.suggestion, _ = catalog.Nearest(v.str, names); f.suggestion == "" && len(names) > 0 {
			f.text += "; it has " + enumerate(names)
		}
		return f
	case number:
		if scalarOK(protoreflect.Int32Kind, w.json(v)) {
			return nil
		}
	case null:
		if isNullValue(fd) {
			return nil
		}
	case boolean, object, array, special: // fit no enum
	}
	return fail(v.start, path, "want a name or number of enum %s, got %s", ed.FullName(), w.show(v))
}

// scalar leaves the decision to protojson and only words it.
func (w *walker) scalar(v value, fd protoreflect.FieldDescriptor, path string) error {
	k := fd.Kind()
	if k == protoreflect.BytesKind && v.kind == text && !w.o.Strict {
		taken, err := w.bytesForm(v, path)
		if taken || err != nil {
			return err
		}
	}
	if w.fits(v, k) {
		return nil
	}
	f := fail(v.start, path, "want %s, got %s", wants(fd), w.show(v))
	switch {
	case k == protoreflect.StringKind && (v.kind == number || v.kind == boolean || v.kind == special):
		f.text += fmt.Sprintf("; write %q", w.raw(v))
	case k == protoreflect.BytesKind && v.kind == text && !w.o.Strict:
		f.text += `; for other forms write "hex:0a0b", "text:words" or "@file"`
	case v.kind == text && scalarOK(k, []byte(strings.TrimSpace(v.str))):
		f.text += "; write " + strings.TrimSpace(v.str)
	}
	return f
}

func (w *walker) fits(v value, k protoreflect.Kind) bool {
	if v.kind == special && k != protoreflect.FloatKind && k != protoreflect.DoubleKind {
		return false
	}
	return scalarOK(k, w.json(v))
}

// wellKnown leaves the decision to protojson and only words it.
func (w *walker) wellKnown(v value, md protoreflect.MessageDescriptor, path string) error {
	switch md.FullName() {
	case "google.protobuf.Any":
		return w.any(v, path)
	case "google.protobuf.BytesValue", "google.protobuf.FloatValue", "google.protobuf.DoubleValue":
		if fd := md.Fields().ByNumber(1); fd != nil {
			return w.scalar(v, fd, path)
		}
	}
	if s, found := firstSpecial(v); found {
		return fail(s.start, path, "want %s, got %s", wantsKnown(md), w.show(s))
	}
	err := protojson.UnmarshalOptions{Resolver: w.o.types(), DiscardUnknown: w.o.AllowUnknown}.Unmarshal(w.json(v), dynamicpb.NewMessage(md))
	if err == nil {
		return nil
	}
	return fail(v.start, path, "want %s, got %s", wantsKnown(md), w.show(v))
}

// firstSpecial finds the first number in v that JSON has no form for.
func firstSpecial(v value) (value, bool) {
	if v.kind == special {
		return v, true
	}
	for _, m := range v.members {
		if s, found := firstSpecial(m.val); found {
			return s, true
		}
	}
	for _, e := range v.elems {
		if s, found := firstSpecial(e); found {
			return s, true
		}
	}
	return value{}, false
}

// join appends a field name to a path. A name that is no identifier is quoted,
// so that control characters of a body do not reach a terminal.
func join(path, name string) string {
	path = shortPath(path)
	if name != "@type" && !protoreflect.FullName(strings.Trim(name, "[]")).IsValid() {
		return path + "[" + strconv.Quote(name) + "]"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// shortPath takes the middle out of a path that nobody would read, so that paths
// of a body nested thousands deep stay small.
func shortPath(path string) string {
	const most = 1024
	if len(path) <= most {
		return path
	}
	return strings.ToValidUTF8(path[:most/4]+"…"+path[len(path)-most/4:], "")
}
