package theme

import (
	"strings"
	"testing"
)

func TestRenderWrapsOnce(t *testing.T) {
	t.Parallel()
	for _, isDark := range []bool{true, false} {
		th := New(isDark)
		got := th.Selected.Render("0a 01")
		if !strings.HasPrefix(got, "\x1b[7m") || strings.Count(got, "\x1b") != 2 {
			t.Errorf("dark %v: Selected.Render = %q, want one reverse sequence and one reset", isDark, got)
		}
		if th.Key.Render("") != "" {
			t.Errorf("dark %v: an empty text was painted", isDark)
		}
		if th.Plain.Render("a") != "a" {
			t.Errorf("dark %v: Plain paints", isDark)
		}
	}
}

func TestPalettesDiffer(t *testing.T) {
	t.Parallel()
	if New(true).Faint == New(false).Faint {
		t.Error("dark and light backgrounds have the same faint text")
	}
}
