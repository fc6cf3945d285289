//go:build e2e

package e2e

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// peer returns the path of a program that .ci/peers builds.
func peer(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../bin/peers", name))
	if err != nil {
		t.Fatal(err)
	}
	return need(t, path, "run .ci/peers")
}

var listening = regexp.MustCompile(`^listening on (\S+)$`)

// startPeer starts a server of grpc-go and returns its address.
func startPeer(t *testing.T, name string, args ...string) string {
	t.Helper()
	return startServer(t, listening, peer(t, name), append([]string{"-port", "0"}, args...)...)[1]
}

// ready is the line in which the demo server tells its two addresses.
var ready = regexp.MustCompile(`^ready\S* .*?(127\.0\.0\.1:\d+).* (127\.0\.0\.1:\d+) \(gRPC only\)$`)

// startDemo starts the demo server. The shared address speaks gRPC and REST by
// net/http; the other speaks gRPC by grpc-go's own transport.
func startDemo(t *testing.T) (shared, native string) {
	t.Helper()
	m := startServer(t, ready, wiregloss, "demo", "--serve", "--listen", "127.0.0.1:0", "--grpc-listen", "127.0.0.1:0")
	return m[1], m[2]
}

// startServer starts a program, waits for the line on its stderr that says
// where it listens, and kills it when the test ends.
func startServer(t *testing.T, line *regexp.Regexp, name string, args ...string) []string {
	t.Helper()
	cmd := exec.Command(name, args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found, ended := make(chan []string, 1), make(chan struct{})
	said := "" // may be read once ended
	go func() {
		defer close(ended)
		for sc := bufio.NewScanner(stderr); sc.Scan(); {
			if m := line.FindStringSubmatch(sc.Text()); m != nil {
				select {
				case found <- m:
				default: // told before
				}
			}
			if len(said) < 4096 {
				said += sc.Text() + "\n"
			}
		}
		_ = cmd.Wait() // ProcessState tells
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended by itself
		<-ended
	})
	select {
	case m := <-found:
		return m
	case <-ended:
		t.Fatalf("%s ended: %v\n%s", filepath.Base(name), cmd.ProcessState, said)
	case <-time.After(limit):
		t.Fatalf("%s did not say where it listens", filepath.Base(name))
	}
	return nil
}
