package capture

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wiregloss/wiregloss/record"
)

const (
	settingsFrame = "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"
	headersFrame  = "\x00\x00\x01\x01\x04\x00\x00\x00\x01\x88"
	grpcBody      = "\x00\x00\x00\x00\x07\x0a\x05hello\x00\x00\x00\x00\x02\x08\x2a"
	protoMessage  = "\x0a\x05hello\x10\x96\x01\x1a\x03\x08\x01\x20"
	httpRequest   = "GET /pets?limit=2 HTTP/1.1\r\nHost: example.org\r\n\r\n"
	httpResponse  = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
	harText0      = `{"log":{"version":"1.2","entries":[{"startedDateTime":"2026-03-01T12:00:00Z","request":{"method":"GET","url":"http://example.org/"},"response":{"status":204}}]}}`
)

// samples are one of each format that has no mark.
var samples = []struct {
	name   string
	bytes  string
	format Format
	dir    record.Dir
	shape  Shape
}{
	{"client", preface + settingsFrame, FormatHTTP2, record.Sent, Wire},
	{"server", settingsFrame + headersFrame, FormatHTTP2, record.Received, Wire},
	{"request", httpRequest, FormatHTTP1, record.Sent, Wire},
	{"response", httpResponse, FormatHTTP1, record.Received, Wire},
	{"gRPC", grpcBody, FormatGRPC, record.Received, GRPCBody},
	{"protobuf", protoMessage, FormatProtobuf, record.Received, Message},
}

// writings are ways to write bytes down.
var writings = map[string]struct {
	encoding Encoding
	write    func(string) string
}{
	"raw":            {EncodingRaw, func(s string) string { return s }},
	"xxd":            {EncodingHex, xxd},
	"hexdump -C":     {EncodingHex, func(s string) string { return hex.Dump([]byte(s)) }},
	"hexdump":        {EncodingHex, hexdumpWords},
	"tcpdump -X":     {EncodingHex, func(s string) string { return indent(xxd(s)) }},
	"xxd -p":         {EncodingHex, func(s string) string { return wrap(hex.EncodeToString([]byte(s)), 60) }},
	"spaces":         {EncodingHex, func(s string) string { return fmt.Sprintf("% x\n", s) }},
	"colons":         {EncodingHex, func(s string) string { return strings.ReplaceAll(fmt.Sprintf("% X", s), " ", ":") }},
	"0x":             {EncodingHex, func(s string) string { return "0x" + strings.ReplaceAll(fmt.Sprintf("% x", s), " ", ", 0x") }},
	"backslash":      {EncodingHex, func(s string) string { return `"\x` + strings.ReplaceAll(fmt.Sprintf("% x", s), " ", `\x`) + `"` }},
	"base64":         {EncodingBase64, func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }},
	"base64 URL":     {EncodingBase64, func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }},
	"base64 wrapped": {EncodingBase64, func(s string) string { return wrap(base64.StdEncoding.EncodeToString([]byte(s)), 20) }},
}

func xxd(s string) string {
	var b strings.Builder
	for off := 0; off < len(s); off += 16 {
		row := s[off:min(off+16, len(s))]
		var digits strings.Builder
		for i := range len(row) {
			if i%2 == 0 && i > 0 {
				digits.WriteByte(' ')
			}
			fmt.Fprintf(&digits, "%02x", row[i])
		}
		fmt.Fprintf(&b, "%08x: %-39s  %s\n", off, digits.String(), picture(row))
	}
	return b.String()
}

func picture(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '.'
		}
	}
	return string(b)
}

func indent(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString("\t0x" + line[4:])
	}
	return b.String()
}

// hexdumpWords writes what hexdump without options does on a little-endian
// machine; of an odd last byte it shows a word with zero.
func hexdumpWords(s string) string {
	var b strings.Builder
	for off := 0; off < len(s); off += 16 {
		row := s[off:min(off+16, len(s))]
		fmt.Fprintf(&b, "%07x", off)
		for i := 0; i < len(row); i += 2 {
			high := byte(0)
			if i+1 < len(row) {
				high = row[i+1]
			}
			fmt.Fprintf(&b, " %02x%02x", high, row[i])
		}
		b.WriteByte('\n')
	}
	return b.String() + fmt.Sprintf("%07x\n", len(s))
}

func wrap(s string, n int) string {
	var b strings.Builder
	for len(s) > n {
		b.WriteString(s[:n] + "\r\n")
		s = s[n:]
	}
	return b.String() + s + "\n"
}

