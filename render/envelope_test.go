package render

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/internal/golden"
	"github.com/wiregloss/wiregloss/record"
)

const operation = "pkg.Svc/Method"

func exchangeOf(w *wire) exchange.Exchange {
	return exchange.Exchange{Request: exchange.Request{Operation: operation}, Wire: []*record.Recording{w.rec}}
}

func detail(t *testing.T, m proto.Message) *anypb.Any {
	t.Helper()
	a, err := anypb.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// failed is a call that ends with rich details, among them types whose JSON is
// no object and types that nobody knows.
func failed(t *testing.T) *wire {
	t.Helper()
	w := newWire(t)
	w.request(1, "/"+operation)
	w.data(record.Sent, 1, true, prefixed([]byte{8, 1}))
	w.headers(record.Received, 1, false, ":status", "200", "content-type", "application/grpc")
	w.data(record.Received, 1, false, prefixed([]byte("\x0a\x01a")))
	raw, err := proto.Marshal(&status.Status{Code: 3, Details: []*anypb.Any{
		detail(t, &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "age", Description: "too old"}}}),
		detail(t, &errdetails.RetryInfo{}),
		detail(t, durationpb.New(3*time.Second)),
		detail(t, wrapperspb.String("x\x1b")),
		detail(t, structpb.NewNullValue()),
		detail(t, detail(t, durationpb.New(time.Second))),
		{TypeUrl: "example.com/not.Known", Value: []byte{1, 2}},
		{TypeUrl: "type.googleapis.com/google.rpc.RetryInfo", Value: []byte{0xff}},
		{Value: []byte{1}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.headers(record.Received, 1, true, "grpc-status", "3", "grpc-message", "bad%0Aage", "grpc-status-details-bin", base64.RawStdEncoding.EncodeToString(raw))
	w.rec.Close(nil)
	return w
}

func TestEnvelope(t *testing.T) {
	t.Parallel()
	w := failed(t)
	c, ok := FindCall(exchangeOf(w), w.rec, inspect.Decode(w.rec))
	if !ok {
		t.Fatal("the call was not found")
	}
	b, err := json.MarshalIndent(c.Envelope(true), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "testdata/envelope.golden", append(b, '\n'))
}

// Each detail is one JSON value, whatever its type and its bytes.
func TestDetailsAreJSON(t *testing.T) {
	t.Parallel()
	for _, raw := range [][]byte{nil, {}, {0xff}, []byte("\x1a\x01\x0a"), []byte("\x1a\x03\x0a\x01\xff")} {
		for _, d := range detailsJSON(raw, Types(nil)) {
			if !json.Valid(d) {
				t.Errorf("the details %x give %s, which is not JSON", raw, d)
			}
		}
	}
}

func TestFindCall(t *testing.T) {
	t.Parallel()
	find := func(w *wire) uint32 {
		c, ok := FindCall(exchangeOf(w), w.rec, inspect.Decode(w.rec))
		if !ok {
			return 0
		}
		return c.Stream.ID
	}
	w := newWire(t)
	if got := find(w); got != 0 {
		t.Errorf("found stream %d on an empty connection", got)
	}
	w.request(1, "/other.Svc/Method")
	if got := find(w); got != 1 {
		t.Errorf("found stream %d, want the only one", got)
	}
	w.request(3, "/"+operation)
	w.request(5, "/other.Svc/Method")
	if got := find(w); got != 3 {
		t.Errorf("found stream %d, want 3, which has the path", got)
	}
	w.request(7, "/"+operation) // refused and sent again
	if got := find(w); got != 7 {
		t.Errorf("found stream %d, want 7, the last one with the path", got)
	}
	promise := w.block(record.Received, ":method", "POST", ":path", "/"+operation)
	w.add(record.Received, func(fr *http2.Framer) error {
		return fr.WritePushPromise(http2.PushPromiseParam{StreamID: 7, PromiseID: 8, BlockFragment: promise, EndHeaders: true})
	})
	if got := find(w); got != 7 {
		t.Errorf("found stream %d: a server's promise is not the call", got)
	}
}

func TestStatusWithoutOneFromTheWire(t *testing.T) {
	t.Parallel()
	x := exchange.Exchange{Outcome: exchange.Outcome{Code: 4, Message: "deadline", Local: true}}
	got := Call{Exchange: x}.Status()
	if got.Code != 4 || got.Name != "DEADLINE_EXCEEDED" || got.Source != "local" || got.Message != "deadline" || got.Details == nil {
		t.Errorf("status %+v", got)
	}
}

func TestWireHeading(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	w.request(1, "/"+operation)
	w.data(record.Sent, 1, false, prefixed([]byte("a")))
	w.data(record.Sent, 1, false, prefixed([]byte("abcdef"))[:7])
	w.data(record.Sent, 1, false, []byte("cdef\x00\x00\x00\x00\x09cut"))
	tr := inspect.Decode(w.rec)
	var got []string
	for _, m := range append(tr.Messages[:len(tr.Messages):len(tr.Messages)], tr.Partial...) {
		got = append(got, WireHeading(tr, m, int(m.Have)))
	}
	want := []string{
		"sent · request 1 · 1 byte · stream 1 · DATA at 2.00 ms",
		"sent · request 2 · 6 bytes · stream 1 · 2 DATA frames to 4.00 ms",
		"sent · request 3 · 3 of 9 bytes, cut · stream 1",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("headings\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
