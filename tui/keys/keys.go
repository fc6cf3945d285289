// Package keys is the key map: every key, what it does where, and the words
// that the hint bar, the help and docs/keys.md use for it. To add a key, add
// one line here and give its intent a meaning in the pane or in the root.
//
//	want, ok := keys.Find("ctrl+s", keys.Global)
package keys

import (
	"strings"

	"github.com/wiregloss/wiregloss/tui/intent"
)

// Context is where a key has its meaning.
type Context string

// The contexts. The innermost that knows a key decides.
const (
	Global  Context = "Everywhere"
	Browse  Context = "In every list"
	Catalog Context = "Catalog"
	Text    Context = "Request: text"
	Request Context = "Request"
	Detail  Context = "Exchange"
	Wire    Context = "Wire"
	Prompt  Context = "Filter and palette"
)

// Contexts returns all contexts in the order in which the help shows them.
func Contexts() []Context {
	return []Context{Global, Browse, Catalog, Request, Text, Detail, Wire, Prompt}
}

// Binding ties keys to an intent.
type Binding struct {
	In     Context
	Keys   []string      // as tea.Key.String gives them
	Label  string        // how the keys are written for people: "↑↓", "^S"
	Hint   string        // a word or two for the hint bar
	Help   string        // a sentence for the help and docs/keys.md
	Intent intent.Intent // what the keys mean
}

// All returns every binding, in the order in which the help shows them.
func All() []Binding { return bindings }

// Find returns what a key means in the first of the contexts that knows it.
func Find(key string, in ...Context) (intent.Intent, bool) {
	for _, c := range in {
		if i, ok := byKey[place{c, key}]; ok {
			return bindings[i].Intent, true
		}
	}
	return nil, false
}

// For returns the binding of an intent in the first of the contexts that has one.
func For(want intent.Intent, in ...Context) (Binding, bool) {
	for _, c := range in {
		for _, b := range bindings {
			if b.In == c && b.Intent == want {
				return b, true
			}
		}
	}
	return Binding{}, false
}

// short are the labels of the hint bar for keys that come in pairs.
var short = map[intent.Intent]string{
	intent.Move{Rows: 1}: "↑↓", intent.NextMessage{}: "[ ]", intent.Right{}: "←→", intent.FocusNext{}: "tab",
}

// Short returns the label for the hint bar.
func (b Binding) Short() string {
	if s, ok := short[b.Intent]; ok {
		return s
	}
	return b.Label
}

type place struct {
	in  Context
	key string
}

var byKey = index(bindings)

func index(all []Binding) map[place]int {
	m := make(map[place]int, 2*len(all))
	for i, b := range all {
		for _, k := range b.Keys {
			m[place{b.In, k}] = i
		}
	}
	return m
}

// Markdown returns the key map as the page docs/keys.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString("# Keys\n\n")
	b.WriteString("Generated from the key map in `tui/keys`; do not edit. `go generate ./tui/keys` writes it.\n\n")
	b.WriteString("No key needs the kitty keyboard protocol. `^S` is Ctrl+S. While text is typed, only the keys of\n")
	b.WriteString("*Everywhere*, *Request* and *Request: text* have a meaning.\n")
	for _, c := range Contexts() {
		b.WriteString("\n## " + string(c) + "\n\n| key | does |\n|---|---|\n")
		for _, k := range bindings {
			if k.In == c {
				b.WriteString("| " + k.Label + " | " + k.Help + " |\n")
			}
		}
	}
	return b.String()
}
