package golden

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// spy is a testing.TB that remembers failures instead of failing.
type spy struct {
	testing.TB
	failures []string
}

func (s *spy) Helper() {}

func (s *spy) Errorf(format string, args ...any) {
	s.failures = append(s.failures, fmt.Sprintf(format, args...))
}

// Not parallel: it sets the flag.
func TestCheck(t *testing.T) {
	defer func(before bool) { *update = before }(*update)
	file := filepath.Join(t.TempDir(), "testdata", "case.golden")

	*update = false
	missing := &spy{TB: t}
	Check(missing, file, []byte("one\ntwo\n"))
	if len(missing.failures) != 1 || !strings.Contains(missing.failures[0], "-update writes it") {
		t.Errorf("a missing file: %q", missing.failures)
	}

	*update = true
	Check(t, file, []byte("one\ntwo\n"))
	if got, err := os.ReadFile(file); err != nil || string(got) != "one\ntwo\n" {
		t.Fatalf("-update wrote %q, %v", got, err)
	}

	*update = false
	same := &spy{TB: t}
	Check(same, file, []byte("one\ntwo\n"))
	if len(same.failures) != 0 {
		t.Errorf("the same text: %q", same.failures)
	}
	differs := &spy{TB: t}
	Check(differs, file, []byte("one\nthree\n"))
	if len(differs.failures) != 1 || !strings.Contains(differs.failures[0], "three") {
		t.Errorf("another text: %q", differs.failures)
	}
}
