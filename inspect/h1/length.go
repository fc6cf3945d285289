package h1

import (
	"math"
	"strconv"
	"strings"
)

// extent is how the content of a message ends. RFC 9112 §6.3.
type extent uint8

const (
	empty      extent = iota
	counted           // by Content-Length
	chunked           // by the chunk of size 0
	untilClose        // by the end of the connection
	switched          // there is none: the connection is no longer HTTP/1.1
)

// framing says how the content of a message ends, as RFC 9112 §6.3 lists the
// cases. method is that of the request, for a response too.
func (r *headReader) framing(response bool, method string) (extent, int64) {
	codings, codingsAt := r.transferCodings()
	length, lengthAt, hasLength := r.contentLength()
	status := r.msg.Status
	if response {
		switch {
		case status == 101, method == "CONNECT" && status/100 == 2:
			return switched, 0
		case status/100 == 1 || status == 204:
			if hasLength && length != 0 || codings != nil {
				r.breaks(Range{Len: len(r.b)}, "RFC 9110 §8.6", "a response with status %d declares content and cannot have any: what follows is read as the next response", status)
			}
			return empty, 0
		case status == 304 || method == "HEAD":
			return empty, 0
		}
	}
	if codings != nil {
		if hasLength {
			r.breaks(lengthAt, "RFC 9112 §6.3", "both Transfer-Encoding and Content-Length: the first counts. A proxy that takes the other sees another message begin here (request smuggling)")
		}
		if r.msg.Version == "HTTP/1.0" {
			r.breaks(codingsAt, "RFC 9112 §6.1", "Transfer-Encoding in an HTTP/1.0 message: its framing is to be treated as faulty, the connection closed after it")
		}
		return r.coded(codings, codingsAt, response)
	}
	switch {
	case hasLength && length >= 0:
		if length == 0 {
			return empty, 0
		}
		return counted, length
	case response:
		return untilClose, 0
	default:
		return empty, 0
	}
}

// coded says how content with transfer codings ends.
func (r *headReader) coded(codings []string, at Range, response bool) (extent, int64) {
	n := 0
	for _, c := range codings {
		if c == "chunked" {
			n++
		}
	}
	last := codings[len(codings)-1]
	switch {
	case last == "chunked":
		if n > 1 {
			r.breaks(at, "RFC 9112 §6.1", "chunked is applied %d times, and may be once", n)
		}
		return chunked, 0
	case response:
		r.breaks(at, "RFC 9112 §6.3", "the last transfer coding is %q, not chunked: the content ends with the connection", last)
		return untilClose, 0
	default:
		r.breaks(at, "RFC 9112 §6.3", "the last transfer coding of a request is %q, not chunked: its length cannot be known, a server answers 400. Read as if it had no content", last)
		return empty, 0
	}
}

// transferCodings returns the codings of all Transfer-Encoding fields in lower
// case; nil if there is no such field.
func (r *headReader) transferCodings() (codings []string, at Range) {
	for _, f := range r.msg.Fields {
		if !equalFold(f.Name, "Transfer-Encoding") {
			continue
		}
		at = f.Range
		for c := range strings.SplitSeq(f.Value, ",") {
			name, _, _ := strings.Cut(c, ";")
			codings = append(codings, strings.ToLower(strings.Trim(name, " \t")))
		}
	}
	return codings, at
}

// contentLength reads all Content-Length fields; one that is no number gives
// -1. RFC 9110 §8.6.
func (r *headReader) contentLength() (length int64, at Range, ok bool) {
	for _, f := range r.msg.Fields {
		if !equalFold(f.Name, "Content-Length") {
			continue
		}
		for v := range strings.SplitSeq(f.Value, ",") {
			n := r.oneLength(strings.Trim(v, " \t"), f.Range)
			switch {
			case !ok:
				length, at, ok = n, f.Range, true
			case n != length:
				r.breaks(f.Range, "RFC 9112 §6.3", "Content-Length is %d here and %d before: the first is used. A proxy that takes the other sees another message begin (request smuggling)", n, length)
			default:
				r.breaks(f.Range, "RFC 9110 §8.6", "Content-Length stands here again with the same value: some servers answer 400")
			}
		}
	}
	return length, at, ok
}

func (r *headReader) oneLength(v string, at Range) int64 {
	n, err := strconv.ParseUint(v, 10, 63)
	if err != nil || n > math.MaxInt64/4 {
		r.breaks(at, "RFC 9112 §6.3", "Content-Length %q is no length: a server answers 400, a client drops the connection. Read as if it were not there", clip(v))
		return -1
	}
	return int64(n)
}

// clip shortens untrusted text for a message.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
