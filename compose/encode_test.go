package compose

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

func TestEncodeAcceptsBothNames(t *testing.T) {
	t.Parallel()
	md, types := message(t, "test.shop.Order")
	for _, body := range []string{`{"user_id":"1"}`, `{"userId":"1"}`, "\n {\"userId\" : \"1\"}\n"} {
		got, err := Encode(md, types, []byte(body))
		if err != nil || string(got) != "\x0a\x011" {
			t.Errorf("Encode(%s) = %x, %v; want 0a0131", body, got, err)
		}
	}
}

func TestEncodeEmptyBodyIsEmptyMessage(t *testing.T) {
	t.Parallel()
	md, types := message(t, "test.shop.Order")
	got, err := Encode(md, types, []byte(" \n"))
	if err != nil || len(got) != 0 {
		t.Errorf("Encode of white space = %x, %v", got, err)
	}
}

func TestEncodeErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ message, body, want string }{
		{"test.shop.Order", `{"address":{"citty":"Bonn"}}`, `body: line 1, column 13: address.citty: no such field in test.shop.Address; did you mean "city"?`},
		{"test.shop.Order", `{"usr_id":""}`, `body: line 1, column 2: usr_id: no such field in test.shop.Order; did you mean "user_id"?`},
		{"test.shop.Order", `{"UserID":""}`, `body: line 1, column 2: UserID: no such field in test.shop.Order; did you mean "userId"?`},
		{"test.shop.Address", `{"zzz":""}`, `body: line 1, column 2: zzz: no such field in test.shop.Address; it has streetLines, city`},
		{"test.old.Plain", `{"zzz":""}`, `body: line 1, column 2: zzz: no such field in test.old.Plain, which has no fields`},
		{"test.shop.Order", `{"a b\u001b":1}`, `body: line 1, column 2: ["a b\x1b"]: no such field in test.shop.Order; it has userId, quantity, serial, address, others, colour, stock, card and 14 more`},
		{"test.shop.Order", "{\n  \"userId\": 5}", `body: line 2, column 13: userId: want a string, got 5; write "5"`},
		{"test.shop.Order", `{"quantity":"abc"}`, `body: line 1, column 13: quantity: want a whole number from -2147483648 to 2147483647 (int32), got "abc"`},
		{"test.shop.Order", `{"quantity":3000000000}`, `body: line 1, column 13: quantity: want a whole number from -2147483648 to 2147483647 (int32), got 3000000000`},
		{"test.shop.Order", `{"quantity":" 7"}`, `body: line 1, column 13: quantity: want a whole number from -2147483648 to 2147483647 (int32), got " 7"; write 7`},
		{"test.shop.Order", `{"serial":-1}`, `body: line 1, column 11: serial: want a whole number from 0 to 18446744073709551615 (fixed64), got -1`},
		{"test.shop.Order", `{"cash":"true"}`, `body: line 1, column 9: cash: want true or false, got "true"; write true`},
		{"test.shop.Order", `{"colour":"REED"}`, `body: line 1, column 11: colour: no value "REED" in enum test.shop.Colour; did you mean "RED"?`},
		{"test.shop.Order", `{"colour":"BLACK"}`, `body: line 1, column 11: colour: no value "BLACK" in enum test.shop.Colour; it has COLOUR_UNSPECIFIED, RED, GREEN`},
		{"test.shop.Order", `{"colour":[]}`, `body: line 1, column 11: colour: want a name or number of enum test.shop.Colour, got an array`},
		{"test.shop.Order", `{"data":"?"}`, `body: line 1, column 9: data: want a base64 string (bytes), got "?"`},
		{"test.shop.Order", `{"counts":5}`, `body: line 1, column 11: counts: want an array of uint64, got 5; write [5]`},
		{"test.shop.Order", `{"others":[{},{"city":1}]}`, `body: line 1, column 23: others[1].city: want a string, got 1; write "1"`},
		{"test.shop.Order", `{"others":[null]}`, `body: line 1, column 12: others[0]: want an object (test.shop.Address), got null`},
		{"test.shop.Order", `{"stock":[]}`, `body: line 1, column 10: stock: want an object (map<int32, test.shop.Address>), got an array`},
		{"test.shop.Order", `{"stock":{"x":{}}}`, `body: line 1, column 11: stock["x"]: the key of this map must be a whole number from -2147483648 to 2147483647 (int32)`},
		{"test.shop.Order", `{"stock":{"1":{},"+1":{}}}`, `body: line 1, column 18: stock["+1"]: the key is given twice`},
		{"test.shop.Order", `{"stock":{"1":{"cit":""}}}`, `body: line 1, column 16: stock["1"].cit: no such field in test.shop.Address; did you mean "city"?`},
		{"test.shop.Order", `{"card":"","cash":true}`, `body: line 1, column 12: cash: "card" of the same oneof payment is set already; only one of its fields may be`},
		{"test.shop.Order", `{"user_id":"","userId":""}`, `body: line 1, column 15: userId: the field is given twice, before as "user_id"`},
		{"test.shop.Order", `{"at":"today"}`, `body: line 1, column 7: at: want a time like "2026-01-31T15:04:05.123Z" (google.protobuf.Timestamp), got "today"`},
		{"test.shop.Order", `{"limit":{}}`, `body: line 1, column 10: limit: want a whole number of 64 bits (int64), got an object`},
		{"test.shop.Order", `{"extra":{"x":1}}`, `body: line 1, column 10: extra: an Any needs "@type", like "type.googleapis.com/google.rpc.Status"`},
		{"test.shop.Order", `{"extra":{"@type":"a/b.C"}}`, `body: line 1, column 19: extra.@type: the message type "a/b.C" is not known`},
		{"test.shop.Order", `{"extra":{"@type":"x/test.shop.Address","citi":""}}`, `body: line 1, column 41: extra.citi: no such field in test.shop.Address; did you mean "city"?`},
		{"test.shop.Order", `{"extra":{"@type":"x/google.protobuf.Duration"}}`, `body: line 1, column 10: extra: an Any of google.protobuf.Duration needs "value"`},
		{"test.shop.Order", `{"extra":{"@type":"x/google.protobuf.Duration","value":1}}`, `body: line 1, column 56: extra.value: want a duration in seconds like "1.5s" (google.protobuf.Duration), got 1`},
		{"test.shop.Order", `[]`, `body: line 1, column 1: want an object (test.shop.Order), got an array`},
		{"test.old.Item", `{}`, `body: line 1, column 1: the required field "id" of test.old.Item is missing`},
		{"test.old.Item", `{"id":1,"[test.old.none]":""}`, `body: line 1, column 9: [test.old.none]: no extension of this name is known`},
		{"test.old.Plain", `{"[test.old.extra]":""}`, `body: line 1, column 2: [test.old.extra]: the extension belongs to test.old.Item, not to test.old.Plain`},
		{"test.shop.Order", `{"userId":"é","x`, `body: line 1, column 15: the string that begins here has no closing quote`},
		{"test.shop.Order", "{\n", `body: line 2, column 1: the body ends inside an object; add }`},
		{"test.shop.Order", `{"quantity":1`, `body: line 1, column 14: the body ends before the } that closes line 1, column 1`},
		{"test.shop.Order", `{"quantity":1,}`, `body: line 1, column 14: a comma before }`},
		{"test.shop.Order", `{'quantity':1}`, `body: line 1, column 2: want a field name in double quotes, got "'"`},
		{"test.shop.Order", `{"quantity":01}`, `body: line 1, column 13: "01" is not a JSON number`},
		{"test.shop.Order", `{"userId":'x'}`, `body: line 1, column 11: single quotes are not JSON; use double quotes`},
		{"test.shop.Order", `{"userId":"\ud800"}`, `body: line 1, column 12: "\\ud800" is not a valid escape`},
		{"test.shop.Order", `{} x`, `body: line 1, column 4: unexpected "x" after the end of the value`},
		{"test.shop.Order", "{\"userId\":\"\xff\"}", `body: line 1, column 12: invalid UTF-8 in a string: byte 0xff`},
	}
	for _, tt := range tests {
		md, types := message(t, protoreflect.FullName(tt.message))
		_, err := Encode(md, types, []byte(tt.body))
		var body *BodyError
		if !errors.As(err, &body) {
			t.Errorf("Encode(%s): %v; want a *BodyError", tt.body, err)
			continue
		}
		if body.Error() != tt.want {
			t.Errorf("Encode(%s):\n got %s\nwant %s", tt.body, body, tt.want)
		}
	}
}

