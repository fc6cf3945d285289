package h2

import "fmt"

// Violation is a rule that a frame breaks. Its bytes are the whole frame.
type Violation struct {
	Rule string // "RFC 9113 §6.1"
	Text string // what is wrong and, where it helps, what a strict peer does
}

// Context is what a frame's own bytes do not say.
type Context struct {
	FromClient   bool
	MaxFrameSize uint32 // what the receiver allows
}

// maxViolations bounds what is said of the values in one frame.
const maxViolations = 16

// What a strict peer does about a violation. RFC 9113 §5.4.
const (
	connError    = "; a strict peer closes the connection with PROTOCOL_ERROR"
	sizeError    = "; a strict peer closes the connection with FRAME_SIZE_ERROR"
	streamSize   = "; a strict peer resets the stream with FRAME_SIZE_ERROR"
	flowError    = "; a strict peer closes the connection with FLOW_CONTROL_ERROR"
	streamBroken = "; a strict peer resets the stream with PROTOCOL_ERROR"
	ignored      = "; its receiver ignores it"
)

func violation(rule, format string, args ...any) Violation {
	return Violation{Rule: "RFC 9113 §" + rule, Text: fmt.Sprintf(format, args...)}
}

// onStream says whether a frame type belongs to a stream (1), to the connection
// (0), or to either (-1).
func onStream(t Type) int {
	switch t {
	case Data, Headers, Priority, RSTStream, PushPromise, Continuation:
		return 1
	case Settings, Ping, GoAway, PriorityUpdate, Origin:
		return 0
	default:
		return -1
	}
}

var section = map[Type]string{
	Data: "6.1", Headers: "6.2", Priority: "6.3", RSTStream: "6.4", Settings: "6.5", PushPromise: "6.6",
	Ping: "6.7", GoAway: "6.8", WindowUpdate: "6.9", Continuation: "6.10",
}

// Check returns the rules that a frame breaks by itself, whatever came before
// it. Of a DATA frame the first payload byte is enough.
func Check(h Header, payload []byte, c Context) []Violation {
	var out []Violation
	if h.Length > c.MaxFrameSize {
		consequence := sizeError
		if h.Type == Data {
			consequence = streamSize
		}
		out = append(out, violation("4.2", "%s of %d bytes, more than the %d its receiver allows%s", h.Type, h.Length, c.MaxFrameSize, consequence))
	}
	switch on := onStream(h.Type); {
	case on == 1 && h.Stream == 0:
		out = append(out, violation(section[h.Type], "%s on stream 0%s", h.Type, connError))
	case on == 0 && h.Stream != 0:
		switch h.Type {
		case PriorityUpdate:
			return append(out, Violation{"RFC 9218 §7.1", fmt.Sprintf("%s on stream %d instead of 0%s", h.Type, h.Stream, connError)})
		case Origin:
			return append(out, Violation{"RFC 8336 §2.1", fmt.Sprintf("%s on stream %d instead of 0%s", h.Type, h.Stream, ignored)})
		}
		out = append(out, violation(section[h.Type], "%s on stream %d instead of 0%s", h.Type, h.Stream, connError))
	}
	out = append(out, checkLength(h)...)
	return append(out, checkContent(h, payload, c)...)
}

// lengths are the types whose payload has a fixed length, and the consequence of
// another one.
var lengths = map[Type]struct {
	bytes       uint32
	consequence string
}{
	Priority:     {5, streamSize},
	RSTStream:    {4, sizeError},
	WindowUpdate: {4, sizeError},
	Ping:         {8, sizeError},
}

// least is the length that a payload has without padding, where it has one.
func least(h Header) uint32 {
	switch {
	case h.Type == GoAway:
		return 8
	case h.Type == PushPromise, h.Type == PriorityUpdate:
		return 4
	case h.Type == Headers && h.Flags.Has(PriorityF):
		return 5
	case h.Type == AltSvc:
		return 2
	}
	return 0
}

// checkLength checks the length of what is not padded; checkPadding does the rest.
func checkLength(h Header) []Violation {
	switch h.Type {
	case Data, Continuation:
		return nil // the commonest ones have no length to check
	case Priority, RSTStream, WindowUpdate, Ping:
		if want := lengths[h.Type]; h.Length != want.bytes {
			return []Violation{violation(section[h.Type], "%s of %d bytes instead of %d%s", h.Type, h.Length, want.bytes, want.consequence)}
		}
	case Settings:
		if h.Flags.Has(Ack) && h.Length != 0 {
			return []Violation{violation("6.5", "SETTINGS with ACK and %d bytes; an acknowledgement is empty%s", h.Length, sizeError)}
		}
		if h.Length%6 != 0 {
			return []Violation{violation("6.5", "SETTINGS length %d is not a multiple of 6%s", h.Length, sizeError)}
		}
	}
	n := least(h)
	if h.Length >= n || h.Flags.Has(Padded) && (h.Type == Headers || h.Type == PushPromise) {
		return nil
	}
	v := Violation{Rule: "RFC 9113 §" + section[h.Type], Text: fmt.Sprintf("%s of %d bytes; it needs %d at least%s", h.Type, h.Length, n, sizeError)}
	switch h.Type {
	case PriorityUpdate:
		v.Rule = "RFC 9218 §7.1"
	case AltSvc:
		v = Violation{"RFC 7838 §4", fmt.Sprintf("ALTSVC of %d bytes; it needs 2 at least%s", h.Length, ignored)}
	}
	return []Violation{v}
}

