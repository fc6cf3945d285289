//go:build e2e

package e2e

import (
	"strings"
	"syscall"
	"testing"
)

// sizes are the smallest that shows everything and one that shows all at once.
var sizes = map[string]struct{ width, height int }{"80x24": {80, 24}, "200x50": {200, 50}}

// getUser opens GetUser in the demo, sends it and waits for the reply.
func getUser(s *terminal) {
	s.t.Helper()
	s.shows("find…", "reload")
	s.press("/", "GetUser", "enter")
	s.shows(`"userId": ""`, "no deadline")
	s.press("^x")
	s.paste(`{"user_id":"1"}`)
	s.shows(`{"user_id":"1"}`)
	s.press("^s")
	s.shows("OK", "ms", "0a 01 31", `"id": "1"`)
	if !strings.Contains(s.text(), "esc out") {
		s.press("tab") // side by side, the request keeps the keys
		s.shows("esc out")
	}
}

// TestSession goes from the start to a linked reply and back to the shell.
func TestSession(t *testing.T) {
	t.Parallel()
	for name, size := range sizes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, size.width, size.height, "demo", "--listen", "127.0.0.1:0")
			getUser(s)
			selects(s)
			other := sizes["80x24"]
			if other == size {
				other = sizes["200x50"]
			}
			for _, now := range []struct{ width, height int }{other, {10, 3}, size} {
				s.resize(now.width, now.height)
				if now.width == 10 {
					s.shows("too small")
					continue
				}
				fills(s)
			}
			selects(s)
			s.press("^q")
			if code := s.ends(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			s.restored()
		})
	}
}

// selects moves the selection to the field id and checks that it is shared by
// bytes, field and JSON, and by the frame that carried them.
func selects(s *terminal) {
	s.t.Helper()
	s.press("g")
	s.waitFor("the selected id in all three columns", func() bool {
		marked := strings.Join(strings.Fields(s.reversed(`"id": "1"`)), " ")
		return strings.Contains(marked, "0a 01 31") && strings.Contains(marked, `"id": "1"`) && strings.Contains(s.text(), "bytes 0-2")
	})
	s.press("j")
	s.waitFor("the selection on the next field", func() bool {
		return !strings.Contains(s.reversed(`"id": "1"`), "0a 01 31")
	})
}

// fills waits until the screen is drawn for its size: the reply, and the hints in
// the last row.
func fills(s *terminal) {
	s.t.Helper()
	s.waitFor("the screen in its new size", func() bool {
		rows := strings.Split(strings.TrimSuffix(s.text(), "\n"), "\n")
		last := rows[len(rows)-1]
		return strings.Contains(s.text(), `"id": "1"`) && strings.Contains(last, "move") && len(rows[0]) > len(s.cells[0])*3/4
	})
}

// TestSignals ends the program from outside, and with its own keys.
func TestSignals(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(s *terminal){
		"SIGTERM": func(s *terminal) {
			if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				s.t.Fatal(err)
			}
		},
		"SIGINT": func(s *terminal) {
			if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
				s.t.Fatal(err)
			}
		},
		"ctrl+c twice": func(s *terminal) { s.press("^c", "^c") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, 80, 24, "demo", "--listen", "127.0.0.1:0")
			getUser(s)
			end(s)
			if code := s.ends(); code < 0 {
				t.Errorf("the signal killed it: %v", s.cmd.ProcessState)
			}
			s.restored()
		})
	}
}

// TestSignalDuringCall ends the program while it waits for a reply.
func TestSignalDuringCall(t *testing.T) {
	t.Parallel()
	s := open(t, 80, 24, "demo", "--listen", "127.0.0.1:0")
	s.shows("find…", "reload")
	s.press("/", "Stall", "enter")
	s.shows("no deadline")
	s.press("^x")
	s.paste("{}")
	s.press("^s")
	s.shows("running ·", "request 1")
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := s.ends(); code < 0 {
		t.Errorf("the signal killed it: %v", s.cmd.ProcessState)
	}
	s.restored()
}

// TestRefusedTarget opens the program on a port where nothing listens.
func TestRefusedTarget(t *testing.T) {
	t.Parallel()
	s := open(t, 80, 24, "127.0.0.1:1")
	s.shows("nothing listens on 127.0.0.1:1")
	s.press("^q")
	if code := s.ends(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	s.restored()
}
