package capture

import (
	"errors"
	"fmt"
	"io"

	"github.com/wiregloss/wiregloss/record"
)

// maxFlows bounds the connections that are followed at a time, those without
// payload included.
const maxFlows = 1 << 16

// flowKey is a pair of endpoints, the lower one first.
type flowKey struct{ low, high endpoint }

func keyOf(a, b endpoint) (k flowKey) {
	if b.less(a) {
		return flowKey{b, a}
	}
	return flowKey{a, b}
}

func (e endpoint) less(o endpoint) bool {
	if e.addr != o.addr {
		return string(e.addr[:]) < string(o.addr[:])
	}
	return e.port < o.port
}

// packetFile is a packet capture while it is read.
type packetFile struct {
	o       Options
	capture *Capture
	flows   map[flowKey]*flow
	list    []*flow // in order of their first packets; each still in flows, or finished
	skipped tally

	lastKey flowKey
	last    *flow
}

func newPacketFile(o Options) *packetFile {
	return &packetFile{o: o, capture: &Capture{Format: FormatPCAP, Encoding: EncodingRaw}, flows: map[flowKey]*flow{}}
}

// readBarePackets reads IP packets that follow each other without a file around
// them: fitPackets has found them.
func readBarePackets(b []byte, o Options) *Capture {
	r := newPacketFile(o)
	for n := 1; len(b) > 0; n++ {
		size := packetSize(b)
		if size == 0 {
			break
		}
		r.packet(&packet{number: n, link: linkRaw, data: b[:size], length: size})
		b = b[size:]
	}
	r.finish(newKeyLog(o.KeyLog))
	for i := range r.capture.Connections {
		c := &r.capture.Connections[i]
		c.Notes = append(c.Notes, "read from the text of packets: it does not tell their times")
	}
	return r.capture
}

// readPackets reads pcap and pcapng.
func readPackets(in *input, o Options) *Capture {
	r := newPacketFile(o)
	packets, err := newPacketReader(in)
	for err == nil {
		var p packet
		if p, err = packets.next(); err == nil {
			r.packet(&p)
		}
	}
	var secrets []byte
	if ng, ok := packets.(*ngReader); ok {
		secrets = ng.secrets
		r.skipped.add("packets of an interface that the file does not describe", ng.unknown)
	}
	r.finish(newKeyLog(o.KeyLog, secrets))
	if !errors.Is(err, io.EOF) {
		r.capture.Skipped = append(r.capture.Skipped, err.Error())
		r.capture.Damaged = !in.limited.ended()
	}
	return r.capture
}

func newPacketReader(in *input) (packetReader, error) {
	head, _ := in.Peek(12)
	if isPCAPNG(head) {
		return &ngReader{in: in}, nil
	}
	if !isPCAP(head) {
		return nil, &cutError{0, "neither the mark of a pcap file nor that of a pcapng file stands"}
	}
	r, err := newPCAP(in)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// packet hands a packet to its connection.
func (r *packetFile) packet(p *packet) {
	var s segmentHeader
	if other := parsePacket(p, &s); other != "" {
		r.skipped.add(other, 1)
		return
	}
	f := r.flow(&s, p)
	if f == nil {
		r.skipped.add("packets of more TCP connections than are followed", 1)
		return
	}
	from := 0
	if f.ends[0] != s.source {
		from = 1
	}
	f.packet(from, &s, p)
}

// flow finds the connection of a segment, or begins one.
func (r *packetFile) flow(s *segmentHeader, p *packet) *flow {
	key := keyOf(s.source, s.dest)
	f := r.last
	if f == nil || key != r.lastKey {
		f = r.flows[key]
	}
	if f != nil {
		from := 0
		if f.ends[0] != s.source {
			from = 1
		}
		if !f.restarts(from, s) {
			r.lastKey, r.last = key, f
			return f
		}
	}
	if len(r.list) >= maxFlows {
		return nil
	}
	f = newFlow(s, p)
	r.flows[key], r.lastKey, r.last = f, key, f
	r.list = append(r.list, f)
	return f
}

// finish ends all connections and lists what was skipped.
func (r *packetFile) finish(keys *keyLog) {
	c := r.capture
	empty, more := 0, 0
	for _, f := range r.list {
		conn := f.finish()
		switch {
		case conn == nil:
			empty++
		case len(c.Connections) >= r.o.MaxConnections:
			more++
			conn.Recording.Release()
		default:
			r.take(conn, keys)
		}
	}
	if empty > 0 {
		c.Skipped = append(c.Skipped, plural(empty, "TCP connection")+" without a byte of payload")
	}
	if more > 0 {
		c.Skipped = append(c.Skipped, fmt.Sprintf("%s after the first %d, which is the limit", plural(more, "connection"), r.o.MaxConnections))
	}
	c.Skipped = append(c.Skipped, r.skipped.lines()...)
}

// take adds a connection, decrypted if it is one of TLS.
func (r *packetFile) take(conn *Connection, keys *keyLog) {
	if isTLS(conn.Recording) {
		defer conn.Recording.Release()
		plain, why := decryptConnection(conn, keys)
		if plain == nil {
			r.capture.Skipped = append(r.capture.Skipped, fmt.Sprintf("TLS without keys: connection %s %s", conn.Name, why))
			return
		}
		conn = plain
	}
	r.capture.Connections = append(r.capture.Connections, *conn)
}

// isTLS reports whether a connection is one of TLS: it begins with a handshake
// record, or in its middle. RFC 8446 §5.1.
func isTLS(rec *record.Recording) bool {
	for _, d := range []record.Dir{record.Sent, record.Received} {
		head := rec.Append(nil, record.Span{Dir: d, Len: min(5, rec.Size(d))})
		if len(head) == 5 && head[0] >= 20 && head[0] <= 23 && head[1] == 3 && head[2] <= 4 && int(head[3])<<8|int(head[4]) <= maxTLSRecord {
			return true
		}
	}
	return false
}

// tally counts packets that were skipped, by what they were.
type tally struct {
	names  []string
	counts map[string]int
}

// maxTallies bounds the kinds that are told apart.
const maxTallies = 100

func (t *tally) add(name string, n int) {
	if n == 0 {
		return
	}
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	if t.counts[name] == 0 {
		if len(t.names) >= maxTallies {
			name = "other packets"
		}
		if t.counts[name] == 0 {
			t.names = append(t.names, name)
		}
	}
	t.counts[name] += n
}

// lines returns what was counted, as it stands in Capture.Skipped.
func (t *tally) lines() []string {
	var out []string
	for _, name := range t.names {
		out = append(out, name+": "+plural(t.counts[name], "packet"))
	}
	return out
}

// plural returns "1 packet" or "2 packets".
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
