package capture

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// decodeHex decodes hex digits. They may stand in the output of xxd, hexdump,
// od -x or tcpdump -x, with offsets and an ASCII gutter, or plain: with any
// white space, 0x, \x, colons, commas or dashes between bytes.
func decodeHex(b []byte) ([]byte, error) {
	if out, ok := decodeDump(b); ok {
		return out, nil
	}
	return decodePlainHex(b)
}

// decodePlainHex decodes digits and what may separate them.
func decodePlainHex(b []byte) ([]byte, error) {
	out := make([]byte, 0, len(b)/2)
	high, have := byte(0), false
	for i := 0; i < len(b); i++ {
		v, ok := hexDigit(b[i])
		switch {
		case !have && i+1 < len(b) && (b[i] == '0' || b[i] == '\\') && (b[i+1] == 'x' || b[i+1] == 'X'):
			i++
		case ok && have:
			out, have = append(out, high<<4|v), false
		case ok:
			high, have = v, true
		case strings.IndexByte(" \t\r\n:,;-{}[]\"'", b[i]) < 0:
			return nil, fmt.Errorf("hex: byte %d is %q, which is no digit", i, rune(b[i]))
		case have:
			return nil, fmt.Errorf("hex: byte %d ends a byte after one digit", i)
		}
	}
	if have {
		return nil, fmt.Errorf("hex: the last byte has one digit")
	}
	return out, nil
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// dumpLine is a line of a dump: its offset and what stands after it.
type dumpLine struct {
	off    int64
	octal  int64 // the offset as od counts; -1 if it is not octal
	digits int
	colon  bool
	rest   string
	same   bool // "*": the line before, up to the next offset
}

// decodeDump decodes lines that begin with the offset of their bytes. It
// returns false for text that is not such a dump.
func decodeDump(b []byte) ([]byte, bool) {
	var lines []dumpLine
	// tcpdump -x writes what it makes of a packet before the packet's lines.
	talkative := bytes.Contains(b, []byte("\t0x0000:"))
	for text := range bytes.Lines(b) {
		text := strings.TrimRight(string(text), " \t\r\n")
		if strings.TrimSpace(text) == "" {
			continue
		}
		l, ok := parseDumpLine(text)
		if !ok && talkative {
			continue
		}
		if !ok {
			return nil, false
		}
		lines = append(lines, l)
	}
	if len(lines) == 0 || lines[0].same {
		return nil, false
	}
	for _, octal := range []bool{false, true} {
		if out, ok := joinDump(lines, octal); ok {
			return out, true
		}
	}
	return nil, false
}

// parseDumpLine splits off the offset.
func parseDumpLine(s string) (l dumpLine, ok bool) {
	s = strings.TrimLeft(s, " \t")
	if s == "*" {
		return dumpLine{same: true}, true
	}
	s = strings.TrimPrefix(s, "0x")
	n := 0
	for n < len(s) {
		if _, ok := hexDigit(s[n]); !ok {
			break
		}
		n++
	}
	if n < 4 || n > 16 {
		return l, false
	}
	off, err := strconv.ParseInt(s[:n], 16, 64)
	if err != nil {
		return l, false
	}
	l.off, l.octal, l.digits = off, -1, n
	if v, err := strconv.ParseInt(s[:n], 8, 64); err == nil {
		l.octal = v
	}
	s = s[n:]
	l.colon = strings.HasPrefix(s, ":")
	l.rest = strings.TrimPrefix(s, ":")
	if l.rest != "" && l.rest[0] != ' ' && l.rest[0] != '\t' {
		return l, false
	}
	// Without a colon an offset must look like one: plain hex has no long first
	// word before short ones, and no gap after it.
	words := strings.Fields(l.rest)
	gap := strings.HasPrefix(l.rest, "  ")
	return l, l.colon || gap || len(words) == 0 || n >= 6 && len(words[0]) < n
}

// maxSqueezed bounds what the "*" of a dump may stand for, in bytes.
const maxSqueezed = 64 << 20

// joinDump joins the bytes of lines whose offsets follow each other.
func joinDump(lines []dumpLine, octal bool) ([]byte, bool) {
	var out, row []byte
	base := int64(0) // where the dump at hand begins in out
	squeezed := false
	for i, l := range lines {
		if l.same {
			squeezed = true
			continue
		}
		off := l.offset(octal)
		at := int64(len(out)) - base
		switch {
		case squeezed && len(row) > 0 && off > at && off-at <= maxSqueezed:
			for int64(len(out))-base < off {
				out = append(out, row[:min(int64(len(row)), off-int64(len(out))+base)]...)
			}
		case off == 0 && i > 0 && l.rest != "":
			base = int64(len(out)) // another dump
		case off != at:
			return nil, false
		}
		squeezed = false
		want := int64(-1)
		if i+1 < len(lines) && !lines[i+1].same {
			want = lines[i+1].offset(octal) - off
		}
		var ok bool
		if row, ok = l.bytes(want); !ok {
			return nil, false
		}
		out = append(out, row...)
	}
	return out, len(out) > 0
}

func (l dumpLine) offset(octal bool) int64 {
	if octal {
		return l.octal
	}
	return l.off
}

// bytes decodes the line, without its gutter. want is how many bytes there are,
// or not positive if that is not known.
func (l dumpLine) bytes(want int64) ([]byte, bool) {
	rest := strings.TrimLeft(l.rest, " \t")
	if i := strings.IndexByte(rest, '|'); i >= 0 && want <= 0 {
		rest = rest[:i]
	}
	var out []byte
	swap := !l.colon && l.digits == 7 // hexdump and od -x: words of a little-endian machine
	for rest != "" && (want <= 0 || int64(len(out)) < want) {
		word, after, _ := strings.Cut(rest, " ")
		b, err := decodePlainHex([]byte(word))
		if err != nil || len(b) == 0 || strings.ContainsAny(word, ":,;-{}[]\"'\\x") {
			break
		}
		if swap && len(b) == 2 {
			b[0], b[1] = b[1], b[0]
		}
		out = append(out, b...)
		if gutter, ok := strings.CutPrefix(after, " "); ok && want <= 0 && isGutter(gutter, len(out)) {
			return out, true
		}
		rest = strings.TrimLeft(after, " \t")
	}
	if want > 0 && int64(len(out)) > want {
		out = out[:want]
	}
	return out, rest == "" || want > 0 && int64(len(out)) == want || len(out) > 0 && want <= 0 && len(rest) <= len(out)
}

// isGutter reports whether what stands after two spaces is the picture of the n
// bytes before, and not the second half of a line that has a gap in its middle.
func isGutter(s string, n int) bool {
	if n != 8 {
		return true
	}
	for word := range strings.FieldsSeq(s) {
		if b, err := decodePlainHex([]byte(word)); err != nil || len(b) != 1 {
			return true
		}
	}
	return false
}
