package compose

import (
	"encoding/json"
	"strings"
)

// json returns a value as protojson can read it.
func (w *walker) json(v value) []byte {
	if w.o.Strict {
		return w.raw(v)
	}
	return w.appendJSON(nil, v)
}

// appendJSON writes a value as plain JSON, with what the walk found to replace.
func (w *walker) appendJSON(dst []byte, v value) []byte {
	if instead, ok := w.instead[v.start]; ok && v.kind == text {
		return append(dst, instead...)
	}
	switch v.kind {
	case object:
		dst = append(dst, '{')
		for i, m := range v.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendString(dst, m.name), ':')
			dst = w.appendJSON(dst, m.val)
		}
		return append(dst, '}')
	case array:
		dst = append(dst, '[')
		for i, e := range v.elems {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = w.appendJSON(dst, e)
		}
		return append(dst, ']')
	case text, special:
		return appendString(dst, v.str)
	case number:
		if v.plain != "" {
			return append(dst, v.plain...)
		}
		dst = append(dst, w.raw(v)...)
		if strings.ContainsRune("eE+-", rune(dst[len(dst)-1])) {
			dst = append(dst, '0') // an empty exponent, which protojson takes in some places
		}
		return dst
	case null, boolean: // as they are written
	}
	return append(dst, w.raw(v)...)
}

// appendString writes a JSON string. The parser lets no invalid UTF-8 into s, so
// nothing is lost.
func appendString(dst []byte, s string) []byte {
	b, _ := json.Marshal(s) // of a string it cannot fail
	return append(dst, b...)
}
