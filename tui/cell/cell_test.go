package cell

import (
	"strings"
	"testing"
)

func TestFitIsExact(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "a", "abcdef", "日本語テキスト", "e\u0301e\u0301", "\x1b[7mred\x1b[m", strings.Repeat("x", 300)} {
		for w := range 80 {
			if got := Width(Fit(s, w)); got != w {
				t.Errorf("Fit(%q, %d) has %d cells", s, w, got)
			}
			if got := Width(Right(s, w)); got != w {
				t.Errorf("Right(%q, %d) has %d cells", s, w, got)
			}
			if got := Width(Middle(s, w)); got > w {
				t.Errorf("Middle(%q, %d) has %d cells", s, w, got)
			}
		}
	}
}

func TestMiddleKeepsBothEnds(t *testing.T) {
	t.Parallel()
	if got, want := Middle("demo.v1.UserService/GetUser", 11), "demo.…tUser"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBlock(t *testing.T) {
	t.Parallel()
	got := Block([]string{"one", "two long"}, 4, 3)
	want := []string{"one ", "two…", "    "}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d: got %q, want %q", i, got[i], want[i])
		}
	}
}
