package envelope

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/wiregloss/wiregloss/inspect/pb"
)

// Line is a field of a text format, at its bytes in the payload.
type Line struct {
	Name, Value string   // untrusted text
	Range       pb.Range // its line, line end included; empty if it has no line
}

// FieldLines reads the trailers of gRPC-Web: lines "name: value". A line without
// a colon is a Line without a name. PROTOCOL-WEB, "Trailers".
func FieldLines(payload []byte) []Line {
	var out []Line
	for off := 0; off < len(payload); {
		n := lineLen(payload[off:])
		text := bytes.TrimRight(payload[off:off+n], "\r\n")
		if len(text) > 0 {
			name, value, ok := bytes.Cut(text, []byte{':'})
			if !ok {
				name, value = nil, text
			}
			out = append(out, Line{
				Name: string(bytes.TrimSpace(name)), Value: string(bytes.TrimSpace(value)), Range: pb.Range{Off: off, Len: n},
			})
		}
		off += n
	}
	return out
}

// lineLen returns the length of the first line of b with its end: LF, CRLF or CR.
func lineLen(b []byte) int {
	i := bytes.IndexAny(b, "\r\n")
	switch {
	case i < 0:
		return len(b)
	case b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n':
		return i + 2
	default:
		return i + 1
	}
}

// ConnectError is the error of a Connect answer. Connect protocol, "Error".
type ConnectError struct {
	Code    string // "not_found"; untrusted text, as is the rest
	Message string
	Details []Detail // of which TypeURL is the bare name of the type, as it came
}

// connectCodes are in the order of google.rpc.Code, from 1 on.
var connectCodes = [...]string{
	"canceled", "unknown", "invalid_argument", "deadline_exceeded", "not_found", "already_exists", "permission_denied",
	"resource_exhausted", "failed_precondition", "aborted", "out_of_range", "unimplemented", "internal", "unavailable",
	"data_loss", "unauthenticated",
}

// Number returns the google.rpc.Code of an error; 2 (UNKNOWN) for a code that
// is not defined.
func (e *ConnectError) Number() int {
	if i := slices.Index(connectCodes[:], e.Code); i >= 0 {
		return i + 1
	}
	return 2
}

// Status returns the error as the bytes of a google.rpc.Status, as
// grpc-status-details-bin would hold it; nil if it has no details.
func (e *ConnectError) Status() []byte {
	if len(e.Details) == 0 {
		return nil
	}
	st := &status.Status{Code: int32(e.Number()), Message: strings.ToValidUTF8(e.Message, "\ufffd")}
	for _, d := range e.Details {
		url := strings.ToValidUTF8(d.TypeURL, "\ufffd")
		if !strings.Contains(url, "/") {
			url = "type.googleapis.com/" + url
		}
		st.Details = append(st.Details, &anypb.Any{TypeUrl: url, Value: d.Value})
	}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(st)
	if err != nil {
		return nil
	}
	return raw
}

// EndStream is the last message of a Connect stream.
type EndStream struct {
	Error    *ConnectError // nil if the call succeeded
	Metadata []Line        // trailers, sorted by name, without ranges
}

type errorJSON struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Details []struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	} `json:"details"`
}

func (j *errorJSON) read() (*ConnectError, error) {
	e := &ConnectError{Code: j.Code, Message: j.Message}
	for i, d := range j.Details {
		value, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(d.Value, "="))
		if err != nil {
			return e, fmt.Errorf("value of detail %d of the error is not base64: %w", i+1, err)
		}
		e.Details = append(e.Details, Detail{TypeURL: d.Type, Value: value})
	}
	return e, nil
}

// ReadEndStream reads the payload of an end-of-stream message. Connect
// protocol, "EndStreamResponse".
func ReadEndStream(payload []byte) (EndStream, error) {
	var j struct {
		Error    *errorJSON          `json:"error"`
		Metadata map[string][]string `json:"metadata"`
	}
	if err := json.Unmarshal(payload, &j); err != nil {
		return EndStream{}, fmt.Errorf("the end-of-stream message is not the JSON it should be: %w", err)
	}
	var end EndStream
	for name, values := range j.Metadata {
		for _, v := range values {
			end.Metadata = append(end.Metadata, Line{Name: name, Value: v})
		}
	}
	slices.SortStableFunc(end.Metadata, func(a, b Line) int { return strings.Compare(a.Name, b.Name) })
	if j.Error == nil {
		return end, nil
	}
	var err error
	end.Error, err = j.Error.read()
	return end, err
}

// ReadConnectError reads the body of a unary Connect answer that is no success.
func ReadConnectError(payload []byte) (*ConnectError, error) {
	var j errorJSON
	if err := json.Unmarshal(payload, &j); err != nil {
		return nil, fmt.Errorf("the error is not the JSON it should be: %w", err)
	}
	if j.Code == "" {
		return nil, errors.New("the answer is no success and has no error code of Connect: it may come from something in between")
	}
	return j.read()
}
