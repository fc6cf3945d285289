package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/wiregloss/wiregloss/compose"
	"github.com/wiregloss/wiregloss/reflection/protofile"
)

const relaxedSchema = `syntax = "proto3"; package r;
import "google/protobuf/any.proto"; import "google/protobuf/field_mask.proto"; import "google/protobuf/struct.proto";
message M {
  int32 number = 1; repeated int32 numbers = 2; E choice = 3; repeated E choices = 4; M inner = 5; repeated M inners = 6;
  map<string, E> map = 7; google.protobuf.FieldMask mask = 8; google.protobuf.Value value = 9; google.protobuf.ListValue list = 10;
  google.protobuf.Any any = 11; oneof one { M chosen = 12; string text = 13; } string two_words = 14;
}
enum E { ZERO = 0; ONE = 1; }`

func relaxing(tb testing.TB, allowUnknown bool) *jsonInput {
	tb.Helper()
	cat, err := protofile.FromBytes("r.proto", []byte(relaxedSchema))
	if err != nil {
		tb.Fatal(err)
	}
	files := &curlFiles{cat: cat}
	types := newCurlTypes(files)
	mt, err := types.FindMessageByName("r.M")
	if err != nil {
		tb.Fatal(err)
	}
	return &jsonInput{md: mt.Descriptor(), types: types, allowUnknown: allowUnknown}
}

// TestGrpcurlRelaxedJSON compares what is taken beyond ProtoJSON with ProtoJSON
// that means the same.
func TestGrpcurlRelaxedJSON(t *testing.T) {
	t.Parallel()
	for given, same := range map[string]string{
		`null`: `{}`, `{"numbers": 1}`: `{"numbers": [1]}`, `{"number": [1, 2]}`: `{"number": 2}`, `{"number": []}`: `{}`,
		`{"choice": "1"}`: `{"choice": "ONE"}`, `{"choices": "1"}`: `{"choices": ["ONE"]}`, `{"map": {"a": "1"}}`: `{"map": {"a": "ONE"}}`,
		`{"inner": {"numbers": "3"}}`: `{"inner": {"numbers": [3]}}`, `{"inners": {"inner": [{}]}}`: `{"inners": [{"inner": {}}]}`,
		`{"mask": {"paths": ["two_words", "inner.number"]}}`: `{"mask": "twoWords,inner.number"}`,
		`{"value": null, "numbers": 1}`:                      `{"value": null, "numbers": [1]}`,
		`{"value": [1], "list": [2], "numbers": 1}`:          `{"value": [1], "list": [2], "numbers": [1]}`,
		`{"chosen": null}`:                                   `{"chosen": {}}`, `{"chosen": null, "numbers": 1}`: `{"chosen": {}, "numbers": [1]}`,
		`{"any": {"@type": "x/r.M", "numbers": 1}}`:         `{"any": {"@type": "x/r.M", "numbers": [1]}}`,
		`{"two_words": ["a"]}`:                              `{"twoWords": "a"}`,
		`{"none": 1, "inner": {"nor": [2], "number": "7"}}`: `{"inner": {"number": 7}}`,
	} {
		in := relaxing(t, true)
		in.in = compose.Split(strings.NewReader(given))
		got, err := in.next()
		if err != nil {
			t.Errorf("%s: %v", given, err)
			continue
		}
		want, err := compose.Encode(in.md, in.types, []byte(same))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Errorf("%s gives %x, want %x as of %s", given, got, want, same)
		}
	}
}

// TestGrpcurlStrictJSON has what grpcurl does not take either.
func TestGrpcurlStrictJSON(t *testing.T) {
	t.Parallel()
	for _, given := range []string{`{"none": 1}`, `[1]`, `{"number": "x"}`, `{"choice": "TWO"}`, `{"inner": 1}`, `{"number": {}}`, `{"mask": {"paths": 1}}`} {
		in := relaxing(t, false)
		in.in = compose.Split(strings.NewReader(given))
		if got, err := in.next(); err == nil {
			t.Errorf("%s gives %x, want an error", given, got)
		}
	}
}

// FuzzGrpcurlJSON checks that relaxing changes nothing that ProtoJSON takes, null
// aside, which means more to grpcurl.
func FuzzGrpcurlJSON(f *testing.F) {
	f.Add(`{"numbers": 1, "inner": {"choice": "1"}, "mask": {"paths": ["a_b"]}}`)
	f.Add(`{"any": {"@type": "x/r.M", "number": 3}, "value": {"a": [null]}}`)
	f.Add(`{"map": {"a": "ONE"}, "chosen": null}`)
	in := relaxing(f, true)
	f.Fuzz(func(t *testing.T, text string) {
		strict, err := compose.Encode(in.md, in.types, []byte(text))
		r := relaxer{types: in.types}
		loose, failed := r.text([]byte(text), in.md)
		if err != nil || failed != nil || !json.Valid([]byte(text)) || strings.Contains(text, "null") {
			return
		}
		again, failed := compose.Encode(in.md, in.types, loose)
		if failed != nil || string(again) != string(strict) {
			t.Errorf("%s became %s: %x, want %x (%v)", text, loose, again, strict, failed)
		}
	})
}
