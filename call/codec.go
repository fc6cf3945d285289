package call

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // offered in grpc-accept-encoding, and used for requests
	"google.golang.org/grpc/mem"
)

var errNotReady = errors.New("the connection did not become ready")

// raw is a codec whose messages are bytes already. What arrives is dropped: the
// recording has it.
type raw struct{}

// Marshal passes bytes through.
func (raw) Marshal(v any) (mem.BufferSlice, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("send %T: want encoded bytes", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(b)}, nil
}

// Unmarshal drops the message.
func (raw) Unmarshal(mem.BufferSlice, any) error { return nil }

// Name is empty so that the content-type stays application/grpc.
func (raw) Name() string { return "" }

// unread takes the place of every decompressor for replies: inspect undoes the
// compression from the recording, with limits of its own.
type unread struct{ dialer *dialer }

// Do drops the message.
func (unread) Do(io.Reader) ([]byte, error) { return nil, nil }

// Type is the grpc-encoding it takes: whatever the server chose. A server that
// chooses several at the same time may have grpc-go undo one of them, for nothing.
func (u unread) Type() string { return u.dialer.newest().watch.replyEncoding() }

// zstdSender compresses requests. It is given to a connection and not registered:
// the registry of package encoding is global, offers its names in every call of
// the process, and a demo server in this process uses it too.
type zstdSender struct{}

// zstdEncoder is made at the first use. EncodeAll keeps nothing between messages.
var zstdEncoder = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
})

// Do writes one message as one zstd frame (RFC 8878).
func (zstdSender) Do(w io.Writer, p []byte) error {
	e, err := zstdEncoder()
	if err != nil {
		return err
	}
	_, err = w.Write(e.EncodeAll(p, nil))
	return err
}

// Type is the grpc-encoding, offered in grpc-accept-encoding too.
func (zstdSender) Type() string { return "zstd" }

// rawOptions make a connection one of bytes, with the compression of its requests.
func rawOptions(d *dialer, compress string) ([]grpc.DialOption, error) {
	//nolint:staticcheck // see zstdSender
	opts := []grpc.DialOption{grpc.WithDecompressor(unread{d})}
	switch compress {
	case "", "gzip":
	case "zstd":
		opts = append(opts, grpc.WithCompressor(zstdSender{})) //nolint:staticcheck // see zstdSender
	default:
		return nil, &OptionError{"compress", fmt.Sprintf("%q is not supported; use gzip or zstd", compress)}
	}
	return opts, nil
}
