// Package h2 cuts and reads HTTP/2 frames (RFC 9113) tolerantly: a frame that
// breaks a rule is read as far as it goes, and the rule is named.
package h2

import (
	"encoding/binary"
	"fmt"
)

// Preface is what a client sends first. RFC 9113 §3.4.
const Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// HeaderLen is the length of a frame header. RFC 9113 §4.1.
const HeaderLen = 9

// DefaultMaxFrameSize and DefaultWindow hold until SETTINGS say otherwise. RFC 9113 §6.5.2.
const (
	DefaultMaxFrameSize = 16384
	DefaultWindow       = 65535
	DefaultTableSize    = 4096
)

// Type is a frame type.
type Type uint8

// The frame types of RFC 9113 §6, RFC 7838, RFC 8336 and RFC 9218.
const (
	Data           Type = 0x0
	Headers        Type = 0x1
	Priority       Type = 0x2
	RSTStream      Type = 0x3
	Settings       Type = 0x4
	PushPromise    Type = 0x5
	Ping           Type = 0x6
	GoAway         Type = 0x7
	WindowUpdate   Type = 0x8
	Continuation   Type = 0x9
	AltSvc         Type = 0xa
	Origin         Type = 0xc
	PriorityUpdate Type = 0x10
)

var typeNames = map[Type]string{
	Data: "DATA", Headers: "HEADERS", Priority: "PRIORITY", RSTStream: "RST_STREAM", Settings: "SETTINGS",
	PushPromise: "PUSH_PROMISE", Ping: "PING", GoAway: "GOAWAY", WindowUpdate: "WINDOW_UPDATE",
	Continuation: "CONTINUATION", AltSvc: "ALTSVC", Origin: "ORIGIN", PriorityUpdate: "PRIORITY_UPDATE",
}

// String returns the RFC's name in upper case, or UNKNOWN_0x42.
func (t Type) String() string {
	if s, ok := typeNames[t]; ok {
		return s
	}
	return fmt.Sprintf("UNKNOWN_0x%02X", uint8(t))
}

// Flags are the flags of a frame header; what a bit means depends on the type.
type Flags uint8

// The flags of RFC 9113.
const (
	EndStream  Flags = 0x1 // DATA, HEADERS
	Ack        Flags = 0x1 // SETTINGS, PING
	EndHeaders Flags = 0x4 // HEADERS, PUSH_PROMISE, CONTINUATION
	Padded     Flags = 0x8 // DATA, HEADERS, PUSH_PROMISE
	PriorityF  Flags = 0x20
)

// Has reports whether all bits of f are set.
func (fl Flags) Has(f Flags) bool { return fl&f == f }

type flagName struct {
	bit  Flags
	name string
}

var flagNames = map[Type][]flagName{
	Data:         {{EndStream, "END_STREAM"}, {Padded, "PADDED"}},
	Headers:      {{EndStream, "END_STREAM"}, {EndHeaders, "END_HEADERS"}, {Padded, "PADDED"}, {PriorityF, "PRIORITY"}},
	Settings:     {{Ack, "ACK"}},
	PushPromise:  {{EndHeaders, "END_HEADERS"}, {Padded, "PADDED"}},
	Ping:         {{Ack, "ACK"}},
	Continuation: {{EndHeaders, "END_HEADERS"}},
}

// Names returns the names of the set flags for a frame of type t, lowest bit
// first; a bit without a meaning there is UNUSED_0x40.
func (fl Flags) Names(t Type) []string {
	var names []string
	rest := fl
	for _, n := range flagNames[t] {
		if fl.Has(n.bit) {
			names = append(names, n.name)
			rest &^= n.bit
		}
	}
	for bit := Flags(1); bit != 0; bit <<= 1 {
		if rest&bit != 0 {
			names = append(names, fmt.Sprintf("UNUSED_0x%02X", uint8(bit)))
		}
	}
	return names
}

// Header is a frame header. RFC 9113 §4.1.
type Header struct {
	Length   uint32 // 24 bits
	Type     Type
	Flags    Flags
	Stream   uint32 // 31 bits
	Reserved bool   // the bit before Stream, which must be ignored
}

// ParseHeader reads the header at the start of b, which holds at least HeaderLen bytes.
func ParseHeader(b []byte) Header {
	_ = b[HeaderLen-1]
	id := binary.BigEndian.Uint32(b[5:9])
	return Header{
		Length:   uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]),
		Type:     Type(b[3]),
		Flags:    Flags(b[4]),
		Stream:   id &^ (1 << 31),
		Reserved: id>>31 == 1,
	}
}

// ErrCode is an error code of RST_STREAM and GOAWAY. RFC 9113 §7.
type ErrCode uint32

var errNames = [...]string{
	"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
	"FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
	"INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
}

// String returns the RFC's name, or UNKNOWN_0x1f.
func (c ErrCode) String() string {
	if int(c) < len(errNames) {
		return errNames[c]
	}
	return fmt.Sprintf("UNKNOWN_0x%x", uint32(c))
}
