package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// httpError is an error that only HTTP knows: about the request, not the data.
type httpError struct {
	status int
	detail string
}

// Error implements error.
func (e httpError) Error() string { return fmt.Sprintf("%d: %s", e.status, e.detail) }

// problem is a problem document (RFC 9457). Its type is about:blank, left out,
// so its title is the phrase of its status.
type problem struct {
	Title    string         `json:"title"`
	Status   int            `json:"status"`
	Detail   string         `json:"detail"`
	Instance string         `json:"instance"`
	Code     string         `json:"code,omitempty"` // of the gRPC status this would have been
	Errors   []problemField `json:"errors,omitempty"`
}

// problemField says what is wrong with one field of the body.
type problemField struct {
	Pointer string `json:"pointer"` // RFC 6901, as a URI fragment
	Detail  string `json:"detail"`
}

// writeProblem answers with what went wrong.
func writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	p.Title, p.Instance = http.StatusText(p.Status), r.URL.EscapedPath()
	if delay := retryDelay(err); delay > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(delay))
	}
	if p.Status == http.StatusUnsupportedMediaType {
		tellMedia(w, r)
	}
	text, err := json.Marshal(p)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(text, '\n'))
}

// tellMedia says which media type would have been right (RFC 9110 §15.5.16).
func tellMedia(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPatch:
		w.Header().Set("Accept-Patch", mergeMedia+", "+jsonMedia)
	case http.MethodPost:
		w.Header().Set("Accept-Post", jsonMedia)
	default:
		w.Header().Set("Accept", jsonMedia)
	}
}

// problemOf turns an HTTP error or a gRPC status into a problem.
func problemOf(err error) problem {
	if only, ok := errors.AsType[httpError](err); ok {
		return problem{Status: only.status, Detail: only.detail}
	}
	st := status.Convert(err)
	p := problem{Status: httpStatus(st.Code()), Detail: st.Message(), Code: grpcCode(st.Code())}
	for _, d := range st.Details() {
		if bad, ok := d.(*errdetails.BadRequest); ok {
			for _, v := range bad.GetFieldViolations() {
				p.Errors = append(p.Errors, problemField{jsonPointer(v.GetField()), v.GetDescription()})
			}
		}
	}
	return p
}

// httpStatus is the HTTP status for a gRPC one. A body that can be read and
// breaks a rule is 422 (RFC 9110 §15.5.21); what cannot be read is an httpError.
func httpStatus(c codes.Code) int {
	switch c {
	case codes.InvalidArgument:
		return http.StatusUnprocessableEntity
	case codes.NotFound:
		return http.StatusNotFound
	case codes.AlreadyExists, codes.FailedPrecondition:
		return http.StatusConflict
	case codes.ResourceExhausted:
		return http.StatusInsufficientStorage
	default: // no other arises from the data
		return http.StatusInternalServerError
	}
}

// grpcCode is the name of a code in the spelling of the wire: NOT_FOUND.
func grpcCode(c codes.Code) string {
	var b strings.Builder
	for i, r := range c.String() {
		if i > 0 && 'A' <= r && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String())
}

// retryDelay returns the seconds a status asks the client to wait, or 0.
func retryDelay(err error) int {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return int(math.Ceil(info.GetRetryDelay().AsDuration().Seconds()))
		}
	}
	return 0
}

// jsonPointer turns the path of a proto field, "lines[0].unit_price", into a
// pointer to the JSON: "#/lines/0/unitPrice".
func jsonPointer(path string) string {
	path = strings.NewReplacer("[", ".", "]", "").Replace(path)
	var b strings.Builder
	b.WriteByte('#')
	for name := range strings.SplitSeq(path, ".") {
		b.WriteByte('/')
		upper := false
		for _, c := range name {
			switch {
			case c == '_':
				upper = true
			case upper:
				b.WriteString(strings.ToUpper(string(c)))
				upper = false
			default:
				b.WriteRune(c)
			}
		}
	}
	return b.String()
}
