package web

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/wiregloss/wiregloss/inspect/envelope"
)

const (
	// maxFinal bounds what is read to know how the call ended, in bytes. inspect has
	// the same limit.
	maxFinal = 1 << 20
	// maxPage bounds what is read of an answer that is none of the protocol's, in bytes.
	maxPage = 64 << 10
)

// reply reads an answer as far as is needed to know where its messages end.
type reply struct {
	o      *Options
	res    *http.Response
	lost   func(error) *ending // how the call ended if the connection failed
	cancel func()              // ends the call, and so a read that waits

	source *source
	body   *bufio.Reader
	read   func() *ending // reads one message
	got    int            // messages that have come

	status *ending // of the header, of an answer that is trailers only
	// unlike says that the answer is in another codec than the request, which makes
	// clients refuse it.
	unlike string
}

// source is a body that keeps the error that it ended with. bufio and io.ReadFull
// do not tell the end of a body from one that was cut.
type source struct {
	io.Reader
	err error
}

// Read reads from the body.
func (s *source) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	if err != nil {
		s.err = err
	}
	return n, err
}

func newReply(o *Options, res *http.Response, lost func(error) *ending, cancel func()) *reply {
	r := &reply{o: o, res: res, lost: lost, cancel: cancel, source: &source{Reader: res.Body}}
	media := mediaType(res.Header.Get("Content-Type"))
	switch {
	case o.Protocol.web():
		r.read = r.webReader(media)
		if _, family := familyOf(media); family == GRPCWebText {
			r.source.Reader = &textReader{src: res.Body}
		}
	case res.StatusCode != http.StatusOK:
		r.read = r.connectFailure
	case o.Kind == Unary:
		r.read = r.connectUnary(media)
	default:
		r.read = r.connectStream(media)
	}
	r.body = bufio.NewReaderSize(r.source, 16<<10)
	return r
}

// webReader chooses how the body of an answer to gRPC-Web is read.
func (r *reply) webReader(media string) func() *ending {
	if end, ok := headerStatus(r.res.Header); ok {
		r.status = &end
	}
	codec, family := familyOf(media)
	switch {
	case family.web():
		r.compare(codec)
	case r.status == nil:
		return r.page
	default:
		r.status.hint = Detect(r.o.Protocol, answerOf(r.res, nil))
		r.status.Detail = r.status.hint.Text
	}
	switch {
	case r.res.StatusCode != http.StatusOK && r.status == nil:
		return r.page
	case r.whole() != "":
		return r.packed
	}
	if r.status != nil {
		// There should be no body then; a peer that leaves it open is not waited for.
		time.AfterFunc(grace, r.cancel)
	}
	return r.message
}

// connectUnary chooses how the body of a successful answer is read. Connect
// "Unary-Response".
func (r *reply) connectUnary(media string) func() *ending {
	codec, family := familyOf(media)
	if family != NoProtocol || !strings.HasPrefix(media, "application/") {
		return r.page
	}
	r.compare(codec)
	return r.only
}

// connectStream is connectUnary for streams. Connect "Streaming-Response".
func (r *reply) connectStream(media string) func() *ending {
	codec, family := familyOf(media)
	switch {
	case family != Connect:
		return r.page
	case r.whole() != "":
		return r.packed
	}
	r.compare(codec)
	return r.message
}

// compare notes that an answer is in another codec than the request.
func (r *reply) compare(codec string) {
	if codec != r.o.Codec && (codec != "" || r.o.Codec != "proto") {
		r.unlike = fmt.Sprintf("the answer's content-type is %q, and the request's %q: clients refuse it", r.res.Header.Get("Content-Type"), r.o.contentType())
	}
}

// whole returns the coding that the body is under as a whole, if it is.
func (r *reply) whole() string {
	if e := r.res.Header.Get("Content-Encoding"); !strings.EqualFold(e, "identity") {
		return e
	}
	return ""
}

// next reads one message; it returns how the call ended if none came.
func (r *reply) next() *ending {
	end := r.read()
	if end == nil {
		r.got++
		return nil
	}
	if end.Code == codeOK && r.unlike != "" {
		return local(codeInternal, r.unlike)
	}
	return end
}

// message reads one message with its prefix. gRPC-HTTP2 "Length-Prefixed-Message",
// Connect "Enveloped-Message".
func (r *reply) message() *ending {
	var prefix [envelope.PrefixLen]byte
	if n, err := io.ReadFull(r.body, prefix[:]); err != nil {
		return r.ended(n, fmt.Sprintf("%d of the 5 bytes of its prefix", n))
	}
	p := envelope.ReadPrefix(prefix[:])
	if r.final(p.Flag) {
		return r.last(p)
	}
	length := int64(p.Length)
	if r.o.MaxMessage > 0 && length > r.o.MaxMessage {
		return local(codeResourceExhausted, fmt.Sprintf("a reply message is over the limit of %d bytes: it declares %d", r.o.MaxMessage, length))
	}
	if have, err := discard(r.body, length); err != nil {
		return r.ended(envelope.PrefixLen, fmt.Sprintf("%d of the %d bytes that its prefix declares", have, length))
	}
	return nil
}

// discard passes over n bytes; the recording has them.
func discard(body *bufio.Reader, n int64) (have int64, err error) {
	for have < n && err == nil {
		var did int
		did, err = body.Discard(int(min(n-have, 1<<30)))
		have += int64(did)
	}
	return have, err
}

