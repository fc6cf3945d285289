package envelope

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
)

func TestFieldLines(t *testing.T) {
	t.Parallel()
	payload := "grpc-status: 5\r\nempty:\r\n\r\nno colon\nGrpc-Message:a: b"
	lines := FieldLines([]byte(payload))
	var got []string
	for _, l := range lines {
		got = append(got, l.Name+"="+l.Value+"|"+payload[l.Range.Off:l.Range.Off+l.Range.Len])
	}
	want := []string{"grpc-status=5|grpc-status: 5\r\n", "empty=|empty:\r\n", "=no colon|no colon\n", "Grpc-Message=a: b|Grpc-Message:a: b"}
	if !slices.Equal(got, want) {
		t.Errorf("lines %q, want %q", got, want)
	}
}

func TestReadEvent(t *testing.T) {
	t.Parallel()
	e := ReadEvent([]byte("\xef\xbb\xbf: hello\r\nevent: add\r\ndata: 1\rdata:2\ndata\nid: 7\nretry: 1500\nother: x\nid: a\x00b\n\n"))
	if e.Type != "add" || e.Data != "1\n2\n" || e.ID != "7" || !e.HasID || e.Retry != 1500*time.Millisecond || !e.Dispatched || !slices.Equal(e.Comments, []string{"hello"}) || len(e.Lines) != 9 {
		t.Errorf("%+v", e)
	}
	e = ReadEvent([]byte("event\nretry: 1s\nid\n\n"))
	if e.Type != "message" || e.Dispatched || e.Retry != -1 || !e.HasID || e.ID != "" {
		t.Errorf("%+v", e)
	}
}

func TestReadEndStream(t *testing.T) {
	t.Parallel()
	end, err := ReadEndStream([]byte(`{"metadata":{"b":["2","3"],"a":["1"]}}`))
	if err != nil || end.Error != nil || len(end.Metadata) != 3 || end.Metadata[0].Name != "a" || end.Metadata[2].Value != "3" {
		t.Errorf("%+v, %v", end, err)
	}
	end, err = ReadEndStream([]byte(`{"error":{"code":"data_loss","message":"m","details":[{"type":"google.rpc.RetryInfo","value":"CgIIAQ=="},{"type":"x","value":"?"}]}}`))
	if err == nil || end.Error == nil || end.Error.Number() != 15 || len(end.Error.Details) != 1 {
		t.Errorf("%+v, %v", end.Error, err)
	}
	var st status.Status
	if err := proto.Unmarshal(end.Error.Status(), &st); err != nil || st.GetCode() != 15 || st.GetDetails()[0].GetTypeUrl() != "type.googleapis.com/google.rpc.RetryInfo" {
		t.Errorf("status %v, %v", &st, err)
	}
	for _, in := range []string{"", "[]", `{"error":5}`, strings.Repeat("[", 100_000)} {
		if _, err := ReadEndStream([]byte(in)); err == nil {
			t.Errorf("%.20q gives no error", in)
		}
	}
	if e, err := ReadConnectError([]byte(`{"code":"made_up"}`)); err != nil || e.Number() != 2 || e.Status() != nil {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := ReadConnectError([]byte(`{}`)); err == nil {
		t.Error("an error without a code gives no error")
	}
}

func TestBrotliAndZstd(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte("a body "), 1000)
	var br, zs bytes.Buffer
	w := brotli.NewWriter(&br)
	_, err := w.Write(want)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewWriter(&zs)
	if err != nil {
		t.Fatal(err)
	}
	_, err = z.Write(want)
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		undo func([]byte, int64) ([]byte, error)
		in   []byte
	}{"br": {Unbrotli, br.Bytes()}, "zstd": {Unzstd, zs.Bytes()}} {
		if got, err := c.undo(c.in, math.MaxInt64); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s gives %d bytes, %v", name, len(got), err)
		}
		if got, err := c.undo(c.in, 100); !errors.Is(err, ErrTooLarge) || !bytes.Equal(got, want[:100]) {
			t.Errorf("%s over the limit gives %d bytes, %v", name, len(got), err)
		}
		if got, err := c.undo(c.in[:len(c.in)-2], 1<<20); err == nil || !bytes.HasPrefix(want, got) {
			t.Errorf("%s, cut, gives %d bytes, %v", name, len(got), err)
		}
	}
	// A frame that asks for a window of 128 MiB: RFC 8878 §3.1.1.1.2.
	if _, err := Unzstd([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x01, 0x00, 0x00}, 1<<20); !errors.Is(err, zstd.ErrWindowSizeExceeded) {
		t.Errorf("a window of 128 MiB gives %v", err)
	}
}

