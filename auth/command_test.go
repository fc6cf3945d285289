package auth

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"testing"
	"time"

	"github.com/wiregloss/wiregloss/exchange"
)

// TestMain lets the test binary play the token command.
func TestMain(m *testing.M) {
	if act := os.Getenv("WIREGLOSS_TEST_ACT"); act != "" {
		os.Exit(play(act, os.Args[1:])) //nolint:forbidigo // it is the command, and not a test
	}
	os.Exit(m.Run()) //nolint:forbidigo // a TestMain ends the process
}

// play is the command: what to do, and the arguments that it was given.
func play(act string, args []string) int {
	switch act {
	case "print":
		say(os.Stdout, strings.Join(args, "|"))
	case "fail":
		say(os.Stdout, "s3cret")
		say(os.Stderr, strings.Repeat("x", 3*mostErrors)+"\n\x1b[31mlog in first")
		return 3
	case "hang":
		say(os.Stderr, "waiting for the browser")
		never := make(chan os.Signal, 1)
		signal.Notify(never, os.Interrupt) // with nobody else to wake it, the runtime would call this a deadlock
		<-never
	case "flood":
		for range 2 * mostOutput / 64 {
			say(os.Stdout, strings.Repeat("s", 64))
		}
	}
	return 0
}

// say writes without a look at the error: the parent may have heard enough.
func say(f *os.File, s string) { _, _ = f.WriteString(s) }

func self(t *testing.T, act string, args ...string) Command {
	t.Helper()
	t.Setenv("WIREGLOSS_TEST_ACT", act)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Command{Args: append([]string{exe}, args...)}
}

func TestCommand(t *testing.T) {
	want(t, self(t, "print", " abc\n"), "Bearer abc", "")
	want(t, self(t, "print", "$HOME;`id`", "*"), "Bearer $HOME;`id`|*", "") // no shell looked at them
	want(t, self(t, "print"), "", "it printed nothing")
	want(t, self(t, "print", "s3cret\nmore"), "", "it has 2 lines; a token is one")
	want(t, self(t, "fail", "s3cret"), "", "exit status 3; it said: ")
	want(t, self(t, "flood"), "", "printed more than 1048576 bytes")
	want(t, Command{}, "", "no program is given")
	want(t, Command{Args: []string{"x"}, Shell: "y"}, "", "not both")
	want(t, Command{Args: []string{"wiregloss-test-no-such-program"}}, "", "it cannot be run: executable file not found")
}

func TestCommandErrorIsShortAndPlain(t *testing.T) {
	_, err := self(t, "fail").Header(t.Context())
	if err == nil || len(err.Error()) > mostErrors+500 || strings.Contains(err.Error(), "\x1b") || !strings.HasSuffix(err.Error(), "log in first") {
		t.Errorf("%v", err)
	}
}

func TestCommandTimeout(t *testing.T) {
	c := self(t, "hang")
	c.Timeout = 300 * time.Millisecond
	want(t, c, "", "still running after 300ms; give it more time")
}

func TestCommandIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if h, err := self(t, "hang").Header(ctx); !errors.Is(err, context.Canceled) || h != (exchange.Header{}) {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 3, 7, 100} {
		tl := &tail{most: 5}
		rest := "0123456789abc"
		for rest != "" {
			n := min(size, len(rest))
			_, _ = tl.Write([]byte(rest[:n]))
			rest = rest[n:]
		}
		if string(tl.kept) != "89abc" {
			t.Errorf("in pieces of %d: %q", size, tl.kept)
		}
	}
}
