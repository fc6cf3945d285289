package record

import (
	"fmt"
	"io"
	"testing"
)

func BenchmarkAdd(b *testing.B) {
	for _, size := range []int{100, 16 << 10, 32 << 10} {
		b.Run(fmt.Sprintf("discarded/%d", size), func(b *testing.B) {
			data := make([]byte, size)
			r := New(Meta{})
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				r.Discard(Received, r.Add(Received, 0, data).End())
			}
		})
		b.Run(fmt.Sprintf("kept/%d", size), func(b *testing.B) {
			data := make([]byte, size)
			r := New(Meta{})
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if r.Add(Received, 0, data); r.Size(Received) > 1<<28 {
					r.Release() // bounds the disk space
					r = New(Meta{})
				}
			}
			r.Release()
		})
	}
}

// What a short call costs: two directions, a few chunks.
func BenchmarkUnary(b *testing.B) {
	data := make([]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		r := New(Meta{})
		for range 6 {
			r.Add(Sent, 0, data)
			r.Add(Received, 0, data)
		}
		r.Close(nil)
	}
}

func benchmarkSpans(b *testing.B, size int64, read func(*Recording, Span)) {
	r := New(Meta{})
	defer r.Release()
	data := make([]byte, 32<<10)
	for r.Size(Received) < size {
		r.Add(Received, 0, data)
	}
	const message = 75
	var off int64
	b.SetBytes(message)
	b.ReportAllocs()
	for b.Loop() {
		read(r, Span{Received, off, message})
		if off += message; off+message > size {
			off = 0
		}
	}
}

func BenchmarkView(b *testing.B) {
	view := func(r *Recording, s Span) { r.View(s) }
	b.Run("memory", func(b *testing.B) { benchmarkSpans(b, memoryLimit/2, view) })
	b.Run("spilled", func(b *testing.B) { benchmarkSpans(b, 8*memoryLimit, view) })
}

func BenchmarkAppend(b *testing.B) {
	var dst []byte
	read := func(r *Recording, s Span) { dst = r.Append(dst[:0], s) }
	b.Run("memory", func(b *testing.B) { benchmarkSpans(b, memoryLimit/2, read) })
	b.Run("spilled", func(b *testing.B) { benchmarkSpans(b, 8*memoryLimit, read) })
}

func BenchmarkWriteTo(b *testing.B) {
	r := New(Meta{})
	data := make([]byte, 32<<10)
	for r.Size(Received) < memoryLimit/2 {
		r.Add(Received, 0, data)
	}
	b.SetBytes(r.Size(Received))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
