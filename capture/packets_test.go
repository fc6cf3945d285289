package capture

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/wiregloss/wiregloss/record"
)

// ipOf returns the IP packet in an Ethernet frame.
func ipOf(p packet) []byte { return p.data[14:] }

func isIPv6(p packet) bool { return p.data[12] == 0x86 }

// TestLinkTypes reads the same conversation under every link header.
func TestLinkTypes(t *testing.T) {
	t.Parallel()
	v6 := meta()
	v6.Local, v6.Peer = "[::1]:40000", "[::1]:50051"
	for name, link := range map[string]struct {
		number uint32
		wrap   func(packet) []byte
	}{
		"Ethernet": {linkEthernet, func(p packet) []byte { return append(p.data, make([]byte, 60)...) }}, // padded
		"VLAN": {linkEthernet, func(p packet) []byte {
			return slices.Concat(p.data[:12], []byte{0x88, 0xa8, 0, 1, 0x81, 0, 0, 7}, p.data[12:])
		}},
		"raw":      {linkRaw, ipOf},
		"raw BSD":  {linkRawBSD, ipOf},
		"null LE":  {linkNull, func(p packet) []byte { return append([]byte{2, 0, 0, 0}, ipOf(p)...) }},
		"null BE":  {linkNull, func(p packet) []byte { return append([]byte{0, 0, 0, 30}, ipOf(p)...) }},
		"loop":     {linkLoop, func(p packet) []byte { return append([]byte{0, 0, 0, 2}, ipOf(p)...) }},
		"cooked":   {linkSLL, func(p packet) []byte { return slices.Concat(make([]byte, 14), p.data[12:14], ipOf(p)) }},
		"cooked 2": {linkSLL2, func(p packet) []byte { return slices.Concat(p.data[12:14], make([]byte, 18), ipOf(p)) }},
		"offload": {linkEthernet, func(p packet) []byte { // the card cuts it: no length in the IP header
			b := bytes.Clone(p.data)
			if isIPv6(p) {
				be.PutUint16(b[14+4:], 0)
			} else {
				be.PutUint16(b[14+2:], 0)
			}
			return b
		}},
	} {
		for _, m := range []record.Meta{meta(), v6} {
			t.Run(name+" "+m.Peer, func(t *testing.T) {
				t.Parallel()
				want := conversation(m, 5, 10)
				packets := packetsOf(t, want)
				for i := range packets {
					packets[i].data = link.wrap(packets[i])
					packets[i].length = len(packets[i].data)
				}
				file := pcapOf(packets)
				le.PutUint32(file[20:], link.number)
				conn := only(t, mustRead(t, file, Options{}))
				checkBytes(t, conn.Recording, want)
				checkChunks(t, conn.Recording, want)
			})
		}
	}
}

func TestIPv6ExtensionHeaders(t *testing.T) {
	t.Parallel()
	m := meta()
	m.Local, m.Peer = "[::1]:40000", "[::1]:50051"
	want := conversation(m, 5, 5)
	packets := packetsOf(t, want)
	for i := range packets {
		b := packets[i].data
		hop := []byte{protoDest, 0, 1, 4, 0, 0, 0, 0}
		dest := append([]byte{protoFragment, 1}, make([]byte, 14)...)
		whole := []byte{protoTCP, 0, 0, 0, 0, 0, 0, 9} // an atomic fragment: RFC 6946
		b = slices.Concat(b[:54], hop, dest, whole, b[54:])
		be.PutUint16(b[14+4:], be.Uint16(b[14+4:])+32)
		b[14+6] = protoHop
		packets[i].data, packets[i].length = b, len(b)
	}
	checkBytes(t, only(t, mustRead(t, pcapOf(packets), Options{})).Recording, want)
}

// TestFilesOfGopacket reads files that the pcapgo writers wrote, in all of their
// variants.
func TestFilesOfGopacket(t *testing.T) {
	t.Parallel()
	want := conversation(meta(), 11, 20)
	packets := packetsOf(t, want)
	writers := map[string]func(*bytes.Buffer) func(gopacket.CaptureInfo, []byte) error{
		"pcap": func(b *bytes.Buffer) func(gopacket.CaptureInfo, []byte) error {
			w := pcapgo.NewWriterNanos(b)
			_ = w.WriteFileHeader(1<<18, layers.LinkTypeEthernet)
			return w.WritePacket
		},
		"pcapng": func(b *bytes.Buffer) func(gopacket.CaptureInfo, []byte) error {
			w, err := pcapgo.NewNgWriter(b, layers.LinkTypeEthernet)
			if err != nil {
				t.Fatal(err)
			}
			return func(ci gopacket.CaptureInfo, data []byte) error {
				return errors.Join(w.WritePacket(ci, data), w.Flush())
			}
		},
	}
	for name, writer := range writers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			write := writer(&b)
			for _, p := range packets {
				ci := gopacket.CaptureInfo{Timestamp: time.Unix(0, p.at), CaptureLength: len(p.data), Length: len(p.data)}
				if err := write(ci, p.data); err != nil {
					t.Fatal(err)
				}
			}
			conn := only(t, mustRead(t, b.Bytes(), Options{}))
			checkBytes(t, conn.Recording, want)
			checkChunks(t, conn.Recording, want)
		})
	}
}

