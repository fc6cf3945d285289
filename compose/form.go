package compose

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Input is how the value of a row is given.
type Input uint8

// The kinds of input.
const (
	InputText    Input = iota // a line of text: string, bytes, Timestamp and the like
	InputNumber               // a number
	InputChoice               // one of Row.Choices: bool, enum
	InputMessage              // set or not; the fields have rows of their own
	InputList                 // elements are added, and have rows of their own
	InputMap                  // entries are added by key, and have rows of their own
	InputJSON                 // JSON of any form: Any, Struct, Value, ListValue
)

// Row is one line of a form: a field, an element of a list, or an entry of a map.
type Row struct {
	Path    string // "address.lines[2]", as in BodyError.Path; no two rows have the same
	Name    string // the last step of Path
	Depth   int    // of nesting; 0 for the fields of the message itself
	Type    string // as a .proto file writes it: "repeated string"
	Input   Input
	Choices []string // of InputChoice
	Oneof   string   // the oneof that the field is a member of; empty if of none
	Set     bool     // the body has a value for it
	Value   string   // what was given, without the quotes of a text; of lists and maps the number of elements
	// Element is true of what can be taken out of a list or map.
	Element  bool
	Required bool   // proto2; the body is refused without it
	Problem  string // why the value is refused; empty if it is not
}

// What bounds a form: nobody fills in as many fields, or looks as deep. A message
// deeper than that is given as JSON.
const (
	mostRows    = 20000
	deepestForm = 64
)

// Form is a JSON body seen as rows. The text of the body stays the truth: a change
// of a row changes only its place in the text, and comments, order and layout of
// the rest stay as they were written.
type Form struct {
	md    protoreflect.MessageDescriptor
	o     Options
	body  []byte
	rows  []Row
	nodes []formNode // beside rows
	// Cut is true if the body has more rows than a form shows.
	Cut bool
}

// formNode is where a row stands in the schema and in the text.
type formNode struct {
	fd     protoreflect.FieldDescriptor // nil for members that the schema does not have
	whole  bool                         // the row is the whole list or map
	val    value                        // zero if it is not set
	at     int                          // where the name or the element begins; -1 if it is not there
	parent value                        // the object or array that holds it, or would
	index  int                          // in parent; -1 if it is not there
	indent int                          // how deep a line in parent is indented, by levels
}

// NewForm makes the rows of a body. An empty body is an empty message. A body that
// cannot be parsed is a *BodyError; one that parses and does not fit the schema
// gives rows with problems.
func NewForm(md protoreflect.MessageDescriptor, body []byte, o Options) (*Form, error) {
	f := &Form{md: md, o: o, body: body}
	if len(strings.TrimSpace(string(body))) == 0 {
		f.body = []byte("{}")
	}
	if err := f.build(); err != nil {
		return nil, err
	}
	return f, nil
}

// JSON returns the body as it is now.
func (f *Form) JSON() []byte { return f.body }

// Rows returns the lines of the form. They are valid until the next change.
func (f *Form) Rows() []Row { return f.rows }

// build makes the rows of the current text.
func (f *Form) build() error {
	root, _, err := f.o.parse(f.body)
	var at *fault
	if errors.As(err, &at) {
		return located(f.body, at.at, &BodyError{Text: at.text})
	}
	if root.kind != object || isWellKnown(f.md.FullName()) {
		return located(f.body, root.start, &BodyError{Text: fmt.Sprintf("a form needs an object of fields, and a %s is not written as one", f.md.FullName())})
	}
	f.rows, f.nodes, f.Cut = nil, nil, false
	b := formBuilder{form: f, w: walker{o: f.o, body: f.body}}
	b.message(root, f.md, "", 0)
	return nil
}

// formBuilder makes rows.
type formBuilder struct {
	form *Form
	w    walker
}

func (b *formBuilder) add(r Row, n formNode) bool {
	if len(b.form.rows) >= mostRows {
		b.form.Cut = true
		return false
	}
	b.form.rows = append(b.form.rows, r)
	b.form.nodes = append(b.form.nodes, n)
	return true
}

