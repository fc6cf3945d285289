package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/wiregloss/wiregloss/record"
)

// pcapOf writes packets as a pcap file with nanoseconds.
func pcapOf(packets []packet) []byte {
	var b bytes.Buffer
	head := make([]byte, 24)
	le.PutUint32(head, pcapNano)
	le.PutUint32(head[16:], 1<<18)
	le.PutUint32(head[20:], uint32(linkEthernet))
	b.Write(head)
	for _, p := range packets {
		var h [16]byte
		le.PutUint32(h[0:], uint32(p.at/1e9))
		le.PutUint32(h[4:], uint32(p.at%1e9))
		le.PutUint32(h[8:], uint32(len(p.data)))
		le.PutUint32(h[12:], uint32(max(p.length, len(p.data))))
		b.Write(h[:])
		b.Write(p.data)
	}
	return b.Bytes()
}

// packetsOf returns the packets that recordings are written as. The first three
// are the handshake of the first.
func packetsOf(t testing.TB, recs ...*record.Recording) []packet {
	t.Helper()
	in, err := open(bytes.NewReader(written(t, recs...)), Options{}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	r := &ngReader{in: in}
	var out []packet
	for {
		p, err := r.next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		p.data = bytes.Clone(p.data)
		out = append(out, p)
	}
}

// carries reports whether a packet has payload.
func (p packet) carries() int {
	var s segmentHeader
	parsePacket(&p, &s)
	return len(s.payload)
}

func (p packet) clone() packet {
	p.data = bytes.Clone(p.data)
	return p
}

func hasProblem(c Connection, text string) bool {
	return slices.ContainsFunc(c.Problems, func(p Problem) bool { return strings.Contains(p.Text, text) })
}

func TestReorderedPacketsGiveTheSameBytes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		want := conversation(meta(), seed, 40)
		want.Close(nil)
		packets := packetsOf(t, want)
		rng := rand.New(rand.NewPCG(seed, 2))
		for range 20 { // displace packets by a few places, the handshake aside
			i := 3 + rng.IntN(len(packets)-3)
			j := min(i+1+rng.IntN(6), len(packets)-1)
			p := packets[i]
			packets = slices.Insert(slices.Delete(packets, i, i+1), j, p)
		}
		conn := only(t, mustRead(t, pcapOf(packets), Options{}))
		checkBytes(t, conn.Recording, want)
		if !hasProblem(conn, "reordered") {
			t.Errorf("seed %d: the reordering is not named", seed)
		}
		checkOrder(t, conn.Recording, want)
	}
}

// checkOrder checks that no reply stands before the request it answers: in a
// conversation of turns, each direction's bytes come after those before them in
// the other one.
func checkOrder(t testing.TB, got, want *record.Recording) {
	t.Helper()
	var before, size [2]int64
	needs := map[record.Span][2]int64{}
	for _, c := range want.Chunks(0) {
		needs[record.Span{Dir: c.Span.Dir, Off: c.Span.Off}] = before
		before[c.Span.Dir] = c.Span.End()
	}
	last := got.Chunks(0)[0].At
	for _, c := range got.Chunks(0) {
		if need, ok := needs[record.Span{Dir: c.Span.Dir, Off: c.Span.Off}]; ok && size[c.Span.Dir.Other()] < need[c.Span.Dir.Other()] {
			t.Errorf("%v stands before what it answers", c.Span)
		}
		if c.At < last {
			t.Errorf("%v is earlier than what precedes it", c.Span)
		}
		last, size[c.Span.Dir] = c.At, c.Span.End()
	}
}

func TestRetransmissionsAreDropped(t *testing.T) {
	t.Parallel()
	want := conversation(meta(), 7, 30)
	want.Close(io.EOF)
	var packets []packet
	for i, p := range packetsOf(t, want) {
		packets = append(packets, p)
		if i%2 == 0 {
			packets = append(packets, p.clone())
		}
	}
	conn := only(t, mustRead(t, pcapOf(packets), Options{}))
	checkBytes(t, conn.Recording, want)
	checkChunks(t, conn.Recording, want)
	checkClosed(t, conn.Recording, io.EOF)
	if len(conn.Problems) > 0 {
		t.Errorf("problems: %+v", conn.Problems)
	}
}