// TestGopacketReadsWhatIsWritten checks headers and checksums of written files
// with gopacket's decoders.
func TestGopacketReadsWhatIsWritten(t *testing.T) {
	t.Parallel()
	v6 := meta()
	v6.Local, v6.Peer = "[2001:db8::1]:40000", "[2001:db8::2]:50051"
	for _, m := range []record.Meta{meta(), v6} {
		rec := conversation(m, 3, 30)
		rec.Close(nil)
		r, err := pcapgo.NewNgReader(bytes.NewReader(written(t, rec)), pcapgo.DefaultNgReaderOptions)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for {
			data, ci, err := r.ReadPacketData()
			if err != nil {
				break
			}
			n++
			p := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.DecodeOptions{})
			if p.ErrorLayer() != nil {
				t.Fatalf("packet %d: %v", n, p.ErrorLayer().Error())
			}
			mismatches, err := checksums(p)
			if err != nil || len(mismatches) > 0 {
				t.Fatalf("packet %d: %v, checksums that differ: %+v", n, err, mismatches)
			}
			if ci.Timestamp.Before(start) || ci.Timestamp.After(start.Add(time.Second)) {
				t.Errorf("packet %d is dated %v", n, ci.Timestamp)
			}
		}
		if n < 60 {
			t.Errorf("%d packets", n)
		}
	}
}

func checksums(p gopacket.Packet) ([]gopacket.ChecksumMismatch, error) {
	if tcp, ok := p.TransportLayer().(*layers.TCP); ok {
		if err := tcp.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
			return nil, err
		}
	}
	err, mismatches := p.VerifyChecksums()
	return mismatches, err
}

// TestByteOrders reads pcap files of machines of the other byte order and with
// microseconds.
func TestByteOrders(t *testing.T) {
	t.Parallel()
	want := record.New(meta())
	want.Add(record.Sent, 1000*time.Microsecond, []byte(preface))
	want.Add(record.Received, 2000*time.Microsecond, []byte("answer"))
	little := pcapOf(packetsOf(t, want))
	big := bytes.Clone(little)
	swap := func(b []byte, sizes ...int) {
		for _, n := range sizes {
			slices.Reverse(b[:n])
			b = b[n:]
		}
	}
	swap(big, 4, 2, 2, 4, 4, 4, 4)
	for b := big[24:]; len(b) > 0; {
		size := le.Uint32(b[8:])
		swap(b, 4, 4, 4, 4)
		b = b[16+size:]
	}
	micro := bytes.Clone(little)
	le.PutUint32(micro, pcapMicro)
	for b := micro[24:]; len(b) > 0; b = b[16+le.Uint32(b[8:]):] {
		le.PutUint32(b[4:], le.Uint32(b[4:])/1000)
	}
	for name, file := range map[string][]byte{"little": little, "big": big, "micro": micro} {
		conn := only(t, mustRead(t, file, Options{}))
		checkBytes(t, conn.Recording, want)
		shift := conn.Recording.Meta().Start.Sub(start)
		if c := conn.Recording.Chunks(0); c[0].At+shift > time.Millisecond || c[0].At+shift < time.Millisecond-time.Microsecond {
			t.Errorf("%s: the first chunk is at %v after %v", name, c[0].At, shift)
		}
	}
}

