package main

import (
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// BenchmarkGrpcurlJSON writes a message of many kinds as grpcurl does, from its bytes.
func BenchmarkGrpcurlJSON(b *testing.B) {
	in := relaxing(b, false)
	mt, err := in.types.FindMessageByName("r.M")
	if err != nil {
		b.Fatal(err)
	}
	m := mt.New().Interface()
	text := `{"number": 7, "numbers": [1, 2, 300], "choice": "ONE", "inner": {"text": "deep"}, "map": {"a": "ONE"}, "twoWords": "some words here"}`
	if err := (protojson.UnmarshalOptions{Resolver: in.types}).Unmarshal([]byte(text), m); err != nil {
		b.Fatal(err)
	}
	payload, err := proto.Marshal(m)
	if err != nil {
		b.Fatal(err)
	}
	f := &curlFormatter{json: true, types: in.types}
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		m := mt.New().Interface()
		if err := (proto.UnmarshalOptions{Resolver: in.types}).Unmarshal(payload, m); err != nil {
			b.Fatal(err)
		}
		if _, err := f.format(m); err != nil {
			b.Fatal(err)
		}
	}
}
