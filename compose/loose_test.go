package compose

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// readTestFile holds one file, and fails like the system for others.
func readTestFile(name string) ([]byte, error) {
	if name == "key.bin" {
		return []byte{0xff, 0x00}, nil
	}
	return nil, fmt.Errorf("open %s: %w", name, os.ErrNotExist)
}

// Each loose body means the same as the ProtoJSON beside it.
func TestEncodeLoose(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"// first\n{/* a */userId: 'it\\'s', // last\n}": `{"userId":"it's"}`,
		`{quantity: 0x1F, serial: 0xFFFFFFFFFFFFFFFF,}`:  `{"quantity":31,"serial":"18446744073709551615"}`,
		`{quantity: -0x80000000}`:                        `{"quantity":-2147483648}`,
		`{quantity: +7, weight: .5}`:                     `{"quantity":7,"weight":0.5}`,
		`{weight: 5.}`:                                   `{"weight":5}`,
		`{weight: -.5e1}`:                                `{"weight":-5}`,
		`{weight: 5.e1}`:                                 `{"weight":50}`,
		`{weight: Infinity}`:                             `{"weight":"Infinity"}`,
		`{weight: +Infinity}`:                            `{"weight":"Infinity"}`,
		`{weight: -Infinity}`:                            `{"weight":"-Infinity"}`,
		`{weight: NaN}`:                                  `{"weight":"NaN"}`,
		`{colour: 0x1}`:                                  `{"colour":"RED"}`,
		`{counts: [1, 0x2,],}`:                           `{"counts":["1","2"]}`,
		`{stock: {-1: {city: "x"}}}`:                     `{"stock":{"-1":{"city":"x"}}}`,
		`{userId: 'a\x41\v\0\
b"'}`: `{"userId":"aA\u000b\u0000b\""}`,
		"{\u00a0\ufeffuserId: '\u00e9'}":           `{"userId":"é"}`,
		`{data: "hex:FF 00\n0a"}`:                  `{"data":"/wAK"}`,
		`{data: 'text:hi "there"'}`:                `{"data":"aGkgInRoZXJlIg=="}`,
		`{data: '@key.bin'}`:                       `{"data":"/wA="}`,
		`{data: 'hex:'}`:                           `{}`,
		`{data: '_w'}`:                             `{"data":"/w=="}`,
		`{data: '/w'}`:                             `{"data":"/w=="}`,
		`{limit: 0x5, at: '2026-01-01T00:00:00Z'}`: `{"limit":"5","at":"2026-01-01T00:00:00Z"}`,
		`{free: [0x10, {a: 'b',}]}`:                `{"free":[16,{"a":"b"}]}`,
		`{extra: {'@type': 'x/test.shop.Order', data: 'hex:01', quantity: 0x1,}}`: `{"extra":{"@type":"x/test.shop.Order","data":"AQ==","quantity":1}}`,
		`{extra: {"@type": "x/google.protobuf.BytesValue", value: "text:a"}}`:     `{"extra":{"@type":"x/google.protobuf.BytesValue","value":"YQ=="}}`,
		`{extra: {"@type": "x/google.protobuf.DoubleValue", value: NaN}}`:         `{"extra":{"@type":"x/google.protobuf.DoubleValue","value":"NaN"}}`,
	} {
		md, types := message(t, "test.shop.Order")
		o := Options{Types: types, ReadFile: readTestFile}
		got, err := o.Encode(md, []byte(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		m := dynamicpb.NewMessage(md)
		if err := (protojson.UnmarshalOptions{Resolver: types}).Unmarshal([]byte(want), m); err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		wire, _ := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if string(got) != string(wire) {
			t.Errorf("%s: got %x, want %x", body, got, wire)
		}
		if _, err := Encode(md, types, []byte(body)); err == nil && !strings.HasPrefix(body, `{data: "_w`) {
			t.Errorf("%s: taken as strict JSON", body)
		}
	}
}

func TestEncodeLooseErrors(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"{\n  // the id\n  userld: 'x'}": `line 3, column 3: userld: no such field in test.shop.Order; did you mean "userId"?`,
		`{quantity: 0x1FFFFFFFF}`:        `line 1, column 12: quantity: want a whole number from -2147483648 to 2147483647 (int32), got 0x1FFFFFFFF`,
		`{quantity: Infinity}`:           `line 1, column 12: quantity: want a whole number from -2147483648 to 2147483647 (int32), got Infinity`,
		`{userId: NaN}`:                  `line 1, column 10: userId: want a string, got NaN; write "NaN"`,
		`{colour: NaN}`:                  `line 1, column 10: colour: want a name or number of enum test.shop.Colour, got NaN`,
		`{free: [1, NaN]}`:               `line 1, column 12: free: want any JSON value (google.protobuf.Value), got NaN`,
		`{limit: NaN}`:                   `line 1, column 9: limit: want a whole number of 64 bits (int64), got NaN`,
		`{quantity: 0x}`:                 `line 1, column 12: "0x" is not a JSON number`,
		`{quantity: 0xG}`:                `line 1, column 12: "0xG" is not a hexadecimal number of at most 64 digits`,
		`{quantity: 010}`:                `line 1, column 12: "010" is not a JSON number`,
		`{quantity: +}`:                  `line 1, column 12: want a value, got "+"`,
		`{quantity: 1 /* no end}`:        `line 1, column 14: the comment that begins here has no end; add */`,
		`{quantity: 1,,}`:                `line 1, column 14: want a field name, got ","`,
		`{“quantity”: 1}`:                `line 1, column 2: want a field name, got "“"; write straight quotes (")`,
		`{quantity: “1”}`:                `line 1, column 12: want a value, got "“"; write straight quotes (")`,
		`{userId: 'C:\data'}`:            `line 1, column 13: "\\data'" is not a valid escape`,
		`{userId: 'x}`:                   `line 1, column 10: the string that begins here has no closing quote`,
		`{data: "hex:0g"}`:               `line 1, column 8: data: digit 2 of the hex bytes is "g"; want 0-9 or a-f`,
		`{data: "hex:0"}`:                `line 1, column 8: data: the hex bytes have 1 digits; a byte takes two`,
		`{data: "?"}`:                    `line 1, column 8: data: want a base64 string (bytes), got "?"; for other forms write "hex:0a0b", "text:words" or "@file"`,
		`{data: "@gone"}`:                `line 1, column 8: data: read the file of this field: open gone: file does not exist`,
		`{nothing: }`:                    `line 1, column 11: want a value, got "}"`,
		`{others: [{city: 5}]}`:          `line 1, column 18: others[0].city: want a string, got 5; write "5"`,
		`{a-b c: 1}`:                     `line 1, column 6: want : after the field name "a-b", got "c"`,
	} {
		md, types := message(t, "test.shop.Order")
		_, err := Options{Types: types, ReadFile: readTestFile}.Encode(md, []byte(body))
		if err == nil || err.Error() != "body: "+want {
			t.Errorf("%s:\n got %v\nwant body: %s", body, err, want)
		}
	}
}

