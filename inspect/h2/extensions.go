package h2

import (
	"encoding/binary"
	"strings"
)

// PriorityUpdated is the payload of a PRIORITY_UPDATE frame. RFC 9218 §7.1.
type PriorityUpdated struct {
	Stream uint32 // the prioritized one
	Value  []byte // the priority field value, untrusted; aliases the payload
}

// ReadPriorityUpdate reads the payload of a PRIORITY_UPDATE frame.
func ReadPriorityUpdate(payload []byte) (PriorityUpdated, bool) {
	if len(payload) < 4 {
		return PriorityUpdated{}, false
	}
	return PriorityUpdated{Stream: binary.BigEndian.Uint32(payload) &^ (1 << 31), Value: payload[4:]}, true
}

// Urgency is a priority as RFC 9218 §4 has it: of the field "priority" and of
// PRIORITY_UPDATE.
type Urgency struct {
	Level       int  // 0 is the most urgent, 7 the least; 3 where none is given
	Incremental bool // its parts are of use before all are there
}

// ParsePriority reads a priority field value: "u=1, i". Members that RFC 9218 does
// not define, and values out of range, count for nothing, as §4 says. It is not ok
// if the value is no dictionary of structured fields (RFC 9651 §3.2), which makes
// all of it count for nothing.
func ParsePriority(value string) (Urgency, bool) {
	u := Urgency{Level: 3}
	value = strings.Trim(value, " ")
	if value == "" {
		return u, true
	}
	for rest, more := value, true; more; {
		var member string
		member, rest, more = cutMember(rest)
		member = strings.Trim(member, " \t")
		name, item, hasItem := strings.Cut(member, "=")
		if !hasItem {
			name, item = member, "?1" // RFC 9651 §3.2: a name alone is true
			name, _, _ = strings.Cut(name, ";")
		}
		item, _, _ = strings.Cut(item, ";")
		if !isKey(name) || item == "" {
			return Urgency{Level: 3}, false
		}
		switch {
		case name == "u" && len(item) == 1 && item[0] >= '0' && item[0] <= '7':
			u.Level = int(item[0] - '0')
		case name == "i" && (item == "?0" || item == "?1"):
			u.Incremental = item == "?1"
		}
	}
	return u, true
}

// cutMember cuts a dictionary at its next comma that is not in a string.
func cutMember(s string) (member, rest string, more bool) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// isKey reports whether s is a key of a dictionary. RFC 9651 §3.1.2.
func isKey(s string) bool {
	for i := range len(s) {
		c := s[i]
		lower := c >= 'a' && c <= 'z' || c == '*'
		if !lower && (i == 0 || !strings.ContainsRune("0123456789_-.", rune(c))) {
			return false
		}
	}
	return s != ""
}

// AltSvcOffer is the payload of an ALTSVC frame. RFC 7838 §4.
type AltSvcOffer struct {
	Origin []byte // "" on a stream: that of its request. Untrusted; aliases the payload
	Value  []byte // the Alt-Svc field value, likewise
}

// ReadAltSvc reads the payload of an ALTSVC frame; not ok means that the origin is
// cut, of which what is there is returned.
func ReadAltSvc(payload []byte) (AltSvcOffer, bool) {
	origin, rest, ok := lengthPrefixed(payload)
	return AltSvcOffer{Origin: origin, Value: rest}, ok
}

// ReadOrigins reads the payload of an ORIGIN frame: the origins that the server
// answers for, untrusted text that aliases the payload. It is not whole if the
// last one is cut; that one is left out. RFC 8336 §2.1.
func ReadOrigins(payload []byte) (origins [][]byte, whole bool) {
	for len(payload) > 0 {
		origin, rest, ok := lengthPrefixed(payload)
		if !ok {
			return origins, false
		}
		origins, payload = append(origins, origin), rest
	}
	return origins, true
}

// lengthPrefixed reads bytes after a length of 16 bits.
func lengthPrefixed(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(b))
	if b = b[2:]; n > len(b) {
		return b, nil, false
	}
	return b[:n], b[n:], true
}

// bdpProbe is what grpc-go pings with to measure the bandwidth-delay product; its
// keepalive pings are all zero.
var bdpProbe = [8]byte{2, 4, 16, 16, 9, 14, 7, 7}

// PingKind is what a PING is for, as far as its payload tells.
type PingKind uint8

// The kinds of PING.
const (
	UnknownPing PingKind = iota
	BDPProbe             // grpc-go's measure of the bandwidth-delay product
	Keepalive            // all zero
)

// String returns a short name.
func (k PingKind) String() string { return [...]string{"ping", "BDP probe", "keepalive"}[k] }

// ReadPing says what the payload of a PING frame is, and what for. RFC 9113 §6.7.
func ReadPing(payload []byte) (data [8]byte, kind PingKind, ok bool) {
	if len(payload) < len(data) {
		return data, UnknownPing, false
	}
	copy(data[:], payload)
	switch data {
	case bdpProbe:
		return data, BDPProbe, true
	case [8]byte{}:
		return data, Keepalive, true
	}
	return data, UnknownPing, true
}

// Noise reports whether frames of a type keep the connection going and carry
// nothing of a call: what a list of frames folds.
func Noise(t Type) bool { return t == Settings || t == Ping || t == WindowUpdate }
