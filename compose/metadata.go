package compose

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Header is one metadata entry of a call, ready for the wire: the name in lower
// case, the value of a name that ends in -bin in base64 without padding. It
// converts to exchange.Header.
type Header struct{ Name, Value string }

// MetadataOptions say how metadata is read.
type MetadataOptions struct {
	// Env looks up what ${NAME} stands for, like os.LookupEnv. Nil leaves ${NAME}
	// as it is.
	Env func(name string) (string, bool)
	// Lenient lets pass what grpcurl lets pass: a name without a colon is one with
	// an empty value, a -bin value that is no base64 stands for its own bytes, and
	// reserved names are left to the transport, which drops them.
	Lenient bool
}

// MetadataError says what is wrong in metadata, and where. It never holds a value:
// values are secrets as often as not.
type MetadataError struct {
	Line, Col int    // from 1, in the text before anything was expanded; Col counts characters
	Name      string // the header's; empty if it could not be read
	Text      string
}

// Error returns the place and the fault. The first line has no number: it is the
// only one most of the time.
func (e *MetadataError) Error() string {
	var b strings.Builder
	b.WriteString("metadata: ")
	if e.Line > 1 {
		fmt.Fprintf(&b, "line %d, ", e.Line)
	}
	fmt.Fprintf(&b, "column %d: ", e.Col)
	if e.Name != "" {
		fmt.Fprintf(&b, "%q: ", e.Name)
	}
	b.WriteString(e.Text)
	return b.String()
}

// Metadata reads one "name: value". The name is put into lower case, white space
// around the value goes. A -bin value is base64 of any variant, "hex:0a0b" or
// "text:words". Errors are *MetadataError.
//
// What is legal is said by the gRPC protocol ("Requests", Custom-Metadata) and RFC
// 9113 §8.2; names that the protocols use themselves are refused with what to do.
func Metadata(text string, o MetadataOptions) (Header, error) {
	l := metadataLine{o: o, raw: text, text: text}
	if err := l.expand(); err != nil {
		return Header{}, err
	}
	colon := l.colon()
	switch {
	case colon < 0 && !o.Lenient:
		return Header{}, l.fail(0, "no colon: write 'name: value'")
	case colon < 0:
		colon = len(l.text)
	}
	name, err := l.readName(colon)
	if err != nil {
		return Header{}, err
	}
	if colon == len(l.text) {
		return Header{Name: name}, nil
	}
	value, err := l.readValue(name, colon+1)
	return Header{Name: name, Value: value}, err
}

// MetadataLines reads one header a line. Empty lines and lines that begin with #
// are passed over. It returns the headers before the first fault with it.
func MetadataLines(text string, o MetadataOptions) ([]Header, error) {
	var headers []Header
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if t := strings.TrimSpace(line); t == "" || t[0] == '#' {
			continue
		}
		h, err := Metadata(line, o)
		if err != nil {
			if e, ok := err.(*MetadataError); ok { //nolint:errorlint // Metadata returns it bare
				e.Line = number
			}
			return headers, err
		}
		headers = append(headers, h)
	}
	return headers, nil
}

// metadataLine is one header that is being read.
type metadataLine struct {
	o    MetadataOptions
	raw  string // as it was given
	text string // with variables expanded
	vars []expansion
	name string
}

// expansion is a range of the expanded text that stands for a variable.
type expansion struct {
	from, to int // in text
	at, end  int // in raw
	name     string
}

// variable is grpcurl's notation, and the only one: a bare $NAME is common in
// passwords.
var variable = regexp.MustCompile(`\$\{(\w+)\}`)

// expand puts in the values of variables.
func (l *metadataLine) expand() error {
	if l.o.Env == nil {
		return nil
	}
	var out strings.Builder
	done := 0
	for _, m := range variable.FindAllStringSubmatchIndex(l.raw, -1) {
		name := l.raw[m[2]:m[3]]
		value, ok := l.o.Env(name)
		if !ok {
			return &MetadataError{
				Line: 1, Col: utf8.RuneCountInString(l.raw[:m[0]]) + 1,
				Text: fmt.Sprintf("the environment variable %s is not set", name),
			}
		}
		out.WriteString(l.raw[done:m[0]])
		from := out.Len()
		out.WriteString(value)
		l.vars = append(l.vars, expansion{from: from, to: out.Len(), at: m[0], end: m[1], name: name})
		done = m[1]
	}
	out.WriteString(l.raw[done:])
	l.text = out.String()
	return nil
}