func TestFormatsAreToldByTheirContent(t *testing.T) {
	t.Parallel()
	for _, s := range samples {
		for name, w := range writings {
			t.Run(s.name+" "+name, func(t *testing.T) {
				t.Parallel()
				text := w.write(s.bytes)
				for _, o := range []Options{{}, {Format: s.format}, {Encoding: w.encoding}, {Format: s.format, Encoding: w.encoding}} {
					c, err := Read(strings.NewReader(text), o)
					if err != nil {
						t.Fatalf("%+v: %v\n%s", o, err, text)
					}
					if c.Format != s.format || c.Encoding != w.encoding {
						t.Fatalf("%+v: read as %s in %s\n%s", o, c.Format, c.Encoding, text)
					}
					conn := only(t, c)
					if got := string(content(conn.Recording, s.dir)); got != s.bytes {
						t.Errorf("%+v: the bytes are %q, want %q", o, got, s.bytes)
					}
					if conn.Shape != s.shape || len(conn.Problems) > 0 {
						t.Errorf("%+v: shape %d, problems %+v", o, conn.Shape, conn.Problems)
					}
				}
			})
		}
	}
}

func TestFilesWithAMarkInHexAndGzip(t *testing.T) {
	t.Parallel()
	rec := conversation(meta(), 1, 2)
	var own bytes.Buffer
	if _, err := rec.WriteTo(&own); err != nil {
		t.Fatal(err)
	}
	for format, file := range map[Format][]byte{
		FormatRecording: own.Bytes(), FormatPCAP: written(t, rec), FormatHAR: []byte(harText0),
	} {
		var zipped bytes.Buffer
		z := gzip.NewWriter(&zipped)
		_, _ = z.Write(file)
		_ = z.Close()
		for encoding, texts := range map[Encoding][]string{
			EncodingRaw:    {string(file), zipped.String()},
			EncodingHex:    {hex.Dump(file), hex.EncodeToString(file)},
			EncodingBase64: {base64.StdEncoding.EncodeToString(file)},
		} {
			for _, text := range texts {
				c := mustRead(t, []byte(text), Options{})
				if c.Format != format || c.Encoding != encoding {
					t.Errorf("a %s file in %s is read as %s in %s", format, encoding, c.Format, c.Encoding)
				}
				if conn := only(t, c); format != FormatHAR {
					checkBytes(t, conn.Recording, rec)
				}
				if (c.File != nil) != (format == FormatRecording) {
					t.Errorf("of a %s file the recording file is %v", format, c.File)
				}
			}
		}
	}
}

func TestWhatIsNothing(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]string{
		"":                        "empty",
		"\xff\xfe\xfd":            "--format",
		"hello, what is this?":    "--format",
		protoMessage[:8] + "\xff": "as protobuf it fits until byte 7 of 9",
		settingsFrame + headersFrame[:4] + "\xff\xff\xff\xff\xff\xff": "",
	} {
		c, err := Read(strings.NewReader(input), Options{})
		if want == "" {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %+v, %v; want an error with %q", input, c, err, want)
		}
	}
	_, err := Read(strings.NewReader("\xff\xfe\xfd"), Options{})
	if e := (*FormatError)(nil); !errors.As(err, &e) || e.Size != 3 {
		t.Errorf("the error is %#v", err)
	}
}

func TestForcedFormatIsReadAsFarAsItGoes(t *testing.T) {
	t.Parallel()
	broken := protoMessage[:7] + "\xff\xff"
	conn := only(t, mustRead(t, []byte(broken), Options{Format: FormatProtobuf}))
	if got := string(content(conn.Recording, record.Received)); got != broken {
		t.Errorf("the bytes are %q", got)
	}
	if len(conn.Problems) != 1 || conn.Problems[0].Span != (record.Span{Dir: record.Received, Off: 7, Len: 2}) {
		t.Errorf("the problems are %+v", conn.Problems)
	}
	for _, o := range []Options{{Encoding: EncodingHex}, {Encoding: EncodingBase64}, {Format: "gif"}, {Encoding: "rot13"}} {
		if _, err := Read(strings.NewReader("\x00 no digits"), o); err == nil {
			t.Errorf("%+v gives no error", o)
		}
	}
}

