package compose

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Set gives a row a value as a person types it: text without quotes, a number, the
// name of an enum value; of messages, lists, maps and InputJSON rows, JSON. Setting
// a member of a oneof takes out the member that was set. A value that does not fit
// is a *BodyError with the row's path, and the form stays as it was.
func (f *Form) Set(path, typed string) error {
	i, err := f.row(path)
	if err != nil {
		return err
	}
	n := f.nodes[i]
	if n.fd == nil {
		return &BodyError{Line: 1, Col: 1, Path: path, Text: "the schema has no such field; take it out"}
	}
	text, err := f.written(n, path, typed)
	if err != nil {
		return err
	}
	return f.change(func() { f.put(i, text) })
}

// Add sets a row at the default of its type; to a list it appends an element, to a
// map an entry of key, which other rows ignore. It returns the path of what was
// added.
func (f *Form) Add(path, key string) (string, error) {
	i, err := f.row(path)
	if err != nil {
		return "", err
	}
	n := f.nodes[i]
	switch {
	case n.fd == nil:
		return "", &BodyError{Line: 1, Col: 1, Path: path, Text: "the schema has no such field"}
	case !n.whole || !n.fd.IsList() && !n.fd.IsMap():
		return path, f.change(func() { f.put(i, zeroJSON(n.fd)) })
	case n.fd.IsMap():
		return f.addEntry(i, key)
	}
	element := zeroJSON(n.fd)
	if !f.rows[i].Set {
		return path + "[0]", f.change(func() { f.put(i, "["+element+"]") })
	}
	if n.val.kind != array {
		return "", &BodyError{Line: 1, Col: 1, Path: path, Text: f.rows[i].Problem}
	}
	added := path + "[" + strconv.Itoa(len(n.val.elems)) + "]"
	return added, f.change(func() { f.insert(n.val, n.indent+1, element) })
}

func (f *Form) addEntry(i int, key string) (string, error) {
	n, path := f.nodes[i], f.rows[i].Path
	canonical, ok := mapKey(n.fd.MapKey().Kind(), key)
	if !ok {
		return "", &BodyError{Line: 1, Col: 1, Path: path, Text: "the key of this map must be " + wants(n.fd.MapKey())}
	}
	for _, m := range n.val.members {
		if had, _ := mapKey(n.fd.MapKey().Kind(), m.name); had == canonical {
			return "", &BodyError{Line: 1, Col: 1, Path: path, Text: fmt.Sprintf("the map has the key %q already", m.name)}
		}
	}
	entry := quote(key) + ": " + zeroJSON(n.fd.MapValue())
	added := path + "[" + strconv.Quote(key) + "]"
	switch {
	case !f.rows[i].Set:
		return added, f.change(func() { f.put(i, "{"+entry+"}") })
	case n.val.kind != object:
		return "", &BodyError{Line: 1, Col: 1, Path: path, Text: f.rows[i].Problem}
	}
	return added, f.change(func() { f.insert(n.val, n.indent+1, entry) })
}

// Remove takes the value of a row out of the body: a field becomes unset, an
// element or entry goes. A row that is not set stays so.
func (f *Form) Remove(path string) error {
	i, err := f.row(path)
	if err != nil || f.nodes[i].index < 0 {
		return err
	}
	return f.change(func() { f.takeOut(f.nodes[i]) })
}

// row finds a row by its path.
func (f *Form) row(path string) (int, error) {
	i := slices.IndexFunc(f.rows, func(r Row) bool { return r.Path == path })
	if i < 0 {
		return 0, fmt.Errorf("the form has no row %q", path)
	}
	return i, nil
}

// change edits the text and makes the rows anew. An edit that damaged the text
// would be undone.
func (f *Form) change(edit func()) error {
	before := f.body
	edit()
	if err := f.build(); err != nil {
		f.body = before
		_ = f.build() // it was built from this text before
		return fmt.Errorf("change body: %w", err)
	}
	return nil
}