// fail makes an error at an offset of the expanded text. In a variable's value the
// place is that of the variable, and its name is told.
func (l *metadataLine) fail(offset int, format string, args ...any) *MetadataError {
	e := &MetadataError{Line: 1, Name: l.name, Text: fmt.Sprintf(format, args...)}
	at := offset
	for _, v := range l.vars {
		if offset >= v.to {
			at = v.end + offset - v.to
			continue
		}
		if offset >= v.from {
			at = v.at
			e.Text += " (from ${" + v.name + "})"
		}
		break
	}
	e.Col = utf8.RuneCountInString(l.raw[:min(at, len(l.raw))]) + 1
	return e
}

// colon finds the colon after the name. One at the start belongs to the name of a
// pseudo-header.
func (l *metadataLine) colon() int {
	begin := len(l.text) - len(strings.TrimLeft(l.text, " \t"))
	if begin == len(l.text) {
		return -1
	}
	n := strings.IndexByte(l.text[begin+1:], ':')
	if n < 0 {
		return -1
	}
	return begin + 1 + n
}

// readName checks the name, which stands before end.
func (l *metadataLine) readName(end int) (string, error) {
	whole := l.text[:end]
	begin := len(whole) - len(strings.TrimLeft(whole, " \t"))
	name := strings.ToLower(strings.TrimRight(whole[begin:], " \t"))
	if name == "" || name == ":" {
		return "", l.fail(begin, "the header has no name: write 'name: value'")
	}
	if name[0] == ':' {
		return "", l.fail(begin, "%s", pseudoReason(cut(name)))
	}
	for i, r := range name {
		if !legalInName(r) {
			// The word before a colon may still be a secret that was pasted alone.
			return "", l.fail(begin+i, "%s cannot be in a header's name; it has letters, digits, - _ and .", character(r))
		}
	}
	l.name = name
	if reason := reservedReason(name); reason != "" && !l.o.Lenient {
		return "", l.fail(begin, "%s", reason)
	}
	return name, nil
}

func legalInName(r rune) bool {
	return 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_' || r == '.'
}

// character names a character without letting a terminal act on it.
func character(r rune) string {
	switch {
	case r == ' ':
		return "a space"
	case r == utf8.RuneError:
		return "a byte that is no UTF-8"
	case r < ' ' || r >= 0x7f:
		return fmt.Sprintf("U+%04X", r)
	}
	return fmt.Sprintf("%q", string(r))
}

// readValue returns the value, which begins at begin, as the wire has it.
func (l *metadataLine) readValue(name string, begin int) (string, error) {
	rest := l.text[begin:]
	value := strings.Trim(rest, " \t")
	begin += strings.Index(rest, value)
	if strings.HasSuffix(name, "-bin") {
		return l.readBinary(value, begin)
	}
	for i, r := range value {
		if r < ' ' || r > '~' {
			return "", l.fail(begin+i, "%s cannot be in a value, which has printable ASCII only; name the header %s-bin to send any bytes", character(r), name)
		}
	}
	return value, nil
}

// readBinary returns the wire form of a -bin value.
func (l *metadataLine) readBinary(value string, begin int) (string, error) {
	raw, marked, err := bytesOf(value, nil)
	switch {
	case marked && strings.HasPrefix(value, "@"):
		return "", l.fail(begin, "a value cannot name a file; write base64, hex:0a0b or text:words")
	case err != nil:
		return "", l.fail(begin, "%v", err)
	case !marked:
		var at int
		raw, at, err = anyBase64(value)
		switch {
		case err != nil && l.o.Lenient:
			raw = []byte(value)
		case err != nil && strings.Contains(value, ","):
			return "", l.fail(begin+strings.IndexByte(value, ','), "a comma separates two values: give the header twice")
		case err != nil:
			return "", l.fail(begin+at, "this is no base64; a -bin value is base64, hex:0a0b or text:words")
		}
	}
	return base64.RawStdEncoding.EncodeToString(raw), nil
}

// anyBase64 decodes base64 of either alphabet, padded or not. at is where it is
// damaged.
func anyBase64(s string) (raw []byte, at int, err error) {
	enc := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		enc = base64.RawURLEncoding
	}
	data := s
	// Padding stands only where it completes a group of four.
	if len(s)%4 == 0 {
		data = strings.TrimSuffix(strings.TrimSuffix(s, "="), "=")
	}
	// The library skips line ends, which no header may have.
	if at := strings.IndexAny(data, "\r\n"); at >= 0 {
		return nil, at, base64.CorruptInputError(at)
	}
	raw, err = enc.DecodeString(data)
	if bad, ok := err.(base64.CorruptInputError); ok { //nolint:errorlint // DecodeString returns it bare
		return nil, int(bad), err
	}
	return raw, 0, err
}