func TestFilesNeedLeave(t *testing.T) {
	t.Parallel()
	md, types := message(t, "test.shop.Order")
	_, err := Options{Types: types}.Encode(md, []byte(`{"data":"@/etc/passwd"}`))
	if err == nil || !strings.Contains(err.Error(), `"@/etc/passwd" names a file, and files are not read here`) {
		t.Error(err)
	}
}

func TestAllowUnknown(t *testing.T) {
	t.Parallel()
	md, types := message(t, "test.shop.Order")
	o := Options{Types: types, AllowUnknown: true}
	for _, body := range []string{
		`{"userId":"1","nope":{"deep":[1,{"x":null}]},"colour":"PINK","[no.ext]":1,"extra":{"no":"type"}}`,
		`{userId: '1', nope: {deep: [0x1, NaN,]}, colour: 'PINK', extra: {no: 'type'}}`,
	} {
		if got, err := o.Encode(md, []byte(body)); err != nil || !strings.HasPrefix(string(got), "\x0a\x011") {
			t.Errorf("%s: %x, %v", body, got, err)
		}
	}
	if _, err := o.Encode(md, []byte(`{nope: 1, quantity: 'x'}`)); err == nil || !strings.Contains(err.Error(), "quantity: want a whole number") {
		t.Errorf("what is known is still checked: %v", err)
	}
}

