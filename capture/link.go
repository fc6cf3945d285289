package capture

import (
	"encoding/binary"
	"fmt"
)

// Link types. https://www.tcpdump.org/linktypes.html
const (
	linkNull     = 0
	linkEthernet = 1
	linkRawBSD   = 12
	linkRawOpen  = 14
	linkRaw      = 101
	linkLoop     = 108
	linkSLL      = 113
	linkIPv4     = 228
	linkIPv6     = 229
	linkSLL2     = 276
)

// EtherTypes.
const (
	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
)

// Protocol numbers of IP.
const (
	protoHop      = 0
	protoTCP      = 6
	protoUDP      = 17
	protoRouting  = 43
	protoFragment = 44
	protoAH       = 51
	protoDest     = 60
)

// TCP flags. RFC 9293 §3.1.
const (
	tcpFIN = 1 << iota
	tcpSYN
	tcpRST
	tcpPSH
	tcpACK
)

// endpoint is an address and port; IPv4 addresses are mapped ones.
type endpoint struct {
	addr [16]byte
	port uint16
}

// segmentHeader is what the headers of a TCP segment say.
type segmentHeader struct {
	source, dest endpoint
	seq, ack     uint32
	flags        byte
	payload      []byte
	missing      int // bytes of the payload that the capture did not keep
}

// parsePacket finds the TCP segment in a packet. Of anything else it returns
// what it is, for the list of what was skipped.
func parsePacket(p *packet, s *segmentHeader) (other string) {
	b, cut := p.data, max(p.length-len(p.data), 0)
	switch p.link {
	case linkEthernet:
		return parseEthernet(b, cut, s)
	case linkRaw, linkRawBSD, linkRawOpen, linkIPv4, linkIPv6:
		return parseIP(b, cut, s)
	case linkNull, linkLoop:
		// A protocol family of 4 bytes, whose values depend on the system: the
		// version in the IP header says the same.
		if len(b) < 4 {
			return "packets cut inside the link header"
		}
		return parseIP(b[4:], cut, s)
	case linkSLL:
		if len(b) < 16 {
			return "packets cut inside the link header"
		}
		return parseEther(binary.BigEndian.Uint16(b[14:]), b[16:], cut, s)
	case linkSLL2:
		if len(b) < 20 {
			return "packets cut inside the link header"
		}
		return parseEther(binary.BigEndian.Uint16(b), b[20:], cut, s)
	}
	return fmt.Sprintf("packets of link type %d, which is not known here", p.link)
}

func parseEthernet(b []byte, cut int, s *segmentHeader) string {
	if len(b) < 14 {
		return "packets cut inside the link header"
	}
	return parseEther(binary.BigEndian.Uint16(b[12:]), b[14:], cut, s)
}

// parseEther goes on after an EtherType, through VLAN tags. IEEE 802.1Q §9.
func parseEther(kind uint16, b []byte, cut int, s *segmentHeader) string {
	for kind == 0x8100 || kind == 0x88a8 || kind == 0x9100 {
		if len(b) < 4 {
			return "packets cut inside the link header"
		}
		kind, b = binary.BigEndian.Uint16(b[2:]), b[4:]
	}
	switch kind {
	case etherIPv4, etherIPv6:
		return parseIP(b, cut, s)
	case 0x0806:
		return "ARP"
	}
	return fmt.Sprintf("EtherType 0x%04x", kind)
}

func parseIP(b []byte, cut int, s *segmentHeader) string {
	if len(b) == 0 {
		return "packets cut inside the IP header"
	}
	switch b[0] >> 4 {
	case 4:
		return parseIPv4(b, cut, s)
	case 6:
		return parseIPv6(b, cut, s)
	}
	return "packets that are not IP"
}

// parseIPv4 reads an IPv4 header. RFC 791 §3.1.
func parseIPv4(b []byte, cut int, s *segmentHeader) string {
	if len(b) < 20 {
		return "packets cut inside the IP header"
	}
	head, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 {
		total = len(b) + cut // the network card was to cut it into segments
	}
	if head < 20 || head > len(b) || total < head {
		return "packets with a broken IP header"
	}
	if binary.BigEndian.Uint16(b[6:])&0x3fff != 0 {
		return "IP fragments, which are not put together"
	}
	s.source.addr, s.dest.addr = mapped(b[12:16]), mapped(b[16:20])
	return parseTransport(b[9], b[head:], total-head, s)
}

// mapped is an IPv4 address as an IPv6 one. RFC 4291 §2.5.5.2.
func mapped(b []byte) (a [16]byte) {
	a[10], a[11] = 0xff, 0xff
	copy(a[12:], b)
	return a
}

// parseIPv6 reads an IPv6 header and those that extend it. RFC 8200 §3, §4.
func parseIPv6(b []byte, cut int, s *segmentHeader) string {
	if len(b) < 40 {
		return "packets cut inside the IP header"
	}
	next, size := b[6], int(binary.BigEndian.Uint16(b[4:]))
	s.source.addr, s.dest.addr = [16]byte(b[8:24]), [16]byte(b[24:40])
	b = b[40:]
	if size == 0 {
		size = len(b) + cut
	}
	for next == protoHop || next == protoRouting || next == protoDest || next == protoAH || next == protoFragment {
		if len(b) < 8 {
			return "packets cut inside the IP header"
		}
		n := int(b[1])*8 + 8
		switch {
		case next == protoFragment && binary.BigEndian.Uint16(b[2:])&0xfff9 != 0:
			return "IP fragments, which are not put together"
		case next == protoFragment:
			n = 8
		case next == protoAH:
			n = int(b[1])*4 + 8
		}
		if n > len(b) || n > size {
			return "packets cut inside the IP header"
		}
		next, b, size = b[0], b[n:], size-n
	}
	return parseTransport(next, b, size, s)
}

// parseTransport reads a TCP header. RFC 9293 §3.1. size is what the IP header
// says; b may have less, or padding after it.
func parseTransport(proto byte, b []byte, size int, s *segmentHeader) string {
	missing := max(size-len(b), 0)
	b = b[:min(size, len(b))]
	switch proto {
	case protoTCP:
	case protoUDP:
		return udpName(b)
	case 1, 58:
		return "ICMP"
	case 132:
		return "SCTP"
	default:
		return fmt.Sprintf("IP protocol %d", proto)
	}
	if len(b) < 20 {
		return "packets cut inside the TCP header"
	}
	head := int(b[12]>>4) * 4
	if head < 20 || head > size {
		return "packets with a broken TCP header"
	}
	if head > len(b) {
		missing -= head - len(b)
		head = len(b)
	}
	s.source.port, s.dest.port = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	s.seq, s.ack = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
	s.flags, s.payload, s.missing = b[13], b[head:], max(missing, 0)
	return ""
}

// udpName names a datagram by its lower port: that is the service's.
func udpName(b []byte) string {
	if len(b) < 8 {
		return "UDP"
	}
	port := min(binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]))
	if port == 443 {
		return "UDP 443 (HTTP/3 over QUIC is not read)"
	}
	return fmt.Sprintf("UDP %d", port)
}
