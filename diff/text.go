package diff

import (
	"bytes"
	"fmt"

	"github.com/wiregloss/wiregloss/inspect"
)

// lineValue returns a text as the list of its lines. A carriage return before a
// line feed is a matter of coding.
func lineValue(text []byte) (*value, error) {
	v := &value{form: ordered, raw: text, at: inspect.Range{Len: len(text)}}
	for off := 0; off < len(text); {
		if len(v.parts) == maxValues {
			return nil, errTooMany
		}
		n := bytes.IndexByte(text[off:], '\n') + 1
		if n == 0 {
			n = len(text) - off
		}
		raw := text[off : off+n]
		line := value{words: quoted, raw: bytes.TrimSuffix(raw, []byte("\n")), at: inspect.Range{Off: off, Len: n}}
		line.id = string(bytes.TrimSuffix(line.raw, []byte("\r")))
		line.seal()
		v.parts = append(v.parts, line)
		off += n
	}
	v.seal()
	return v, nil
}

// window of bytes that is shown where two payloads begin to differ.
const shownBytes = 16

// bytesFrom words the bytes of a payload from an offset on.
func bytesFrom(b []byte, off int) string {
	if off >= len(b) {
		return fmt.Sprintf("%s, none at offset %d", counted(len(b), "byte"), off)
	}
	shown := b[off:min(off+shownBytes, len(b))]
	more := ""
	if off+shownBytes < len(b) {
		more = "…"
	}
	return fmt.Sprintf("%s, at offset %d: %x%s", counted(len(b), "byte"), off, shown, more)
}
