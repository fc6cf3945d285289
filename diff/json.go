package diff

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
)

// maxDepth bounds how deep JSON may nest to be compared by values.
const maxDepth = 100

var errTooDeep = errors.New("nested deeper than " + strconv.Itoa(maxDepth) + " levels")

// jsonTree builds the value of a JSON text.
type jsonTree struct {
	text  []byte
	dec   *json.Decoder
	count int
	// defaults makes an empty value mean the same as its absence, as the JSON of
	// a protobuf message has it.
	defaults bool
}

// jsonValue returns what a JSON text means. An error says why it cannot.
func jsonValue(text []byte, defaults bool) (*value, error) {
	if !json.Valid(text) {
		var v any
		return nil, fmt.Errorf("no JSON: %w", json.Unmarshal(text, &v))
	}
	t := jsonTree{text: text, dec: json.NewDecoder(bytes.NewReader(text)), defaults: defaults}
	t.dec.UseNumber()
	v, err := t.value(0)
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// begin returns the offset of the next token.
func (t *jsonTree) begin() int {
	i := int(t.dec.InputOffset())
	for i < len(t.text) && strings.IndexByte(" \t\r\n,:", t.text[i]) >= 0 {
		i++
	}
	return i
}

func (t *jsonTree) value(depth int) (value, error) {
	if t.count++; t.count > maxValues {
		return value{}, errTooMany
	}
	if depth > maxDepth {
		return value{}, errTooDeep
	}
	from := t.begin()
	tok, err := t.dec.Token()
	if err != nil {
		return value{}, fmt.Errorf("no JSON at offset %d: %w", from, err)
	}
	var v value
	switch tok := tok.(type) {
	case json.Delim:
		v.form = keyed
		if tok == '[' {
			v.form = ordered
		}
		if err := t.parts(&v, depth); err != nil {
			return value{}, err
		}
		v.zero = t.defaults && len(v.parts) == 0
	case string:
		v.id, v.words = tok, quoted
		v.zero = t.defaults && tok == ""
	case json.Number:
		v.id = canonicalNumber(tok.String())
		v.zero = t.defaults && v.id == "0"
	case bool:
		v.id = strconv.FormatBool(tok)
		v.zero = t.defaults && !tok
	default:
		v.id = "null"
		v.zero = t.defaults
	}
	to := int(t.dec.InputOffset())
	v.at = inspect.Range{Off: from, Len: to - from}
	v.raw = t.text[from:to]
	v.seal()
	return v, nil
}

// parts reads the members or elements, and the bracket that closes them.
func (t *jsonTree) parts(v *value, depth int) error {
	for t.dec.More() {
		key := ""
		if v.form == keyed {
			tok, err := t.dec.Token()
			if err != nil {
				return fmt.Errorf("no JSON at offset %d: %w", t.dec.InputOffset(), err)
			}
			key, _ = tok.(string)
		}
		p, err := t.value(depth + 1)
		if err != nil {
			return err
		}
		p.key, p.step = key, jsonStep(key)
		v.parts = append(v.parts, p)
	}
	_, err := t.dec.Token()
	return err
}

// jsonStep is the step of a path to a member.
func jsonStep(key string) string {
	for i, r := range key {
		letter := r == '_' || r == '-' || r == '@' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && r >= '0' && r <= '9'
		if !letter {
			return "[" + strconv.Quote(key) + "]"
		}
	}
	if key == "" {
		return `[""]`
	}
	return key
}

// canonicalNumber gives numbers of the same value the same text, exactly: 1.50
// and 15e-1 are 1.5. A number is returned as it is when its exponent is beyond
// what anybody computes with.
func canonicalNumber(s string) string {
	rest, negative := strings.CutPrefix(s, "-")
	mantissa, exponent := rest, 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		n, err := strconv.Atoi(rest[i+1:])
		if err != nil || n > 1<<20 || n < -1<<20 {
			return s
		}
		mantissa, exponent = rest[:i], n
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	exponent -= len(fraction)
	if trimmed := strings.TrimRight(digits, "0"); len(trimmed) < len(digits) {
		exponent += len(digits) - len(trimmed)
		digits = trimmed
	}
	if digits == "" {
		return "0"
	}
	out := decimal(digits, exponent)
	if negative {
		return "-" + out
	}
	return out
}

// decimal writes digits times ten to an exponent.
func decimal(digits string, exponent int) string {
	const plain = 40 // digits that are still read at a glance
	switch point := len(digits) + exponent; {
	case exponent >= 0 && point <= plain:
		return digits + strings.Repeat("0", exponent)
	case exponent < 0 && point > 0:
		return digits[:point] + "." + digits[point:]
	case exponent < 0 && point > -plain:
		return "0." + strings.Repeat("0", -point) + digits
	default:
		return digits + "e" + strconv.Itoa(exponent)
	}
}
