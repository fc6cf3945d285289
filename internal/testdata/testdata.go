// Package testdata finds the public specs, protos and vectors that some tests
// run on. They are not part of the repository.
package testdata

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Dir returns the path of a folder or file of the data: below WIREGLOSS_DATA,
// or below ../shared/data beside the repository. Without the data the test is
// skipped, or fails when WIREGLOSS_REQUIRE_DATA is set, as it is in CI.
func Dir(tb testing.TB, path string) string {
	tb.Helper()
	root := os.Getenv("WIREGLOSS_DATA")
	if root == "" {
		_, file, _, _ := runtime.Caller(0)
		root = filepath.Join(filepath.Dir(file), "..", "..", "..", "shared", "data")
	}
	full := filepath.Join(root, filepath.FromSlash(path))
	if _, err := os.Stat(full); err != nil {
		if os.Getenv("WIREGLOSS_REQUIRE_DATA") != "" {
			tb.Fatalf("test data missing: %v", err)
		}
		tb.Skipf("test data not here (set WIREGLOSS_DATA to its folder): %v", err)
	}
	return full
}
