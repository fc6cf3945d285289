package compose

import (
	"errors"
	"strings"
	"testing"
)

func testEnv(name string) (string, bool) {
	v, ok := map[string]string{"TOKEN": "s3cret", "NAME": "X-Id", "BAD": "a\nb", "EMPTY": "", "PAIR": "k: v"}[name]
	return v, ok
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Header{
		"a: b":                            {"a", "b"},
		"A-b_C.9:b":                       {"a-b_c.9", "b"},
		"  x  : \t a: b  c ":              {"x", "a: b  c"},
		"x:":                              {"x", ""},
		"authorization: Bearer ${TOKEN}":  {"authorization", "Bearer s3cret"},
		"${NAME}: ${EMPTY}${TOKEN}$TOKEN": {"x-id", "s3cret$TOKEN"},
		"x: ${}${a-b}":                    {"x", "${}${a-b}"},
		"${PAIR}":                         {"k", "v"},
		"k-bin: //8=":                     {"k-bin", "//8"},
		"k-bin: __8":                      {"k-bin", "//8"},
		"k-bin: hex:FF ff":                {"k-bin", "//8"},
		"k-bin: text:é":                   {"k-bin", "w6k"},
		"K-Bin:":                          {"k-bin", ""},
		"grpc-trace-bin: AA==":            {"grpc-trace-bin", "AA"},
	} {
		got, err := Metadata(text, MetadataOptions{Env: testEnv})
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
	if got, err := Metadata("x: ${TOKEN}", MetadataOptions{}); err != nil || got.Value != "${TOKEN}" {
		t.Errorf("expanded without being asked: %+v, %v", got, err)
	}
}

func TestMetadataErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                      `column 1: no colon: write 'name: value'`,
		"name":                  `column 1: no colon: write 'name: value'`,
		" : x":                  `column 1: no colon: write 'name: value'`,
		":: x":                  `column 1: the header has no name: write 'name: value'`,
		"a b: c":                `column 2: a space cannot be in a header's name; it has letters, digits, - _ and .`,
		"é: c":                  `column 1: U+00E9 cannot be in a header's name; it has letters, digits, - _ and .`,
		"a\x1b: c":              `column 2: U+001B cannot be in a header's name; it has letters, digits, - _ and .`,
		"a\xff: c":              `column 2: a byte that is no UTF-8 cannot be in a header's name; it has letters, digits, - _ and .`,
		"é/x: c":                `column 1: U+00E9 cannot be in a header's name; it has letters, digits, - _ and .`,
		"x: aé\n":               `column 5: "x": U+00E9 cannot be in a value, which has printable ASCII only; name the header x-bin to send any bytes`,
		"x: a\r\nb: c":          `column 5: "x": U+000D cannot be in a value, which has printable ASCII only; name the header x-bin to send any bytes`,
		"x: ${GONE}":            `column 4: the environment variable GONE is not set`,
		"é: ${TOKEN} ${GONE}":   `column 13: the environment variable GONE is not set`,
		"x: a${BAD} é":          `column 5: "x": U+000A cannot be in a value, which has printable ASCII only; name the header x-bin to send any bytes (from ${BAD})`,
		"x: ${TOKEN} é":         `column 13: "x": U+00E9 cannot be in a value, which has printable ASCII only; name the header x-bin to send any bytes`,
		"k-bin: a!bc":           `column 9: "k-bin": this is no base64; a -bin value is base64, hex:0a0b or text:words`,
		"k-bin: AA=":            `column 10: "k-bin": this is no base64; a -bin value is base64, hex:0a0b or text:words`,
		"k-bin: AAA=,AA":        `column 12: "k-bin": a comma separates two values: give the header twice`,
		"k-bin: AAAA,AA":        `column 12: "k-bin": a comma separates two values: give the header twice`,
		"k-bin: hex:0":          `column 8: "k-bin": the hex bytes have 1 digits; a byte takes two`,
		"k-bin: @f":             `column 8: "k-bin": a value cannot name a file; write base64, hex:0a0b or text:words`,
		":authority: x":         `column 1: a pseudo-header is no metadata; change it with --authority`,
		":path: x":              `column 1: a pseudo-header is no metadata; the target and the method set it`,
		":x: y":                 `column 1: a name may not begin with a colon: HTTP/2 keeps those for itself (RFC 9113 §8.3)`,
		" Grpc-Timeout: 1S":     `column 2: "grpc-timeout": the name is reserved: the deadline sets it: give a timeout`,
		"grpc-x: y":             `column 1: "grpc-x": the name is reserved: gRPC keeps all that begin with grpc- for itself`,
		"te: y":                 `column 1: "te": the name is reserved: gRPC sends it on every call as "trailers"`,
		"Transfer-Encoding: no": `column 1: "transfer-encoding": the name is reserved: HTTP/2 has no connection headers (RFC 9113 §8.2.2)`,
	} {
		_, err := Metadata(text, MetadataOptions{Env: testEnv})
		var e *MetadataError
		if !errors.As(err, &e) || e.Error() != "metadata: "+want {
			t.Errorf("%q:\n got %v\nwant metadata: %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: a secret in the error: %v", text, err)
		}
	}
}

func TestMetadataLenient(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Header{
		"name": {"name", ""}, "te: x": {"te", "x"}, "k-bin: a!": {"k-bin", "YSE"}, "grpc-x: y": {"grpc-x", "y"},
	} {
		if got, err := Metadata(text, MetadataOptions{Lenient: true}); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	if _, err := Metadata("a b: c", MetadataOptions{Lenient: true}); err == nil {
		t.Error("an illegal name cannot be sent")
	}
}

func TestMetadataLines(t *testing.T) {
	t.Parallel()
	got, err := MetadataLines("# c\n\na: b\r\n  c: d", MetadataOptions{})
	if err != nil || len(got) != 2 || got[0] != (Header{"a", "b"}) || got[1] != (Header{"c", "d"}) {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = MetadataLines("a: b\n\nbad", MetadataOptions{})
	if err == nil || err.Error() != "metadata: line 3, column 1: no colon: write 'name: value'" || len(got) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// FuzzMetadata: what is taken is legal on the wire and reads back as itself; a
// fault lies in the text.
func FuzzMetadata(f *testing.F) {
	for _, s := range []string{"a: b", "K-bin: hex:0a", "${NAME}: ${BAD}", ":x: y", "x: ${GONE}", "k-bin: AA==", "\xff: \xff", "a:\tb\t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h, err := Metadata(text, MetadataOptions{Env: testEnv})
		if err != nil {
			var e *MetadataError
			if !errors.As(err, &e) || e.Col < 1 || e.Col > len(text)+1 {
				t.Fatalf("%q: %+v", text, err)
			}
			return
		}
		for _, r := range h.Name {
			if !legalInName(r) {
				t.Fatalf("%q: name %q", text, h.Name)
			}
		}
		for _, r := range h.Value {
			if r < ' ' || r > '~' {
				t.Fatalf("%q: value %q", text, h.Value)
			}
		}
		if again, err := Metadata(h.Name+": "+h.Value, MetadataOptions{}); err != nil || again != h {
			t.Fatalf("%q: %+v reads back as %+v, %v", text, h, again, err)
		}
	})
}
