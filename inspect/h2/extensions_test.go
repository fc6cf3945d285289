package h2

import (
	"encoding/hex"
	"fmt"
	"testing"
)

// RFC 9218 §4, and RFC 9651 §3.2 for what a dictionary is.
func TestParsePriority(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		value string
		want  Urgency
		ok    bool
	}{
		{"", Urgency{3, false}, true},
		{"u=5, i", Urgency{5, true}, true},
		{"i,u=0", Urgency{0, true}, true},
		{" u=1;x=2 , i=?0", Urgency{1, false}, true},
		{"i;a, u=7", Urgency{7, true}, true},
		{"u=8, i", Urgency{3, true}, true},
		{"u=1.5", Urgency{3, false}, true},
		{`x="a, u=1", u=2`, Urgency{2, false}, true},
		{`x="a\", u=1", u=4`, Urgency{4, false}, true},
		{"u=1, u=2", Urgency{2, false}, true},
		{"u=", Urgency{3, false}, false},
		{"u=1,", Urgency{3, false}, false},
		{"U=1", Urgency{3, false}, false},
		{"=1", Urgency{3, false}, false},
	} {
		if got, ok := ParsePriority(tc.value); got != tc.want || ok != tc.ok {
			t.Errorf("%q is %+v, %v; want %+v, %v", tc.value, got, ok, tc.want, tc.ok)
		}
	}
}

func TestReadExtensions(t *testing.T) {
	t.Parallel()
	p, ok := ReadPriorityUpdate([]byte("\x80\x00\x00\x05u=1"))
	if !ok || p.Stream != 5 || string(p.Value) != "u=1" {
		t.Errorf("PRIORITY_UPDATE %+v, %v", p, ok)
	}
	a, ok := ReadAltSvc([]byte("\x00\x03a:1h2=\":8\""))
	if !ok || string(a.Origin) != "a:1" || string(a.Value) != `h2=":8"` {
		t.Errorf("ALTSVC %q, %v", a, ok)
	}
	origins, whole := ReadOrigins([]byte("\x00\x01a\x00\x02bc"))
	if !whole || fmt.Sprintf("%s", origins) != "[a bc]" {
		t.Errorf("ORIGIN %q, %v", origins, whole)
	}
	if origins, whole := ReadOrigins([]byte("\x00\x01a\x00\x05bc")); whole || len(origins) != 1 {
		t.Errorf("cut ORIGIN %q, %v", origins, whole)
	}
	for payload, want := range map[string]PingKind{
		"\x02\x04\x10\x10\x09\x0e\x07\x07": BDPProbe, "\x00\x00\x00\x00\x00\x00\x00\x00": Keepalive, "12345678": UnknownPing,
	} {
		if _, kind, ok := ReadPing([]byte(payload)); kind != want || !ok {
			t.Errorf("PING %x is %v, %v; want %v", payload, kind, ok, want)
		}
	}
}

