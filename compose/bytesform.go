package compose

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// bytesForm reads the forms of a bytes field that are not base64. Their marks are
// no base64, so nothing that protojson takes means something else here. taken is
// false if it is none of them.
func (w *walker) bytesForm(v value, path string) (taken bool, err error) {
	raw, taken, err := bytesOf(v.str, w.o.ReadFile)
	if err != nil {
		return taken, fail(v.start, path, "%v", err)
	}
	if taken {
		w.replace(v, quoteBase64(raw))
	}
	return taken, nil
}

// bytesOf returns the bytes that "hex:0a0b", "text:words" or "@file" stands for;
// ok is false if s is none of these.
func bytesOf(s string, readFile func(string) ([]byte, error)) (raw []byte, ok bool, err error) {
	if digits, found := strings.CutPrefix(s, "hex:"); found {
		raw, err = hexBytes(digits)
		return raw, true, err
	}
	if words, found := strings.CutPrefix(s, "text:"); found {
		return []byte(words), true, nil
	}
	name, found := strings.CutPrefix(s, "@")
	if !found {
		return nil, false, nil
	}
	if readFile == nil {
		return nil, true, fmt.Errorf("%q names a file, and files are not read here", cut(s))
	}
	raw, err = readFile(name)
	if err != nil {
		return nil, true, fmt.Errorf("read the file of this field: %w", err)
	}
	return raw, true, nil
}

// hexBytes reads pairs of hexadecimal digits; white space may stand between pairs,
// as the program prints them.
func hexBytes(s string) ([]byte, error) {
	digits := strings.Join(strings.Fields(s), "")
	for i := range len(digits) {
		if unhex(digits[i]) < 0 {
			return nil, fmt.Errorf("digit %d of the hex bytes is %q; want 0-9 or a-f", i+1, firstRune(digits[i:]))
		}
	}
	if len(digits)%2 != 0 {
		return nil, fmt.Errorf("the hex bytes have %d digits; a byte takes two", len(digits))
	}
	return hex.DecodeString(digits)
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}

func quoteBase64(raw []byte) []byte {
	out := make([]byte, 0, base64.StdEncoding.EncodedLen(len(raw))+2)
	out = append(out, '"')
	out = base64.StdEncoding.AppendEncode(out, raw)
	return append(out, '"')
}
