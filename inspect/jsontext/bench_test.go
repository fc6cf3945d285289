package jsontext

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// apiJSON is at least size bytes of what an API answers: records of names, numbers,
// times, flags, nested objects and short lists.
func apiJSON(size int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	b.WriteString(`{"items":[`)
	for i := 0; b.Len() < size; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"uuid":"%08x-%04x","name":"User %d","email":"user%d@example.com","active":%t,"score":%.3f,`+
			`"createdAt":"2026-01-02T03:04:05Z","tags":["alpha","beta","g%d"],"address":{"street":"Hauptstraße %d","city":"Zürich","geo":{"lat":%f,"lng":%f}},"manager":null}`,
			i, r.Uint32(), r.IntN(65536), i, i, i%3 == 0, r.Float64()*100, i, i%200, r.Float64()*90, r.Float64()*180)
	}
	b.WriteString(`],"next":null}`)
	return b.Bytes()
}

func BenchmarkScan(b *testing.B) {
	api := apiJSON(20 << 20)
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, api, "", "  "); err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		src  []byte
	}{
		{"api-20MB", api},
		{"pretty", pretty.Bytes()},
		{"api-2kB", apiJSON(2000)},
		{"numbers-20MB", []byte("[" + string(bytes.Repeat([]byte("1,"), 10<<20)) + "1]")},
		{"one-string-20MB", []byte(`"` + string(bytes.Repeat([]byte("abcdefghi,"), 2<<20)) + `"`)},
		{"damage-20MB", bytes.Repeat([]byte("}x, "), 5<<20)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.src)))
			b.ReportAllocs()
			var d Document
			for b.Loop() {
				d = Scan(c.src)
			}
			b.ReportMetric(float64(len(d.Nodes))*float64(unsafe.Sizeof(Node{}))/float64(len(c.src)), "nodes-B/src-B")
			b.ReportMetric(float64(len(d.Nodes)), "nodes")
		})
	}
}

// The same work as a test of validity only.
func BenchmarkEncodingJSONValid(b *testing.B) {
	src := apiJSON(20 << 20)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if !json.Valid(src) {
			b.Fatal("not valid")
		}
	}
}

func BenchmarkWindow(b *testing.B) {
	src := apiJSON(20 << 20)
	d := Scan(src)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		from := i * 7919 % d.Lines
		if text, _ := d.Window(src, from, from+50); len(text) == 0 {
			b.Fatal("no text")
		}
	}
}

func BenchmarkAt(b *testing.B) {
	src := apiJSON(20 << 20)
	d := Scan(src)
	for i := 0; b.Loop(); i++ {
		d.At(i * 7919 % len(src))
	}
}