// checkContent checks padding and values.
func checkContent(h Header, payload []byte, c Context) []Violation {
	var out []Violation
	switch h.Type {
	case Data, Headers, PushPromise:
		out = checkPadding(h, payload)
	case Settings:
		for _, s := range ReadSettings(payload) {
			// A frame of 16 MiB has room for 2.7 million wrong ones.
			if out = append(out, checkSetting(s, c)...); len(out) >= maxViolations {
				break
			}
		}
	case WindowUpdate:
		if n, ok := ReadWindowUpdate(payload); ok && n == 0 {
			consequence := streamBroken
			if h.Stream == 0 {
				consequence = connError
			}
			out = append(out, violation("6.9", "WINDOW_UPDATE with an increment of 0%s", consequence))
		}
	case PriorityUpdate:
		out = checkPriorityUpdate(payload, c)
	case AltSvc:
		out = checkAltSvc(h, payload, c)
	case Origin:
		if _, whole := ReadOrigins(payload); !whole {
			out = append(out, Violation{"RFC 8336 §2.1", "ORIGIN ends inside an entry" + ignored})
		}
	}
	if h.Type == PushPromise {
		if promised, _ := PromisePart(h, payload); len(unpad(h, payload).of(payload)) >= 4 && (promised == 0 || promised%2 == 1) {
			out = append(out, violation("5.1.1", "promised stream %d is not one a server may open%s", promised, connError))
		}
		if c.FromClient {
			out = append(out, violation("8.4", "PUSH_PROMISE from a client%s", connError))
		}
	}
	return out
}

// checkPriorityUpdate checks who sends it and what it is about. RFC 9218 §7.1.
func checkPriorityUpdate(payload []byte, c Context) []Violation {
	p, ok := ReadPriorityUpdate(payload)
	switch {
	case !ok:
		return nil
	case !c.FromClient:
		return []Violation{{"RFC 9218 §7.1", "PRIORITY_UPDATE from a server" + connError}}
	case p.Stream == 0:
		return []Violation{{"RFC 9218 §7.1", "PRIORITY_UPDATE of stream 0" + connError}}
	}
	if _, ok := ParsePriority(string(p.Value)); !ok {
		return []Violation{{"RFC 9218 §4", fmt.Sprintf("the priority %.64q is not a dictionary of structured fields%s", p.Value, ignored)}}
	}
	return nil
}

// checkAltSvc checks that the frame has an origin where it needs one. RFC 7838 §4.
func checkAltSvc(h Header, payload []byte, c Context) []Violation {
	a, ok := ReadAltSvc(payload)
	switch {
	case len(payload) < 2:
		return nil // said by its length
	case !ok:
		return []Violation{{"RFC 7838 §4", "the origin of ALTSVC is longer than the frame" + ignored}}
	case c.FromClient:
		return []Violation{{"RFC 7838 §4", "ALTSVC from a client" + ignored}}
	case h.Stream == 0 && len(a.Origin) == 0:
		return []Violation{{"RFC 7838 §4", "ALTSVC on stream 0 without an origin" + ignored}}
	case h.Stream != 0 && len(a.Origin) > 0:
		return []Violation{{"RFC 7838 §4", fmt.Sprintf("ALTSVC on stream %d with an origin of its own%s", h.Stream, ignored)}}
	}
	return nil
}

func checkPadding(h Header, payload []byte) []Violation {
	if !h.Flags.Has(Padded) {
		return nil
	}
	if h.Length == 0 {
		return []Violation{violation(section[h.Type], "%s is PADDED but has no pad length%s", h.Type, sizeError)}
	}
	fixed := 1
	if h.Type == Headers && h.Flags.Has(PriorityF) {
		fixed += 5
	}
	if h.Type == PushPromise {
		fixed += 4
	}
	if pad := int(payload[0]); pad+fixed > int(h.Length) {
		return []Violation{violation(section[h.Type], "%s has %d bytes of padding in a payload of %d%s", h.Type, pad, h.Length, connError)}
	}
	return nil
}

func checkSetting(s Setting, c Context) []Violation {
	switch {
	case s.ID == EnablePush && s.Value > 1:
		return []Violation{violation("6.5.2", "ENABLE_PUSH is %d; it can be 0 or 1%s", s.Value, connError)}
	case s.ID == EnablePush && s.Value == 1 && !c.FromClient:
		return []Violation{violation("6.5.2", "ENABLE_PUSH 1 from a server%s", connError)}
	case s.ID == InitialWindowSize && s.Value > 1<<31-1:
		return []Violation{violation("6.5.2", "INITIAL_WINDOW_SIZE %d is more than 2^31-1%s", s.Value, flowError)}
	case s.ID == MaxFrameSize && (s.Value < 1<<14 || s.Value > 1<<24-1):
		return []Violation{violation("6.5.2", "MAX_FRAME_SIZE %d is outside 16384 to 16777215%s", s.Value, connError)}
	case s.ID == EnableConnect && s.Value > 1:
		return []Violation{{"RFC 8441 §3", fmt.Sprintf("ENABLE_CONNECT_PROTOCOL is %d; it can be 0 or 1%s", s.Value, connError)}}
	case s.ID == NoRFC7540Priorities && s.Value > 1:
		return []Violation{{"RFC 9218 §2.1", fmt.Sprintf("NO_RFC7540_PRIORITIES is %d; it can be 0 or 1%s", s.Value, connError)}}
	}
	return nil
}