// TestSectionsAndInterfaces reads a file of two sections, of which the second
// has an interface of another resolution and link type.
func TestSectionsAndInterfaces(t *testing.T) {
	t.Parallel()
	other := meta()
	other.Local = "127.0.0.1:40001"
	first, second := conversation(meta(), 1, 3), conversation(other, 2, 3)
	var b bytes.Buffer
	w, err := pcapgo.NewNgWriterInterface(&b, pcapgo.NgInterface{LinkType: layers.LinkTypeNull, TimestampResolution: 9}, pcapgo.DefaultNgWriterOptions)
	if err != nil {
		t.Fatal(err)
	}
	eth, err := w.AddInterface(pcapgo.NgInterface{LinkType: layers.LinkTypeEthernet, TimestampResolution: 9})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packetsOf(t, second) {
		ci := gopacket.CaptureInfo{Timestamp: time.Unix(0, p.at), CaptureLength: len(p.data), Length: len(p.data), InterfaceIndex: eth}
		if err := w.WritePacket(ci, p.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	c := mustRead(t, append(written(t, first), b.Bytes()...), Options{})
	if len(c.Connections) != 2 {
		t.Fatalf("%d connections, skipped %q", len(c.Connections), c.Skipped)
	}
	checkBytes(t, c.Connections[0].Recording, first)
	checkBytes(t, c.Connections[1].Recording, second)
	checkChunks(t, c.Connections[1].Recording, second)
}

func TestResolutions(t *testing.T) {
	t.Parallel()
	for v, want := range map[byte]uint64{6: 1e6, 9: 1e9, 0: 1, 3: 1e3, 0x80 | 10: 1024, 0xff: 1e6, 100: 1e6} {
		if got := resolution(v); got != want {
			t.Errorf("if_tsresol %#x is %d units per second, want %d", v, got, want)
		}
	}
	for _, c := range []struct {
		t, perSecond uint64
		want         int64
	}{{1500, 1000, 1_500_000_000}, {1, 1 << 63, 0}, {math.MaxUint64, 1, math.MaxInt64}, {3, 2, 1_500_000_000}} {
		if got := nanoseconds(c.t, c.perSecond); got != c.want {
			t.Errorf("%d of %d per second is %d ns, want %d", c.t, c.perSecond, got, c.want)
		}
	}
}

// TestWhatIsNotTCPIsCounted mixes other packets into a capture.
func TestWhatIsNotTCPIsCounted(t *testing.T) {
	t.Parallel()
	want := conversation(meta(), 1, 2)
	packets := packetsOf(t, want)
	add := func(ls ...gopacket.SerializableLayer) {
		b := gopacket.NewSerializeBuffer()
		if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true}, ls...); err != nil {
			t.Fatal(err)
		}
		packets = append(packets, packet{data: b.Bytes(), at: packets[0].at})
	}
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	eth := func(kind layers.EthernetType) *layers.Ethernet {
		return &layers.Ethernet{SrcMAC: mac, DstMAC: mac, EthernetType: kind}
	}
	ip := func(proto layers.IPProtocol) *layers.IPv4 {
		return &layers.IPv4{Version: 4, TTL: 1, Protocol: proto, SrcIP: net.IP{10, 0, 0, 1}, DstIP: net.IP{10, 0, 0, 2}}
	}
	for range 2 {
		add(eth(layers.EthernetTypeIPv4), ip(layers.IPProtocolUDP), &layers.UDP{SrcPort: 40000, DstPort: 53}, gopacket.Payload("query"))
	}
	add(eth(layers.EthernetTypeIPv4), ip(layers.IPProtocolUDP), &layers.UDP{SrcPort: 443, DstPort: 40000}, gopacket.Payload("QUIC"))
	add(eth(layers.EthernetTypeIPv4), ip(layers.IPProtocolICMPv4), gopacket.Payload("ping"))
	fragment := ip(layers.IPProtocolTCP)
	fragment.Flags = layers.IPv4MoreFragments
	add(eth(layers.EthernetTypeIPv4), fragment, gopacket.Payload(make([]byte, 64)))
	add(eth(layers.EthernetTypeARP), gopacket.Payload(make([]byte, 28)))
	add(eth(layers.EthernetTypeIPv4), ip(layers.IPProtocolTCP), &layers.TCP{SrcPort: 1, DstPort: 2, SYN: true})
	packets = append(packets, packet{data: []byte{1, 2, 3}, at: packets[0].at})
	c := mustRead(t, pcapOf(packets), Options{})
	checkBytes(t, only(t, c).Recording, want)
	text := strings.Join(c.Skipped, "\n")
	for _, want := range []string{
		"UDP 53: 2 packets", "UDP 443 (HTTP/3 over QUIC is not read): 1 packet", "ICMP: 1 packet", "IP fragments", "ARP: 1 packet",
		"packets cut inside the link header: 1 packet", "1 TCP connection without a byte",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("skipped does not name %q:\n%s", want, text)
		}
	}
}

func TestLimitOfConnections(t *testing.T) {
	t.Parallel()
	var recs []*record.Recording
	for i := range 5 {
		m := meta()
		m.Local = fmt.Sprintf("127.0.0.1:%d", 40000+i)
		recs = append(recs, conversation(m, uint64(i), 1))
	}
	c := mustRead(t, written(t, recs...), Options{MaxConnections: 2})
	if len(c.Connections) != 2 || len(c.Skipped) != 1 || !strings.HasPrefix(c.Skipped[0], "3 connections after the first 2") {
		t.Errorf("%d connections, skipped %q", len(c.Connections), c.Skipped)
	}
}

// TestReadDamaged: a file that ends too early is damaged; one that a limit ends
// is not.
func TestReadDamaged(t *testing.T) {
	rec := conversation(meta(), 1, 20)
	defer rec.Release()
	whole := written(t, rec)
	for name, c := range map[string]struct {
		in   []byte
		o    Options
		want bool
	}{
		"whole": {whole, Options{}, false},
		"cut":   {whole[:len(whole)-1], Options{}, true},
		"limit": {whole, Options{MaxBytes: int64(len(whole) - 1)}, false},
	} {
		got := mustRead(t, c.in, c.o)
		if got.Damaged != c.want || got.Damaged && len(got.Skipped) == 0 {
			t.Errorf("%s: damaged is %v with %q, want %v", name, got.Damaged, got.Skipped, c.want)
		}
		got.Release()
	}
}
