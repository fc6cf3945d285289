package protofile

import (
	"testing"

	"github.com/wiregloss/wiregloss/internal/testdata"
)

// A tree of many files: googleapis as published has some 6,000, this part of it 149.
func BenchmarkLoad(b *testing.B) {
	root := testdata.Dir(b, "proto/googleapis")
	b.ReportAllocs()
	for b.Loop() {
		c, err := Load([]string{root}, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(c.Files.NumFiles()), "files")
	}
}
