package envelope

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// ErrTooLarge is wrapped by Decompress's error when the limit was reached.
var ErrTooLarge = errors.New("decompressed message is over the limit")

// Gunzip undoes gzip; see decompress.
func Gunzip(b []byte, limit int64) ([]byte, error) {
	return decompress("gzip", limit, func() (io.Reader, error) { return gzip.NewReader(bytes.NewReader(b)) })
}

// Inflate undoes grpc-encoding deflate, which is the zlib format (RFC 1950);
// some peers send the bare RFC 1951 stream, which is read too.
func Inflate(b []byte, limit int64) ([]byte, error) {
	return decompress("deflate", limit, func() (io.Reader, error) {
		if r, err := zlib.NewReader(bytes.NewReader(b)); err == nil {
			return r, nil
		}
		return flate.NewReader(bytes.NewReader(b)), nil
	})
}

// Unbrotli undoes the coding br; see decompress. RFC 7932: a window has 16 MiB at
// most, which bounds what the reader holds.
func Unbrotli(b []byte, limit int64) ([]byte, error) {
	return decompress("br", limit, func() (io.Reader, error) { return brotli.NewReader(bytes.NewReader(b)), nil })
}

// zstdWindow is the largest window that is accepted, in bytes: RFC 9659 §3 allows
// no more as a content coding, and a frame may ask for terabytes.
const zstdWindow = 8 << 20

// Unzstd undoes the coding zstd; see decompress. RFC 8878.
func Unzstd(b []byte, limit int64) ([]byte, error) {
	return decompress("zstd", limit, func() (io.Reader, error) {
		// With one decoder it works in the caller's goroutine, and there is nothing to close.
		return zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindow))
	})
}

// unmeasured is how much is decompressed without knowing how much there will be.
const unmeasured = 4 << 20

// decompress reads all that open gives. With an error comes what could be read
// before it, or the beginning of that. A message that grows large is measured
// before there is memory for it, so that a bomb costs time alone.
func decompress(name string, limit int64, open func() (io.Reader, error)) ([]byte, error) {
	r, err := open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	limit = min(limit, math.MaxInt64-1)
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(r, min(limit+1, unmeasured)))
	if err == nil && n == unmeasured {
		var rest int64
		rest, err = io.Copy(io.Discard, io.LimitReader(r, limit+1-n))
		n += rest
	}
	if err != nil {
		return out.Bytes(), fmt.Errorf("%s: after %d decompressed bytes: %w", name, n, err)
	}
	if n > limit {
		return out.Bytes()[:min(limit, int64(out.Len()))], fmt.Errorf("%s: %w of %d bytes", name, ErrTooLarge, limit)
	}
	if n == int64(out.Len()) {
		return out.Bytes(), nil
	}
	return readAgain(name, n, open)
}

// readAgain decompresses n bytes that were read without error before.
func readAgain(name string, n int64, open func() (io.Reader, error)) ([]byte, error) {
	r, err := open()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	all := make([]byte, n)
	got, err := io.ReadFull(r, all)
	if err != nil {
		return all[:got], fmt.Errorf("%s: after %d decompressed bytes: %w", name, got, err)
	}
	return all, nil
}
