package call

import (
	"bytes"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// conversation is what a server sends: headers, a message, and trailers with
// padding and priority in three frames.
func conversation(t *testing.T) []byte {
	t.Helper()
	var out, block bytes.Buffer
	fr, enc := http2.NewFramer(&out, nil), hpack.NewEncoder(&block)
	must(t, fr.WriteSettings())
	must(t, enc.WriteField(hpack.HeaderField{Name: ":status", Value: "200"}))
	must(t, fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true}))
	must(t, fr.WriteData(1, false, []byte("grpc-status is not in here")))
	must(t, fr.WriteData(1, false, nil))
	block.Reset()
	must(t, enc.WriteField(hpack.HeaderField{Name: "x-first", Value: "1"}))
	must(t, enc.WriteField(hpack.HeaderField{Name: "grpc-status", Value: "7"}))
	b := block.Bytes()
	must(t, fr.WriteHeaders(http2.HeadersFrameParam{
		StreamID: 1, BlockFragment: b[:3], EndStream: true, PadLength: 9, Priority: http2.PriorityParam{Weight: 7},
	}))
	must(t, fr.WriteContinuation(1, false, b[3:5]))
	must(t, fr.WriteContinuation(1, true, b[5:]))
	return out.Bytes()
}

func TestWatchWhateverTheSplit(t *testing.T) {
	t.Parallel()
	all := conversation(t)
	for size := 1; size <= len(all); size++ {
		var w watch
		for b := all; len(b) > 0; b = b[min(size, len(b)):] {
			if _, ok := w.grpcStatus(); ok {
				t.Fatalf("size %d: a status before the end", size)
			}
			w.read(b[:min(size, len(b))])
		}
		if code, ok := w.grpcStatus(); !ok || code != 7 {
			t.Fatalf("size %d: status %d, %v", size, code, ok)
		}
	}
}

func FuzzWatch(f *testing.F) {
	f.Add([]byte("\x00\x00\x03\x01\x2d\x00\x00\x00\x01\xff\x00\x00"))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var whole, parts watch
		whole.read(b)
		for i := range b {
			parts.read(b[i : i+1])
		}
		a, aok := whole.grpcStatus()
		if c, ok := parts.grpcStatus(); c != a || ok != aok || whole.blind != parts.blind {
			t.Errorf("whole %d %v, in parts %d %v", a, aok, c, ok)
		}
	})
}