// message makes the rows of all fields of md, in the order of the schema, and then
// of the members that the schema does not have.
func (b *formBuilder) message(v value, md protoreflect.MessageDescriptor, path string, depth int) {
	byField := map[protoreflect.FieldNumber]int{}
	var strange []int
	seen := map[string]bool{} // names of strange members
	for i, m := range v.members {
		fd, err := b.w.field(md, m, join(path, m.name))
		if _, twice := byField[numberOf(fd)]; err != nil || fd == nil || twice || fd.IsExtension() {
			strange = append(strange, i)
			continue
		}
		byField[fd.Number()] = i
	}
	chosen := map[string]string{} // by oneof
	for i := range md.Fields().Len() {
		if b.form.Cut {
			return
		}
		fd := md.Fields().Get(i)
		n := formNode{fd: fd, whole: true, at: -1, index: -1, parent: v, indent: depth + 1}
		name := fd.JSONName()
		if m, ok := byField[fd.Number()]; ok {
			name = v.members[m].name
			seen[name] = true
			n.at, n.index, n.val = v.members[m].at, m, v.members[m].val
		}
		r := Row{Path: join(path, name), Name: name, Depth: depth, Required: fd.Cardinality() == protoreflect.Required}
		if od := fd.ContainingOneof(); od != nil && !od.IsSynthetic() {
			r.Oneof = string(od.Name())
			if _, set := present(n.val, fd, n.index >= 0); set && chosen[r.Oneof] != "" {
				r.Problem = fmt.Sprintf("%q of the same oneof %s is set already; only one of its fields may be", chosen[r.Oneof], r.Oneof)
			} else if set {
				chosen[r.Oneof] = name
			}
		}
		b.field(r, n)
	}
	for _, i := range strange {
		if b.form.Cut {
			return
		}
		b.strange(v, i, md, path, depth, seen)
	}
}

func numberOf(fd protoreflect.FieldDescriptor) protoreflect.FieldNumber {
	if fd == nil {
		return 0
	}
	return fd.Number()
}

// strange makes the row of a member that is no field of md, or is one for the
// second time, or an extension. seen has the names of fields and strange members
// that have rows.
func (b *formBuilder) strange(v value, i int, md protoreflect.MessageDescriptor, path string, depth int, seen map[string]bool) {
	m := v.members[i]
	r := Row{Path: join(path, m.name), Name: m.name, Depth: depth, Type: "unknown", Input: InputJSON, Set: true, Value: cut(string(b.w.raw(m.val)))}
	if seen[m.name] {
		r.Path = fmt.Sprintf("%s (%d)", r.Path, i+1)
		r.Problem = "the field is given twice"
	}
	seen[m.name] = true
	n := formNode{val: m.val, at: m.at, index: i, parent: v, indent: depth + 1}
	fd, err := b.w.field(md, m, r.Path)
	switch {
	case r.Problem != "":
	case err != nil:
		r.Problem = problemText(err)
	case fd != nil && fd.IsExtension():
		r.Type, n.fd, n.whole = fieldType(fd), fd, true
		r.Problem = b.problem(m.val, fd, true)
	case fd != nil:
		r.Problem = "the field is given twice, under both of its names"
	}
	b.add(r, n)
}

func problemText(err error) string {
	var f *fault
	if errors.As(err, &f) && f.suggestion != "" {
		return fmt.Sprintf("%s; did you mean %q?", f.text, f.suggestion)
	}
	return err.Error()
}

// field makes the row of a field and the rows below it.
func (b *formBuilder) field(r Row, n formNode) {
	fd := n.fd
	r.Type = fieldType(fd)
	n.val, r.Set = present(n.val, fd, n.index >= 0)
	switch {
	case fd.IsMap():
		r.Input, r.Value = InputMap, strconv.Itoa(len(n.val.members))
		if r.Set && n.val.kind != object {
			r.Problem = b.problem(n.val, fd, true)
		}
		if b.add(r, n) {
			b.entries(r, n)
		}
	case fd.IsList():
		r.Input, r.Value = InputList, strconv.Itoa(len(n.val.elems))
		if r.Set && n.val.kind != array {
			r.Problem = b.problem(n.val, fd, true)
		}
		if b.add(r, n) {
			b.elements(r, n)
		}
	default:
		b.single(r, n)
	}
}

