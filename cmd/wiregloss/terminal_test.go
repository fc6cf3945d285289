//go:build unix

package main

import (
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/wiregloss/wiregloss/internal/testserver"
)

// On a terminal nothing that a server says can act on it, whatever the output.
func TestTerminalSeesNoControls(t *testing.T) {
	t.Parallel()
	s, err := testserver.Start("escapes", testserver.Options{})
	must(t, err)
	t.Cleanup(s.Close)
	for _, args := range [][]string{
		{"call", s.Addr, "Do"},
		{"call", s.Addr, "Do", "-v"},
		{"call", s.Addr, "Do", "-o", "json"},
		{"call", s.Addr, "Do", "-o", "wire"},
		{"call", s.Addr, "Do", "-o", "frames"},
		{"call", s.Addr, "Fail"},
		{"call", s.Addr, "Stream"},
		{"list", s.Addr},
		{"list", s.Addr, "-o", "json"},
		{"describe", s.Addr},
		{"describe", s.Addr, "Mischief/Do"},
	} {
		text := onTerminal(t, program(t, args...))
		if len(text) == 0 {
			t.Errorf("%q shows nothing", args)
		}
		if r, found := hostile(text); found {
			t.Errorf("%q writes %U to the terminal: %q", args, r, text)
		}
	}
}

// On a terminal the body is indented and still the same JSON.
func TestTerminalBodyIsIndented(t *testing.T) {
	t.Parallel()
	s := startedDemo(t)
	text := onTerminal(t, program(t, "call", s.Addr(), "GetUser", "-d", `{"user_id":"1"}`))
	if !strings.HasPrefix(text, "{\n  \"id\": \"1\",\n  \"name\": \"Ada Lovelace\",\n") {
		t.Errorf("the body is %q", text)
	}
	text = onTerminal(t, program(t, "list", s.Addr(), "ChatService"))
	if text != "demo.v1.ChatService/Chat  Chat answers every message at once, while the client may go on sending, and says goodbye when the client has finished.\n" {
		t.Errorf("the list is %q", text)
	}
}

// onTerminal runs cmd on a pseudo-terminal of its own and returns what it wrote,
// with the line ends as they were written.
func onTerminal(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	screen, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	must(t, err)
	defer screen.Close()
	text, _ := io.ReadAll(screen) // Linux ends it with EIO
	_ = cmd.Wait()                // some of the calls fail as they should
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}