func TestRetransmissionThatDiffers(t *testing.T) {
	t.Parallel()
	want := record.New(meta())
	want.Add(record.Sent, 1, []byte(preface))
	want.Add(record.Sent, 2, []byte("0123456789"))
	packets := packetsOf(t, want)
	i := slices.IndexFunc(packets, func(p packet) bool { return p.carries() == 10 })
	again := packets[i].clone()
	again.data[len(again.data)-3] ^= 0xff
	conn := only(t, mustRead(t, pcapOf(append(packets, again)), Options{}))
	checkBytes(t, conn.Recording, want)
	if len(conn.Problems) != 1 {
		t.Fatalf("problems: %+v", conn.Problems)
	}
	p := conn.Problems[0]
	if p.Span != (record.Span{Dir: record.Sent, Off: 31, Len: 3}) || p.Packet != len(packets)+1 || !strings.Contains(p.Text, "other content") {
		t.Errorf("the problem is %+v", p)
	}
}

// Every packet with payload is dropped in turn.
func TestLostPacketIsAHole(t *testing.T) {
	t.Parallel()
	want := conversation(meta(), 3, 15)
	want.Close(nil)
	packets := packetsOf(t, want)
	for i, p := range packets {
		n := p.carries()
		if n < 2 { // a lone last byte may be the FIN's
			continue
		}
		conn := only(t, mustRead(t, pcapOf(slices.Delete(slices.Clone(packets), i, i+1)), Options{}))
		var s segmentHeader
		parsePacket(&p, &s)
		d := record.Sent
		if s.source.port == 50051 {
			d = record.Received
		}
		hole := record.Span{Dir: d, Off: int64(s.seq - 1001), Len: int64(n)}
		if got := conn.Recording.Holes(d); len(got) != 1 || got[0] != hole {
			t.Fatalf("without packet %d the holes are %v, want %v", p.number, got, hole)
		}
		if len(conn.Recording.Holes(d.Other())) > 0 {
			t.Errorf("without packet %d there are holes in the other direction", p.number)
		}
		if len(conn.Problems) != 1 || conn.Problems[0].Span != hole || !strings.Contains(conn.Problems[0].Text, fmt.Sprintf("%d bytes are missing", n)) {
			t.Errorf("without packet %d the problems are %+v", p.number, conn.Problems)
		}
		for _, c := range want.Chunks(0) {
			if c.Span != hole && !bytes.Equal(conn.Recording.Append(nil, c.Span), want.Append(nil, c.Span)) {
				t.Errorf("without packet %d the bytes of %v differ", p.number, c.Span)
			}
		}
		checkOrder(t, conn.Recording, want)
		if t.Failed() {
			t.FailNow()
		}
	}
}

func TestPacketsCutByTheSnapshotLength(t *testing.T) {
	t.Parallel()
	want := record.New(meta())
	want.Add(record.Sent, 1, []byte(preface))
	want.Add(record.Received, 2, make([]byte, 1000))
	want.Add(record.Received, 3, []byte("short"))
	packets := packetsOf(t, want)
	for i := range packets {
		p := &packets[i]
		p.length = len(p.data)
		p.data = p.data[:min(len(p.data), 96)]
	}
	conn := only(t, mustRead(t, pcapOf(packets), Options{}))
	kept := int64(96 - 14 - 20 - 20)
	hole := record.Span{Dir: record.Received, Off: kept, Len: 1000 - kept}
	if got := conn.Recording.Holes(record.Received); len(got) != 1 || got[0] != hole {
		t.Errorf("the holes are %v, want %v", got, hole)
	}
	if len(conn.Problems) != 1 || conn.Problems[0].Span != hole || !strings.Contains(conn.Problems[0].Text, "snapshot length") {
		t.Errorf("the problems are %+v", conn.Problems)
	}
	if got := conn.Recording.Append(nil, record.Span{Dir: record.Received, Off: 1000, Len: 5}); string(got) != "short" {
		t.Errorf("what follows is %q", got)
	}
}

