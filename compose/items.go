package compose

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Item is one argument of the short form of a request: name=value, name:=JSON,
// name@file or Header:value.
type Item struct {
	Key   string
	Sep   string // "=", ":=", "==", "@" or ":"
	Value string
}

// separators in the order in which they are tried at one place: longer first.
var separators = []string{":=", "==", "=", "@", ":"}

// ParseItem splits an argument at its first separator.
func ParseItem(arg string) (Item, error) {
	for i := range arg {
		for _, sep := range separators {
			if i > 0 && strings.HasPrefix(arg[i:], sep) {
				return Item{Key: arg[:i], Sep: sep, Value: arg[i+len(sep):]}, nil
			}
		}
	}
	return Item{}, fmt.Errorf("%q is not an item: write name=value, name:=JSON, name@file or Header:value", arg)
}

// Items makes a JSON body of items for a message type. A dotted key reaches into
// messages and maps, a repeated field takes an item for each element, and a
// value is written as its field's type wants it: text, number, true or false.
// readFile reads what an @ names.
func Items(md protoreflect.MessageDescriptor, items []Item, readFile func(string) ([]byte, error)) (json.RawMessage, error) {
	body := map[string]any{}
	for _, it := range items {
		if err := assign(body, md, it, readFile); err != nil {
			return nil, fmt.Errorf("%s%s%s: %w", it.Key, it.Sep, it.Value, err)
		}
	}
	return json.Marshal(body)
}

// assign sets the field that an item's key names.
func assign(body map[string]any, md protoreflect.MessageDescriptor, it Item, readFile func(string) ([]byte, error)) error {
	name, rest, deeper := strings.Cut(it.Key, ".")
	fd := fieldOf(md, name)
	if fd == nil {
		if near := nearestField(md, name); near != "" {
			return fmt.Errorf("no field %q in %s; did you mean %q?", name, md.FullName(), near)
		}
		return fmt.Errorf("no field %q in %s", name, md.FullName())
	}
	inner := Item{Key: rest, Sep: it.Sep, Value: it.Value}
	switch {
	case deeper && fd.IsMap():
		entries, err := child(body, name)
		if err == nil {
			entries[rest], err = itemValue(fd.MapValue(), inner, readFile)
		}
		return err
	case deeper && fd.Message() != nil && !fd.IsList():
		fields, err := child(body, name)
		if err != nil {
			return err
		}
		return assign(fields, fd.Message(), inner, readFile)
	case deeper:
		return fmt.Errorf("field %q has no fields of its own to set by %q", name, rest)
	}
	v, err := itemValue(fd, it, readFile)
	if err != nil {
		return err
	}
	if had, ok := body[name].(map[string]any); ok && len(had) > 0 {
		return fmt.Errorf("%q was given field by field before: give it whole, or field by field", name)
	}
	if fd.IsList() && it.Sep != ":=" {
		list, _ := body[name].([]any)
		v = append(list, v)
	}
	body[name] = v
	return nil
}

func fieldOf(md protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if fd := md.Fields().ByName(protoreflect.Name(name)); fd != nil {
		return fd
	}
	return md.Fields().ByJSONName(name)
}

// child returns the object at a key, made if there is none.
func child(body map[string]any, name string) (map[string]any, error) {
	switch v := body[name].(type) {
	case map[string]any:
		return v, nil
	case nil:
		m := map[string]any{}
		body[name] = m
		return m, nil
	}
	return nil, fmt.Errorf("%q was given as a whole by an item before: give it whole, or field by field", name)
}

// itemValue returns an item's value as JSON data of the field's type.
func itemValue(fd protoreflect.FieldDescriptor, it Item, readFile func(string) ([]byte, error)) (any, error) {
	text := it.Value
	switch it.Sep {
	case ":=":
		if !json.Valid([]byte(text)) {
			return nil, fmt.Errorf("what follows := is not JSON; for text write =")
		}
		return json.RawMessage(text), nil
	case "@":
		b, err := readFile(text)
		if err != nil {
			return nil, err
		}
		if fd.Kind() == protoreflect.BytesKind {
			return base64.StdEncoding.EncodeToString(b), nil
		}
		text = string(b)
	}
	switch fd.Kind() {
	case protoreflect.BoolKind:
		if text == "true" || text == "false" {
			return json.RawMessage(text), nil
		}
	case protoreflect.MessageKind, protoreflect.GroupKind:
		// Text for Timestamp and its like, JSON for the others.
		if strings.HasPrefix(text, "{") && json.Valid([]byte(text)) {
			return json.RawMessage(text), nil
		}
	}
	return text, nil // ProtoJSON takes numbers as text too
}
