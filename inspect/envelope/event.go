package envelope

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/wiregloss/wiregloss/inspect/pb"
)

// Event is a server-sent event. HTML §9.2.6.
type Event struct {
	Type     string // "message" unless an event field says otherwise
	Data     string // the data fields, joined by LF
	ID       string
	HasID    bool
	Retry    time.Duration // -1 if there is none
	Comments []string
	// Dispatched reports whether clients see the event: without a data field they
	// take its id and retry, and no more.
	Dispatched bool
	Lines      []Line // every line that is not empty, as it came; a comment has no name
}

// ReadEvent reads the bytes of one event, up to and with its empty line. A byte
// order mark at their start is passed over.
func ReadEvent(payload []byte) Event {
	e := Event{Type: "message", Retry: -1}
	var data []string
	off := 0
	if bytes.HasPrefix(payload, []byte("\xef\xbb\xbf")) {
		off = 3
	}
	for off < len(payload) {
		n := lineLen(payload[off:])
		text := string(bytes.TrimRight(payload[off:off+n], "\r\n"))
		at := pb.Range{Off: off, Len: n}
		off += n
		if text == "" {
			continue
		}
		name, value, _ := strings.Cut(text, ":")
		value = strings.TrimPrefix(value, " ")
		e.Lines = append(e.Lines, Line{Name: name, Value: value, Range: at})
		if name == "data" {
			data = append(data, value)
			continue
		}
		e.field(name, value)
	}
	e.Data, e.Dispatched = strings.Join(data, "\n"), len(data) > 0
	return e
}

// field applies a field other than data.
func (e *Event) field(name, value string) {
	switch name {
	case "":
		e.Comments = append(e.Comments, value)
	case "event":
		e.Type = value
		if value == "" {
			e.Type = "message"
		}
	case "id":
		if !strings.Contains(value, "\x00") {
			e.ID, e.HasID = value, true
		}
	case "retry":
		if ms, err := strconv.ParseUint(value, 10, 40); err == nil && value[0] != '+' {
			e.Retry = time.Duration(ms) * time.Millisecond
		}
	}
}
