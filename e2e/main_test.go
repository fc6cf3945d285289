//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// limit is how long one run of a program may take before it counts as hanging.
// None is expected to come near it.
const limit = 30 * time.Second

// wiregloss is the program under test, built by TestMain.
var wiregloss string

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code) //nolint:forbidigo // TestMain ends the process
}

func buildAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "wiregloss-e2e-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left lies in the temporary folder
	wiregloss = filepath.Join(dir, "wiregloss")
	build := exec.Command("go", "build", "-trimpath", "-o", wiregloss, "../cmd/wiregloss")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build wiregloss: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// need skips a test that lacks a program; in CI it must be there.
func need(t *testing.T, path, remedy string) string {
	t.Helper()
	found, err := exec.LookPath(path)
	switch {
	case err == nil:
		return found
	case os.Getenv("CI") != "":
		t.Fatalf("%s is needed: %s", path, remedy)
	default:
		t.Skipf("%s is needed: %s", path, remedy)
	}
	return ""
}

// result is what a program that has ended left behind.
type result struct {
	stdout, stderr string
	code           int
}

// run runs a program to its end. Exit codes are data; not being able to run or
// to end is a failure.
func run(t *testing.T, name string, args ...string) result {
	t.Helper()
	return feed(t, "", name, args...)
}

// feed is run with something on stdin.
func feed(t *testing.T, stdin, name string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %s: %v, %v\n%s", filepath.Base(name), strings.Join(args, " "), err, ctx.Err(), stderr.String())
	}
	if strings.Contains(stderr.String(), "panic: ") {
		t.Fatalf("%s %s: %s", filepath.Base(name), strings.Join(args, " "), stderr.String())
	}
	return result{stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}
}

// mustRun runs a program that has to exit with 0, and returns its stdout.
func mustRun(t *testing.T, name string, args ...string) string {
	t.Helper()
	r := run(t, name, args...)
	if r.code != 0 {
		t.Fatalf("%s %s: exit code %d\n%s", filepath.Base(name), strings.Join(args, " "), r.code, r.stderr)
	}
	return r.stdout
}
