package capture

import "encoding/json"

// The parts of an HTTP archive that are read and written. HAR 1.2,
// http://www.softwareishard.com/blog/har-12-spec/. Names that begin with an
// underscore are not part of it; other programs pass over them.

type harFile struct {
	Log harLog `json:"log"`
}

type harLog struct {
	Version string     `json:"version"`
	Creator harCreator `json:"creator"`
	Entries []harEntry `json:"entries"`
	Comment string     `json:"comment,omitempty"`
}

type harCreator struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type harEntry struct {
	Started    string      `json:"startedDateTime"`
	Time       float64     `json:"time"` // milliseconds, as are all times
	Request    harRequest  `json:"request"`
	Response   harResponse `json:"response"`
	Cache      struct{}    `json:"cache"`
	Timings    harTimings  `json:"timings"`
	Server     string      `json:"serverIPAddress,omitempty"`
	Connection string      `json:"connection,omitempty"`
	Comment    string      `json:"comment,omitempty"`
	Problems   []string    `json:"_wiregloss_problems,omitempty"`
	Stream     uint32      `json:"_wiregloss_stream,omitempty"`

	WebSocket []json.RawMessage `json:"_webSocketMessages,omitempty"`
}

type harRequest struct {
	Method      string     `json:"method"`
	URL         string     `json:"url"`
	Version     string     `json:"httpVersion"`
	Cookies     []harPair  `json:"cookies"`
	Headers     []harPair  `json:"headers"`
	Query       []harPair  `json:"queryString"`
	Post        *harPost   `json:"postData,omitempty"`
	HeadersSize int64      `json:"headersSize"`
	BodySize    int64      `json:"bodySize"`
	Trailers    []harPair  `json:"_trailers,omitempty"`
	Wiregloss   *harDetail `json:"_wiregloss,omitempty"`
}

type harResponse struct {
	Status      int        `json:"status"`
	StatusText  string     `json:"statusText"`
	Version     string     `json:"httpVersion"`
	Cookies     []harPair  `json:"cookies"`
	Headers     []harPair  `json:"headers"`
	Content     harContent `json:"content"`
	RedirectURL string     `json:"redirectURL"`
	HeadersSize int64      `json:"headersSize"`
	BodySize    int64      `json:"bodySize"`
	Trailers    []harPair  `json:"_trailers,omitempty"`
	Error       string     `json:"_error,omitempty"`
	Wiregloss   *harDetail `json:"_wiregloss,omitempty"`
}

// harDetail is what HAR has no place for.
type harDetail struct {
	Messages   int    `json:"messages"`              // of the body
	GRPCStatus *int   `json:"grpc_status,omitempty"` // from trailers, or from the end of a gRPC-Web body
	GRPCText   string `json:"grpc_message,omitempty"`
	Reset      string `json:"reset,omitempty"` // error code of RST_STREAM
}

type harPair struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// harPost is a request body. HAR has no encoding for it; browsers leave binary
// ones out. It is named as in a response, with an underscore as others do, too.
type harPost struct {
	Type     string    `json:"mimeType"`
	Params   []harPair `json:"params"`
	Text     string    `json:"text"`
	Encoding string    `json:"_encoding,omitempty"`
	Plain    string    `json:"encoding,omitempty"` // as some programs write it
}

type harContent struct {
	Size        int64  `json:"size"`
	Compression int64  `json:"compression,omitempty"`
	Type        string `json:"mimeType"`
	Text        string `json:"text,omitempty"`
	Encoding    string `json:"encoding,omitempty"`
}

// harTimings are milliseconds; -1 does not apply.
type harTimings struct {
	Blocked float64 `json:"blocked"`
	DNS     float64 `json:"dns"`
	Connect float64 `json:"connect"`
	Send    float64 `json:"send"`
	Wait    float64 `json:"wait"`
	Receive float64 `json:"receive"`
	SSL     float64 `json:"ssl"` // contained in Connect
}