func readAll(r *Reader) (got []string, err error) {
	for {
		m, err := r.Next()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		got = append(got, fmt.Sprintf("%x", m.Bytes))
	}
}

func TestReadLooseStream(t *testing.T) {
	t.Parallel()
	md, types := message(t, "test.shop.Address")
	const in = "// two { messages\n{city: '}', /* } */}{city:'b'} /* ' */ {} // the end"
	for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
		got, err := readAll(Read(r, md, Options{Types: types}))
		if err != nil || strings.Join(got, " ") != "12017d 120162 " {
			t.Errorf("got %q, %v", got, err)
		}
	}
	for in, want := range map[string]string{
		"{} /* no end":         "body: message 2, line 1, column 13: the body ends inside a comment; add */",
		"{}\n/* é */ {citi:1}": `body: message 2, line 2, column 10: citi: no such field in test.shop.Address; did you mean "city"?`,
		"{}/{}":                `body: message 2, line 1, column 3: want a value, got "/"`,
		"{city:'" + strings.Repeat("x", 100) + "'}": "body: line 1, column 66: the message is larger than 64 bytes, the limit of one message",
	} {
		_, err := readAll(Read(strings.NewReader(in), md, Options{Types: types, MaxBody: 64}))
		if err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", in, err, want)
		}
	}
}

