//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wiregloss/wiregloss/capture"
	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
)

// limits are the places where tshark 4.0 says less than the wire holds, or says
// it differently. Each is met by a scenario, and nothing else is excused.
var limits = map[string]string{
	"past a group":                      "tshark stops at a group: the fields from it on are not compared",
	"children of Any":                   "tshark shows Any.value as bytes: what is in it is compared as such",
	"packed where unpacked is declared": "tshark reads one value of the first bytes; a parser must take both forms",
	"field cut by CONTINUATION":         "tshark gives the place of its last piece alone: that is compared",
	"trailers after half a message":     "tshark gives up on the frame when it cannot join the body, and shows no fields of it",
}

// TestInspectAsTshark captures traffic on loopback and compares what capture and
// inspect make of the file with what tshark makes of it: frames, header fields
// with their representations and bytes, gRPC messages, protobuf fields with
// their bytes and values, and the parts of HTTP/1.1.
func TestInspectAsTshark(t *testing.T) {
	t.Parallel()
	var addresses []string
	options := []string{}
	scenarios := slices.Concat(rpcScenarios, restScenarios)
	for _, s := range scenarios {
		addr := s.serve(t)
		protocol := "http2"
		if s.http1 {
			protocol = "http"
		}
		addresses = append(addresses, addr)
		options = append(options, "-d", "tcp.port=="+port(t, addr)+","+protocol)
	}
	file := capturePackets(t, addresses, func() {
		for i, s := range scenarios {
			s.drive(t, addresses[i])
		}
	})
	types := writeSchema(t)
	ours := readCapture(t, file)
	theirs := conversations(t, dissect(t, file, append(options, types.options()...)...))
	met := facts{}
	for i, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			found := facts{}
			for key, conn := range ours {
				if strings.HasSuffix(key, ":"+port(t, addresses[i])) {
					found["connections"]++
					c := newComparison(t, key, conn, types.types, found)
					c.compare(theirs[key])
				}
			}
			for name, least := range s.least {
				if found[name] < least {
					t.Errorf("%d %s compared, want at least %d: the scenario does not show what it is for", found[name], name, least)
				}
			}
			for name, n := range found {
				met[name] += n
			}
		})
	}
	for name, why := range limits {
		if met[name] == 0 {
			t.Errorf("no scenario meets the limit %q (%s): take it out", name, why)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(met)) {
		t.Logf("compared: %6d %s", met[name], name)
	}
}

// readCapture reads a file as wiregloss does, and returns its connections by
// "client port:server port".
func readCapture(t *testing.T, file string) map[string]capture.Connection {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := capture.Read(f, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Release)
	byPorts := map[string]capture.Connection{}
	for _, conn := range c.Connections {
		m := conn.Recording.Meta()
		byPorts[port(t, m.Local)+":"+port(t, m.Peer)] = conn
	}
	if len(byPorts) != len(c.Connections) {
		t.Fatalf("%d connections, %d of them with ports of their own", len(c.Connections), len(byPorts))
	}
	return byPorts
}

// conversation is one connection as tshark shows it.
type conversation struct {
	frames [2][]theirFrame // by the direction that ours has
	bytes  [2]int64        // of TCP payload
	parts  [2][]*item      // of HTTP/1.1, message by message
}

// theirFrame is a frame of HTTP/2 and the layers that come after it.
type theirFrame struct {
	packet string
	layer  *item // http2
	frame  *item // http2.stream
	above  []*item
}

// conversations sorts the layers of packets by connection and direction, each
// under "client port:server port". The client is who speaks first.
func conversations(t *testing.T, packets [][]*item) map[string]*conversation {
	t.Helper()
	all := map[string]*conversation{}
	for _, packet := range packets {
		p := &item{under: packet}
		tcp := p.get("tcp")
		source, dest := tcp.get("tcp.srcport").text, tcp.get("tcp.dstport").text
		key, dir := source+":"+dest, record.Sent
		if _, known := all[dest+":"+source]; known {
			key, dir = dest+":"+source, record.Received
		} else if all[key] == nil {
			all[key] = &conversation{}
		}
		c := all[key]
		if tcp.number(t, "tcp.len") > 0 { // sequence numbers, because a segment may come twice
			c.bytes[dir] = max(c.bytes[dir], int64(tcp.number(t, "tcp.nxtseq"))-1)
		}
		c.add(dir, p.get("frame").get("frame.number").text, packet)
	}
	return all
}

