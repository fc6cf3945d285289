//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/term"
	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// terminal is a program on a pseudo-terminal of the system, behind it an emulator:
// what is tested is what a person would see.
type terminal struct {
	t            *testing.T
	master, line *os.File // line is the side of the program
	before       *term.State
	cmd          *exec.Cmd
	ended        chan struct{} // closed when the program has ended and all was shown

	mu      sync.Mutex
	em      *vt.Emulator
	written bytes.Buffer
	changed chan struct{} // says that em has changed since the last look

	cells [][]uv.Cell // the screen at the last look
}

// open runs wiregloss on a terminal of a size, until the test ends.
func open(t *testing.T, width, height int, args ...string) *terminal {
	t.Helper()
	master, line, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	s := &terminal{
		t: t, master: master, line: line, em: vt.NewEmulator(width, height),
		changed: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	s.setSize(width, height)
	if s.before, err = term.GetState(line.Fd()); err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.Command(wiregloss, args...)
	s.cmd.Env = []string{"TERM=xterm-256color", "COLORTERM=truecolor", "HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = line, line, line
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.attend()
	return s
}

// attend carries bytes between program and emulator until the test ends.
func (s *terminal) attend() {
	shown, answered := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(shown)
		// It ends with EIO, once nobody holds the other side.
		_, _ = io.Copy(s, s.master)
	}()
	go func() {
		defer close(answered)
		_, _ = io.Copy(s.master, s.em) // what the emulator answers to questions
	}()
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = s.cmd.Wait() // ProcessState tells
	}()
	go func() {
		defer close(s.ended)
		<-exited
		s.settle()
	}()
	s.t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // it may have ended by itself
		<-s.ended
		s.line.Close()
		<-shown
		if answers, ok := s.em.InputPipe().(io.Closer); ok { // Close of the emulator races with Read
			answers.Close()
		}
		<-answered
		s.master.Close()
	})
}

// settle waits until the emulator has all that the program wrote: a mark, written
// after it, comes through.
func (s *terminal) settle() {
	const mark = "\x1b]777;end\x07"
	if _, err := io.WriteString(s.line, mark); err != nil {
		return
	}
	for deadline := time.After(limit); ; {
		s.mu.Lock()
		through := bytes.HasSuffix(s.written.Bytes(), []byte(mark))
		s.mu.Unlock()
		if through {
			return
		}
		select {
		case <-s.changed:
		case <-deadline:
			return
		}
	}
}

// Write takes what the program shows.
func (s *terminal) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written.Write(b)
	n, err := s.em.Write(b)
	select {
	case s.changed <- struct{}{}:
	default: // said already
	}
	return n, err
}

func (s *terminal) setSize(width, height int) {
	if err := pty.Setsize(s.master, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		s.t.Fatal(err)
	}
}

// resize changes the size, which the system tells the program.
func (s *terminal) resize(width, height int) {
	s.mu.Lock()
	s.em.Resize(width, height)
	s.mu.Unlock()
	s.setSize(width, height)
}

// keys are the bytes that terminals send for keys without a character.
var keys = map[string]string{"down": "\x1b[B", "up": "\x1b[A", "enter": "\r", "tab": "\t", "f1": "\x1bOP"}

// press sends keys; ctrl+x is written ^x.
func (s *terminal) press(names ...string) {
	s.t.Helper()
	for _, k := range names {
		b, ok := keys[k]
		switch {
		case ok:
		case len(k) == 2 && k[0] == '^':
			b = string(rune(k[1] & 0x1f))
		default:
			b = k
		}
		if _, err := io.WriteString(s.master, b); err != nil {
			s.t.Fatalf("press %q: %v", k, err)
		}
	}
}

// paste sends text as a bracketed paste.
func (s *terminal) paste(text string) { s.press("\x1b[200~" + text + "\x1b[201~") }

