package compose

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func newForm(t *testing.T, name protoreflect.FullName, body string) *Form {
	t.Helper()
	md, types := message(t, name)
	f, err := NewForm(md, []byte(body), Options{Types: types})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func inputName(i Input) string {
	return []string{"text", "number", "choice", "message", "list", "map", "json"}[i]
}

// show draws the rows as lines of text.
func show(f *Form) string {
	var b strings.Builder
	for _, r := range f.Rows() {
		mark := " "
		if r.Set {
			mark = "*"
		}
		fmt.Fprintf(&b, "%s%s%s: %s %s", strings.Repeat("  ", r.Depth), mark, r.Path, r.Type, inputName(r.Input))
		if r.Oneof != "" {
			b.WriteString(" oneof " + r.Oneof)
		}
		if r.Required {
			b.WriteString(" required")
		}
		if r.Element {
			b.WriteString(" element")
		}
		if len(r.Choices) > 0 {
			b.WriteString(" (" + strings.Join(r.Choices, "|") + ")")
		}
		if r.Value != "" {
			b.WriteString(" = " + r.Value)
		}
		if r.Problem != "" {
			b.WriteString(" ! " + r.Problem)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestFormRows(t *testing.T) {
	t.Parallel()
	f := newForm(t, "test.shop.Order", `{
  user_id: 'a"b', // who
  quantity: 0x10, "serial": "5", address: {street_lines: ["x"]},
  others: [{city: 1}], colour: "REED", stock: {1: {}, x: {}}, cash: true, card: null,
  data: "hex:0a", at: "soon", free: [1], nope: 5, weight: NaN}`)
	want := `*user_id: string text = a"b
*quantity: int32 number = 0x10
*serial: fixed64 number = 5
*address: test.shop.Address message
  *address.street_lines: repeated string list = 1
    *address.street_lines[0]: string text element = x
   address.city: string text
*others: repeated test.shop.Address list = 1
  *others[0]: test.shop.Address message element
     others[0].streetLines: repeated string list = 0
    *others[0].city: string text = 1 ! want a string, got 1; write "1"
*colour: test.shop.Colour choice (COLOUR_UNSPECIFIED|RED|GREEN) = REED ! no value "REED" in enum test.shop.Colour; did you mean "RED"?
*stock: map<int32, test.shop.Address> map = 2
  *stock["1"]: test.shop.Address message element
     stock["1"].streetLines: repeated string list = 0
     stock["1"].city: string text
  *stock["x"]: test.shop.Address message element ! the key of this map must be a whole number from -2147483648 to 2147483647 (int32)
     stock["x"].streetLines: repeated string list = 0
     stock["x"].city: string text
 card: string text oneof payment
*cash: bool choice oneof payment (true|false) = true
*data: bytes text = hex:0a
*at: google.protobuf.Timestamp text = soon ! want a time like "2026-01-31T15:04:05.123Z" (google.protobuf.Timestamp), got "soon"
 within: google.protobuf.Duration text
 extra: google.protobuf.Any json
*free: google.protobuf.Value json = [1]
 limit: google.protobuf.Int64Value number
 mask: google.protobuf.FieldMask text
 parent: test.shop.Order message
 note: string text
*weight: float number = NaN
 nothing: google.protobuf.NullValue choice (null)
 tree: google.protobuf.Struct json
 counts: repeated uint64 list = 0
*nope: unknown json = 5 ! no such field in test.shop.Order; did you mean "note"?
`
	if d := cmp.Diff(want, show(f)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	item := newForm(t, "test.old.Item", `{"[test.old.extra]": "x", "id": 1, "card": 1}`)
	if got := show(item); !strings.Contains(got, "*id: int32 number required = 1\n") || !strings.Contains(got, "*[test.old.extra]: string json = \"x\"\n") {
		t.Errorf("got:\n%s", got)
	}
	both := newForm(t, "test.shop.Order", `{"card": "", "cash": true, "userId": "", "user_id": ""}`)
	if got := show(both); !strings.Contains(got, `! "card" of the same oneof payment is set already`) || !strings.Contains(got, "! the field is given twice, under both of its names") {
		t.Errorf("got:\n%s", got)
	}
}

// Each step changes the text only where it must.
func TestFormEdits(t *testing.T) {
	t.Parallel()
	set := func(path, typed string) func(*Form) error { return func(f *Form) error { return f.Set(path, typed) } }
	remove := func(path string) func(*Form) error { return func(f *Form) error { return f.Remove(path) } }
	add := func(path, key, added string) func(*Form) error {
		return func(f *Form) error {
			got, err := f.Add(path, key)
			if err == nil && got != added {
				return fmt.Errorf("added %s, want %s", got, added)
			}
			return err
		}
	}
	for _, tt := range []struct {
		body string
		edit func(*Form) error
		want string
	}{
		{"", set("userId", `say "hi" <é>`), "{\n  \"userId\": \"say \\\"hi\\\" <é>\"\n}"},
		{"{\n}", set("quantity", " 7 "), "{\n  \"quantity\": 7\n}"},
		{"{ // c\n}", set("quantity", "0x7"), "{\n  \"quantity\": 0x7 // c\n}"},
		{`{"userId":"a"}`, set("quantity", "7"), `{"userId":"a", "quantity": 7}`},
		{"{\n  \"userId\": \"a\"\n}", set("quantity", "7"), "{\n  \"userId\": \"a\",\n  \"quantity\": 7\n}"},
		{"{\n  userId: 'a', // who\n}", set("quantity", "7"), "{\n  userId: 'a',\n  \"quantity\": 7 // who\n}"},
		{"{user_id: 'a' /* who */, quantity: 1}", set("user_id", "b"), `{user_id: "b" /* who */, quantity: 1}`},
		{`{"card": "x", "quantity": 1}`, set("cash", "true"), `{ "quantity": 1, "cash": true}`},
		{`{"quantity": 1, "card": "x"}`, set("cash", "true"), `{"quantity": 1, "cash": true}`},
		{`{"parent": {"card": "x"}, "card": "y"}`, set("parent.cash", "false"), `{"parent": { "cash": false}, "card": "y"}`},
		{`{"card": null}`, set("card", "x"), `{"card": "x"}`},
		{`{}`, set("colour", "GREEN"), "{\n  \"colour\": \"GREEN\"\n}"},
		{`{"colour": "RED"}`, set("colour", "2"), `{"colour": 2}`},
		{`{"weight": 1}`, set("weight", "NaN"), `{"weight": "NaN"}`},
		{`{"data": ""}`, set("data", "hex:00 ff"), `{"data": "hex:00 ff"}`},
		{`{"limit": "1"}`, set("limit", "2"), `{"limit": 2}`},
		{`{"free": 1}`, set("free", `{"a": [1]}`), `{"free": {"a": [1]}}`},
		{`{"counts": []}`, set("counts", `[1, 2]`), `{"counts": [1, 2]}`},
		{`{"counts": [1, 2]}`, set("counts[1]", "3"), `{"counts": [1, 3]}`},
		{`{"counts": [1]}`, add("counts", "", "counts[1]"), `{"counts": [1, "0"]}`},
		{`{"a":1, "others": []}`, add("others", "", "others[0]"), "{\"a\":1, \"others\": [\n    {}\n  ]}"},
		{`{"quantity":1}`, add("others", "", "others[0]"), `{"quantity":1, "others": [{}]}`},
		{"{\n  \"others\": [\n    {}\n  ]\n}", add("others", "", "others[1]"), "{\n  \"others\": [\n    {},\n    {}\n  ]\n}"},
		{`{"quantity":1}`, add("parent", "", "parent"), `{"quantity":1, "parent": {}}`},
		{`{"quantity":1}`, add("at", "", "at"), `{"quantity":1, "at": "1970-01-01T00:00:00Z"}`},
		{`{"quantity":1}`, add("stock", "-5", `stock["-5"]`), `{"quantity":1, "stock": {"-5": {}}}`},
		{`{"stock":{"1": {}}}`, add("stock", "2", `stock["2"]`), `{"stock":{"1": {}, "2": {}}}`},
		{`{"stock":{"1": {}}}`, set(`stock["1"].city`, "Bonn"), "{\"stock\":{\"1\": {\n      \"city\": \"Bonn\"\n    }}}"},
		{`{"userId": "a", "quantity": 1}`, remove("userId"), `{ "quantity": 1}`},
		{`{"userId": "a", "quantity": 1}`, remove("quantity"), `{"userId": "a"}`},
		{`{"userId": "a"}`, remove("userId"), `{}`},
		{`{"userId": "a",}`, remove("userId"), `{}`},
		{"{\n  // who\n  \"userId\": \"a\", // why\n  \"quantity\": 1\n}", remove("userId"), "{\n  // who\n   // why\n  \"quantity\": 1\n}"},
		{"{\n  \"userId\": \"a\", // why\n  \"quantity\": 1\n}", remove("quantity"), "{\n  \"userId\": \"a\" // why\n  \n}"},
		{`{"counts": [1, 2, 3]}`, remove("counts[1]"), `{"counts": [1, 3]}`},
		{`{"stock":{"1": {}, "2": {}}}`, remove(`stock["2"]`), `{"stock":{"1": {}}}`},
		{`{"nope": 1, "quantity": 1}`, remove("nope"), `{ "quantity": 1}`},
		{`{}`, remove("quantity"), `{}`},
	} {
		f := newForm(t, "test.shop.Order", tt.body)
		if err := tt.edit(f); err != nil {
			t.Errorf("%s: %v", tt.body, err)
			continue
		}
		if got := string(f.JSON()); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.body, got, tt.want)
		}
	}
}

func TestFormRefuses(t *testing.T) {
	t.Parallel()
	const body = `{"quantity": 1, "stock": {"1": {}}, "nope": 1, "others": {}}`
	f := newForm(t, "test.shop.Order", body)
	for _, tt := range []struct{ path, typed, want string }{
		{"quantity", "x", `body: line 1, column 1: quantity: want a value, got "x"`},
		{"quantity", "99999999999", "body: line 1, column 1: quantity: want a whole number from -2147483648 to 2147483647 (int32), got 99999999999"},
		{"quantity", "1, 2", `body: line 1, column 2: quantity: unexpected "," after the end of the value`},
		{"colour", "REED", `body: line 1, column 1: colour: no value "REED" in enum test.shop.Colour; did you mean "RED"?`},
		{"parent", `{"others": [{"citi": 1}]}`, `body: line 1, column 14: parent.others[0].citi: no such field in test.shop.Address; did you mean "city"?`},
		{"counts", `[1, "x"]`, `body: line 1, column 5: counts[1]: want a whole number from 0 to 18446744073709551615 (uint64), got "x"`},
		{"nope", "1", "body: line 1, column 1: nope: the schema has no such field; take it out"},
		{"gone", "1", `the form has no row "gone"`},
	} {
		if err := f.Set(tt.path, tt.typed); err == nil || err.Error() != tt.want {
			t.Errorf("%s = %s:\n got %v\nwant %s", tt.path, tt.typed, err, tt.want)
		}
	}
	for _, tt := range []struct{ path, key, want string }{
		{"stock", "x", "the key of this map must be a whole number"},
		{"stock", "01", `the map has the key "1" already`},
		{"others", "", "want an array"},
		{"nope", "", "no such field"},
		{"gone", "", "no row"},
	} {
		if _, err := f.Add(tt.path, tt.key); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("add %s %s: %v", tt.path, tt.key, err)
		}
	}
	if string(f.JSON()) != body {
		t.Errorf("the body changed: %s", f.JSON())
	}
	md, types := message(t, "test.shop.Order")
	for body, want := range map[string]string{"{": "body: line 1, column 2: the body ends", "[]": "a form needs an object"} {
		_, err := NewForm(md, []byte(body), Options{Types: types})
		var e *BodyError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestFormIsBounded(t *testing.T) {
	t.Parallel()
	f := newForm(t, "test.shop.Order", `{"counts": [`+strings.Repeat("1,", 3*mostRows)+`]}`)
	if len(f.Rows()) != mostRows || !f.Cut {
		t.Errorf("%d rows, cut %v", len(f.Rows()), f.Cut)
	}
	f = newForm(t, "test.shop.Order", strings.Repeat(`{"parent":`, 9000)+"{}"+strings.Repeat("}", 9000))
	deep := f.Rows()[0]
	for _, r := range f.Rows() {
		if r.Depth > deep.Depth {
			deep = r
		}
	}
	if deep.Depth != deepestForm || len(f.Rows()) > 100*deepestForm {
		t.Errorf("%d rows, the deepest %d", len(f.Rows()), deep.Depth)
	}
}

// FuzzForm fills, empties and extends the rows of any body. The text must stay a
// body, and what a row was set to must be what it shows.
func FuzzForm(f *testing.F) {
	for _, s := range append(seeds, `{ // c
 userId: 'x', /* d */ counts: [1, // e
 2,], stock: {1: {}}, others: [{}, {city: "y",}], card: 'a',}`) {
		f.Add(s, uint8(3), uint8(1))
	}
	md, types := message(f, "test.shop.Order")
	f.Fuzz(func(t *testing.T, body string, pick, act uint8) {
		form, err := NewForm(md, []byte(body), Options{Types: types})
		if err != nil {
			return
		}
		if len(form.Rows()) > 500 {
			return
		}
		row := form.Rows()[int(pick)%len(form.Rows())]
		before := string(form.JSON())
		switch act % 4 {
		case 0:
			_, err = form.Add(row.Path, "7")
		case 1:
			err = form.Remove(row.Path)
		case 2:
			err = form.Set(row.Path, "1")
		case 3:
			err = form.Set(row.Path, row.Value)
		}
		if err != nil {
			if strings.Contains(err.Error(), "change body") {
				t.Fatalf("%s of %q: %v", row.Path, before, err)
			}
			if string(form.JSON()) != before {
				t.Fatalf("%q became %q with %v", before, form.JSON(), err)
			}
			return
		}
		if _, err := NewForm(md, form.JSON(), Options{Types: types}); err != nil {
			t.Fatalf("%q became %q: %v", before, form.JSON(), err)
		}
	})
}
