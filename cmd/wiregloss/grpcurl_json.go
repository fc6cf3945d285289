package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// curlJSON writes a message as grpcurl does: fields by their number, characters
// that matter to HTML escaped, floats as Go writes them, a FieldMask as an
// ordinary message. It differs from ProtoJSON in all of these.
type curlJSON struct {
	out      []byte
	types    *curlTypes
	defaults bool // show fields that are not set
	level    int  // of indentation
	depth    int  // of messages
	order    map[protoreflect.MessageDescriptor][]protoreflect.FieldDescriptor
}

func (w *curlJSON) text(s string) { w.out = append(w.out, s...) }

func (w *curlJSON) line() {
	w.out = append(w.out, '\n')
	for range w.level {
		w.text("  ")
	}
}

// list writes n elements between brackets, one on each line.
func (w *curlJSON) list(brackets string, n int, element func(i int) error) error {
	w.out = append(w.out, brackets[0])
	w.level++
	for i := range n {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.line()
		if err := element(i); err != nil {
			return err
		}
	}
	w.level--
	if n > 0 {
		w.line()
	}
	w.out = append(w.out, brackets[1])
	return nil
}

// string writes a string as encoding/json does.
func (w *curlJSON) string(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			b, _ := json.Marshal(s) // of a string it cannot fail
			w.out = append(w.out, b...)
			return
		}
	}
	w.out = append(append(append(w.out, '"'), s...), '"')
}

func (w *curlJSON) key(name string) {
	w.string(name)
	w.text(": ")
}

// message writes a message. url is that of the Any it was in, or empty.
func (w *curlJSON) message(m protoreflect.Message, url string) error {
	if w.depth++; w.depth > protowire.DefaultRecursionLimit {
		return errors.New("the message is nested too deep")
	}
	defer func() { w.depth-- }()
	if write := knownJSON[m.Descriptor().FullName()]; write != nil {
		if url == "" {
			return write(w, m)
		}
		return w.list("{}", 2, func(i int) error {
			if i == 0 {
				w.key("@type")
				w.string(url)
				return nil
			}
			w.key("value")
			return write(w, m)
		})
	}
	fields := w.fields(m)
	if url == "" {
		return w.list("{}", len(fields), func(i int) error { return w.field(m, fields[i]) })
	}
	slices.SortFunc(fields, func(a, b protoreflect.FieldDescriptor) int { return strings.Compare(jsonName(a), jsonName(b)) })
	return w.list("{}", 1+len(fields), func(i int) error {
		if i == 0 {
			w.key("@type")
			w.string(url)
			return nil
		}
		return w.field(m, fields[i-1])
	})
}

// fields returns what is to be written of a message.
func (w *curlJSON) fields(m protoreflect.Message) []protoreflect.FieldDescriptor {
	md := m.Descriptor()
	all, ok := w.order[md]
	if !ok {
		all = byNumber(md)
		if w.order == nil {
			w.order = map[protoreflect.MessageDescriptor][]protoreflect.FieldDescriptor{}
		}
		w.order[md] = all
	}
	fields := make([]protoreflect.FieldDescriptor, 0, len(all))
	for _, fd := range all {
		if m.Has(fd) || w.defaults && fd.ContainingOneof() == nil {
			fields = append(fields, fd)
		}
	}
	if md.ExtensionRanges().Len() > 0 {
		fields = withExtensions(m, fields)
	}
	return fields
}

// withExtensions adds the extensions that are set, all in the order of numbers.
func withExtensions(m protoreflect.Message, fields []protoreflect.FieldDescriptor) []protoreflect.FieldDescriptor {
	m.Range(func(fd protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if fd.IsExtension() {
			fields = append(fields, fd)
		}
		return true
	})
	slices.SortFunc(fields, func(a, b protoreflect.FieldDescriptor) int { return int(a.Number()) - int(b.Number()) })
	return fields
}

func jsonName(fd protoreflect.FieldDescriptor) string {
	if !fd.IsExtension() {
		return fd.JSONName()
	}
	return "[" + string(fd.FullName()) + "]"
}