// present returns a value that counts as one: null is the absence of most.
func present(v value, fd protoreflect.FieldDescriptor, there bool) (value, bool) {
	if !there || v.kind == null && (fd.IsList() || fd.IsMap() || !takesNull(fd)) {
		return value{}, false
	}
	return v, true
}

func (b *formBuilder) elements(list Row, n formNode) {
	if n.val.kind != array {
		return
	}
	for i, e := range n.val.elems {
		name := "[" + strconv.Itoa(i) + "]"
		r := Row{Path: list.Path + name, Name: name, Depth: list.Depth + 1, Type: typeName(n.fd), Element: true, Set: true}
		b.single(r, formNode{fd: n.fd, val: e, at: e.start, index: i, parent: n.val, indent: list.Depth + 2})
		if b.form.Cut {
			return
		}
	}
}

func (b *formBuilder) entries(m Row, n formNode) {
	if n.val.kind != object {
		return
	}
	fd := n.fd.MapValue()
	seen := map[string]bool{}
	for i, e := range n.val.members {
		name := "[" + strconv.Quote(e.name) + "]"
		r := Row{Path: m.Path + name, Name: name, Depth: m.Depth + 1, Type: typeName(fd), Element: true, Set: true}
		canonical, ok := mapKey(n.fd.MapKey().Kind(), e.name)
		switch {
		case !ok:
			r.Problem = "the key of this map must be " + wants(n.fd.MapKey())
		case seen[canonical]:
			r.Path, r.Problem = fmt.Sprintf("%s (%d)", r.Path, i+1), "the key is given twice"
		}
		seen[canonical] = true
		b.single(r, formNode{fd: fd, val: e.val, at: e.at, index: i, parent: n.val, indent: m.Depth + 2})
		if b.form.Cut {
			return
		}
	}
}

// single makes the row of one value, and of a message's fields.
func (b *formBuilder) single(r Row, n formNode) {
	n.whole = false
	r.Input, r.Choices = inputOf(n.fd)
	if r.Input == InputMessage && r.Depth >= deepestForm {
		r.Input = InputJSON
	}
	if !r.Set {
		b.add(r, n)
		return
	}
	switch {
	case r.Input != InputMessage || n.val.kind != object:
		r.Value = b.shown(n.val)
		if p := b.problem(n.val, n.fd, false); r.Problem == "" {
			r.Problem = p
		}
		b.add(r, n)
	case b.add(r, n):
		b.message(n.val, n.fd.Message(), r.Path, r.Depth+1)
	}
}

// shown is a value as a person types it into a row.
func (b *formBuilder) shown(v value) string {
	if v.kind == text {
		return v.str
	}
	return string(b.w.raw(v))
}

// problem returns why a value does not fit.
func (b *formBuilder) problem(v value, fd protoreflect.FieldDescriptor, whole bool) string {
	w := walker{o: b.form.o, body: b.form.body}
	var err error
	if whole {
		err = w.member(v, fd, "")
	} else {
		err = w.single(v, fd, "")
	}
	if err == nil {
		return ""
	}
	return problemText(err)
}

func fieldType(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.IsMap():
		return fmt.Sprintf("map<%s, %s>", fd.MapKey().Kind(), typeName(fd.MapValue()))
	case fd.IsList():
		return "repeated " + typeName(fd)
	}
	return typeName(fd)
}

// inputOf returns how a single value of fd is given.
func inputOf(fd protoreflect.FieldDescriptor) (Input, []string) {
	switch fd.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return messageInput(fd.Message())
	case protoreflect.EnumKind:
		if isNullValue(fd) {
			return InputChoice, []string{"null"}
		}
		return InputChoice, enumNames(fd.Enum())
	case protoreflect.BoolKind:
		return InputChoice, []string{"true", "false"}
	case protoreflect.StringKind, protoreflect.BytesKind:
		return InputText, nil
	}
	return InputNumber, nil
}

func messageInput(md protoreflect.MessageDescriptor) (Input, []string) {
	switch md.FullName() {
	case "google.protobuf.Any", "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue":
		return InputJSON, nil
	case "google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask":
		return InputText, nil
	}
	if fd := md.Fields().ByNumber(1); isWellKnown(md.FullName()) && fd != nil { // a wrapper
		return inputOf(fd)
	}
	return InputMessage, nil // Empty too: there or not
}