func TestEncodeNestedTooDeep(t *testing.T) {
	t.Parallel()
	md, types := message(t, "test.shop.Order")
	body := strings.Repeat(`{"parent":`, 20000) + "{}" + strings.Repeat("}", 20000)
	_, err := Encode(md, types, []byte(body))
	if err == nil || !strings.Contains(err.Error(), "nested more than 10000 deep") {
		t.Errorf("err = %v", err)
	}
}

var seeds = []string{
	`{"user_id":"1","quantity":1.0,"serial":"18446744073709551615","colour":2,"data":"-_8","weight":"NaN"}`,
	`{"address":{"street_lines":["a","b"]},"others":[{},{"city":"x"}],"stock":{"1":{}}}`,
	`{"at":"2026-01-01T00:00:00Z","within":"1.5s","mask":"userId,address.city","limit":"5","free":[1,null,{"a":true}],"tree":{"x":1}}`,
	`{"extra":{"@type":"type.googleapis.com/test.shop.Address","city":"x"},"nothing":null,"note":null,"parent":{"cash":true}}`,
	`{"extra":{"@type":"type.googleapis.com/google.protobuf.Value","value":null}}`,
	`{"extra":{"@type":"x/google.protobuf.Any","value":{"@type":"x/test.old.Item"}}}`,
	`{"quantity":1e0}`, `{"quantity":1e}`, `{"weight":1e39}`, `{"counts":[1,2,]}`, `{"extra":{}}`, `{"extra":null}`, `{"a`, `{"card":"","cash":false}`,
	`{"id":1,"[test.old.extra]":"x","Part":{"n":-1},"level":"LOW"}`, `{"id":null}`, `{"id":1,"part":{}}`, `{"free":{"a":1,"a":2}}`,
}

// FuzzEncode holds the explaining walk to what protojson decides: each refusal is
// explained with a place in the body, and nothing that it accepts is a fault.
func FuzzEncode(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	order, types := message(f, "test.shop.Order")
	item, _ := message(f, "test.old.Item")
	f.Fuzz(func(t *testing.T, body string) {
		if strings.TrimSpace(body) == "" {
			return
		}
		for _, md := range []protoreflect.MessageDescriptor{order, item} {
			m := dynamicpb.NewMessage(md)
			err := protojson.UnmarshalOptions{Resolver: types}.Unmarshal([]byte(body), m)
			_, fault := Options{Types: types, Strict: true}.walk(md, []byte(body))
			if (err == nil) != (fault == nil) {
				t.Fatalf("%s\nprotojson: %v\nexplained: %v", body, err, fault)
			}
			got, encErr := Encode(md, types, []byte(body))
			if err == nil {
				want, _ := proto.MarshalOptions{Deterministic: true}.Marshal(m)
				if encErr != nil || string(got) != string(want) {
					t.Fatalf("Encode(%s) = %x, %v; want %x", body, got, encErr, want)
				}
			}
		}
	})
}