// Packets as tcpdump -X prints them are put together like those of a file.
func TestTextOfTcpdump(t *testing.T) {
	t.Parallel()
	v6 := meta()
	v6.Local, v6.Peer = "[::1]:40000", "[::1]:50051"
	for _, m := range []record.Meta{meta(), v6} {
		want := conversation(m, 4, 3)
		var b strings.Builder
		for i, p := range packetsOf(t, want) {
			fmt.Fprintf(&b, "12:00:00.%06d IP 127.0.0.1.40000 > 127.0.0.1.50051: Flags [P.], length %d\n", i, p.carries())
			for line := range strings.Lines(xxd(string(p.data[14:]))) {
				b.WriteString("\t0x" + line[4:])
			}
		}
		c := mustRead(t, []byte(b.String()), Options{})
		if c.Format != FormatPCAP || c.Encoding != EncodingHex {
			t.Errorf("read as %s in %s", c.Format, c.Encoding)
		}
		conn := only(t, c)
		checkBytes(t, conn.Recording, want)
		if len(conn.Problems) > 0 || len(conn.Notes) != 1 {
			t.Errorf("problems %+v, notes %q", conn.Problems, conn.Notes)
		}
	}
}

func TestHexdumpOfRepeatedLines(t *testing.T) {
	t.Parallel()
	want := preface + settingsFrame + strings.Repeat("\x00\x00\x08\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 17)
	var b strings.Builder
	last, squeezed := "", false
	for off := 0; off < len(want); off += 16 {
		row := want[off:min(off+16, len(want))]
		if row == last {
			if !squeezed {
				b.WriteString("*\n")
			}
			squeezed = true
			continue
		}
		last, squeezed = row, false
		fmt.Fprintf(&b, "%08x  % x  |%s|\n", off, row, picture(row))
	}
	fmt.Fprintf(&b, "%08x\n", len(want))
	conn := only(t, mustRead(t, []byte(b.String()), Options{}))
	if got := string(content(conn.Recording, record.Sent)); got != want {
		t.Errorf("the bytes are %q", got)
	}
	zeros := "00000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\n00000040\n"
	got, err := decodeHex([]byte(zeros))
	if err != nil || !bytes.Equal(got, make([]byte, 64)) {
		t.Errorf("64 zeros read as % x, %v", got, err)
	}
}

func TestLimitOfTheInput(t *testing.T) {
	t.Parallel()
	file := written(t, conversation(meta(), 1, 20))
	c := mustRead(t, file, Options{MaxBytes: 4000})
	if len(c.Skipped) != 2 || !strings.Contains(c.Skipped[1], "limit") {
		t.Errorf("skipped: %q", c.Skipped)
	}
	only(t, c)
	whole := mustRead(t, file, Options{MaxBytes: int64(len(file))})
	if len(whole.Skipped) > 0 {
		t.Errorf("skipped of a file that is just as long: %q", whole.Skipped)
	}
}

// TestReadBodyDamaged: where it is known that the input is about messages, a
// damaged one is read as such, whatever its encoding.
func TestReadBodyDamaged(t *testing.T) {
	for name, c := range map[string]struct {
		in    string
		shape Shape
	}{
		"first field cut":   {"\x0a\x09Ada", Message},
		"cut, in hex":       {"0a 09 41 64", Message},
		"gRPC, first cut":   {"\x00\x00\x00\x00\x09\x0a\x05hell", GRPCBody},
		"end of a group":    {"\x0c", Message},
		"no field number 0": {"\x02\x01", Message},
	} {
		if _, err := Read(strings.NewReader(c.in), Options{}); err == nil {
			t.Errorf("%s: guessed without being told", name)
		}
		got, err := Read(strings.NewReader(c.in), Options{Body: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if conn := got.Connections[0]; conn.Shape != c.shape || len(conn.Problems) != 1 {
			t.Errorf("%s: shape %d with problems %v, want %d with one", name, conn.Shape, conn.Problems, c.shape)
		}
	}
}

// TestReadUnknownFrameType: a frame type that nobody knows is allowed, RFC 9113 §5.5.
func TestReadUnknownFrameType(t *testing.T) {
	const grease = "\x00\x00\x02\xaa\xff\x00\x00\x00\x01zz"
	for _, in := range []string{preface + settingsFrame + grease + settingsFrame, settingsFrame + settingsFrame + settingsFrame + grease} {
		c, err := Read(strings.NewReader(in), Options{Format: FormatHTTP2})
		if err != nil {
			t.Fatal(err)
		}
		if p := c.Connections[0].Problems; len(p) > 0 {
			t.Errorf("%q: problems %v, want none", in, p)
		}
	}
}

// TestReadNoDigits: marks that stand between digits are no hex without them.
func TestReadNoDigits(t *testing.T) {
	for _, in := range []string{`"`, "\n", "{}", " , "} {
		_, err := Read(strings.NewReader(in), Options{})
		var want *FormatError
		if !errors.As(err, &want) || strings.Contains(err.Error(), "until byte 0 ") {
			t.Errorf("%q: error %v, want a FormatError that names no format", in, err)
		}
	}
}
