//go:build e2e

package e2e

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// capturePackets writes what goes to and from the ports of addresses on loopback
// while drive runs into a file, and returns its path.
func capturePackets(t *testing.T, addresses []string, drive func()) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "loopback.pcapng")
	var filter []string
	for _, addr := range addresses {
		filter = append(filter, "tcp port "+port(t, addr))
	}
	// -P makes it print packets beside writing them: that a packet was printed says
	// that it is in the file. A large buffer holds bursts.
	cmd := exec.Command(need(t, "tshark", "install the Debian package tshark"), "-i", "lo", "-B", "32", "-f", strings.Join(filter, " or "),
		"-w", file, "-P", "-l", "-T", "fields", "-e", "tcp.srcport")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ports, stopped := make(chan string), make(chan struct{})
	go func() {
		defer close(ports)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			select {
			case ports <- lines.Text():
			case <-stopped:
			}
		}
	}()
	stop := func() {
		_ = cmd.Process.Signal(os.Interrupt) // so that tshark ends its dumpcap
		close(stopped)
		for range ports { // until it has ended
		}
		_ = cmd.Wait() // an interrupt is no success
	}
	defer stop()
	awaitStart(t, bufio.NewScanner(stderr))
	captured := make(chan struct{})
	last := lastPort(t, addresses[0], drive, ports, captured)
	awaitPort(t, last, captured)
	return file
}

// lastPort drives the traffic while packets are read, then makes one more
// connection and returns its port. captured is closed when it was seen.
func lastPort(t *testing.T, addr string, drive func(), ports <-chan string, captured chan<- struct{}) string {
	t.Helper()
	own := make(chan string, 1)
	go func() {
		last := ""
		seen := map[string]bool{}
		for {
			select {
			case last = <-own:
			case p, ok := <-ports:
				if !ok {
					return
				}
				seen[p] = true
			}
			if last != "" && seen[last] {
				close(captured)
				return
			}
		}
	}()
	drive()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	last := port(t, conn.LocalAddr().String())
	own <- last
	return last
}

func awaitPort(t *testing.T, last string, captured <-chan struct{}) {
	t.Helper()
	select {
	case <-captured:
	case <-time.After(limit):
		t.Fatalf("tshark does not see the connection from port %s", last)
	}
}
