package capture

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// What a file holds is told in this order:
//
//  1. gzip is undone.
//  2. A recording, a pcap or a pcapng file begins with its mark.
//  3. Everything else is held against each format, as it stands and, if it is
//     all text, as hex and as base64. Each gets a score; the highest wins, and
//     of equal ones the format that Formats lists first, raw before hex before
//     base64.
//
// Scores, with what they stand for.
const (
	scoreMark   = 100 // begins with a mark that nothing else begins with
	scoreSyntax = 90  // an HTTP/2 preface, an HTTP/1.1 start line, the keys of a HAR file
	scoreFrames = 80  // nothing but HTTP/2 frames, SETTINGS first
	scoreTiled  = 60  // nothing but frames, or nothing but gRPC messages
	scoreCut    = 45  // the same, but the last one is cut
	scoreFields = 40  // nothing but protobuf fields
	scoreEnough = 30  // less is no answer
	scoreSome   = 10  // it begins like that

	// Bytes that are all text are rarely frames or fields, though they may parse
	// as such: hex digits make fine protobuf.
	penaltyText   = 35
	penaltyHex    = 1 // of equal fits the input as it stands is preferred
	penaltyBase64 = 2
)

// fit is how well bytes go with a format.
type fit struct {
	format Format
	score  int
	stop   int    // the byte at which they stop to fit; -1 if they fit to their end
	why    string // what is wrong there
}

// reading is one way to take the input.
type reading struct {
	fit
	encoding Encoding
	data     []byte // decoded
}

// fitters hold bytes against a format.
var fitters = []func([]byte) fit{fitMark, fitPackets, fitHAR, fitHTTP2, fitHTTP1, fitGRPC, fitProtobuf}

// guess returns the ways to take b that o allows, best first.
func guess(b []byte, o Options) ([]reading, error) {
	var all []reading
	text := isText(b)
	if o.Encoding == "" || o.Encoding == EncodingRaw {
		all = appendReadings(all, b, EncodingRaw, o.Format, 0, text)
	}
	if text && o.Encoding == "" || o.Encoding == EncodingHex {
		data, err := decodeHex(b)
		if err != nil && o.Encoding == EncodingHex {
			return nil, err
		}
		if err == nil && len(data) > 0 {
			all = appendReadings(all, data, EncodingHex, o.Format, penaltyHex, false)
		}
	}
	if text && o.Encoding == "" || o.Encoding == EncodingBase64 {
		data, err := decodeBase64(b)
		if err != nil && o.Encoding == EncodingBase64 {
			return nil, err
		}
		if err == nil && len(data) > 0 {
			all = appendReadings(all, data, EncodingBase64, o.Format, penaltyBase64, false)
		}
	}
	slices.SortStableFunc(all, func(a, b reading) int { return cmp.Compare(b.score, a.score) })
	return all, nil
}

func appendReadings(all []reading, b []byte, e Encoding, only Format, penalty int, text bool) []reading {
	for _, try := range fitters {
		f := try(b)
		if f.format == "" || only != "" && f.format != only {
			continue
		}
		f.score -= penalty
		if text && f.score < scoreSyntax && f.format != FormatHTTP1 {
			f.score -= penaltyText
		}
		all = append(all, reading{f, e, b})
	}
	return all
}

// isText reports whether b is all printable ASCII and white space.
func isText(b []byte) bool {
	for _, c := range b {
		if (c < ' ' || c > '~') && c != '\n' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}

// fitMark tells the formats with a mark. Compressed ones count as what they hold.
func fitMark(b []byte) fit {
	if format := magicOf(b); format != "" {
		return fit{format, scoreMark, -1, ""}
	}
	return fit{}
}

// fitPackets walks IP packets of TCP, as tcpdump -x writes them without a file
// around them. RFC 791 §3.1, RFC 8200 §3.
func fitPackets(b []byte) fit {
	for at := 0; at < len(b); {
		size := packetSize(b[at:])
		if size == 0 {
			return fit{}
		}
		at += size
	}
	return fit{FormatPCAP, scoreFrames, -1, ""}
}

// packetSize is the length of the IP packet of TCP that begins b, or 0.
func packetSize(b []byte) int {
	var s segmentHeader
	size := 0
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		size = int(binary.BigEndian.Uint16(b[2:]))
	case len(b) >= 40 && b[0]>>4 == 6:
		size = 40 + int(binary.BigEndian.Uint16(b[4:]))
	}
	if size == 0 || size > len(b) || parseIP(b[:size], 0, &s) != "" {
		return 0
	}
	return size
}

