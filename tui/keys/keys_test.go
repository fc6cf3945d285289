package keys

import (
	"flag"
	"os"
	"testing"

	"github.com/wiregloss/wiregloss/tui/intent"
)

//go:generate go test -run TestDocumentIsFresh -update .

var update = flag.Bool("update", false, "write docs/keys.md")

const document = "../../docs/keys.md"

func TestDocumentIsFresh(t *testing.T) {
	if *update {
		if err := os.MkdirAll("../../docs", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(document, []byte(Markdown()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != Markdown() {
		t.Errorf("%s is not what the key map says: run go generate ./tui/keys", document)
	}
}

func TestNoKeyMeansTwoThings(t *testing.T) {
	t.Parallel()
	seen := map[place]string{}
	for _, b := range All() {
		for _, k := range b.Keys {
			p := place{b.In, k}
			if was, ok := seen[p]; ok {
				t.Errorf("%s: %q means both %q and %q", b.In, k, was, b.Help)
			}
			seen[p] = b.Help
		}
	}
}

// A global key must never be shadowed where text is typed, or a request could not
// be sent from the composer.
func TestGlobalKeysReachTheComposer(t *testing.T) {
	t.Parallel()
	for _, b := range All() {
		if b.In != Global {
			continue
		}
		for _, k := range b.Keys {
			if got, ok := Find(k, Request, Text, Global); !ok || got != b.Intent {
				t.Errorf("%q in the composer is %#v, want %#v", k, got, b.Intent)
			}
			if len([]rune(k)) == 1 {
				t.Errorf("%q is a character: it could not be typed", k)
			}
		}
	}
}

func TestEveryBindingExplainsItself(t *testing.T) {
	t.Parallel()
	for _, b := range All() {
		if len(b.Keys) == 0 || b.Label == "" || b.Help == "" || b.Intent == nil {
			t.Errorf("incomplete: %+v", b)
		}
	}
}

func TestInnermostContextDecides(t *testing.T) {
	t.Parallel()
	if got, _ := Find("enter", Text, Browse, Global); got != (intent.Edit{Op: intent.Newline}) {
		t.Errorf("enter in a text is %#v", got)
	}
	if got, _ := Find("enter", Wire, Browse, Global); got != (intent.Enter{}) {
		t.Errorf("enter in the wire is %#v", got)
	}
	if _, ok := Find("ctrl+9", Wire, Browse, Global); ok {
		t.Error("an unknown key has a meaning")
	}
}
