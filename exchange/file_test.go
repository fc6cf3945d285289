package exchange

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/wiregloss/wiregloss/record"
)

// through writes a file and reads it back.
func through(t *testing.T, f *record.File) *record.File {
	t.Helper()
	var buf bytes.Buffer
	if _, err := f.WriteTo(&buf); err != nil {
		t.Fatal(err)
	}
	back, err := record.ReadFile(&buf)
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func TestFileRoundTrip(t *testing.T) {
	t.Parallel()
	rec := record.New(record.Meta{Peer: "127.0.0.1:1"})
	rec.Add(record.Sent, time.Millisecond, []byte("bytes"))
	rec.Close(nil)
	want := Exchange{
		Request: Request{Operation: "pkg.Svc/Method", Target: Target{Text: "@staging", Address: "127.0.0.1:1"}},
		Outcome: Outcome{Code: 5, Message: "no user \"Zoë\"\n\x1b", Local: true, At: 3 * time.Second},
		Wire:    []*record.Recording{rec},
	}
	for _, schema := range [][]byte{nil, []byte("a descriptor set")} {
		f, err := ToFile(want, schema)
		if err != nil {
			t.Fatal(err)
		}
		got, gotSchema, err := FromFile(through(t, f))
		if err != nil {
			t.Fatal(err)
		}
		if got.Request.Operation != want.Request.Operation || got.Request.Target != want.Request.Target || got.Outcome != want.Outcome {
			t.Errorf("came back as %+v, want %+v", got, want)
		}
		if !bytes.Equal(gotSchema, schema) {
			t.Errorf("the schema came back as %q, want %q", gotSchema, schema)
		}
		if len(got.Wire) != 1 || string(got.Wire[0].Append(nil, record.Span{Dir: record.Sent, Len: 5})) != "bytes" {
			t.Error("the recording did not come back")
		}
	}
}

// A file must not hold what the request's flags gave: credentials among them.
func TestFileHoldsNoCredentials(t *testing.T) {
	t.Parallel()
	x := Exchange{Request: Request{
		Headers: []Header{{Name: "authorization", Value: "s3cret"}},
		Target:  Target{TLS: TLS{On: true, Key: "/s3cret/key.pem"}},
		Bodies:  []json.RawMessage{json.RawMessage(`"s3cret"`)},
	}}
	f, err := ToFile(x, nil)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if _, err := f.WriteTo(&buf); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(buf.String(), "s3cret") {
		t.Error("the file holds a credential")
	}
}

// A recording that another program wrote does not say that the call went well.
func TestFileWithoutExchange(t *testing.T) {
	t.Parallel()
	f := through(t, &record.File{Recordings: []*record.Recording{record.New(record.Meta{})}})
	x, schema, err := FromFile(f)
	if err != nil || schema != nil || len(x.Wire) != 1 {
		t.Fatalf("%+v, schema %q, %v", x, schema, err)
	}
	if x.Outcome.Code == 0 || !x.Outcome.Local || x.Outcome.Message == "" {
		t.Errorf("outcome %+v, want one that is not known", x.Outcome)
	}
}

func TestFileDamaged(t *testing.T) {
	t.Parallel()
	f := &record.File{
		Recordings: []*record.Recording{record.New(record.Meta{})},
		Sections:   []record.Section{{Name: "exchange", Data: []byte("{")}},
	}
	x, _, err := FromFile(f)
	if err == nil || !strings.Contains(err.Error(), `"exchange" section`) {
		t.Errorf("error %v, want one that names the section", err)
	}
	if len(x.Wire) != 1 {
		t.Error("the recordings are lost with the section")
	}
}