// splice replaces a range of the text. The old text stays whole for change.
func (f *Form) splice(from, to int, with string) {
	f.body = slices.Concat(f.body[:from], []byte(with), f.body[to:])
}

// written returns the JSON of what was typed into a row, once it is known to fit.
func (f *Form) written(n formNode, path, typed string) (string, error) {
	input := InputJSON
	if !n.whole || !n.fd.IsList() && !n.fd.IsMap() {
		input, _ = inputOf(n.fd)
	}
	text := typed
	switch input {
	case InputText:
		text = quote(typed)
	case InputChoice:
		if n.fd.Enum() != nil && !isNullValue(n.fd) && !isInteger(strings.TrimSpace(typed)) {
			text = quote(strings.TrimSpace(typed))
		}
	case InputNumber:
		if t := strings.TrimSpace(typed); t == "NaN" || t == "Infinity" || t == "-Infinity" {
			text = quote(t) // as ProtoJSON writes them
		}
	case InputMessage, InputList, InputMap, InputJSON:
	}
	v, _, err := f.o.parse([]byte(text))
	if err != nil {
		return "", typedFault(path, text, err)
	}
	w := walker{o: f.o, body: []byte(text)}
	if n.whole {
		err = w.member(v, n.fd, "")
	} else {
		err = w.single(v, n.fd, "")
	}
	if err != nil {
		return "", typedFault(path, text, err)
	}
	return strings.TrimSpace(text), nil
}

// typedFault places a fault in what was typed, and in the form.
func typedFault(path, text string, err error) error {
	var at *fault
	if !errors.As(err, &at) {
		return err
	}
	e := located([]byte(text), at.at, &BodyError{Path: path, Text: at.text, Suggestion: at.suggestion})
	switch {
	case strings.HasPrefix(at.path, "["):
		e.Path = path + at.path
	case at.path != "":
		e.Path = path + "." + at.path
	}
	return e
}

func isInteger(s string) bool {
	_, err := strconv.ParseInt(s, 0, 64)
	return err == nil
}

// quote writes a JSON string as a person would: letters stay letters.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // of a string it cannot fail
	return strings.TrimRight(b.String(), "\n")
}

// zeroJSON is the value that a row begins with.
func zeroJSON(fd protoreflect.FieldDescriptor) string {
	if md := fd.Message(); md != nil && !isWellKnown(md.FullName()) {
		return "{}"
	}
	t := &templater{}
	t.single(fd)
	return t.out.String()
}

// put writes the value of a row into the text, and takes out the other members of
// its oneof.
func (f *Form) put(i int, text string) {
	n := f.nodes[i]
	if n.index >= 0 {
		v := n.val
		if v.end == 0 { // null, which counted as absent
			v = n.parent.members[n.index].val
		}
		f.splice(v.start, v.end, text)
	} else {
		f.insert(n.parent, n.indent, quote(f.rows[i].Name)+": "+text)
	}
	if f.rows[i].Oneof != "" {
		f.takeOutOthers(i)
	}
}

// takeOutOthers takes out the members of row i's oneof but itself. The text has
// changed, so they are looked up anew.
func (f *Form) takeOutOthers(i int) {
	path, oneof, depth := f.rows[i].Path, f.rows[i].Oneof, f.rows[i].Depth
	prefix := strings.TrimSuffix(path, f.rows[i].Name)
	for {
		if f.build() != nil {
			return // change sees it too
		}
		other := slices.IndexFunc(f.rows, func(r Row) bool {
			return r.Oneof == oneof && r.Depth == depth && r.Path != path && r.Set && strings.TrimSuffix(r.Path, r.Name) == prefix
		})
		if other < 0 {
			return
		}
		f.takeOut(f.nodes[other])
	}
}

