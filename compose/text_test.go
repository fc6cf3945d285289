package compose

import (
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

func TestReadText(t *testing.T) {
	t.Parallel()
	md, types := message(t, "test.shop.Address")
	for in, want := range map[string][]string{
		"":                                    {""},
		`city: "a"`:                           {"120161"},
		"city: 'a' # c\n\x1e\n\x1ecity:\"b\"": {"120161", "", "120162"},
		"\x1e":                                {"", ""},
		`street_lines: ["a", "b"]`:            {"0a01610a0162"},
	} {
		for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
			got, err := readAll(Read(r, md, Options{Types: types, Format: Text}))
			if err != nil || strings.Join(got, " ") != strings.Join(want, " ") || len(got) != len(want) {
				t.Errorf("%q: got %q, %v; want %q", in, got, err, want)
			}
		}
	}
}

func TestTextErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ message, text, want string }{
		{"test.shop.Order", "usr_id: 'x'", `line 1, column 1: usr_id: no such field in test.shop.Order; did you mean "user_id"?`},
		{"test.shop.Order", "address {\n  citty: 'x' }", `line 2, column 3: address.citty: no such field in test.shop.Address; did you mean "city"?`},
		{"test.shop.Order", "others {} # {\nothers { city: 1 }", `line 2, column 16: others[1].city: want a string in quotes, got 1`},
		{"test.shop.Order", "others: [{}, < city: 1 >]", `line 1, column 22: others[1].city: want a string in quotes, got 1`},
		{"test.shop.Order", "parent { parent { quantity: 3000000000 } }", `line 1, column 29: parent.parent.quantity: want a whole number from -2147483648 to 2147483647 (int32), got 3000000000`},
		{"test.shop.Order", "colour: REED", `line 1, column 9: colour: want a name or number of enum test.shop.Colour, which has COLOUR_UNSPECIFIED, RED, GREEN, got REED; did you mean "RED"?`},
		{"test.shop.Order", "counts: [1, 'x']", `line 1, column 13: counts[1]: want a whole number from 0 to 18446744073709551615 (uint64), got "x"`},
		{"test.shop.Order", "cash: maybe", `line 1, column 7: cash: want true or false, got maybe`},
		{"test.shop.Order", "weight: heavy", `line 1, column 9: weight: want a number, inf or nan (float), got heavy`},
		{"test.shop.Order", "data: 5", `line 1, column 7: data: want a string in quotes (bytes), got 5`},
		{"test.shop.Order", "card: '' cash: true", `line 1, column 10: cash: error parsing "cash", oneof test.shop.Order.payment is already set`},
		{"test.shop.Order", "quantity: 1 quantity: 2", `line 1, column 13: quantity: non-repeated field "quantity" is repeated`},
		{"test.shop.Order", "extra { [x/test.shop.Address] { citi: '' } }", `line 1, column 33: extra["[x/test.shop.Address]"].citi: no such field in test.shop.Address; did you mean "city"?`},
		{"test.shop.Order", "stock { key: 1 value { zzz: 1 } }", `line 1, column 24: stock.value.zzz: no such field in test.shop.Address; it has streetLines, city`},
		{"test.old.Item", "id: 1 [test.old.extra]: 5", `line 1, column 25: [test.old.extra]: want a string in quotes, got 5`},
		{"test.old.Item", "tries: 1", `line 1, column 1: required field test.old.Item.id not set`},
		{"test.shop.Order", "quantity: 1 }", `line 1, column 13: invalid field name: }`},
		{"test.shop.Order", "user_id: 'x", ``},
		{"test.shop.Order", "{}", ``},
	} {
		md, types := message(t, protoreflect.FullName(tt.message))
		_, err := Options{Types: types, Format: Text}.Encode(md, []byte(tt.text))
		var e *BodyError
		if !errors.As(err, &e) || tt.want != "" && e.Error() != "body: "+tt.want {
			t.Errorf("%s:\n got %v\nwant body: %s", tt.text, err, tt.want)
		}
	}
	md, types := message(t, "test.shop.Address")
	_, err := readAll(Read(strings.NewReader("city: 'é'\x1e city: 'é' x: 1\x1e"), md, Options{Types: types, Format: Text}))
	if want := "body: message 2, line 1, column 22: x: no such field in test.shop.Address; it has streetLines, city"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = readAll(Read(strings.NewReader(strings.Repeat("#", 100)), md, Options{Types: types, Format: Text, MaxBody: 64}))
	if err == nil || !strings.Contains(err.Error(), "larger than 64 bytes") {
		t.Error(err)
	}
	broken := errors.New("broken")
	if _, err := readAll(Read(iotest.ErrReader(broken), md, Options{Types: types, Format: Text})); !errors.Is(err, broken) {
		t.Errorf("the reader's error is lost: %v", err)
	}
}

