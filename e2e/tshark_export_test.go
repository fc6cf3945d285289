//go:build e2e

package e2e

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wiregloss/wiregloss/record"
)

// exports are calls whose recordings are written for Wireshark.
var exports = []struct {
	name, operation, data string
	flags                 []string
	exit                  int
}{
	{name: "unary", operation: "demo.v1.OrderService/GetOrder", data: `{"order_id":"1001"}`},
	{name: "gzip", operation: "demo.v1.UserService/ListUsers", data: `{"page_size":20}`, flags: []string{"--compress", "gzip"}},
	{name: "stream", operation: "demo.v1.LoadService/Flood", data: `{"count":200,"size":100}`},
	{name: "200 KB", operation: "demo.v1.LoadService/Flood", data: `{"count":1,"size":200000}`},
	{name: "bidirectional", operation: "demo.v1.ChatService/Chat", data: strings.Repeat(`{"text":"hello"} `, 20)},
	{name: "status", operation: "demo.v1.UserService/GetUser", data: `{"user_id":"none"}`, exit: 64 + 5},
	{name: "deadline", operation: "demo.v1.LoadService/Stall", data: `{}`, flags: []string{"--timeout", "400ms"}, exit: anyFailure},
}

// TestExportInTshark writes recordings as pcapng and lets Wireshark's programs
// read them: the frames are those that wiregloss saw, at the times at which it
// saw them, and nothing about packets, TCP or HTTP/2 is remarkable.
func TestExportInTshark(t *testing.T) {
	t.Parallel()
	need(t, "tshark", "install the Debian package tshark")
	capinfos := need(t, "capinfos", "install the Debian package wireshark-common")
	addr, types := nativeDemo(t), writeSchema(t)
	for _, x := range exports {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			rec, file := filepath.Join(dir, "call.rec"), filepath.Join(dir, "call.pcapng")
			call(t, x.exit, x.data, addr, x.operation, append(x.flags, "--save", rec)...)
			mustRun(t, wiregloss, "inspect", rec, "--export", file)
			about := mustRun(t, capinfos, "-M", file)
			if !strings.Contains(about, "pcapng") || strings.Contains(about, "Number of packets:   0\n") {
				t.Errorf("capinfos says\n%s", about)
			}
			options := append(types.options(), "-d", "tcp.port=="+port(t, addr)+",http2", "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE")
			packets := dissect(t, file, options...)
			unremarkable(t, packets)
			theirs := conversations(t, packets)
			ours := readCapture(t, rec)
			if len(ours) == 0 || len(ours) != len(theirs) {
				t.Fatalf("%d connections in the recording, %d in the export", len(ours), len(theirs))
			}
			for key, conn := range ours {
				c := newComparison(t, key, conn, types.types, facts{})
				c.compare(theirs[key])
				sameTimes(t, c, packets)
			}
		})
	}
}

// warning is the least severity of what tshark remarks on that nothing of ours
// should cause.
const warning = 0x600000

// unremarkable fails for what tshark warns of, for lost or repeated segments and
// for checksums that are wrong.
func unremarkable(t *testing.T, packets [][]*item) {
	t.Helper()
	for i, packet := range packets {
		p := &item{under: packet}
		if p.get("_ws.malformed") != nil {
			t.Errorf("packet %d is malformed", i+1)
		}
		tcp := p.get("tcp")
		if tcp == nil {
			t.Fatalf("packet %d is not TCP", i+1)
		}
		if tcp.get("tcp.analysis").get("tcp.analysis.flags") != nil {
			t.Errorf("packet %d: tshark remarks on the segment", i+1)
		}
		for layer, field := range map[string]string{"ip": "ip.checksum.status", "tcp": "tcp.checksum.status"} {
			if status := p.get(layer).get(field); status == nil || status.text != "1" {
				t.Errorf("packet %d: %s is %+v, which is not good", i+1, field, status)
			}
		}
		for _, why := range warnings(t, p) {
			t.Errorf("packet %d: tshark warns: %s", i+1, why)
		}
	}
}

// warnings lists the expert infos under an element that are more than notes.
func warnings(t *testing.T, it *item) []string {
	t.Helper()
	var list []string
	for _, u := range it.under {
		if u.name == "_ws.expert" && u.number(t, "_ws.expert.severity") >= warning {
			list = append(list, u.get("_ws.expert.message").text)
		}
		list = append(list, warnings(t, u)...)
	}
	return list
}

// sameTimes compares the time of each read and write with that of its packet.
func sameTimes(t *testing.T, c *comparison, packets [][]*item) {
	t.Helper()
	meta := c.rec.Meta()
	client := port(t, meta.Local)
	var times [2][]time.Time
	for _, packet := range packets {
		p := &item{under: packet}
		tcp := p.get("tcp")
		source, dest := tcp.get("tcp.srcport").text, tcp.get("tcp.dstport").text
		if tcp.number(t, "tcp.len") == 0 || source != client && dest != client {
			continue
		}
		dir := record.Received
		if source == client {
			dir = record.Sent
		}
		times[dir] = append(times[dir], epoch(t, p.get("frame").get("frame.time_epoch").text))
	}
	next := [2]int{}
	for _, chunk := range c.rec.Chunks(0) {
		dir := chunk.Span.Dir
		if next[dir] >= len(times[dir]) {
			t.Fatalf("%d packets %v, the recording has more chunks", len(times[dir]), dir)
		}
		if want := meta.Start.Add(chunk.At); !times[dir][next[dir]].Equal(want) {
			t.Errorf("packet %d %v is at %v, the recording has %v", next[dir], dir, times[dir][next[dir]].UTC(), want.UTC())
		}
		next[dir] += int((chunk.Span.Len + maxSegment - 1) / maxSegment)
	}
	if next != [2]int{len(times[0]), len(times[1])} {
		t.Errorf("%d and %d packets with payload, the recording needs %v", len(times[0]), len(times[1]), next)
	}
}

// maxSegment is what one segment of an export carries at most.
const maxSegment = 65_000

// epoch reads seconds and nanoseconds.
func epoch(t *testing.T, text string) time.Time {
	t.Helper()
	seconds, fraction, _ := strings.Cut(text, ".")
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		t.Fatalf("tshark gives the time %q", text)
	}
	ns, err := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
	if err != nil {
		t.Fatalf("tshark gives the time %q", text)
	}
	return time.Unix(s, ns)
}
