//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/wiregloss/wiregloss/demo"
	"github.com/wiregloss/wiregloss/internal/testserver"
	"github.com/wiregloss/wiregloss/record"
)

// These tests need what a script cannot do: pipes that stay open, signals at the
// right moment, and a terminal.

// program is wiregloss as a process of its own. TestMain puts it in PATH.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hung)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, "wiregloss", args...)
}

func startedDemo(t *testing.T) *demo.Server {
	t.Helper()
	s, err := demo.Start(demo.Config{Listen: "127.0.0.1:0", GRPCListen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // it ends calls in flight, and says so
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// exitOf returns the exit code that Wait reported.
func exitOf(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	t.Fatal(err)
	return 0
}

// Replies to a stream are printed while stdin is still open.
func TestCallAnswersWhileStdinIsOpen(t *testing.T) {
	t.Parallel()
	s := startedDemo(t)
	for _, output := range []string{"body", "wire", "frames"} {
		cmd := program(t, "call", s.Addr(), "ChatService/Chat", "-d", "@-", "-o", output)
		in, err := cmd.StdinPipe()
		must(t, err)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for i, text := range []string{"one", "two"} {
			_, err := io.WriteString(in, `{"text":"`+text+`"}`) // without a line feed after it
			must(t, err)
			want := map[string]string{"body": "you said: " + text, "wire": "you said: " + text, "frames": "message " + string(rune('1'+i))}[output]
			if !scanTo(lines, want) {
				t.Fatalf("-o %s ended before %q was shown", output, want)
			}
		}
		must(t, in.Close())
		if !scanTo(lines, map[string]string{"body": "Goodbye after 2", "wire": "Goodbye after 2", "frames": "grpc-status 0 OK"}[output]) {
			t.Errorf("-o %s did not show the end", output)
		}
		_, err = io.Copy(io.Discard, out)
		must(t, err)
		if code := exitOf(t, cmd.Wait()); code != 0 {
			t.Errorf("-o %s: exit code %d", output, code)
		}
	}
}

// scanTo reads lines up to one that contains want.
func scanTo(lines *bufio.Scanner, want string) bool {
	for lines.Scan() {
		if strings.Contains(lines.Text(), want) {
			return true
		}
	}
	return false
}

// A mistake in a later message of stdin ends the call, with that mistake as the
// one reason told; what had been printed stays.
func TestCallEndsAtABadMessageFromStdin(t *testing.T) {
	t.Parallel()
	s := startedDemo(t)
	cmd := program(t, "call", s.Addr(), "ChatService/Chat", "-d", "@-")
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	must(t, cmd.Start())
	_, err = io.WriteString(in, "{\"text\":\"one\"}\n")
	must(t, err)
	if lines := bufio.NewScanner(out); !scanTo(lines, "you said: one") {
		t.Fatal("the first message was not answered")
	}
	_, err = io.WriteString(in, "{\"txt\":\"two\"}\n")
	must(t, err)
	if code := exitOf(t, cmd.Wait()); code != exitLocal {
		t.Errorf("exit code %d, want %d", code, exitLocal)
	}
	want := "wiregloss: stdin: body: message 2, line 2, column 2: txt: no such field in demo.v1.ChatMessage; did you mean \"text\"?\n"
	if got := stderr.String(); got != want {
		t.Errorf("stderr is %q, want %q", got, want)
	}
}

// An interrupt exits 130 and keeps what had been printed; --save keeps the rest.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	s := startedDemo(t)
	saved := filepath.Join(t.TempDir(), "cut.rec")
	cmd := program(t, "call", s.Addr(), "LoadService/Flood", "-d", `{"count":1000,"interval":"0.001s"}`, "--save", saved)
	out, err := cmd.StdoutPipe()
	must(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	must(t, cmd.Start())
	lines := bufio.NewScanner(out)
	if !scanTo(lines, `"variant":2`) {
		t.Fatal("nothing was printed")
	}
	must(t, cmd.Process.Signal(os.Interrupt))
	for lines.Scan() {
		if l := lines.Text(); !strings.HasPrefix(l, "{") || !strings.HasSuffix(l, "}") {
			t.Errorf("a line is cut: %q", l)
		}
	}
	if code := exitOf(t, cmd.Wait()); code != exitInterrupted {
		t.Errorf("exit code %d, want %d", code, exitInterrupted)
	}
	if got := stderr.String(); got != "wiregloss: interrupted\n" {
		t.Errorf("stderr is %q", got)
	}
	f, err := os.Open(saved)
	must(t, err)
	defer f.Close()
	file, err := record.ReadFile(f)
	must(t, err)
	if len(file.Recordings) != 1 || file.Recordings[0].Size(record.Received) == 0 {
		t.Error("the saved recording is empty")
	}
}

// An interrupt also ends what waits: for stdin, for a reply, for a silent server.
func TestInterruptWhileWaiting(t *testing.T) {
	t.Parallel()
	s := startedDemo(t)
	silent, err := testserver.Start("silent", testserver.Options{})
	must(t, err)
	t.Cleanup(silent.Close)
	full, err := testserver.Start("max-streams", testserver.Options{})
	must(t, err)
	t.Cleanup(full.Close)
	must(t, program(t, "list", full.Addr).Run()) // the one connection on which it allows streams
	for name, c := range map[string]struct {
		server string
		args   []string
		stdout string
	}{
		"stdin of a stream":  {s.Addr(), []string{"ChatService/Chat", "-d", "@-"}, ""},
		"stdin of a message": {s.Addr(), []string{"GetUser", "-d", "@-"}, ""},
		"reply":              {s.Addr(), []string{"Stall", "-o", "json"}, `"name":"CANCELLED"`},
		"reflection":         {full.Addr, []string{"Do"}, ""},
		"silent server":      {silent.Addr, []string{"GetUser"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy, err := testserver.StartProxy(c.server, "", "", testserver.Options{})
			must(t, err)
			t.Cleanup(proxy.Close)
			cmd := program(t, append([]string{"call", proxy.Addr}, c.args...)...)
			in, err := cmd.StdinPipe()
			must(t, err)
			defer in.Close() // not before the process has ended
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			must(t, cmd.Start())
			if code := interruptOnceConnected(t, cmd, proxy); code != exitInterrupted {
				t.Errorf("exit code %d, want %d", code, exitInterrupted)
			}
			if got := stderr.String(); got != "wiregloss: interrupted\n" {
				t.Errorf("stderr is %q", got)
			}
			if got := stdout.String(); !strings.Contains(got, c.stdout) || c.stdout == "" && got != "" {
				t.Errorf("stdout is %q", got)
			}
		})
	}
}

// interruptOnceConnected interrupts cmd when it has come as far as to connect,
// and leaves it a moment to get to where it waits.
func interruptOnceConnected(t *testing.T, cmd *exec.Cmd, proxy *testserver.Proxy) int {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return exitOf(t, err)
		case <-tick.C:
			if len(proxy.Traffic()) > 0 {
				_ = cmd.Process.Signal(os.Interrupt) // it may have ended meanwhile
			}
		}
	}
}

// The demo says where it listens on one line of stderr, serves gRPC on both of its
// ports, and ends when interrupted.
func TestDemoServes(t *testing.T) {
	t.Parallel()
	cmd := program(t, "demo", "--serve", "--listen", "127.0.0.1:0", "--grpc-listen", "127.0.0.1:0")
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	talk, err := cmd.StderrPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewScanner(talk)
	if !lines.Scan() {
		t.Fatal("no ready line")
	}
	ready := regexp.MustCompile(`^ready (127\.0\.0\.1:\d+) \(gRPC, (http://127\.0\.0\.1:\d+)/ and (http://127\.0\.0\.1:\d+/openapi\.json)\) (127\.0\.0\.1:\d+) \(gRPC only\)$`)
	found := ready.FindStringSubmatch(lines.Text())
	if found == nil {
		t.Fatalf("the ready line is %q", lines.Text())
	}
	for _, addr := range []string{found[1], found[4]} {
		out, err := program(t, "list", addr, "ChatService").Output()
		if err != nil || string(out) != "demo.v1.ChatService/Chat\n" {
			t.Errorf("list %s: %q, %v", addr, out, err)
		}
	}
	must(t, cmd.Process.Signal(os.Interrupt))
	if lines.Scan() {
		t.Errorf("it says more than its ready line: %q", lines.Text())
	}
	if code := exitOf(t, cmd.Wait()); code != exitOK || stdout.Len() > 0 {
		t.Errorf("exit code %d, stdout %q; want 0 and nothing", code, stdout.String())
	}
}

// A reader that has enough closes the pipe; that is no failure.
func TestClosedPipe(t *testing.T) {
	t.Parallel()
	s := startedDemo(t)
	for _, output := range []string{"body", "wire", "frames"} {
		cmd := program(t, "call", s.Addr(), "LoadService/Flood", "-d", `{"count":1000000}`, "-o", output)
		out, err := cmd.StdoutPipe()
		must(t, err)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		must(t, cmd.Start())
		if !bufio.NewScanner(out).Scan() {
			t.Errorf("-o %s printed nothing", output)
		}
		must(t, out.Close())
		if code := exitOf(t, cmd.Wait()); code != 0 || stderr.Len() > 0 {
			t.Errorf("-o %s: exit code %d, stderr %q; want 0 and nothing", output, code, stderr.String())
		}
	}
}
