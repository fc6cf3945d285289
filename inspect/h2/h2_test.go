package h2

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wiregloss/wiregloss/internal/testdata"
)

type vector struct {
	Error []int  `json:"error"`
	Wire  string `json:"wire"`
	Frame *struct {
		Length  uint32          `json:"length"`
		Type    uint8           `json:"type"`
		Flags   uint8           `json:"flags"`
		Stream  uint32          `json:"stream_identifier"`
		Payload json.RawMessage `json:"frame_payload"`
	} `json:"frame"`
	Description string `json:"description"`
}

func vectors(t *testing.T) map[string]vector {
	t.Helper()
	root := testdata.Dir(t, "wire/http2-frame-test-case")
	files, err := filepath.Glob(filepath.Join(root, "*", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	all := map[string]vector{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var v vector
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		name, _ := filepath.Rel(root, f)
		all[name] = v
	}
	return all
}

// vectorRules is the one rule that each vector with an error breaks.
var vectorRules = map[string]string{
	"error/data-frame-size.json":                        "RFC 9113 §4.2",
	"error/data-frame-stream.json":                      "RFC 9113 §6.1",
	"error/goaway-frame-size.json":                      "RFC 9113 §6.8",
	"error/headers-frame-padding.json":                  "RFC 9113 §6.2",
	"error/ping-frame-stream.json":                      "RFC 9113 §6.7",
	"error/priority-frame-size.json":                    "RFC 9113 §6.3",
	"error/push_promise-frame-promised_stream-odd.json": "RFC 9113 §5.1.1",
	"error/rst_stream-frame-size.json":                  "RFC 9113 §6.4",
	"error/settings-frame-ack-size.json":                "RFC 9113 §6.5",
	"error/settings-frame-stream.json":                  "RFC 9113 §6.5",
	"error/window_update-frame-increment.json":          "RFC 9113 §6.9",
}

func TestVectors(t *testing.T) {
	t.Parallel()
	for name, v := range vectors(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire, err := hex.DecodeString(v.Wire)
			if err != nil {
				t.Fatal(err)
			}
			h := ParseHeader(wire)
			payload := wire[HeaderLen:min(len(wire), HeaderLen+int(h.Length))]
			found := Check(h, payload, Context{FromClient: h.Type != PushPromise, MaxFrameSize: DefaultMaxFrameSize})
			if v.Error != nil {
				rule, known := vectorRules[filepath.ToSlash(name)]
				if len(found) != 1 || found[0].Rule != rule || !known {
					t.Fatalf("%s: violations %+v, want one of %q", v.Description, found, rule)
				}
				if !strings.Contains(found[0].Text, "; a strict peer ") {
					t.Fatalf("violation without its consequence: %+v", found[0])
				}
				return
			}
			if len(found) > 0 {
				t.Fatalf("%s: %+v", v.Description, found)
			}
			f := v.Frame
			if h.Length != f.Length || uint8(h.Type) != f.Type || uint8(h.Flags) != f.Flags || h.Stream != f.Stream {
				t.Fatalf("header %+v, want %+v", h, f)
			}
			checkPayload(t, h, payload, f.Payload)
		})
	}
}

// checkPayload compares the typed reading with the vector's.
func checkPayload(t *testing.T, h Header, payload []byte, raw json.RawMessage) {
	t.Helper()
	var want struct {
		Data       *string           `json:"data"`
		Fragment   *string           `json:"header_block_fragment"`
		Settings   [][]uint32        `json:"settings"`
		LastStream *uint32           `json:"last_stream_id"`
		Code       *uint32           `json:"error_code"`
		Debug      *string           `json:"additional_debug_data"`
		Increment  *uint32           `json:"window_size_increment"`
		Promised   *uint32           `json:"promised_stream_id"`
		Weight     *int              `json:"weight"`
		Rest       map[string]string `json:"-"`
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	equal := func(what string, got, want any) {
		if got != want {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	switch h.Type {
	case Data:
		equal("data", string(DataPart(h, payload).of(payload)), *want.Data)
	case Headers:
		part, dep, has := HeadersPart(h, payload)
		equal("fragment", string(part.of(payload)), *want.Fragment)
		if has {
			equal("weight", dep.Weight, *want.Weight)
		}
	case PushPromise:
		promised, part := PromisePart(h, payload)
		equal("promised stream", promised, *want.Promised)
		equal("fragment", string(part.of(payload)), *want.Fragment)
	case Settings:
		got := ReadSettings(payload)
		equal("settings", len(got), len(want.Settings))
		for i := range got {
			equal("id", uint32(got[i].ID), want.Settings[i][0])
			equal("value", got[i].Value, want.Settings[i][1])
		}
	case GoAway:
		g, ok := ReadGoAway(payload)
		equal("ok", ok, true)
		equal("last stream", g.LastStream, *want.LastStream)
		equal("code", uint32(g.Code), *want.Code)
		equal("debug", string(g.Debug), *want.Debug)
	case RSTStream:
		code, _ := ReadRSTStream(payload)
		equal("code", uint32(code), *want.Code)
	case WindowUpdate:
		n, _ := ReadWindowUpdate(payload)
		equal("increment", n, *want.Increment)
	case Priority:
		dep, _ := ReadPriority(payload)
		equal("weight", dep.Weight, *want.Weight)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	if got := strings.Join(Flags(0x2d).Names(Headers), " "); got != "END_STREAM END_HEADERS PADDED PRIORITY" {
		t.Error(got)
	}
	if got := strings.Join(Flags(0x41).Names(Ping), " "); got != "ACK UNUSED_0x40" {
		t.Error(got)
	}
	if got := Type(0x42).String(); got != "UNKNOWN_0x42" {
		t.Error(got)
	}
	if got := ErrCode(2).String() + " " + ErrCode(99).String(); got != "INTERNAL_ERROR UNKNOWN_0x63" {
		t.Error(got)
	}
	if got := SettingID(4).String() + " " + SettingID(0xabc).String(); got != "INITIAL_WINDOW_SIZE UNKNOWN_0x0abc" {
		t.Error(got)
	}
}