// add adds the layers of a packet.
func (c *conversation) add(dir record.Dir, packet string, list []*item) {
	frames := &c.frames[dir]
	for _, layer := range list {
		switch layer.name {
		case "frame", "ip", "tcp":
		case "http2":
			for _, f := range layer.all("http2.stream") {
				if f.name == "http2.stream" && f.get("http2.magic") == nil {
					*frames = append(*frames, theirFrame{packet: packet, layer: layer, frame: f})
				}
			}
		case "http":
			c.parts[dir] = append(c.parts[dir], layer)
		default:
			if len(*frames) > 0 {
				last := &(*frames)[len(*frames)-1]
				last.above = append(last.above, layer)
			}
		}
	}
}

// comparison is of one connection.
type comparison struct {
	t     *testing.T
	name  string
	rec   *record.Recording
	trace inspect.Trace
	types *catalog.Catalog
	facts facts
}

func newComparison(t *testing.T, name string, conn capture.Connection, types *catalog.Catalog, found facts) *comparison {
	t.Helper()
	for _, p := range conn.Problems {
		if strings.Contains(p.Text, " is dated ") {
			continue // the kernel takes the times of loopback on several processors
		}
		t.Errorf("connection %s: a problem in the capture of loopback: %+v", name, p)
	}
	return &comparison{t: t, name: name, rec: conn.Recording, trace: inspect.Decode(conn.Recording), types: types, facts: found}
}

// errorf tells a difference with the connection that it is on.
func (c *comparison) errorf(format string, args ...any) {
	c.t.Helper()
	c.t.Errorf("connection "+c.name+": "+format, args...)
}

// excuse counts a limit that is met.
func (c *comparison) excuse(limit string) {
	c.t.Helper()
	if limits[limit] == "" {
		c.t.Fatalf("%q is none of the limits", limit)
	}
	c.facts[limit]++
}

// compare compares everything, in both directions.
func (c *comparison) compare(theirs *conversation) {
	c.t.Helper()
	if theirs == nil {
		c.errorf("tshark does not show it")
		return
	}
	for _, dir := range []record.Dir{record.Sent, record.Received} {
		if got := c.rec.Size(dir); got != theirs.bytes[dir] {
			c.errorf("%d bytes %v, tshark counts %d", got, dir, theirs.bytes[dir])
		}
		if c.frames(dir, theirs.frames[dir]) {
			c.headers(dir, theirs.frames[dir])
			c.messages(dir, theirs.frames[dir])
		}
		c.http1(dir, theirs.parts[dir])
	}
}

// ourFrames returns the indexes in the trace of the frames of a direction.
func (c *comparison) ourFrames(dir record.Dir) []int {
	var list []int
	for i, f := range c.trace.Frames {
		if f.Dir == dir {
			list = append(list, i)
		}
	}
	return list
}

// frames compares the list of frames of a direction.
func (c *comparison) frames(dir record.Dir, list []theirFrame) (same bool) {
	c.t.Helper()
	var ours, theirs []frame
	for _, i := range c.ourFrames(dir) {
		f := c.trace.Frames[i]
		ours = append(ours, frame{uint64(f.Type), uint64(f.Flags), uint64(f.Stream), uint64(f.Length)})
		c.facts["frames"]++
		c.facts[f.Type.String()]++
		for _, name := range f.Flags.Names(f.Type) {
			c.facts[name]++
		}
	}
	for _, f := range list {
		s := f.frame
		theirs = append(theirs, frame{s.number(c.t, "http2.type"), s.number(c.t, "http2.flags"), s.number(c.t, "http2.streamid"), s.number(c.t, "http2.length")})
	}
	if !slices.Equal(ours, theirs) {
		c.errorf("%v\n%s", dir, sideBySide(ours, theirs))
		return false
	}
	return true
}

// at says where an element of a frame is in our direction's bytes.
func (f theirFrame) at(ours inspect.Frame, it *item) int64 {
	return ours.Off + int64(it.pos-f.frame.pos)
}

// where names a frame for an error.
func (f theirFrame) where() string {
	return fmt.Sprintf("packet %s, %s on stream %s", f.packet, kindOf(f.frame), f.frame.get("http2.streamid").text)
}

func kindOf(f *item) string {
	kind, err := strconv.ParseUint(f.get("http2.type").text, 0, 8)
	if err != nil {
		return f.get("http2.type").text
	}
	return name(kind)
}
