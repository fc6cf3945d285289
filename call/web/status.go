package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http2"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect/envelope"
)

// ending is how a call ended.
type ending struct {
	exchange.Outcome
	details []byte // a google.rpc.Status
	hint    Hint
	final   bool // a message said so: the end of the body should follow at once
}

// local is an ending that was decided here.
func local(code int, message string) *ending {
	return &ending{Outcome: exchange.Outcome{Code: code, Message: message, Local: true}}
}

// headerStatus reads the status from fields of HTTP. gRPC-HTTP2 "Responses".
func headerStatus(h http.Header) (ending, bool) {
	return fieldStatus(func(name string) (string, bool) {
		values := h.Values(name)
		if len(values) == 0 {
			return "", false
		}
		return values[len(values)-1], true
	})
}

// trailersStatus reads the message of gRPC-Web that ends a stream. PROTOCOL-WEB
// "Message framing".
func trailersStatus(payload []byte) ending {
	lines := envelope.FieldLines(payload)
	end, ok := fieldStatus(func(name string) (string, bool) {
		for i := len(lines) - 1; i >= 0; i-- {
			if strings.EqualFold(lines[i].Name, name) {
				return lines[i].Value, true
			}
		}
		return "", false
	})
	if !ok {
		return *local(codeUnknown, "the trailers at the end of the body have no grpc-status")
	}
	return end
}

func fieldStatus(get func(name string) (string, bool)) (end ending, ok bool) {
	text, ok := get("grpc-status")
	if !ok {
		return ending{}, false
	}
	code, err := strconv.Atoi(text)
	if err != nil || code < 0 {
		code = codeUnknown // as clients read it
	}
	end.Code = code
	if message, ok := get("grpc-message"); ok {
		end.Message = envelope.PercentDecode(message)
	}
	if details, ok := get("grpc-status-details-bin"); ok {
		// What is no base64 is inspect's to name.
		end.details, _ = envelope.DecodeBinary(details)
	}
	return end, true
}

// endStream reads the message of Connect that ends a stream. Connect
// "EndStreamResponse".
func endStream(payload []byte) ending {
	last, err := envelope.ReadEndStream(payload)
	switch {
	case last.Error != nil:
		return connectStatus(last.Error)
	case err != nil:
		return *local(codeInternal, err.Error())
	default:
		return ending{}
	}
}

// connectError reads the body of an answer of Connect that is no success; false
// if there is no error of Connect in it. Connect "Error".
func connectError(coding string, body []byte) (ending, bool) {
	if len(body) > 0 { // Connect "Unary-Response": nothing is not decompressed
		var err error
		if body, err = expand(coding, body); err != nil {
			return ending{}, false
		}
	}
	e, _ := envelope.ReadConnectError(body) // with an error come the details that could be read
	if e == nil {
		return ending{}, false
	}
	return connectStatus(e), true
}

func connectStatus(e *envelope.ConnectError) ending {
	return ending{Outcome: exchange.Outcome{Code: e.Number(), Message: e.Message}, details: e.Status()}
}

// expand undoes a coding, up to maxFinal bytes.
func expand(coding string, b []byte) ([]byte, error) {
	switch strings.ToLower(strings.TrimSpace(coding)) {
	case "", "identity":
		return b, nil
	case "gzip", "x-gzip":
		return envelope.Gunzip(b, maxFinal)
	case "deflate":
		return envelope.Inflate(b, maxFinal)
	case "br":
		return envelope.Unbrotli(b, maxFinal)
	case "zstd":
		return envelope.Unzstd(b, maxFinal)
	default:
		return nil, fmt.Errorf("coding %q is not known", coding)
	}
}

// httpCode maps a status of HTTP to a code, where the answer has none. Connect
// "HTTP to Error Code", which is that of gRPC in all that gRPC maps.
func httpCode(status int) int {
	switch status {
	case http.StatusBadRequest:
		return codeInternal
	case http.StatusUnauthorized:
		return codeUnauthenticated
	case http.StatusForbidden:
		return codePermissionDenied
	case http.StatusNotFound:
		return codeUnimplemented
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return codeUnavailable
	default:
		return codeUnknown
	}
}

func httpText(status int) string {
	return strings.TrimSpace(fmt.Sprintf("HTTP status %d %s", status, http.StatusText(status)))
}

// lost is how the call ended if the connection failed with err, or the time did.
func (s *Stream) lost(err error) *ending {
	var end *ending
	switch {
	case errors.Is(s.ctx.Err(), context.DeadlineExceeded):
		end = local(codeDeadlineExceeded, "the deadline passed")
		if s.o.Timeout > 0 {
			end.Message = fmt.Sprintf("the deadline of %v passed", s.o.Timeout)
		}
	case s.ctx.Err() != nil:
		end = local(codeCanceled, "canceled on this side")
	default:
		end = s.broken(err)
	}
	end.Detail = joined(end.Detail, s.progress())
	return end
}

// broken is lost for a connection that failed.
func (s *Stream) broken(err error) *ending {
	if hint := misspoken(s.version, s.conn.speaks(), s.o.Kind); hint.Text != "" {
		end := local(codeUnavailable, "the server's first bytes are no answer in HTTP/"+s.version)
		end.Detail, end.hint = hint.Text, hint
		return end
	}
	var reset http2.StreamError
	if errors.As(err, &reset) {
		return local(resetCode(reset.Code), "the server reset the stream: "+reset.Code.String())
	}
	var away http2.GoAwayError //nolint:staticcheck // x/net reports GOAWAY in no other way.
	if errors.As(err, &away) {
		text := "the server ended the connection: " + away.ErrCode.String()
		if away.DebugData != "" {
			text += fmt.Sprintf(" %q", away.DebugData)
		}
		return local(codeUnavailable, text)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return local(codeUnavailable, "the server closed the connection")
	}
	return local(codeUnavailable, "the connection failed: "+err.Error())
}

// resetCode maps the reason of a reset to a code. gRPC-HTTP2 "Errors".
func resetCode(e http2.ErrCode) int {
	switch e {
	case http2.ErrCodeRefusedStream:
		return codeUnavailable
	case http2.ErrCodeCancel:
		return codeCanceled
	case http2.ErrCodeEnhanceYourCalm:
		return codeResourceExhausted
	case http2.ErrCodeInadequateSecurity:
		return codePermissionDenied
	default:
		return codeInternal
	}
}

// progress says what of the answer had come.
func (s *Stream) progress() string {
	switch {
	case s.reply == nil:
		return "no answer had come"
	case s.reply.got == 1:
		return "1 message had come"
	default:
		return fmt.Sprintf("%d messages had come", s.reply.got)
	}
}

// joined joins what is not empty.
func joined(texts ...string) string {
	var out []string
	for _, t := range texts {
		if t != "" {
			out = append(out, t)
		}
	}
	return strings.Join(out, "; ")
}

// maxQuoted is how much of a page is quoted, in bytes.
const maxQuoted = 100

// quoted returns the first line of an answer's body in words.
func quoted(a Answer) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(a.Body), []byte{'\n'})
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return ""
	}
	more := ""
	if len(line) > maxQuoted {
		line, more = line[:maxQuoted], "…"
	}
	return fmt.Sprintf("the answer begins with %q%s", line, more)
}