// final reports whether a prefix is that of the message which ends the stream.
func (r *reply) final(flag byte) bool {
	if r.o.Protocol == Connect {
		return flag&0x02 != 0
	}
	return flag&0x80 != 0
}

// last reads the message that ends the stream. PROTOCOL-WEB "Message framing",
// Connect "EndStreamResponse".
func (r *reply) last(p envelope.Prefix) *ending {
	if p.Length > maxFinal {
		return local(codeInternal, fmt.Sprintf("the message that ends the stream declares %d bytes; more than %d are not read", p.Length, maxFinal))
	}
	payload := make([]byte, p.Length)
	if n, err := io.ReadFull(r.body, payload); err != nil {
		return r.ended(envelope.PrefixLen, fmt.Sprintf("%d of the %d bytes that its prefix declares", n, p.Length))
	}
	if p.Flag&1 != 0 {
		name := "Grpc-Encoding"
		if r.o.Protocol == Connect {
			name = "Connect-Content-Encoding"
		}
		var err error
		if payload, err = expand(r.res.Header.Get(name), payload); err != nil {
			return local(codeInternal, fmt.Sprintf("the message that ends the stream cannot be read: %v", err))
		}
	}
	var end ending
	if r.o.Protocol == Connect {
		end = endStream(payload)
	} else {
		end = trailersStatus(payload)
	}
	end.final = true
	return &end
}

// ended is how the call ended if the body did before the message that tells. n is
// how much of a message had come, and where says it in words.
func (r *reply) ended(n int, where string) *ending {
	switch {
	case r.status != nil:
		return r.status
	case errors.Is(r.source.err, errNoBase64):
		return local(codeInternal, r.source.err.Error())
	case !errors.Is(r.source.err, io.EOF):
		return r.lost(r.source.err)
	case n > 0:
		return local(codeInternal, "the body ended inside a message: "+where)
	case r.o.Protocol == Connect:
		return local(codeInternal, "the body ended without an end-of-stream message")
	}
	// Not what the specification wants, but it is a status: some proxies send it so.
	if end, ok := headerStatus(r.res.Trailer); ok {
		return &end
	}
	return local(codeUnknown, "the body ended without the trailers that hold grpc-status")
}

// only reads the one message of a successful unary answer of Connect: the body.
func (r *reply) only() *ending {
	if r.got > 0 {
		return &ending{}
	}
	limit := r.o.MaxMessage
	if limit > 0 && r.res.ContentLength > limit {
		return local(codeResourceExhausted, fmt.Sprintf("the reply is over the limit of %d bytes: it declares %d", limit, r.res.ContentLength))
	}
	if limit <= 0 {
		limit = 1<<63 - 1
	}
	_, err := discard(r.body, limit)
	if err == nil {
		if _, err = r.body.Peek(1); err == nil {
			return local(codeResourceExhausted, fmt.Sprintf("the reply is over the limit of %d bytes", limit))
		}
	}
	if !errors.Is(r.source.err, io.EOF) {
		return r.lost(r.source.err)
	}
	return nil
}

// packed ends a call whose answer is compressed as a whole, which was not asked
// for and hides where messages end.
func (r *reply) packed() *ending {
	r.beginning(maxPage, true)
	return local(codeInternal, fmt.Sprintf("the answer's body is compressed as a whole (content-encoding %s), so where its messages end cannot be told", r.whole()))
}

// connectFailure reads an answer that is no success. Connect "Unary-Response".
func (r *reply) connectFailure() *ending {
	if mediaType(r.res.Header.Get("Content-Type")) != "application/json" {
		return r.page()
	}
	body := r.beginning(maxFinal, false)
	if end, ok := connectError(r.res.Header.Get("Content-Encoding"), body); ok {
		return &end
	}
	if err := r.source.err; err != nil && !errors.Is(err, io.EOF) {
		return r.lost(err)
	}
	return r.inferred(body)
}

// page ends a call whose answer is none of the protocol's.
func (r *reply) page() *ending { return r.inferred(r.beginning(maxPage, true)) }

// inferred is how the call ended as the HTTP status and the body's beginning say.
func (r *reply) inferred(body []byte) *ending {
	answer := answerOf(r.res, body)
	end := local(codeUnknown, "")
	end.hint = Detect(r.o.Protocol, answer)
	if r.res.StatusCode == http.StatusOK {
		end.Message = fmt.Sprintf("the answer's content-type is %q, which is not %s", answer.ContentType, r.o.Protocol.title())
	} else {
		end.Code = httpCode(r.res.StatusCode)
		end.Message = httpText(r.res.StatusCode)
	}
	end.Detail = joined(end.hint.Text, quoted(answer))
	return end
}

// beginning reads the body up to a limit. A hasty reader does not wait for a peer
// that is slow to go on.
func (r *reply) beginning(limit int64, hasty bool) []byte {
	if hasty {
		defer time.AfterFunc(grace, r.cancel).Stop()
	}
	b, _ := io.ReadAll(io.LimitReader(r.body, limit)) // source keeps the error
	return b
}

// drain reads on to the end of the body, which should come at once, so that the
// recording has it too.
func (r *reply) drain() { r.beginning(maxPage, true) }