// fitHAR looks for the outermost keys of a HAR file.
func fitHAR(b []byte) fit {
	head := bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case len(head) == 0 || head[0] != '{':
		return fit{FormatHAR, 0, 0, "no JSON object begins"}
	case bytes.Contains(head[:min(len(head), 1<<16)], []byte(`"log"`)):
		return fit{FormatHAR, scoreSyntax, -1, ""}
	}
	return fit{FormatHAR, scoreSome, len(b) - len(head), `the JSON has no key "log"`}
}

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// fitHTTP2 walks frames. RFC 9113 §4.1, §6.
func fitHTTP2(b []byte) fit {
	f := fit{format: FormatHTTP2, stop: -1}
	at := 0
	if n := min(len(b), len(preface)); n >= 3 && string(b[:n]) == preface[:n] {
		f.score, at = scoreSyntax+5, n
	}
	first, frames := byte(0xff), 0
	for at < len(b) {
		if len(b)-at < 9 {
			f.stop, f.why = at, "a frame header is cut"
			break
		}
		size, kind := int(b[at])<<16|int(b[at+1])<<8|int(b[at+2]), b[at+3]
		if why := badFrame(kind, size, binary.BigEndian.Uint32(b[at+5:])); why != "" {
			f.stop, f.why = at, why
			break
		}
		if frames == 0 {
			first = kind
		}
		if size > len(b)-at-9 {
			f.stop, f.why = at, fmt.Sprintf("a frame of %d bytes is cut", size)
			break
		}
		at += 9 + size
		frames++
	}
	if f.score == 0 {
		f.score = frameScore(f, first, frames)
	}
	return f
}

func frameScore(f fit, first byte, frames int) int {
	cut := strings.HasSuffix(f.why, "cut")
	switch {
	case frames == 0:
		return 0
	case f.stop < 0 && first == 4:
		return scoreFrames
	case f.stop < 0:
		return scoreTiled
	case frames >= 3 || first == 4 && cut:
		return scoreCut
	case frames >= 2 && cut:
		return scoreEnough
	}
	return scoreSome
}

// badFrame says why a frame header cannot be one, or "".
func badFrame(kind byte, size int, stream uint32) string {
	connection := kind == 4 || kind == 6 || kind == 7
	switch {
	case kind > 12 && kind != 16:
		return fmt.Sprintf("there is no frame type %d", kind)
	case stream>>31 != 0:
		return "a reserved bit is set"
	case connection && stream != 0:
		return fmt.Sprintf("a frame of type %d on stream %d", kind, stream)
	case !connection && kind != 8 && kind < 10 && stream == 0:
		return fmt.Sprintf("a frame of type %d on stream 0", kind)
	case kind == 4 && size%6 != 0, kind == 6 && size != 8, kind == 7 && size < 8,
		(kind == 3 || kind == 8) && size != 4, kind == 2 && size != 5:
		return fmt.Sprintf("a frame of type %d with %d bytes", kind, size)
	}
	return ""
}

// fitHTTP1 looks for a start line. RFC 9112 §3, §4.
func fitHTTP1(b []byte) fit {
	line, _, whole := bytes.Cut(b[:min(len(b), 1<<16)], []byte("\n"))
	text := strings.TrimSuffix(string(line), "\r")
	parts := strings.Split(text, " ")
	switch {
	case strings.HasPrefix(text, "HTTP/1.") && len(parts) > 1 && len(parts[1]) == 3:
		return fit{FormatHTTP1, scoreSyntax, -1, ""}
	case len(parts) == 3 && isMethod(parts[0]) && strings.HasPrefix(parts[2], "HTTP/1."):
		return fit{FormatHTTP1, scoreSyntax, -1, ""}
	case !whole && (len(parts) > 1 && isMethod(parts[0]) && strings.HasPrefix(parts[1], "/") || strings.HasPrefix(text, "HTTP/1.")):
		return fit{FormatHTTP1, scoreFields, len(b), "the start line is cut"}
	}
	return fit{FormatHTTP1, 0, 0, "no start line"}
}

