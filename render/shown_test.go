package render

import (
	"strings"
	"testing"

	"github.com/wiregloss/wiregloss/inspect/hpack"
)

// A block of a few bytes that stands for megabytes is cut, and says so.
func TestShownFieldsAreBounded(t *testing.T) {
	t.Parallel()
	big := hpack.Field{Name: "a", Value: strings.Repeat("x", 40<<10)}
	shown, more := shownFields([]hpack.Field{big, big, big})
	if len(shown) != 2 || more != 1 {
		t.Fatalf("%d fields shown, %d more; want 2 and 1", len(shown), more)
	}
	if got := shown[1].Value; len(got) > 30<<10 || !strings.HasSuffix(got, "… (40960 bytes)") {
		t.Errorf("the second value has %d bytes and ends in %q", len(got), got[len(got)-20:])
	}
	if big.Value != shown[0].Value {
		t.Error("the first value is cut")
	}
	if shown, more := shownFields([]hpack.Field{{Name: "a", Value: "b"}}); len(shown) != 1 || more != 0 {
		t.Error("ordinary fields are cut")
	}
}
