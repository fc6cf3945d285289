// Package golden compares what a test made with a file that was reviewed.
// go test -update writes the files instead; make golden does that everywhere.
//
//	golden.Check(t, "testdata/goaway.golden", got)
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A package that uses golden must not define this flag itself.
var update = flag.Bool("update", false, "write the golden files")

// Updating reports whether golden files are to be written. A test that makes its
// input files asks it too.
func Updating() bool { return *update }

// Check fails the test if got is not what the file holds, and shows where they
// differ. With -update it writes the file.
func Check(tb testing.TB, file string, got []byte) {
	tb.Helper()
	if *update {
		write(tb, file, got)
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		tb.Errorf("no golden file (go test -update writes it): %v", err)
		return
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		tb.Errorf("%s differs (-file +got); if that is right, go test -update\n%s", file, diff)
	}
}

// write leaves a file alone that is right already, so that its time tells when
// it changed.
func write(tb testing.TB, file string, got []byte) {
	tb.Helper()
	if have, err := os.ReadFile(file); err == nil && string(have) == string(got) {
		return
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		tb.Fatalf("write golden file: %v", err)
	}
	if err := os.WriteFile(file, got, 0o644); err != nil {
		tb.Fatalf("write golden file: %v", err)
	}
}