func TestBinaryType(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]protoreflect.FullName{
		"grpc-status-details-bin": "google.rpc.Status", "Google.Rpc.RetryInfo-bin": "google.rpc.RetryInfo",
		"endpoint-load-metrics-bin": "xds.data.orca.v3.OrcaLoadReport", "x-trace-bin": "", "google.rpc.none-bin": "", "google.rpc.RetryInfo": "",
	} {
		if got, ok := BinaryType(name); got != want || ok != (want != "") {
			t.Errorf("BinaryType(%q) = %q, %v", name, got, ok)
		}
	}
	got := DecodeBinaryList("YQ, YWI=,?")
	if len(got) != 3 || string(got[0].Bytes) != "a" || string(got[1].Bytes) != "ab" || got[2].Err == nil || got[2].Text != "?" {
		t.Errorf("%+v", got)
	}
}

// Every type of google/rpc/error_details.proto is found, and decodes.
func TestEveryDetailType(t *testing.T) {
	t.Parallel()
	all := errdetails.File_google_rpc_error_details_proto.Messages()
	if all.Len() < 10 {
		t.Fatalf("%d types", all.Len())
	}
	types := Fallback(nil)
	st := &status.Status{Code: 3}
	for i := range all.Len() {
		mt, err := types.FindMessageByURL("type.googleapis.com/" + string(all.Get(i).FullName()))
		if err != nil {
			t.Fatal(err)
		}
		m := mt.New()
		fields := mt.Descriptor().Fields()
		for j := range fields.Len() {
			if f := fields.Get(j); f.Kind() == protoreflect.StringKind && !f.IsList() {
				m.Set(f, protoreflect.ValueOfString("set"))
			}
		}
		detail, err := anypb.New(m.Interface())
		if err != nil {
			t.Fatal(err)
		}
		st.Details = append(st.Details, detail)
	}
	raw, err := proto.Marshal(st)
	if err != nil {
		t.Fatal(err)
	}
	details, err := Details(raw)
	if err != nil || len(details) != all.Len() {
		t.Fatalf("%d details, %v", len(details), err)
	}
	for i, d := range details {
		text, err := protojson.Marshal(&anypb.Any{TypeUrl: d.TypeURL, Value: d.Value})
		if err != nil || !strings.Contains(string(text), string(all.Get(i).FullName())) {
			t.Errorf("%s: %s, %v", d.TypeURL, text, err)
		}
	}
}

// FuzzText reads what a peer may put where text is expected.
func FuzzText(f *testing.F) {
	f.Add([]byte("grpc-status: 5\r\ndata: 1\n\n"))
	f.Add([]byte(`{"error":{"code":"x","details":[{"type":"a","value":"YQ"}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		end := 0
		for _, l := range FieldLines(b) {
			if l.Range.Off < end || l.Range.Len <= 0 || l.Range.Off+l.Range.Len > len(b) {
				t.Fatalf("line %+v after %d of %d bytes", l, end, len(b))
			}
			end = l.Range.Off + l.Range.Len
		}
		for _, l := range ReadEvent(b).Lines {
			if l.Range.Len <= 0 || l.Range.Off+l.Range.Len > len(b) {
				t.Fatalf("line %+v of %d bytes", l, len(b))
			}
		}
		if e, err := ReadEndStream(b); err == nil && e.Error != nil {
			e.Error.Status()
		}
		for _, undo := range []func([]byte, int64) ([]byte, error){Unbrotli, Unzstd, Gunzip, Inflate} {
			if out, _ := undo(b, 1<<16); len(out) > 1<<16 {
				t.Fatalf("%d bytes", len(out))
			}
		}
	})
}
