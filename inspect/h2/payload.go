package h2

import "encoding/binary"

// Part is a range of bytes in a frame's payload.
type Part struct{ Off, Len int }

// of returns the part's bytes, or as many as there are.
func (p Part) of(payload []byte) []byte {
	off := min(p.Off, len(payload))
	return payload[off:min(off+p.Len, len(payload))]
}

// unpad returns the part of a padded frame's payload between the pad length
// octet and the padding. RFC 9113 §6.1.
func unpad(h Header, payload []byte) Part {
	if !h.Flags.Has(Padded) || len(payload) == 0 {
		return Part{Len: int(h.Length)}
	}
	pad := int(payload[0])
	return Part{Off: 1, Len: max(int(h.Length)-1-pad, 0)}
}

// DataPart returns where a DATA frame's data lies in its payload, of which the
// first byte is enough here. RFC 9113 §6.1.
func DataPart(h Header, payload []byte) Part {
	return unpad(h, payload)
}

// Dependency is a stream's priority as RFC 7540 §5.3 had it; RFC 9113 deprecates it.
type Dependency struct {
	Stream    uint32
	Exclusive bool
	Weight    int // 1 to 256
}

// dependency reads five bytes; fewer give ok false.
func dependency(b []byte) (d Dependency, ok bool) {
	if len(b) < 5 {
		return d, false
	}
	id := binary.BigEndian.Uint32(b)
	return Dependency{Stream: id &^ (1 << 31), Exclusive: id>>31 == 1, Weight: int(b[4]) + 1}, true
}

// HeadersPart returns where the HPACK fragment of a HEADERS frame lies, and its
// priority if it has one. RFC 9113 §6.2.
func HeadersPart(h Header, payload []byte) (fragment Part, dep Dependency, hasDep bool) {
	fragment = unpad(h, payload)
	if h.Flags.Has(PriorityF) {
		dep, hasDep = dependency(fragment.of(payload))
		n := min(5, fragment.Len)
		fragment.Off += n
		fragment.Len -= n
	}
	return fragment, dep, hasDep
}

// PromisePart returns the promised stream of a PUSH_PROMISE frame and where its
// HPACK fragment lies. RFC 9113 §6.6.
func PromisePart(h Header, payload []byte) (promised uint32, fragment Part) {
	fragment = unpad(h, payload)
	if b := fragment.of(payload); len(b) >= 4 {
		promised = binary.BigEndian.Uint32(b) &^ (1 << 31)
	}
	n := min(4, fragment.Len)
	fragment.Off += n
	fragment.Len -= n
	return promised, fragment
}

// ReadPriority reads the payload of a PRIORITY frame. RFC 9113 §6.3.
func ReadPriority(payload []byte) (Dependency, bool) { return dependency(payload) }

// ReadRSTStream reads the payload of an RST_STREAM frame. RFC 9113 §6.4.
func ReadRSTStream(payload []byte) (ErrCode, bool) {
	if len(payload) < 4 {
		return 0, false
	}
	return ErrCode(binary.BigEndian.Uint32(payload)), true
}

// SettingID names a setting. RFC 9113 §6.5.2.
type SettingID uint16

// The settings of RFC 9113, RFC 8441 and RFC 9218.
const (
	HeaderTableSize      SettingID = 0x1
	EnablePush           SettingID = 0x2
	MaxConcurrentStreams SettingID = 0x3
	InitialWindowSize    SettingID = 0x4
	MaxFrameSize         SettingID = 0x5
	MaxHeaderListSize    SettingID = 0x6
	EnableConnect        SettingID = 0x8
	NoRFC7540Priorities  SettingID = 0x9
)

var settingNames = map[SettingID]string{
	HeaderTableSize: "HEADER_TABLE_SIZE", EnablePush: "ENABLE_PUSH", MaxConcurrentStreams: "MAX_CONCURRENT_STREAMS",
	InitialWindowSize: "INITIAL_WINDOW_SIZE", MaxFrameSize: "MAX_FRAME_SIZE", MaxHeaderListSize: "MAX_HEADER_LIST_SIZE",
	EnableConnect: "ENABLE_CONNECT_PROTOCOL", NoRFC7540Priorities: "NO_RFC7540_PRIORITIES",
}

// String returns the RFC's name without its prefix, or UNKNOWN_0x00ff.
func (id SettingID) String() string {
	if s, ok := settingNames[id]; ok {
		return s
	}
	const digits = "0123456789abcdef"
	return "UNKNOWN_0x" + string([]byte{digits[id>>12], digits[id>>8&15], digits[id>>4&15], digits[id&15]})
}

// Setting is one parameter of a SETTINGS frame.
type Setting struct {
	ID    SettingID
	Value uint32
}

// ReadSettings reads the payload of a SETTINGS frame; a rest of fewer than six
// bytes is left out. RFC 9113 §6.5.1.
func ReadSettings(payload []byte) []Setting {
	settings := make([]Setting, 0, len(payload)/6)
	for ; len(payload) >= 6; payload = payload[6:] {
		settings = append(settings, Setting{
			ID: SettingID(binary.BigEndian.Uint16(payload)), Value: binary.BigEndian.Uint32(payload[2:]),
		})
	}
	return settings
}

// GoingAway is the payload of a GOAWAY frame. RFC 9113 §6.8.
type GoingAway struct {
	LastStream uint32
	Code       ErrCode
	Debug      []byte // untrusted; aliases the payload
}

// ReadGoAway reads the payload of a GOAWAY frame.
func ReadGoAway(payload []byte) (GoingAway, bool) {
	if len(payload) < 8 {
		return GoingAway{}, false
	}
	return GoingAway{
		LastStream: binary.BigEndian.Uint32(payload) &^ (1 << 31),
		Code:       ErrCode(binary.BigEndian.Uint32(payload[4:])),
		Debug:      payload[8:],
	}, true
}

// ReadWindowUpdate reads the payload of a WINDOW_UPDATE frame: an increment in
// bytes. RFC 9113 §6.9.
func ReadWindowUpdate(payload []byte) (uint32, bool) {
	if len(payload) < 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(payload) &^ (1 << 31), true
}
