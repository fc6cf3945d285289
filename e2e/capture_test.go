//go:build e2e

package e2e

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// frame is what both programs say about a frame.
type frame struct{ kind, flags, stream, length uint64 }

// packet is one TCP segment as tshark decodes it.
type packet struct {
	stream       int
	source, dest string // ports
	frames       []frame
}

// sniffer is a running tshark.
type sniffer struct {
	packets chan packet
	seen    []packet
}

// startSniffer captures what goes to and from the ports of addresses on
// loopback, until the test ends. Being allowed to capture is needed like tshark
// itself.
func startSniffer(t *testing.T, addresses ...string) *sniffer {
	t.Helper()
	tshark := need(t, "tshark", "install the Debian package tshark")
	var filter []string
	args := []string{"-i", "lo", "-l", "-T", "fields"}
	for _, addr := range addresses {
		filter = append(filter, "tcp port "+port(t, addr))
		args = append(args, "-d", "tcp.port=="+port(t, addr)+",http2")
	}
	for _, f := range []string{"tcp.stream", "tcp.srcport", "tcp.dstport", "http2.type", "http2.flags", "http2.streamid", "http2.length"} {
		args = append(args, "-e", f)
	}
	cmd := exec.Command(tshark, append(args, "-f", strings.Join(filter, " or "))...)
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
	c := &sniffer{packets: make(chan packet, 1000)}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		c.read(t, bufio.NewScanner(stdout), stop)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // so that tshark ends its dumpcap
		close(stop)
		<-ended
		_ = cmd.Wait()
	})
	awaitStart(t, bufio.NewScanner(stderr))
	return c
}

// awaitStart waits for tshark to say that it captures.
func awaitStart(t *testing.T, stderr *bufio.Scanner) {
	t.Helper()
	started := make(chan string, 1)
	go func() {
		var said []string
		for stderr.Scan() {
			said = append(said, stderr.Text())
			if strings.Contains(stderr.Text(), "Capture started") {
				started <- ""
			}
		}
		if len(started) == 0 {
			started <- strings.Join(said, "\n")
		}
	}()
	select {
	case trouble := <-started:
		switch {
		case trouble == "":
		case os.Getenv("CI") != "":
			t.Fatalf("tshark cannot capture: %s", trouble)
		default:
			t.Skipf("tshark cannot capture: %s", trouble)
		}
	case <-time.After(limit):
		t.Fatal("tshark does not start to capture")
	}
}

// read hands over the packets until tshark ends. After stop it only reads on.
func (c *sniffer) read(t *testing.T, lines *bufio.Scanner, stop chan struct{}) {
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p, ok := parsePacket(lines.Text())
		if !ok {
			t.Errorf("cannot read the line of tshark %q", lines.Text())
			continue
		}
		select {
		case c.packets <- p:
		case <-stop:
		}
	}
}

// parsePacket reads a line of tab-separated fields; the last four hold a value for
// each frame.
func parsePacket(line string) (packet, bool) {
	cells := strings.Split(line, "\t")
	if len(cells) != 7 {
		return packet{}, false
	}
	stream, err := strconv.Atoi(cells[0])
	p := packet{stream: stream, source: cells[1], dest: cells[2]}
	if err != nil || cells[3] == "" {
		return p, err == nil
	}
	var columns [4][]uint64
	for i, cell := range cells[3:] {
		for text := range strings.SplitSeq(cell, ",") {
			v, err := strconv.ParseUint(text, 0, 64)
			if err != nil {
				return p, false
			}
			columns[i] = append(columns[i], v)
		}
		if len(columns[i]) != len(columns[0]) {
			return p, false
		}
	}
	for i := range columns[0] {
		p.frames = append(p.frames, frame{columns[0][i], columns[1][i], columns[2][i], columns[3][i]})
	}
	return p, true
}

// sync collects all packets that were on the wire before it was called: it makes
// a connection and waits to see it.
func (c *sniffer) sync(t *testing.T, addr string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	own := port(t, conn.LocalAddr().String())
	for deadline := time.After(limit); ; {
		select {
		case p := <-c.packets:
			c.seen = append(c.seen, p)
			if p.source == own {
				return
			}
		case <-deadline:
			t.Fatal("tshark does not see a connection")
		}
	}
}

// last returns the frames to and from addr on the newest connection that has
// frames.
func (c *sniffer) last(t *testing.T, addr string) (sent, received []frame) {
	t.Helper()
	newest := -1
	for _, p := range c.seen {
		if len(p.frames) > 0 && (p.dest == port(t, addr) || p.source == port(t, addr)) {
			newest = max(newest, p.stream)
		}
	}
	for _, p := range c.seen {
		switch {
		case p.stream != newest:
		case p.dest == port(t, addr):
			sent = append(sent, p.frames...)
		default:
			received = append(received, p.frames...)
		}
	}
	return sent, received
}

func port(t *testing.T, addr string) string {
	t.Helper()
	_, p, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// kinds and flagBits are the names of RFC 9113 §6 and §11.2 as the envelope
// writes them.
var (
	kinds = []string{
		"DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE", "CONTINUATION",
	}
	flagBits = map[string]uint64{"END_STREAM": 1, "ACK": 1, "END_HEADERS": 4, "PADDED": 8, "PRIORITY": 0x20}
)

// framesOf returns the frames of an envelope, by direction.
func framesOf(t *testing.T, envelope string) (sent, received []frame) {
	t.Helper()
	e := decode[struct {
		Frames []struct {
			Dir, Type      string
			Flags          []string
			Stream, Length uint64
		}
	}](t, envelope)
	for _, f := range e.Frames {
		kind := slices.Index(kinds, f.Type)
		if kind < 0 {
			t.Fatalf("a frame has the type %q", f.Type)
		}
		out := frame{kind: uint64(kind), stream: f.Stream, length: f.Length}
		for _, name := range f.Flags {
			out.flags |= flagBits[name]
		}
		if f.Dir == "sent" {
			sent = append(sent, out)
		} else {
			received = append(received, out)
		}
	}
	return sent, received
}