func (w *curlJSON) field(m protoreflect.Message, fd protoreflect.FieldDescriptor) error {
	w.key(jsonName(fd))
	switch {
	case !m.Has(fd) && fd.Message() != nil && !fd.IsList() && !fd.IsMap():
		w.text("null")
		return nil
	case fd.IsMap():
		return w.entries(m.Get(fd).Map(), fd)
	case fd.IsList():
		list := m.Get(fd).List()
		return w.list("[]", list.Len(), func(i int) error { return w.value(fd, list.Get(i)) })
	}
	return w.value(fd, m.Get(fd))
}

func (w *curlJSON) entries(m protoreflect.Map, fd protoreflect.FieldDescriptor) error {
	keys := sortedKeys(m)
	return w.list("{}", len(keys), func(i int) error {
		w.key(keys[i].String())
		return w.value(fd.MapValue(), m.Get(keys[i]))
	})
}

// sortedKeys returns the keys of a map, numbers as numbers.
func sortedKeys(m protoreflect.Map) []protoreflect.MapKey {
	keys := make([]protoreflect.MapKey, 0, m.Len())
	m.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		keys = append(keys, k)
		return true
	})
	slices.SortFunc(keys, func(a, b protoreflect.MapKey) int {
		switch v := a.Interface().(type) {
		case bool:
			if v == b.Bool() {
				return 0
			} else if v {
				return 1
			}
			return -1
		case int32, int64:
			return compare(a.Int(), b.Int())
		case uint32, uint64:
			return compare(a.Uint(), b.Uint())
		}
		return strings.Compare(a.String(), b.String())
	})
	return keys
}

func compare[T int64 | uint64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// value writes a single value of a field.
func (w *curlJSON) value(fd protoreflect.FieldDescriptor, v protoreflect.Value) error {
	switch x := v.Interface().(type) {
	case bool:
		w.out = strconv.AppendBool(w.out, x)
	case int32:
		w.out = strconv.AppendInt(w.out, int64(x), 10)
	case uint32:
		w.out = strconv.AppendUint(w.out, uint64(x), 10)
	case int64:
		w.out = append(strconv.AppendInt(append(w.out, '"'), x, 10), '"')
	case uint64:
		w.out = append(strconv.AppendUint(append(w.out, '"'), x, 10), '"')
	case float32:
		w.float(float64(x), 32)
	case float64:
		w.float(x, 64)
	case string:
		w.string(x)
	case []byte:
		w.out = append(base64.StdEncoding.AppendEncode(append(w.out, '"'), x), '"')
	case protoreflect.EnumNumber:
		if vd := fd.Enum().Values().ByNumber(x); vd != nil {
			w.string(string(vd.Name()))
		} else {
			w.out = strconv.AppendInt(w.out, int64(x), 10)
		}
	case protoreflect.Message:
		return w.message(x, "")
	}
	return nil
}

func (w *curlJSON) float(f float64, bits int) {
	switch {
	case math.IsNaN(f):
		w.text(`"NaN"`)
	case math.IsInf(f, 1):
		w.text(`"Infinity"`)
	case math.IsInf(f, -1):
		w.text(`"-Infinity"`)
	default:
		w.out = strconv.AppendFloat(w.out, f, 'g', -1, bits)
	}
}

// knownJSON are the types with a JSON form of their own.
var knownJSON map[protoreflect.FullName]func(*curlJSON, protoreflect.Message) error

func init() { // they are written with each other
	knownJSON = map[protoreflect.FullName]func(*curlJSON, protoreflect.Message) error{
		"google.protobuf.Any":       (*curlJSON).any,
		"google.protobuf.Duration":  (*curlJSON).duration,
		"google.protobuf.Timestamp": (*curlJSON).timestamp,
		"google.protobuf.Value":     (*curlJSON).anyValue,
		"google.protobuf.Struct":    (*curlJSON).first,
		"google.protobuf.ListValue": (*curlJSON).first,
		"google.protobuf.Empty":     func(w *curlJSON, _ protoreflect.Message) error { w.text("{}"); return nil },
	}
	for _, name := range []string{"Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes"} {
		knownJSON[protoreflect.FullName("google.protobuf."+name+"Value")] = (*curlJSON).first
	}
}

// first writes the value of field 1: of a wrapper, an object or a list.
func (w *curlJSON) first(m protoreflect.Message) error {
	fd := m.Descriptor().Fields().ByNumber(1)
	if fd.Kind() == protoreflect.BytesKind && !m.Has(fd) {
		w.text("null") // what encoding/json makes of no bytes
		return nil
	}
	return w.known(fd, m.Get(fd))
}

// known writes a value inside a well-known type, whose floats are written as
// encoding/json does.
func (w *curlJSON) known(fd protoreflect.FieldDescriptor, v protoreflect.Value) error {
	switch x := v.Interface().(type) {
	case protoreflect.Map:
		return w.entries(x, fd)
	case protoreflect.List:
		return w.list("[]", x.Len(), func(i int) error { return w.value(fd, x.Get(i)) })
	case protoreflect.EnumNumber:
		w.text("null") // NullValue
		return nil
	case float32, float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return w.value(fd, v)
		}
		b, err := json.Marshal(x)
		w.out = append(w.out, b...)
		return err
	}
	return w.value(fd, v)
}