// look takes a copy of the screen: what is asked of it is asked of one moment.
func (s *terminal) look() {
	s.mu.Lock()
	defer s.mu.Unlock()
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

// text returns the screen without styles.
func (s *terminal) text() string {
	var b strings.Builder
	for _, row := range s.cells {
		b.WriteString(strings.TrimRight(rowText(row, func(uv.Cell) bool { return true }), " ") + "\n")
	}
	return b.String()
}

// reversed returns what of a row that holds a text is drawn in reverse.
func (s *terminal) reversed(text string) string {
	for _, row := range s.cells {
		if strings.Contains(rowText(row, func(uv.Cell) bool { return true }), text) {
			return rowText(row, func(c uv.Cell) bool { return c.Style.Attrs&uv.AttrReverse != 0 })
		}
	}
	return ""
}

// rowText returns a row, with a space for each cell that is empty or not wanted.
func rowText(row []uv.Cell, want func(uv.Cell) bool) string {
	var b strings.Builder
	for x := 0; x < len(row); x += max(1, row[x].Width) {
		if row[x].Content == "" || !want(row[x]) {
			b.WriteByte(' ')
			continue
		}
		b.WriteString(row[x].Content)
	}
	return b.String()
}

// waitFor waits until the screen satisfies a condition, and shows the screen if
// it never does.
func (s *terminal) waitFor(what string, ok func() bool) {
	s.t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	for s.look(); !ok(); s.look() {
		select {
		case <-s.changed:
		case <-s.ended:
			s.look()
			s.t.Fatalf("the program ended before the screen showed %s:\n%s", what, s.text())
		case <-deadline.C:
			s.t.Fatalf("the screen never showed %s:\n%s", what, s.text())
		}
	}
}

// shows waits until all of some texts are on the screen.
func (s *terminal) shows(texts ...string) {
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

// ends waits until the program has ended, and returns its exit code.
func (s *terminal) ends() int {
	s.t.Helper()
	select {
	case <-s.ended:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		s.look()
		s.t.Fatalf("the program did not end:\n%s", s.text())
		return 0
	}
}

// privateMode is DECSET and DECRST.
var privateMode = regexp.MustCompile(`\x1b\[\?([\d;]+)([hl])`)

// restored checks that the terminal is as the program found it: the screen, the
// modes it set, the keyboard protocol, the colours and the line discipline.
func (s *terminal) restored() {
	s.t.Helper()
	s.mu.Lock()
	written, alt := s.written.String(), s.em.IsAltScreen()
	s.mu.Unlock()
	if alt {
		s.t.Error("the alternate screen is still shown")
	}
	on := map[string]bool{"7": true, "25": true} // wrapping lines and the cursor are on by themselves
	for _, m := range privateMode.FindAllStringSubmatch(written, -1) {
		for mode := range strings.SplitSeq(m[1], ";") {
			on[mode] = m[2] == "h"
		}
	}
	for mode, is := range on {
		if was := mode == "7" || mode == "25"; is != was {
			s.t.Errorf("the private mode %s is left set: %t", mode, is)
		}
	}
	for _, alone := range []string{"?1049", "?25"} {
		if !strings.Contains(written, alone+"h") || !strings.Contains(written, alone+"l") {
			s.t.Errorf("mode %s was never changed: this was no full-screen program", alone)
		}
	}
	s.keyboardRestored(written)
	after, err := term.GetState(s.line.Fd())
	if err != nil {
		s.t.Fatal(err)
	}
	if !reflect.DeepEqual(after, s.before) {
		s.t.Errorf("the line discipline was %+v and is %+v", s.before, after)
	}
}

// keyboardRestored checks what is not a private mode: xterm's modifyOtherKeys and
// the stack of kitty's keyboard protocol.
func (s *terminal) keyboardRestored(written string) {
	s.t.Helper()
	if at := strings.LastIndex(written, "\x1b[>4;"); at >= 0 && !strings.Contains(written[at:], "\x1b[>4m") &&
		!strings.HasPrefix(written[at:], "\x1b[>4;0m") {
		s.t.Error("modifyOtherKeys is left on")
	}
	pushed := regexp.MustCompile(`\x1b\[>\d+u`).FindAllString(written, -1)
	popped := regexp.MustCompile(`\x1b\[<\d*u`).FindAllString(written, -1)
	if len(pushed) != len(popped) {
		s.t.Errorf("kitty's keyboard protocol was pushed %d times and popped %d times", len(pushed), len(popped))
	}
}
