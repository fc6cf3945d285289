package render

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"plain ASCII ~", "plain ASCII ~"},
		{"Zoë 東京 ✓ 🎉", "Zoë 東京 ✓ 🎉"},
		{"a\u00a0b", "a\u00a0b"}, // a space, if a wide one
		{"\x1b[31mred", `\x1b[31mred`},
		{"\x1b]52;c;aGk=\x07", `\x1b]52;c;aGk=\x07`},
		{"\x00\x7f\r\n\t", `\x00\x7f\r\n\t`},
		{"\u009b31m\u0085", `\x9b31m\x85`},       // C1 controls
		{"\u202eevil\u2066", `\u202eevil\u2066`}, // bidirectional controls
		{"a\u2028b\u2029c", `a\u2028b\u2029c`},
		{"zero\u200bwidth\ufeff", `zero\u200bwidth\ufeff`},
		{"soft\u00adhyphen", `soft\xadhyphen`},
		{"\U000e0041tag", `\U000e0041tag`},
		{"bad\xff\xc3utf8", `bad\xff\xc3utf8`},
		{"\x9b31m", `\x9b31m`}, // C1 as a byte, as 8-bit terminals take it
		{"a real \ufffd stays", "a real \ufffd stays"},
	} {
		if got := Escape(c.in); got != c.want {
			t.Errorf("Escape(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestEscapeLines(t *testing.T) {
	t.Parallel()
	in, want := "one\n\ttwo\x1b\r\nthree\u202e\n", "one\n\ttwo\\x1b\\r\nthree\\u202e\n"
	if got := EscapeLines(in); got != want {
		t.Errorf("EscapeLines(%q) = %q, want %q", in, got, want)
	}
}

func TestEscapeJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{`{"a":"b"}`, `{"a":"b"}`},
		{"{\n\t\"a\": \"Zoë 🎉\"\n}", "{\n\t\"a\": \"Zoë 🎉\"\n}"},
		{"{\"a\":\"x\u202ey\u009bz\x7f\"}", `{"a":"x\u202ey\u009bz\u007f"}`},
		{"\"\U000e0041\"", `"\udb40\udc41"`}, // beyond U+FFFF: a surrogate pair
		{"\"bad\xff\"", `"bad\ufffd"`},
		{"[1,\r\n2,\r3]", "[1,\n2, 3]"}, // a lone carriage return would write over the line
		{"[1]\r", "[1] "},
	} {
		got := string(EscapeJSON([]byte(c.in)))
		if got != c.want {
			t.Errorf("EscapeJSON(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

// acts returns the first rune of text that a terminal acts on, kept apart.
func acts(text, allowed string) (rune, bool) {
	for _, r := range text {
		if strings.ContainsRune(allowed, r) {
			continue
		}
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return r, true
		}
	}
	return 0, false
}

// Whatever a server sends, nothing that a terminal acts on is left, and JSON
// stays the same JSON.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "plain", "\x1b[2J", "\u202e", "a\xffb", "\"\\u001b\"", "{\"a\":\"\u009b\"}", "[1,\r2]", "\U000e0001", "\ufffd", "\"\xed\xa0\x80\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if r, bad := acts(Escape(s), ""); bad || !utf8.ValidString(Escape(s)) {
			t.Errorf("Escape(%q) leaves %U", s, r)
		}
		if r, bad := acts(EscapeLines(s), "\n\t"); bad {
			t.Errorf("EscapeLines(%q) leaves %U", s, r)
		}
		escaped := EscapeJSON([]byte(s))
		if r, bad := acts(string(escaped), "\n\t"); bad || !utf8.Valid(escaped) {
			t.Errorf("EscapeJSON(%q) leaves %U", s, r)
		}
		var before, after any
		if json.Unmarshal([]byte(s), &before) != nil {
			return
		}
		if err := json.Unmarshal(escaped, &after); err != nil || !reflect.DeepEqual(before, after) {
			t.Errorf("EscapeJSON(%q) = %q, which is other JSON (%v)", s, escaped, err)
		}
	})
}

func TestSecret(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"authorization", "Authorization", "proxy-authorization", "x-forwarded-authorization", "cookie", "Set-Cookie", "x-api-key", "apikey",
		"x-goog-api-key", "ocp-apim-subscription-key", "x-auth-token", "x-csrf-token", "token", "password", "db-password", "client-secret",
		"x-goog-iap-jwt-assertion", "authorization-bin", "x-session-token-bin",
	} {
		if !Secret(name) || HeaderValue(name, "s3cret", false) != "********" {
			t.Errorf("%s is shown", name)
		}
		if HeaderValue(name, "s3cret\x1b", true) != `s3cret\x1b` {
			t.Errorf("%s is not shown when asked for", name)
		}
	}
	for _, name := range []string{"content-type", "user-agent", "grpc-status", "x-request-id", ":authority", "idempotency-key", "author", "x-tokens-left"} {
		if Secret(name) || HeaderValue(name, "plain", false) != "plain" {
			t.Errorf("%s is hidden", name)
		}
	}
}
