package main

import (
	"unicode"

	"github.com/rogpeppe/go-internal/testscript"
)

// hostile returns the first character of text that could change what a terminal
// shows: any control but line feed and tab, and any format character.
func hostile(text string) (rune, bool) {
	for _, r := range text {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar) {
			return r, true
		}
	}
	return 0, false
}

// noHostile checks that stdout or stderr is safe to show; with "!" that it is not.
func noHostile(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) != 1, "[!] nohostile stdout|stderr")
	r, found := hostile(ts.ReadFile(args[0]))
	switch {
	case found && !neg:
		ts.Fatalf("%s has the character %U", args[0], r)
	case !found && neg:
		ts.Fatalf("%s has nothing that a terminal acts on", args[0])
	}
}
