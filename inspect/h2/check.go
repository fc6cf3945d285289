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

const connError = "; a strict peer closes the connection"

func violation(rule, format string, args ...any) Violation {
	return Violation{Rule: "RFC 9113 §" + rule, Text: fmt.Sprintf(format, args...)}
}

// onStream says whether a frame type belongs to a stream (1), to the connection
// (0), or to either (-1).
func onStream(t Type) int {
	switch t {
	case Data, Headers, Priority, RSTStream, PushPromise, Continuation:
		return 1
	case Settings, Ping, GoAway, PriorityUpdate:
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
		out = append(out, violation("4.2", "%s of %d bytes, more than the %d its receiver allows%s", h.Type, h.Length, c.MaxFrameSize, connError))
	}
	switch on := onStream(h.Type); {
	case on == 1 && h.Stream == 0:
		out = append(out, violation(section[h.Type], "%s on stream 0%s", h.Type, connError))
	case on == 0 && h.Stream != 0:
		rule := section[h.Type]
		if rule == "" {
			return append(out, Violation{"RFC 9218 §7.1", fmt.Sprintf("%s on stream %d instead of 0", h.Type, h.Stream)})
		}
		out = append(out, violation(rule, "%s on stream %d instead of 0%s", h.Type, h.Stream, connError))
	}
	out = append(out, checkLength(h)...)
	return append(out, checkContent(h, payload, c)...)
}

// checkLength checks types whose payload has a fixed length.
func checkLength(h Header) []Violation {
	want := -1
	switch h.Type {
	case Priority:
		want = 5
	case RSTStream, WindowUpdate:
		want = 4
	case Ping:
		want = 8
	case GoAway:
		if h.Length < 8 {
			return []Violation{violation("6.8", "GOAWAY of %d bytes; it needs 8 at least", h.Length)}
		}
	case Settings:
		if h.Flags.Has(Ack) && h.Length != 0 {
			return []Violation{violation("6.5", "SETTINGS with ACK and %d bytes; an acknowledgement is empty%s", h.Length, connError)}
		}
		if h.Length%6 != 0 {
			return []Violation{violation("6.5", "SETTINGS length %d is not a multiple of 6%s", h.Length, connError)}
		}
	}
	if want >= 0 && int(h.Length) != want {
		return []Violation{violation(section[h.Type], "%s of %d bytes instead of %d", h.Type, h.Length, want)}
	}
	return nil
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
			out = append(out, violation("6.9", "WINDOW_UPDATE with an increment of 0"))
		}
	}
	if h.Type == PushPromise {
		if promised, _ := PromisePart(h, payload); promised == 0 || promised%2 == 1 {
			out = append(out, violation("5.1.1", "promised stream %d is not one a server may open%s", promised, connError))
		}
		if c.FromClient {
			out = append(out, violation("8.4", "PUSH_PROMISE from a client%s", connError))
		}
	}
	return out
}

func checkPadding(h Header, payload []byte) []Violation {
	if !h.Flags.Has(Padded) {
		return nil
	}
	if h.Length == 0 {
		return []Violation{violation(section[h.Type], "%s is PADDED but has no pad length%s", h.Type, connError)}
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
		return []Violation{violation("6.5.2", "ENABLE_PUSH is %d; it can be 0 or 1", s.Value)}
	case s.ID == EnablePush && s.Value == 1 && !c.FromClient:
		return []Violation{violation("6.5.2", "ENABLE_PUSH 1 from a server")}
	case s.ID == InitialWindowSize && s.Value > 1<<31-1:
		return []Violation{violation("6.5.2", "INITIAL_WINDOW_SIZE %d is more than 2^31-1%s", s.Value, connError)}
	case s.ID == MaxFrameSize && (s.Value < 1<<14 || s.Value > 1<<24-1):
		return []Violation{violation("6.5.2", "MAX_FRAME_SIZE %d is outside 16384 to 16777215%s", s.Value, connError)}
	}
	return nil
}
