package tui

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/vt"
)

// patience is how long a test waits for something to appear on the screen.
const patience = 20 * time.Second

// screen is a program on an emulated terminal: what is tested is what a person
// would see.
type screen struct {
	t      *testing.T
	em     *vt.SafeEmulator
	out    *returns
	keys   *io.PipeWriter
	prog   *tea.Program
	done   chan error
	model  *Model
	panics bool        // the test makes it panic
	why    string      // what the last condition found wrong
	cells  [][]uv.Cell // the screen when look was last called
}

// show runs the program at a size.
func show(t *testing.T, o Options, w, h int) *screen {
	t.Helper()
	return showWith(t, o, w, h, colorprofile.TrueColor)
}

// showWith runs the program on a terminal with some colours.
func showWith(t *testing.T, o Options, w, h int, profile colorprofile.Profile) *screen {
	t.Helper()
	in, keys := io.Pipe()
	s := &screen{t: t, em: vt.NewSafeEmulator(w, h), keys: keys, done: make(chan error, 1), model: New(o)}
	s.out = &returns{w: s.em}
	// The emulator answers questions; nobody here wants to know.
	go func() { _, _ = io.Copy(io.Discard, s.em) }()
	s.prog = tea.NewProgram(s.model,
		tea.WithInput(in), tea.WithOutput(s.out), tea.WithWindowSize(w, h),
		tea.WithColorProfile(profile), tea.WithEnvironment([]string{"TERM=xterm-256color"}), tea.WithoutSignals())
	go func() {
		_, err := s.prog.Run()
		s.done <- err
	}()
	t.Cleanup(s.close)
	return s
}

func (s *screen) close() {
	s.prog.Kill()
	if err := s.keys.Close(); err != nil {
		s.t.Error(err)
	}
	select {
	case err := <-s.done:
		if errors.Is(err, tea.ErrProgramPanic) != s.panics {
			s.t.Errorf("the program ended with %v", err)
		}
	case <-time.After(patience):
		s.t.Error("the program did not end")
	}
	s.model.Close()
}

// returns writes \r\n for \n: without a terminal nobody else does.
type returns struct {
	mu      sync.Mutex
	w       io.Writer
	written bytes.Buffer
}

func (r *returns) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.written.Write(b)
	_, err := r.w.Write(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")))
	return len(b), err
}

// all returns every byte that was written to the terminal.
func (r *returns) all() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.written.String()
}

// keyBytes are the bytes that terminals send for keys without a character.
var keyBytes = map[string]string{
	"up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F",
	"pgup": "\x1b[5~", "pgdown": "\x1b[6~", "enter": "\r", "tab": "\t", "shift+tab": "\x1b[Z", "esc": "\x1b", "f1": "\x1bOP",
	"backspace": "\x7f", "delete": "\x1b[3~",
}

// press sends keys one after the other; ctrl+x is written ^x.
func (s *screen) press(keys ...string) {
	s.t.Helper()
	for _, k := range keys {
		b, ok := keyBytes[k]
		switch {
		case ok:
		case len(k) == 2 && k[0] == '^':
			b = string(rune(k[1] & 0x1f))
		default:
			b = k
		}
		if _, err := io.WriteString(s.keys, b); err != nil {
			s.t.Fatalf("press %q: %v", k, err)
		}
		if k == "esc" {
			// A terminal never sends the next key in the same read as an Escape that
			// stands alone; here the next press could join it to an Alt chord.
			s.settle()
		}
	}
}

// settle waits until the program has taken all keys that were pressed.
func (s *screen) settle() {
	s.t.Helper()
	const pause = 150 * time.Millisecond // much longer than the time-out of an escape sequence
	deadline := time.NewTimer(pause)
	defer deadline.Stop()
	<-deadline.C
	s.look()
}

// paste sends text as a bracketed paste.
func (s *screen) paste(text string) { s.press("\x1b[200~" + text + "\x1b[201~") }

// click presses and releases the left button on a cell.
func (s *screen) click(x, y int) {
	s.press(fmt.Sprintf("\x1b[<0;%d;%dM", x+1, y+1), fmt.Sprintf("\x1b[<0;%d;%dm", x+1, y+1))
}

// resize changes the size of the terminal.
func (s *screen) resize(w, h int) {
	s.out.mu.Lock()
	s.em.Resize(w, h)
	s.out.mu.Unlock()
	s.prog.Send(tea.WindowSizeMsg{Width: w, Height: h})
}

// look takes a copy of the screen: what is asked of it is asked of one moment.
func (s *screen) look() {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.cells = make([][]uv.Cell, s.em.Height())
	for y := range s.cells {
		s.cells[y] = make([]uv.Cell, s.em.Width())
		for x := range s.cells[y] {
			if c := s.em.CellAt(x, y); c != nil {
				s.cells[y][x] = *c
			}
		}
	}
}

// text returns what the screen showed, without styles.
func (s *screen) text() string {
	var b strings.Builder
	for y := range s.cells {
		b.WriteString(strings.TrimRight(s.line(y), " ") + "\n")
	}
	return b.String()
}

func (s *screen) line(y int) string {
	var b strings.Builder
	for x := 0; x < len(s.cells[y]); {
		c := s.cells[y][x]
		if c.Width == 0 || c.Content == "" {
			b.WriteByte(' ')
			x++
			continue
		}
		b.WriteString(c.Content)
		x += c.Width
	}
	return b.String()
}

// reversed returns the parts of the screen that are drawn in reverse, one string
// for each run of cells, from top to bottom.
func (s *screen) reversed() []string {
	var out []string
	for _, row := range s.cells {
		run := ""
		for _, c := range row {
			if c.Style.Attrs&uv.AttrReverse != 0 {
				run += c.Content
				continue
			}
			if run != "" {
				out = append(out, run)
				run = ""
			}
		}
		if run != "" {
			out = append(out, run)
		}
	}
	return out
}

// waitFor waits until the screen satisfies a condition, and shows the screen if it
// never does.
func (s *screen) waitFor(what string, ok func() bool) {
	s.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for s.look(); !ok(); s.look() {
		select {
		case err := <-s.done:
			s.done <- err
			s.t.Fatalf("the program ended (%v) before the screen showed %s:\n%s", err, what, s.text())
		case <-deadline:
			s.t.Fatalf("the screen never showed %s: %s\n%s\nreversed: %q", what, s.why, s.text(), s.reversed())
		case <-tick.C:
		}
	}
}

// ends waits until the program has ended by itself, and returns its error.
func (s *screen) ends() error {
	s.t.Helper()
	select {
	case err := <-s.done:
		s.done <- err
		return err
	case <-time.After(patience):
		s.t.Fatalf("the program did not end:\n%s", s.text())
		return nil
	}
}

// open finds an operation by its name and opens it in the composer.
func (s *screen) open(name string) {
	s.t.Helper()
	s.shows("▸ catalog", "r reload")
	s.press("/", name, "enter")
	s.shows("no deadline", "▸ request")
}

// seek presses a key until a text appears.
func (s *screen) seek(key, text string) {
	s.t.Helper()
	const most = 30
	for range most {
		if strings.Contains(s.text(), text) {
			return
		}
		s.press(key)
		s.settle()
	}
	s.t.Fatalf("%s never led to %q:\n%s", key, text, s.text())
}

// shows waits until all of some texts are on the screen.
func (s *screen) shows(texts ...string) {
	s.t.Helper()
	s.waitFor(fmt.Sprintf("%q", texts), func() bool {
		now := s.text()
		for _, x := range texts {
			if !strings.Contains(now, x) {
				return false
			}
		}
		return true
	})
}
