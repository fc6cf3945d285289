package auth

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wiregloss/wiregloss/exchange"
)

func write(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// want checks what a source gives, and that no error holds a secret.
func want(t *testing.T, s Source, value, errText string) {
	t.Helper()
	h, err := s.Header(t.Context())
	switch {
	case errText == "" && (err != nil || h != exchange.Header{Name: "authorization", Value: value}):
		t.Errorf("got %+v, %v; want %s", h, err, value)
	case errText != "" && (err == nil || !strings.Contains(err.Error(), errText)):
		t.Errorf("got %+v, %v; want an error with %q", h, err, errText)
	case errText != "" && strings.Contains(err.Error(), "s3cret"):
		t.Errorf("a secret in the error: %v", err)
	}
}

func TestBearer(t *testing.T) {
	t.Setenv("WIREGLOSS_TEST_TOKEN", " s3cret\n")
	want(t, Bearer(Literal("abc.def-_~+/=")), "Bearer abc.def-_~+/=", "")
	want(t, Bearer(Literal("bearer abc")), "Bearer abc", "")
	want(t, Bearer(FromFile(write(t, "\n s3cret \n"))), "Bearer s3cret", "")
	want(t, Bearer(FromEnv("WIREGLOSS_TEST_TOKEN")), "Bearer s3cret", "")
	want(t, Bearer(FromEnv("WIREGLOSS_TEST_NONE")), "", "bearer token: the environment variable WIREGLOSS_TEST_NONE is not set")
	want(t, Bearer(Literal("s3cret s3cret")), "", "bearer token from the command line or config: it has white space at byte 6")
	want(t, Bearer(Literal("s3cret\ns3cret\r\nx")), "", "it has 3 lines; a token is one")
	want(t, Bearer(Literal("s3cret\xe9")), "", "byte 6 is 0xe9; a token is printable ASCII")
	want(t, Bearer(Literal(`{"access_token": "s3cret"}`)), "", "it looks like JSON; give only the token in it")
	want(t, Bearer(FromFile(write(t, ""))), "", `secret": it is empty`)
	want(t, Bearer(FromFile(filepath.Join(t.TempDir(), "none"))), "", "no such file")
	want(t, Bearer(FromFile(t.TempDir())), "", "is not a file; to use what a program prints, give a token command")
	want(t, Bearer(FromFile(write(t, strings.Repeat("s3cret", largestSecret/6+1)))), "", "is larger than 1048576 bytes")
}

// A file is read for each call: whoever rotates it is not told about us.
func TestBearerFileIsReadAgain(t *testing.T) {
	t.Parallel()
	name := write(t, "one")
	source := Bearer(FromFile(name))
	want(t, source, "Bearer one", "")
	if err := os.WriteFile(name, []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, source, "Bearer two", "")
}

func TestBasic(t *testing.T) {
	t.Parallel()
	want(t, Basic("Aladdin", Literal("open sesame")), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "") // RFC 7617 §2
	want(t, Basic("test", Literal("123£")), "Basic dGVzdDoxMjPCow==", "")                       // RFC 7617 §2.1
	want(t, Basic("a:b", Literal("s3cret")), "", "the user name has a colon")
	want(t, Basic("a", Literal("s3cret\n")), "", "a control character")
	want(t, Basic("a", FromFile("/nonexistent/x")), "", "basic credentials: read secret")
	for pair, value := range map[string]string{
		"u:p:q": "Basic dTpwOnE=", "u:": "Basic dTo=", ":p": "Basic OnA=", "u:@" + write(t, "p\n"): "Basic dTpw",
	} {
		source, err := ParseBasic(pair)
		if err != nil {
			t.Errorf("%s: %v", pair, err)
			continue
		}
		want(t, source, value, "")
	}
	for pair, text := range map[string]string{"s3cret": "no colon", "u:@": "no file name"} {
		if _, err := ParseBasic(pair); err == nil || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", pair, err)
		}
	}
}

func TestParseSecret(t *testing.T) {
	t.Parallel()
	for s, w := range map[string]Secret{
		"abc": Literal("abc"), "@f": FromFile("f"), "env:A": FromEnv("A"), "${A}": FromEnv("A"), "$A": Literal("$A"),
	} {
		if got, err := ParseSecret(s); err != nil || got.kind != w.kind || got.name() != w.name() {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "@", "env:", "${}"} {
		if _, err := ParseSecret(s); err == nil {
			t.Errorf("%q: no error", s)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	s := Literal("s3cret")
	holder := struct{ S Secret }{s}
	encoded, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	out := fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s) + fmt.Sprintf("%v %+v %#v", holder, holder, &holder) + string(encoded) + s.LogValue().String()
	if strings.Contains(out, "s3cret") || strings.Contains(out, fmt.Sprintf("%x", "s3cret")) {
		t.Errorf("it printed: %s", out)
	}
	for _, s := range []fmt.Stringer{stringer{Bearer(s)}, stringer{Basic("u", s)}, stringer{&OAuth2{o: ClientCredentials{Secret: s}}}} {
		if strings.Contains(s.String(), "s3cret") {
			t.Errorf("a source printed: %s", s)
		}
	}
}

type stringer struct{ s Source }

func (s stringer) String() string { return fmt.Sprintf("%v %+v %#v", s.s, s.s, s.s) }
