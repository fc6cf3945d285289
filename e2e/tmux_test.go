//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// tmux is a terminal multiplexer with one window, on a socket of its own.
type tmux struct {
	t    *testing.T
	path string
	env  []string
}

// startTmux runs a shell in a window.
func startTmux(t *testing.T, width, height string) *tmux {
	t.Helper()
	m := &tmux{t: t, path: need(t, "tmux", "install the Debian package tmux")}
	m.env = []string{
		"TMUX_TMPDIR=" + t.TempDir(), "HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"),
		"LC_ALL=C.UTF-8", "TERM=xterm-256color", "COLORTERM=truecolor",
	}
	m.do("-f", "/dev/null", "new-session", "-d", "-x", width, "-y", height, "env PS1=prompt: sh")
	t.Cleanup(func() { m.do("kill-server") })
	return m
}

// do runs a command of tmux and returns what it prints.
func (m *tmux) do(args ...string) string {
	m.t.Helper()
	cmd := exec.Command(m.path, args...)
	cmd.Env = m.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (m *tmux) keys(names ...string) { m.do(append([]string{"send-keys"}, names...)...) }

// waitFor waits until what a command prints satisfies a condition. tmux does not
// tell of changes, so it is asked again and again.
func (m *tmux) waitFor(what string, ok func(string) bool, args ...string) {
	m.t.Helper()
	deadline, tick := time.NewTimer(limit), time.NewTicker(20*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for !ok(m.do(args...)) {
		select {
		case <-tick.C:
		case <-deadline.C:
			m.t.Fatalf("tmux never showed %s:\n%s", what, m.do("capture-pane", "-p"))
		}
	}
}

// shows waits until all of some texts are on the screen.
func (m *tmux) shows(texts ...string) {
	m.t.Helper()
	m.waitFor(strings.Join(texts, ", "), func(screen string) bool {
		for _, x := range texts {
			if !strings.Contains(screen, x) {
				return false
			}
		}
		return true
	}, "capture-pane", "-p")
}

// TestTmux is a look from a terminal that is nobody's emulator: text, colours, a
// resize and the shell as it was.
func TestTmux(t *testing.T) {
	t.Parallel()
	m := startTmux(t, "200", "50")
	m.shows("prompt:")
	m.keys(wiregloss+" demo --listen 127.0.0.1:0", "Enter")
	m.shows("Catalog", "find…", "reload")
	if state := m.do("display-message", "-p", "#{alternate_on} #{mouse_any_flag}"); state != "1 1\n" {
		t.Errorf("alternate screen and mouse are %q, want both", state)
	}
	m.keys("/", "GetUser", "Enter")
	m.shows(`"userId": ""`)
	m.keys("C-x")
	m.keys("-l", `{"user_id":"1"}`)
	m.keys("C-s")
	m.shows("OK", "0a 01 31", `"id": "1"`, "Wire")
	coloured(t, m.do("capture-pane", "-p", "-e"))

	m.do("resize-window", "-x", "100", "-y", "30")
	m.waitFor("the screen in its new size", func(screen string) bool {
		return strings.Contains(screen, `"id": "1"`) && widest(screen) == 100
	}, "capture-pane", "-p")

	m.keys("C-q")
	m.shows("prompt:")
	m.waitFor("the modes of a shell", func(state string) bool { return state == "0 0 1\n" },
		"display-message", "-p", "#{alternate_on} #{mouse_any_flag} #{cursor_flag}")
	m.keys("echo $((6*7)) typed", "Enter")
	m.shows("42 typed")
}

// coloured checks that the JSON has colours, and the selected bytes are reversed.
func coloured(t *testing.T, screen string) {
	t.Helper()
	for what, pattern := range map[string]string{
		"a coloured key":      `\x1b\[[\d;]*38;[\d;]+m"name"`,
		"a coloured string":   `\x1b\[[\d;]*38;[\d;]+m"Ada Lovelace"`,
		"reversed bytes":      `\x1b\[[\d;]*\b7[\d;]*m[^\x1b]*0a 01 31`,
		"a coloured border":   `\x1b\[[\d;]*38;[\d;]+m╭`,
		"a default again":     `\x1b\[(0|39)m`,
		"the mark of the row": `▌`,
	} {
		if !regexp.MustCompile(pattern).MatchString(screen) {
			t.Errorf("the screen has not %s:\n%q", what, screen)
		}
	}
}

// widest returns the cells of the longest line; each character of the borders and
// of the demo's English text is one wide.
func widest(screen string) int {
	w := 0
	for line := range strings.Lines(screen) {
		w = max(w, len([]rune(strings.TrimRight(line, " \n"))))
	}
	return w
}
