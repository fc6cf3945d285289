package envelope

import (
	"bytes"
	"errors"
	"io"
	"math"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"
)

func TestReadPrefix(t *testing.T) {
	t.Parallel()
	if got, want := ReadPrefix([]byte{1, 0xff, 0, 0, 2, 9}), (Prefix{Flag: 1, Length: 0xff000002}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// gRPC-HTTP2, "Percent-Encoded": what is no valid coding is kept.
func TestPercentDecode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "plain": "plain", "50%25 done": "50% done", "%41%62": "Ab", "%e2%9C%93": "✓", "%00": "\x00",
		"%": "%", "%4": "%4", "100%": "100%", "%zz": "%zz", "%+1": "%+1", "% 1": "% 1", "%%41": "%A", "%2541": "%41", "ü": "ü",
	} {
		if got := PercentDecode(in); got != want {
			t.Errorf("PercentDecode(%q) = %q, want %q", in, got, want)
		}
	}
}

// gRPC-HTTP2, "Binary-Header": padding may be left out.
func TestDecodeBinary(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", "YQ": "a", "YQ==": "a", "YWI": "ab", "YWI=": "ab", "/+8": "\xff\xef"} {
		if got, err := DecodeBinary(in); err != nil || string(got) != want {
			t.Errorf("DecodeBinary(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"Y", "_-8", "a b", "\x00"} {
		if got, err := DecodeBinary(in); err == nil {
			t.Errorf("DecodeBinary(%q) = %q, want an error", in, got)
		}
	}
}

// gRPC-HTTP2, "Timeout": at most eight digits and a unit.
func TestParseTimeout(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{
		"1H": time.Hour, "2M": 2 * time.Minute, "3S": 3 * time.Second, "4m": 4 * time.Millisecond, "5u": 5 * time.Microsecond, "6n": 6,
		"0S": 0, "00000001S": time.Second, "99999999S": 99999999 * time.Second, "99999999H": math.MaxInt64,
	} {
		if got, ok := ParseTimeout(in); !ok || got != want {
			t.Errorf("ParseTimeout(%q) = %v, %v; want %v", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "S", "1", "1s", "-1S", "+1S", "1.5S", "1 S", "100000000S", "1SS"} {
		if got, ok := ParseTimeout(in); ok {
			t.Errorf("ParseTimeout(%q) = %v, want none", in, got)
		}
	}
}

func TestCodeName(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]string{0: "OK", 1: "CANCELLED", 16: "UNAUTHENTICATED", 17: "CODE_17", -1: "CODE_-1"} {
		if got := CodeName(code); got != want {
			t.Errorf("CodeName(%d) = %q, want %q", code, got, want)
		}
	}
}

func compressed(t *testing.T, w io.WriteCloser, buf *bytes.Buffer, b []byte) []byte {
	t.Helper()
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func gzipped(t *testing.T, b []byte) []byte {
	var buf bytes.Buffer
	return compressed(t, gzip.NewWriter(&buf), &buf, b)
}

func TestDecompress(t *testing.T) {
	t.Parallel()
	var z, f bytes.Buffer
	raw, err := flate.NewWriter(&f, 6)
	if err != nil {
		t.Fatal(err)
	}
	// Small, exactly what is read unmeasured, one more, and much more.
	for _, size := range []int{0, 1, 1000, unmeasured - 1, unmeasured, unmeasured + 1, 3 * unmeasured} {
		z.Reset()
		f.Reset()
		raw.Reset(&f)
		want := bytes.Repeat([]byte("wire"), size/4+1)[:size]
		for name, c := range map[string]struct {
			undo func([]byte, int64) ([]byte, error)
			in   []byte
		}{
			"gzip":    {Gunzip, gzipped(t, want)},
			"zlib":    {Inflate, compressed(t, zlib.NewWriter(&z), &z, want)},
			"deflate": {Inflate, compressed(t, raw, &f, want)},
		} {
			if got, err := c.undo(c.in, math.MaxInt64); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s of %d bytes gives %d, %v", name, size, len(got), err)
			}
			if got, err := c.undo(c.in, int64(size)); err != nil || len(got) != size {
				t.Errorf("%s of %d bytes, as the limit is, gives %d, %v", name, size, len(got), err)
			}
			if size == 0 {
				continue
			}
			got, err := c.undo(c.in, int64(size)-1)
			if !errors.Is(err, ErrTooLarge) || len(got) > min(size-1, unmeasured) || !bytes.HasPrefix(want, got) {
				t.Errorf("%s of %d bytes, one over the limit, gives %d, %v", name, size, len(got), err)
			}
		}
	}
}

// A damaged stream gives what stands before the damage.
func TestDecompressDamaged(t *testing.T) {
	t.Parallel()
	want := bytes.Repeat([]byte("0123456789"), 1000)
	in := gzipped(t, want)
	for n := range len(in) {
		got, err := Gunzip(in[:n], 1<<20)
		if err == nil || !bytes.HasPrefix(want, got) {
			t.Fatalf("%d of %d bytes give %d, %v", n, len(in), len(got), err)
		}
	}
	for _, b := range [][]byte{nil, []byte("not compressed at all"), {0x1f, 0x8b}} {
		if got, err := Gunzip(b, 1<<20); err == nil {
			t.Errorf("Gunzip(%q) = %q, want an error", b, got)
		}
	}
}

func TestDetails(t *testing.T) {
	t.Parallel()
	retry, err := anypb.New(&errdetails.RetryInfo{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := proto.Marshal(&status.Status{Code: 8, Details: []*anypb.Any{retry, {TypeUrl: "x/y.Z", Value: []byte{1}}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Details(raw)
	if err != nil || len(got) != 2 || got[0].TypeURL != "type.googleapis.com/google.rpc.RetryInfo" || got[1].TypeURL != "x/y.Z" || !bytes.Equal(got[1].Value, []byte{1}) {
		t.Errorf("details %+v, %v", got, err)
	}
	if got, err := Details(nil); err != nil || len(got) != 0 {
		t.Errorf("no bytes give %+v, %v", got, err)
	}
	if _, err := Details([]byte{0xff}); err == nil {
		t.Error("bytes that are no message give no error")
	}
}

// The types that come first win; what they do not have is looked up behind them.
func TestFallback(t *testing.T) {
	t.Parallel()
	f := Fallback(new(protoregistry.Types))
	if mt, err := f.FindMessageByURL("type.googleapis.com/google.rpc.BadRequest"); err != nil || mt.Descriptor().FullName() != "google.rpc.BadRequest" {
		t.Errorf("google.rpc.BadRequest: %v, %v", mt, err)
	}
	if _, err := f.FindMessageByURL("type.googleapis.com/no.Such"); !errors.Is(err, protoregistry.NotFound) {
		t.Errorf("no.Such: %v, want NotFound", err)
	}
	if _, err := f.FindExtensionByNumber("google.protobuf.FieldOptions", 1<<20); !errors.Is(err, protoregistry.NotFound) {
		t.Errorf("an extension that does not exist: %v, want NotFound", err)
	}
	if _, err := Fallback(nil).FindMessageByURL("google.protobuf.Duration"); err != nil {
		t.Errorf("without types: %v", err)
	}
	if got := StatusDescriptor().FullName(); got != "google.rpc.Status" {
		t.Errorf("the schema of details is %s", got)
	}
}
