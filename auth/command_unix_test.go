//go:build unix

package auth

import (
	"testing"
	"time"
)

func TestCommandInShell(t *testing.T) {
	t.Parallel()
	want(t, Command{Shell: `x=ab; echo "$x"c`}, "Bearer abc", "")
	want(t, Command{Shell: "echo s3cret; echo log in >&2; exit 4"}, "", "token command (shell): exit status 4; it said: log in")
}

// What a command leaves behind holds its output open; it is not waited for.
func TestCommandLeavesAChild(t *testing.T) {
	t.Parallel()
	want(t, Command{Shell: "sleep 20 & echo abc", Timeout: 15 * time.Second}, "Bearer abc", "")
}