func TestCaptureThatBeginsInTheMiddle(t *testing.T) {
	t.Parallel()
	low := meta() // a client whose port is the lower one
	low.Local, low.Peer = "127.0.0.1:1234", "127.0.0.1:50051"
	for name, c := range map[string]struct {
		meta  record.Meta
		first string
		sent  bool
		why   string
	}{
		"preface":  {low, preface, true, "of a client"},
		"request":  {low, "GET / HTTP/1.1\r\n\r\n", true, "of a client"},
		"response": {low, "HTTP/1.1 200 OK\r\n\r\n", false, "of a server"},
		"ports":    {meta(), "\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x10\x00", true, "of its port"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := record.New(c.meta)
			d := record.Received
			if c.sent {
				d = record.Sent
			}
			want.Add(d, 1, []byte(c.first))
			want.Add(d.Other(), 2, []byte("something"))
			conn := only(t, mustRead(t, pcapOf(packetsOf(t, want)[3:]), Options{}))
			checkBytes(t, conn.Recording, want)
			if len(conn.Notes) != 1 || !strings.Contains(conn.Notes[0], c.why) {
				t.Errorf("notes: %q", conn.Notes)
			}
			if len(conn.Problems) > 0 {
				t.Errorf("problems: %+v", conn.Problems)
			}
		})
	}
}

func TestPortsAreUsedAgain(t *testing.T) {
	t.Parallel()
	first, second := conversation(meta(), 1, 5), conversation(meta(), 2, 5)
	first.Close(nil)
	packets := packetsOf(t, first)
	for _, p := range packetsOf(t, second) {
		// Another initial sequence number: move the client's sequence space.
		var s segmentHeader
		parsePacket(&p, &s)
		at := 14 + 20 + 4
		if s.source.port == 50051 {
			at += 4
		}
		if s.source.port != 50051 || s.flags&tcpACK != 0 {
			be.PutUint32(p.data[at:], be.Uint32(p.data[at:])+1_000_000_000)
		}
		packets = append(packets, p)
	}
	c := mustRead(t, pcapOf(packets), Options{})
	if len(c.Connections) != 2 {
		t.Fatalf("%d connections, skipped %q", len(c.Connections), c.Skipped)
	}
	checkBytes(t, c.Connections[0].Recording, first)
	checkBytes(t, c.Connections[1].Recording, second)
}

func TestSequenceNumbersWrap(t *testing.T) {
	t.Parallel()
	want := conversation(meta(), 9, 40)
	want.Close(nil)
	packets := packetsOf(t, want)
	for i := range packets {
		b := packets[i].data[14+20:]
		be.PutUint32(b[4:], be.Uint32(b[4:])-20_000) // wraps after 19,000 bytes
		if b[13]&tcpACK != 0 {
			be.PutUint32(b[8:], be.Uint32(b[8:])-20_000)
		}
	}
	conn := only(t, mustRead(t, pcapOf(packets), Options{}))
	checkBytes(t, conn.Recording, want)
	checkChunks(t, conn.Recording, want)
}

func TestKeepAliveIsNoByte(t *testing.T) {
	t.Parallel()
	want := record.New(meta())
	want.Add(record.Sent, 1, []byte(preface))
	packets := packetsOf(t, want)
	for _, p := range packets {
		if p.carries() > 0 {
			probe := p.clone()
			be.PutUint32(probe.data[14+20+4:], be.Uint32(p.data[14+20+4:])+23)
			probe.data = append(probe.data[:14+20+20], 0xee)
			be.PutUint16(probe.data[14+2:], 41)
			packets = append(packets, probe)
			break
		}
	}
	conn := only(t, mustRead(t, pcapOf(packets), Options{}))
	checkBytes(t, conn.Recording, want)
	if len(conn.Problems) > 0 {
		t.Errorf("problems: %+v", conn.Problems)
	}
}