// FuzzLoose holds loose reading to three promises: what is JSON means the same, what
// is taken becomes JSON that the strict parser takes, and a fault lies in the body.
func FuzzLoose(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	for _, s := range []string{
		`{quantity: 0x1F, weight: -.5e1, userId: 'it\'s', /* c */ counts: [+1, 0x2,],} // end`,
		`{weight: NaN, stock: {-1: {city: 'a\x41\v\0\` + "\n" + `b'}}}`, `{data: "hex:ff 00", nope: [Infinity]}`, `{data:'text:'}`, `{data:'@x'}`, "'", "/", "/*", "+", ".", "0x",
	} {
		f.Add(s)
	}
	md, types := message(f, "test.shop.Order")
	f.Fuzz(func(t *testing.T, body string) {
		for _, o := range []Options{{Types: types}, {Types: types, AllowUnknown: true}} {
			got, err := o.Encode(md, []byte(body))
			o.Strict = true
			strict, strictErr := o.Encode(md, []byte(body))
			if strictErr == nil && (err != nil || string(got) != string(strict)) {
				t.Fatalf("%s: strict %x, loose %x, %v", body, strict, got, err)
			}
			var e *BodyError
			if err != nil && (!errors.As(err, &e) || e.Offset < 0 || e.Offset > int64(len(body)) || e.Line < 1 || e.Col < 1) {
				t.Fatalf("%s: %+v", body, err)
			}
		}
		root, _, err := parseLoose([]byte(body))
		if err != nil {
			return
		}
		w := walker{body: []byte(body)}
		out := w.appendJSON(nil, root)
		if _, err := parse(out); err != nil {
			t.Fatalf("%s becomes %s: %v", body, out, err)
		}
	})
}

func TestBytesFormsAreNoBase64(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"hex:", "text:", "@"} {
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			if _, err := e.DecodeString(s + "AAAA"); err == nil {
				t.Errorf("%q is base64", s)
			}
		}
	}
}

// Every kind refuses what does not fit, with its path and what it wants, whichever
// way the number is written.
func TestScalarRange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		message, field string
		good, bad      []string
	}{
		{"test.shop.Order", "quantity", []string{"-2147483648", "2147483647", `"5"`, "1e3", "1.0", "0x7fffffff"}, []string{"2147483648", "1.5", "true", `""`, "null2", "-0x80000001", "[]", "{}"}},
		{"test.shop.Order", "serial", []string{"0", `"18446744073709551615"`, "0xffffffffffffffff"}, []string{"-1", "18446744073709551616", "0x10000000000000000", "-0x1", `"x"`}},
		{"test.shop.Order", "weight", []string{"3.4e38", "-1", "NaN", `"-Infinity"`}, []string{"1e39", `"inf"`, "true", "[1]"}},
		{"test.shop.Order", "cash", []string{"true", "false"}, []string{"1", `"true"`, "TRUE", "{}"}},
		{"test.shop.Order", "userId", []string{`""`, `'x'`}, []string{"1", "true", "[]", "x"}},
		{"test.shop.Order", "colour", []string{`"RED"`, "1", "77", "0x2"}, []string{`"RDE"`, "1.5", "3000000000", "true", `"1"`}},
		{"test.shop.Order", "data", []string{`"AA=="`, `"AA"`, `"-_8"`, `"hex:aa"`, `"text:é"`}, []string{`"A"`, `"@x"`, "1", `"hex:a"`, `"hex:zz"`}},
		{"test.shop.Order", "at", []string{`"2026-01-01T00:00:00+01:00"`, `"0001-01-01T00:00:00Z"`}, []string{`"2026-01-01"`, "1", `"2026-13-01T00:00:00Z"`, "{}"}},
		{"test.shop.Order", "within", []string{`"-1.5s"`, `"0s"`}, []string{`"1.5"`, "1", `"1m"`}},
		{"test.shop.Order", "mask", []string{`"a,b.c"`, `""`}, []string{`"a_b"`, "[]"}},
		{"test.shop.Order", "tree", []string{`{}`, `{a: [1]}`}, []string{"[]", "1", `{a: NaN}`}},
		{"test.old.Item", "part", []string{"{n: -1}"}, []string{"[]", "{n: 3000000000}", "{m: 1}"}},
	} {
		md, types := message(t, protoreflect.FullName(tt.message))
		encode := func(v string) error {
			body := "{" + tt.field + ": " + v + "}"
			if tt.message == "test.old.Item" {
				body = "{id: 1, " + tt.field + ": " + v + "}"
			}
			_, err := Options{Types: types}.Encode(md, []byte(body))
			return err
		}
		for _, v := range tt.good {
			if err := encode(v); err != nil {
				t.Errorf("%s: %s: %v", tt.field, v, err)
			}
		}
		for _, v := range tt.bad {
			var e *BodyError
			err := encode(v)
			if !errors.As(err, &e) || e.Col <= len(tt.field) {
				t.Errorf("%s: %s: %v", tt.field, v, err)
				continue
			}
			if word := strings.HasPrefix(e.Text, "want a value"); !word && !strings.HasPrefix(e.Path, tt.field) {
				t.Errorf("%s: %s: the path is %q: %v", tt.field, v, e.Path, e)
			}
		}
	}
}

func TestCanonicalIsJSON(t *testing.T) {
	t.Parallel()
	in := `{a: [0x1, .5, NaN, 'x\x01', null, true], "b": {}, }`
	root, strict, err := parseLoose([]byte(in))
	w := walker{body: []byte(in)}
	out := w.appendJSON(nil, root)
	if err != nil || strict || !json.Valid(out) || string(out) != `{"a":[1,0.5,"NaN","x\u0001",null,true],"b":{}}` {
		t.Errorf("%s, %v, %v", out, strict, err)
	}
}
