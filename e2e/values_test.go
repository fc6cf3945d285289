//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

// sameValues compares two texts of JSON values, one after another, whatever the
// white space between their tokens.
func sameValues(t *testing.T, got, want string) {
	t.Helper()
	g, w := values(t, got), values(t, want)
	if strings.Join(g, "\n") != strings.Join(w, "\n") {
		t.Errorf("wiregloss gives %d values\n%s\ngrpcurl gives %d\n%s", len(g), strings.Join(g, "\n"), len(w), strings.Join(w, "\n"))
	}
}

// values returns each JSON value of a text in compact form.
func values(t *testing.T, text string) []string {
	t.Helper()
	var all []string
	for dec := json.NewDecoder(strings.NewReader(text)); ; {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		var b bytes.Buffer
		if err := json.Compact(&b, raw); err != nil {
			t.Fatal(err)
		}
		all = append(all, b.String())
	}
}

// decode reads one JSON value.
func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return v
}
