package render

import (
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"google.golang.org/protobuf/proto"

	"github.com/wiregloss/wiregloss/demo/demov1"
	"github.com/wiregloss/wiregloss/diff"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/internal/golden"
	"github.com/wiregloss/wiregloss/record"
)

// aCall is a call as one of two clients makes it.
func aCall(t *testing.T, name string, u *demov1.User, token string, end []string, more ...string) diff.Side {
	t.Helper()
	w := newWire(t)
	w.add(record.Sent, func(fr *http2.Framer) error {
		return fr.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 16384 + uint32(len(more))})
	})
	w.add(record.Received, func(fr *http2.Framer) error { return fr.WriteSettings() })
	w.request(1, "/demo.v1.UserService/CreateUser", append([]string{"authorization", token, "te", "trailers"}, more...)...)
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(&demov1.CreateUserRequest{User: u})
	if err != nil {
		t.Fatal(err)
	}
	w.data(record.Sent, 1, true, prefixed(body))
	w.headers(record.Received, 1, true, append([]string{":status", "200", "content-type", "application/grpc"}, end...)...)
	return diff.Side{
		Name: name, Recording: w.rec, Trace: inspect.Decode(w.rec), Stream: 1,
		Input: (&demov1.CreateUserRequest{}).ProtoReflect().Descriptor(), Types: envelope.Fallback(nil),
	}
}

func twoCalls(t *testing.T) (a, b diff.Side) {
	t.Helper()
	good := &demov1.User{Id: "1", Name: "Ada", Tags: []string{"math", "poetry"}, Address: &demov1.Address{City: "London"}}
	bad := &demov1.User{Id: "1", Name: "Ada", Age: 36, Tags: []string{"chess", "math", "poetry"}, Address: &demov1.Address{City: "Tu\u202erin"}}
	a = aCall(t, "good.rec", good, "Bearer one", []string{"grpc-status", "0"}, "x-client", "grpc-go")
	b = aCall(t, "bad\x1b.rec", bad, "Bearer two", []string{"grpc-status", "3", "grpc-message", "no\x1b[31m"}, "grpc-timeout", "5S", "x-client", "other")
	return a, b
}

func TestDiffText(t *testing.T) {
	t.Parallel()
	a, b := twoCalls(t)
	r := diff.Calls(a, b)
	golden.Check(t, "testdata/diff.golden", []byte(DiffText(r, false, false)))
	golden.Check(t, "testdata/diff-all.golden", []byte(DiffText(r, true, true)))
	golden.Check(t, "testdata/diff-same.golden", []byte(DiffText(diff.Calls(a, a), false, false)))
}

// Nothing that came from a peer may steer a terminal, and no credential is shown
// unless it is asked for.
func TestDiffIsSafe(t *testing.T) {
	t.Parallel()
	a, b := twoCalls(t)
	r := diff.Calls(a, b)
	for name, text := range map[string]string{
		"text": DiffText(r, true, false), "JSON": string(DiffJSON(r, false)),
	} {
		if strings.ContainsAny(text, "\x1b\u202e") {
			t.Errorf("%s holds a control character: %q", name, text)
		}
		if strings.Contains(text, "Bearer") {
			t.Errorf("%s shows a credential:\n%s", name, text)
		}
	}
	if text := DiffText(r, false, true); !strings.Contains(text, "- authorization: Bearer one") {
		t.Errorf("the credential that was asked for is not shown:\n%s", text)
	}
}

func TestDiffJSON(t *testing.T) {
	t.Parallel()
	a, b := twoCalls(t)
	r := diff.Calls(a, b)
	var c Comparison
	if err := json.Unmarshal(DiffJSON(r, false), &c); err != nil {
		t.Fatal(err)
	}
	if c.Schema != 1 || c.A != "good.rec" || c.Same || len(c.Sections) != len(r.Sections) {
		t.Errorf("schema %d, a %q, same %v, %d sections", c.Schema, c.A, c.Same, len(c.Sections))
	}
	total := 0
	for _, n := range c.Counts {
		total += n
	}
	entries := 0
	for _, s := range c.Sections {
		if s.Topic == "timing" {
			continue
		}
		entries += len(s.Entries)
		for _, e := range s.Entries {
			if (e.A == nil) != (e.Kind == "only_b") || (e.B == nil) != (e.Kind == "only_a") {
				t.Errorf("%s: %s is %s with a %v, b %v", s.Title, e.Name, e.Kind, e.A, e.B)
			}
			if e.Name == "authorization" && (!e.Hidden || *e.A != *e.B) {
				t.Errorf("authorization is told: %+v", e)
			}
		}
	}
	if total != entries || total == 0 {
		t.Errorf("counts add up to %d, there are %d entries", total, entries)
	}
	if got := string(DiffJSON(diff.Report{}, false)); got != `{"schema":1,"a":"","b":"","same":true,"counts":{},"sections":[]}`+"\n" {
		t.Errorf("an empty report is %s", got)
	}
}

// What a section has not listed is said.
func TestDiffTextUnlisted(t *testing.T) {
	t.Parallel()
	s := diff.Section{Topic: diff.Message, Title: "response message 9", Unlisted: diff.Counts{diff.Changed: 12, diff.Equal: 3}}
	s.Entries = []diff.Entry{
		{Kind: diff.Moved, Name: "tags[0→1]", A: "x", B: "x", SpansA: []record.Span{{Off: 3, Len: 2}, {Off: 9, Len: 1}}},
		{Kind: diff.OnlyA, Name: "long", A: strings.Repeat("é", 900)},
	}
	times := diff.Section{Topic: diff.Timing, Title: "timing", Entries: []diff.Entry{{Kind: diff.Changed, Name: "total", A: "1.00 ms", B: "2.00 ms", Note: "+1.00 ms"}}}
	text := DiffText(diff.Report{A: "a", B: "b", Sections: []diff.Section{s, times}}, false, false)
	for _, want := range []string{
		"response message 9: 12 changed, 1 only in A, 1 moved, 3 equal\n",
		"~ tags[0→1]: x  @3-4 and 1 more  (moved)\n",
		"… (1800 bytes)\n",
		"  … not listed: 12 changed, 3 equal\n",
		"timing: not counted as a difference\n  total: 1.00 ms → 2.00 ms  (+1.00 ms)\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}