// FuzzText holds the text format to the library's decision, and the place of a
// fault to the body.
func FuzzText(f *testing.F) {
	for _, s := range []string{
		`user_id: "x" others { city: 'a' } others: [<>, {}] colour: RED`, "stock { key: 1 value {} } # c\ncounts: [1, 2]; quantity: 5,",
		`extra { [x/test.shop.Address] { city: "" } }`, `parent { parent { nope: 1 } }`, `[no.ext] { a < b: 1 } }`, `user_id: "a" 'b`, "}", ">", "]]", "[", "a[", "\"\\", "at { seconds: x }",
	} {
		f.Add(s)
	}
	md, types := message(f, "test.shop.Order")
	f.Fuzz(func(t *testing.T, text string) {
		want := (prototext.UnmarshalOptions{Resolver: types}).Unmarshal([]byte(text), dynamicpb.NewMessage(md))
		_, err := Options{Types: types, Format: Text}.Encode(md, []byte(text))
		if (err == nil) != (want == nil) {
			t.Fatalf("%q: %v, the library: %v", text, err, want)
		}
		var e *BodyError
		if err != nil && (!errors.As(err, &e) || e.Offset < 0 || e.Offset > int64(len(text))) {
			t.Fatalf("%q: %+v", text, err)
		}
		for at := range min(len(text), 100) {
			placeInText(md, types, []byte(text), at)
		}
	})
}

func TestReadBinary(t *testing.T) {
	t.Parallel()
	md, types := message(t, "test.shop.Address")
	for _, tt := range []struct{ in, want, err string }{
		{in: "", want: ""},
		{in: "120161", want: "120161"},
		{in: "0000000003120161", want: "120161"},
		{in: "00000000031201610000000000" + "0000000003120162", want: "120161||120162"},
		{in: "ffff", err: "body: line 1, column 1: no protobuf field begins here: "},
		{in: hex.EncodeToString([]byte(`{"a":1}`)), err: "it looks like JSON: give the format json"},
		{in: "000000", err: "body: line 1, column 1: a message prefix has 5 bytes, and only 3 are left"},
		{in: "0000000005aa", err: "body: line 1, column 2: the prefix says 5 bytes, and only 1 follow"},
		{in: "01000000021f8b", err: "body: line 1, column 1: the message is marked as compressed; give it uncompressed"},
		{in: "00000000031201610000000001ff", err: "body: message 2, line 1, column 14: no protobuf field begins here"},
		{in: "0000000003120161ff00000000", err: "body: message 2, line 1, column 9: want a message prefix, which begins with 00, got ff"},
		{in: "000000000312016100", err: "body: message 2, line 1, column 9: a message prefix has 5 bytes, and only 1 are left"},
		{in: "00ffffffff00", err: "body: line 1, column 2: the prefix says 4294967295 bytes; the limit of one message is 64"},
		{in: strings.Repeat("120161", 30), err: "body: line 1, column 65: the message is larger than 64 bytes"},
	} {
		in, err := hex.DecodeString(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range []io.Reader{strings.NewReader(string(in)), iotest.OneByteReader(strings.NewReader(string(in)))} {
			got, err := readAll(Read(r, md, Options{Types: types, Format: Binary, MaxBody: 64}))
			switch {
			case tt.err == "" && (err != nil || strings.Join(got, "|") != tt.want || len(got) == 0):
				t.Errorf("%s: got %q, %v; want %s", tt.in, got, err, tt.want)
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)):
				t.Errorf("%s:\n got %v\nwant %s", tt.in, err, tt.err)
			}
		}
	}
	got, err := readAll(Read(strings.NewReader("\xff\xff"), md, Options{Format: Binary, Unchecked: true}))
	if err != nil || len(got) != 1 || got[0] != "ffff" {
		t.Errorf("unchecked: %q, %v", got, err)
	}
	if _, err := (Options{Format: Binary}).Encode(md, []byte("\x00\x00\x00\x00\x00\x00")); err == nil || !strings.Contains(err.Error(), "1 bytes follow the message") {
		t.Errorf("one message is one: %v", err)
	}
	broken := errors.New("broken")
	if _, err := readAll(Read(iotest.ErrReader(broken), md, Options{Format: Binary})); !errors.Is(err, broken) {
		t.Errorf("the reader's error is lost: %v", err)
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for _, f := range []Format{JSON, Text, Binary} {
		if got, err := ParseFormat(f.String()); err != nil || got != f {
			t.Errorf("%v: %v, %v", f, got, err)
		}
	}
	if _, err := ParseFormat("yaml"); err == nil || err.Error() != `"yaml" is no format of a body: write json, text or binary` {
		t.Error(err)
	}
}