// Each frame breaks one rule by itself; the payload is in hex.
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		rule    string
		h       Header
		payload string
		client  bool
	}{
		{"RFC 9113 §6.1", Header{Type: Data, Flags: Padded, Stream: 1}, "", true},
		{"RFC 9113 §6.1", Header{Type: Data, Flags: Padded, Stream: 1}, "0400", true},
		{"RFC 9113 §6.2", Header{Type: Headers, Flags: PriorityF, Stream: 1}, "000000", true},
		{"RFC 9113 §6.6", Header{Type: PushPromise, Flags: Padded, Stream: 1}, "00000002", false},
		{"RFC 9113 §8.4", Header{Type: PushPromise, Stream: 1}, "00000002", true},
		{"RFC 9113 §5.1.1", Header{Type: PushPromise, Stream: 1}, "00000000", false},
		{"RFC 9113 §6.4", Header{Type: RSTStream}, "00000000", true},
		{"RFC 9113 §6.5", Header{Type: Settings}, "0001", true},
		{"RFC 9113 §6.5.2", Header{Type: Settings}, "000200000002", true},
		{"RFC 9113 §6.5.2", Header{Type: Settings}, "000200000001", false},
		{"RFC 9113 §6.5.2", Header{Type: Settings}, "000480000000", true},
		{"RFC 9113 §6.5.2", Header{Type: Settings}, "000500003fff", true},
		{"RFC 8441 §3", Header{Type: Settings}, "000800000002", false},
		{"RFC 9218 §2.1", Header{Type: Settings}, "000900000002", true},
		{"RFC 9113 §6.7", Header{Type: Ping}, "00", true},
		{"RFC 9113 §6.8", Header{Type: GoAway, Stream: 3}, "0000000000000000", true},
		{"RFC 9113 §6.9", Header{Type: WindowUpdate}, "00000000", true},
		{"RFC 9113 §6.9", Header{Type: WindowUpdate}, "000001", true},
		{"RFC 9113 §6.10", Header{Type: Continuation}, "82", true},
		{"RFC 9218 §7.1", Header{Type: PriorityUpdate, Stream: 1}, "00000001", true},
		{"RFC 9218 §7.1", Header{Type: PriorityUpdate}, "0000", true},
		{"RFC 9218 §7.1", Header{Type: PriorityUpdate}, "00000000", true},
		{"RFC 9218 §7.1", Header{Type: PriorityUpdate}, "00000001", false},
		{"RFC 9218 §4", Header{Type: PriorityUpdate}, "00000001553d31", true},
		{"RFC 7838 §4", Header{Type: AltSvc}, "00", false},
		{"RFC 7838 §4", Header{Type: AltSvc}, "0000", false},
		{"RFC 7838 §4", Header{Type: AltSvc}, "000561", false},
		{"RFC 7838 §4", Header{Type: AltSvc, Stream: 1}, "000161", false},
		{"RFC 7838 §4", Header{Type: AltSvc}, "000161", true},
		{"RFC 8336 §2.1", Header{Type: Origin}, "000561", false},
		{"RFC 8336 §2.1", Header{Type: Origin, Stream: 1}, "000161", false},
	} {
		payload, err := hex.DecodeString(tc.payload)
		if err != nil {
			t.Fatal(err)
		}
		tc.h.Length = uint32(len(payload))
		got := Check(tc.h, payload, Context{FromClient: tc.client, MaxFrameSize: DefaultMaxFrameSize})
		if len(got) != 1 || got[0].Rule != tc.rule || got[0].Text == "" {
			t.Errorf("%s %s from client %v: %+v, want %s", tc.h.Type, tc.payload, tc.client, got, tc.rule)
		}
	}
}

// FuzzCheck gives any frame to the check and to every reader: no panic, and what
// is said is bounded.
func FuzzCheck(f *testing.F) {
	f.Add(uint8(Settings), uint8(0), uint32(0), []byte("\x00\x02\x00\x00\x00\x02"), true)
	f.Add(uint8(PriorityUpdate), uint8(0), uint32(0), []byte("\x00\x00\x00\x01u=1, i"), true)
	f.Add(uint8(AltSvc), uint8(0), uint32(1), []byte("\x00\x00h2"), false)
	f.Add(uint8(PushPromise), uint8(Padded), uint32(1), []byte("\x02\x00\x00\x00\x02"), false)
	f.Fuzz(func(t *testing.T, typ, flags uint8, stream uint32, payload []byte, client bool) {
		h := Header{Length: uint32(len(payload)), Type: Type(typ), Flags: Flags(flags), Stream: stream &^ (1 << 31)}
		for _, v := range Check(h, payload, Context{FromClient: client, MaxFrameSize: DefaultMaxFrameSize}) {
			if v.Rule == "" || v.Text == "" || len(v.Text) > 1000 {
				t.Errorf("violation %+v", v)
			}
		}
		for _, part := range []Part{DataPart(h, payload), second(PromisePart(h, payload)), first(HeadersPart(h, payload))} {
			if part.Off < 0 || part.Len < 0 || part.Len > len(payload) {
				t.Errorf("part %+v of %d bytes", part, len(payload))
			}
		}
		ReadAltSvc(payload)
		ReadOrigins(payload)
		if u, _ := ParsePriority(string(payload)); u.Level < 0 || u.Level > 7 {
			t.Errorf("urgency %+v", u)
		}
	})
}

func first(p Part, _ Dependency, _ bool) Part { return p }

func second(_ uint32, p Part) Part { return p }