// insert writes text as the last member or element of v, in v's own layout.
func (f *Form) insert(v value, indent int, text string) {
	last := v.lastEnd()
	empty := last < 0
	if empty {
		last = v.start + 1
	}
	if f.trailingComma(last, v.end-1) {
		// A comment may stand between; what follows the comma is the free place.
		last = f.afterComma(last, v.end-1)
		f.splice(last, last, f.gap(v, indent)+text)
		return
	}
	switch gap := f.gap(v, indent); {
	case !empty:
		f.splice(last, last, ","+gap+text)
	case strings.Contains(gap, "\n"):
		f.splice(last, last, gap+text+closing(f.body[last:v.end-1], indent))
	default:
		f.splice(last, last, text)
	}
}

// closing is the line end before the bracket of an object that was empty.
func closing(inside []byte, indent int) string {
	if bytes.ContainsRune(inside, '\n') {
		return "" // it has one
	}
	return "\n" + strings.Repeat("  ", indent-1)
}

// gap is what stands before a new member of v: white space as before the last one,
// a new line if there is none to follow.
func (f *Form) gap(v value, indent int) string {
	starts := v.starts()
	if len(starts) == 0 {
		return "\n" + strings.Repeat("  ", indent)
	}
	before := f.body[v.start+1 : starts[len(starts)-1]]
	space := before[len(bytes.TrimRight(before, " \t\r\n")):]
	if len(starts) == 1 && len(space) == 0 {
		return " "
	}
	return string(space)
}

// starts returns where the members or elements of v begin.
func (v value) starts() []int {
	at := make([]int, 0, len(v.members)+len(v.elems))
	for _, m := range v.members {
		at = append(at, m.at)
	}
	for _, e := range v.elems {
		at = append(at, e.start)
	}
	return at
}

// ends returns where the members or elements of v end.
func (v value) ends() []int {
	at := make([]int, 0, len(v.members)+len(v.elems))
	for _, m := range v.members {
		at = append(at, m.val.end)
	}
	for _, e := range v.elems {
		at = append(at, e.end)
	}
	return at
}

// lastEnd returns where the last of v's parts ends, -1 if it has none.
func (v value) lastEnd() int {
	ends := v.ends()
	if len(ends) == 0 {
		return -1
	}
	return ends[len(ends)-1]
}

// trailingComma reports whether a comma stands between from and to, comments aside.
func (f *Form) trailingComma(from, to int) bool { return f.afterComma(from, to) >= 0 }

// afterComma returns the place after the comma between from and to, -1 if there is
// none.
func (f *Form) afterComma(from, to int) int {
	p := parser{in: f.body[:to], pos: from, loose: !f.o.Strict}
	if p.space() != nil || p.pos >= to || f.body[p.pos] != ',' {
		return -1
	}
	return p.pos + 1
}

// takeOut removes a member or element with the comma that belongs to it.
func (f *Form) takeOut(n formNode) {
	starts, ends := n.parent.starts(), n.parent.ends()
	from, to := starts[n.index], ends[n.index]
	after := f.afterComma(to, n.parent.end-1)
	switch {
	case n.index > 0 && after < 0:
		// The last one goes with the comma before it, and what stands between them.
		comma := f.afterComma(ends[n.index-1], from)
		f.splice(from, to, "")
		f.trimBefore(from, comma)
		f.splice(comma-1, comma, "")
	default:
		if after >= 0 {
			to = after
		}
		f.splice(from, to, "")
		f.trimBefore(from, n.parent.start+1)
	}
}

// trimBefore removes the white space before at, not before least: the line that a
// removed member leaves behind.
func (f *Form) trimBefore(at, least int) {
	kept := len(bytes.TrimRight(f.body[least:at], " \t\r\n")) + least
	// A comment to the end of its line needs that end.
	if line := f.body[bytes.LastIndexByte(f.body[:kept], '\n')+1 : kept]; bytes.Contains(line, []byte("//")) {
		return
	}
	f.splice(kept, at, "")
}