// isMethod reports whether s is a method as they are used: upper case letters.
func isMethod(s string) bool {
	for _, c := range s {
		if (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return len(s) >= 3 && len(s) <= 20
}

// fitGRPC walks length-prefixed messages. gRPC-HTTP2, "Length-Prefixed-Message".
func fitGRPC(b []byte) fit {
	f := fit{format: FormatGRPC, stop: -1}
	messages := 0
	for at := 0; at < len(b); messages++ {
		rest := b[at:]
		switch {
		case rest[0] > 1 && rest[0] != 0x80:
			f.stop, f.why = at, fmt.Sprintf("a message begins with flag 0x%02x", rest[0])
		case len(rest) < 5:
			f.stop, f.why = at, "a prefix is cut"
		case int64(binary.BigEndian.Uint32(rest[1:])) > int64(len(rest)-5):
			f.stop, f.why = at, fmt.Sprintf("a message of %d bytes is cut", binary.BigEndian.Uint32(rest[1:]))
		default:
			at += 5 + int(binary.BigEndian.Uint32(rest[1:]))
			continue
		}
		break
	}
	switch {
	case f.stop < 0 && messages > 0:
		f.score = scoreTiled - 1 // HTTP/2 frames that tile are no chance
	case messages > 0 && strings.HasSuffix(f.why, "cut"):
		f.score = scoreCut
	case f.stop == 0 && len(b) >= 5 && b[0] <= 1 && strings.HasSuffix(f.why, "cut"):
		f.score = scoreSome
	}
	return f
}

// fitProtobuf walks the fields of a message.
func fitProtobuf(b []byte) fit {
	f := fit{format: FormatProtobuf, stop: -1}
	odd := false
	for at := 0; at < len(b); {
		number, kind, n := protowire.ConsumeTag(b[at:])
		if n < 0 {
			f.stop, f.why = at, "no tag of a field stands"
			break
		}
		size := protowire.ConsumeFieldValue(number, kind, b[at+n:])
		if size < 0 {
			f.stop, f.why = at, fmt.Sprintf("field %d cannot be read: %v", number, protowire.ParseError(size))
			break
		}
		odd = odd || number > 1<<16
		at += n + size
	}
	switch {
	case f.stop < 0 && odd:
		f.score = scoreEnough + 2 // such numbers are rare, and random bytes are not
	case f.stop < 0:
		f.score = scoreFields
	case f.stop > 0:
		f.score = scoreSome
	}
	return f
}

// opensAsClient reports whether a client begins a connection with b.
func opensAsClient(b []byte) bool {
	if len(b) >= 6 && b[0] == 22 && b[1] == 3 && b[5] == 1 { // TLS ClientHello
		return true
	}
	return fitHTTP2(b[:min(len(b), len(preface))]).score > scoreSyntax || fitHTTP1(b).score >= scoreFields && !opensAsServer(b)
}

// opensAsServer reports whether a server begins a connection with b.
func opensAsServer(b []byte) bool {
	return len(b) >= 6 && b[0] == 22 && b[1] == 3 && b[5] == 2 || bytes.HasPrefix(b, []byte("HTTP/1."))
}

// FormatError says that an input is none of the formats.
type FormatError struct {
	Size     int64    // of the input
	Format   Format   // what Options said it was; "" if it was to be guessed
	Readings []string // what came nearest, and where it stopped to fit
}

// Error says what was tried and how to force a format.
func (e *FormatError) Error() string {
	tried := "they begin like none of the formats"
	if e.Format != "" {
		tried = "they begin like nothing of that kind"
	}
	if len(e.Readings) > 0 {
		tried = strings.Join(e.Readings, "; ")
	}
	if e.Format != "" {
		return fmt.Sprintf("these %d bytes are no %s input: %s; leave --format out to have it guessed", e.Size, e.Format, tried)
	}
	return fmt.Sprintf("cannot tell what these %d bytes are: %s; say it with --format and --encoding", e.Size, tried)
}

// nearest describes the best readings, which were not good enough.
func nearest(size int, all []reading, o Options) *FormatError {
	e := &FormatError{Size: int64(size), Format: o.Format}
	for _, r := range all {
		if len(e.Readings) == 3 || r.score <= 0 && (o.Format == "" || len(e.Readings) > 0) || r.stop < 0 {
			continue
		}
		as := string(r.format)
		if r.encoding != EncodingRaw {
			as += " in " + string(r.encoding)
		}
		e.Readings = append(e.Readings, fmt.Sprintf("as %s it fits until byte %d of %d (%s)", as, r.stop, len(r.data), r.why))
	}
	return e
}