func (w *curlJSON) anyValue(m protoreflect.Message) error {
	fd := m.WhichOneof(m.Descriptor().Oneofs().Get(0))
	if fd == nil {
		return errors.New("nil Value")
	}
	return w.known(fd, m.Get(fd))
}

func (w *curlJSON) any(m protoreflect.Message) error {
	fields := m.Descriptor().Fields()
	url, payload := m.Get(fields.ByNumber(1)).String(), m.Get(fields.ByNumber(2)).Bytes()
	mt, err := w.types.FindMessageByURL(url)
	if err != nil {
		return w.unknown(url, payload)
	}
	inner := mt.New()
	if err := (proto.UnmarshalOptions{Resolver: w.types}).Unmarshal(payload, inner.Interface()); err != nil {
		return err
	}
	return w.message(inner, url)
}

// unknown writes an Any whose type nobody knows.
func (w *curlJSON) unknown(url string, payload []byte) error {
	name := url[strings.LastIndexByte(url, '/')+1:]
	members := [][2]string{
		{"@error", name + " is not recognized; see @value for raw binary message data"},
		{"@type", url},
		{"@value", base64.StdEncoding.EncodeToString(payload)},
	}
	return w.list("{}", len(members), func(i int) error {
		w.key(members[i][0])
		w.string(members[i][1])
		return nil
	})
}

// moment returns the seconds and nanoseconds of a Duration or Timestamp.
func moment(m protoreflect.Message) (s, ns int64) {
	fields := m.Descriptor().Fields()
	return m.Get(fields.ByNumber(1)).Int(), m.Get(fields.ByNumber(2)).Int()
}

// thousands cuts a fraction of nine digits to 6, 3 or none.
func thousands(text string) string {
	text = strings.TrimSuffix(strings.TrimSuffix(text, "000"), "000")
	return strings.TrimSuffix(text, ".000")
}

func (w *curlJSON) duration(m protoreflect.Message) error {
	const most, second = 315_576_000_000, int64(time.Second)
	s, ns := moment(m)
	switch {
	case s < -most || s > most:
		return fmt.Errorf("seconds out of range %v", s)
	case ns <= -second || ns >= second:
		return fmt.Errorf("ns out of range (%v, %v)", -second, second)
	case s > 0 && ns < 0 || s < 0 && ns > 0:
		return errors.New("signs of seconds and nanos do not match")
	}
	sign := ""
	if s < 0 || ns < 0 {
		sign, s, ns = "-", -s, -ns
	}
	w.string(sign + thousands(fmt.Sprintf("%d.%09d", s, ns)) + "s")
	return nil
}

func (w *curlJSON) timestamp(m protoreflect.Message) error {
	s, ns := moment(m)
	if ns < 0 || ns >= int64(time.Second) {
		return fmt.Errorf("ns out of range [0, %v)", int64(time.Second))
	}
	w.string(thousands(time.Unix(s, ns).UTC().Format("2006-01-02T15:04:05.000000000")) + "Z")
	return nil
}
