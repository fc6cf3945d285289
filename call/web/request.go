package web

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/wiregloss/wiregloss/inspect/envelope"
)

const agent = "wiregloss"

// enveloped reports whether messages have a prefix of five bytes.
func (o *Options) enveloped() bool { return o.Protocol != Connect || o.Kind != Unary }

// contentType returns the media type of the request, which is that of a proper
// answer too. PROTOCOL-WEB "Content-Type", Connect "Unary-Content-Type",
// "Streaming-Content-Type".
func (o *Options) contentType() string {
	switch {
	case o.Protocol == GRPCWeb:
		return "application/grpc-web+" + o.Codec
	case o.Protocol == GRPCWebText:
		return "application/grpc-web-text+" + o.Codec
	case o.Kind == Unary:
		return "application/" + o.Codec
	default:
		return "application/connect+" + o.Codec
	}
}

// header returns the header of the request. All names are in lower case, as
// PROTOCOL-WEB wants them, but for the one that net/http looks for.
func (o *Options) header(ctx context.Context) (http.Header, error) {
	h := http.Header{"User-Agent": {agent}}
	coding := "connect-content-encoding"
	switch {
	case o.Protocol.web():
		h["content-type"], h["accept"] = []string{o.contentType()}, []string{o.contentType()}
		h["x-grpc-web"], h["x-user-agent"] = []string{"1"}, []string{agent}
		h["grpc-accept-encoding"] = []string{"gzip"}
		coding = "grpc-encoding"
	case o.GET: // Connect "Unary-Get-Request": the query says the rest
		h["accept-encoding"] = []string{"gzip"}
	case o.Kind == Unary:
		h["content-type"], h["connect-protocol-version"] = []string{o.contentType()}, []string{"1"}
		h["accept-encoding"] = []string{"gzip"}
		coding = "content-encoding"
	default:
		h["content-type"], h["connect-protocol-version"] = []string{o.contentType()}, []string{"1"}
		h["connect-accept-encoding"] = []string{"gzip"}
	}
	if o.Compress != "" && !o.GET {
		h[coding] = []string{o.Compress}
	}
	if err := addHeaders(h, o.Headers); err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		o.addTimeout(h, time.Until(deadline))
	}
	return h, nil
}

// addTimeout tells the server how long the client will wait.
func (o *Options) addTimeout(h http.Header, left time.Duration) {
	if o.Protocol == Connect {
		// Connect "Timeout": a positive number of at most ten digits; none stands for
		// a time that does not fit.
		if ms := max(left.Milliseconds(), 1); ms < 1e10 {
			h["connect-timeout-ms"] = []string{strconv.FormatInt(ms, 10)}
		}
		return
	}
	h["grpc-timeout"] = []string{grpcTimeout(left)}
}

// grpcTimeout writes a duration in the finest unit in which it has at most eight
// digits, rounded up. gRPC-HTTP2 "Timeout".
func grpcTimeout(d time.Duration) string {
	d = max(d, 1)
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{1, "n"}, {time.Microsecond, "u"}, {time.Millisecond, "m"}, {time.Second, "S"}, {time.Minute, "M"}} {
		if n := (d-1)/u.unit + 1; n < 1e8 {
			return strconv.FormatInt(int64(n), 10) + u.name
		}
	}
	return strconv.FormatInt(int64((d-1)/time.Hour+1), 10) + "H"
}

// request builds the HTTP request. message is the payload of a GET; body is sent
// otherwise, of length bytes or, if that is -1, until it ends.
func (o *Options) request(ctx context.Context, message []byte, body io.ReadCloser, length int64) (*http.Request, error) {
	u, err := url.ParseRequestURI(o.Path)
	if err != nil {
		return nil, &OptionError{"path", fmt.Sprintf("%q cannot be sent: %v", o.Path, err)}
	}
	u.Scheme, u.Host = o.Scheme, o.Authority
	if u.Host == "" {
		u.Host = "localhost"
	}
	header, err := o.header(ctx)
	if err != nil {
		return nil, err
	}
	req := (&http.Request{Method: http.MethodPost, URL: u, Host: u.Host, Header: header, Body: body, ContentLength: length}).WithContext(ctx)
	if !o.GET {
		return req, nil
	}
	req.Method, req.Body, req.ContentLength = http.MethodGet, nil, 0
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += o.query(message)
	return req, nil
}

// query writes a message into a query, in the order that caches want. Connect
// "Query-Get".
func (o *Options) query(message []byte) string {
	text := o.Codec == "json" && o.Compress == "" && utf8.Valid(message)
	var q strings.Builder
	q.WriteString("connect=v1")
	if !text {
		q.WriteString("&base64=1")
	}
	if o.Compress != "" {
		q.WriteString("&compression=" + o.Compress)
	}
	q.WriteString("&encoding=" + o.Codec + "&message=")
	if text {
		// Percent-encoded throughout: that + is a space is a rule of forms alone.
		q.WriteString(strings.ReplaceAll(url.QueryEscape(string(message)), "+", "%20"))
	} else {
		q.WriteString(base64.RawURLEncoding.EncodeToString(message))
	}
	return q.String()
}

func isCoding(name string) bool { return name == "" || name == "gzip" || name == "zstd" }

// compress returns a message under the coding of the call.
func (o *Options) compress(message []byte) ([]byte, error) {
	var buf bytes.Buffer
	var w io.WriteCloser
	switch o.Compress {
	case "gzip":
		w = gzip.NewWriter(&buf)
	case "zstd":
		z, err := zstd.NewWriter(&buf, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, fmt.Errorf("compress the message: %w", err)
		}
		w = z
	default:
		return message, nil
	}
	if _, err := w.Write(message); err != nil {
		return nil, fmt.Errorf("compress the message: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress the message: %w", err)
	}
	return buf.Bytes(), nil
}

// encode returns a message as it goes into the body: compressed, with its prefix,
// in base64, as the call has it. It may use the space of scratch.
func (o *Options) encode(scratch, message []byte) ([]byte, error) {
	payload, err := o.compress(message)
	if err != nil {
		return nil, err
	}
	limit := int64(math.MaxUint32) // all that the prefix can declare
	if o.MaxSend > 0 {
		limit = min(limit, o.MaxSend)
	}
	if int64(len(payload)) > limit {
		return nil, fmt.Errorf("the message has %d bytes, over the limit of %d for sent messages", len(payload), limit)
	}
	if !o.enveloped() {
		return payload, nil
	}
	prefix := [envelope.PrefixLen]byte{}
	if o.Compress != "" {
		prefix[0] = 1
	}
	binary.BigEndian.PutUint32(prefix[1:], uint32(len(payload)))
	out := append(append(scratch[:0], prefix[:]...), payload...)
	if o.Protocol == GRPCWebText {
		// Each message is padded, since it is flushed by itself.
		out = base64.StdEncoding.AppendEncode(nil, out)
	}
	return out, nil
}
