package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// events is /events: a stream of server-sent events, one tick per interval and
// one event per change of the data.
type events struct {
	data      *data
	represent map[string]func(any) ([]byte, error) // the JSON of a changed resource, by kind
}

func (e *events) routes() []route {
	return []route{{"/events", map[string]operation{http.MethodGet: {
		handle: e.serve, id: "streamEvents", tag: "events",
		doc: "Server-sent events: \"tick\" at every interval, and \"user.created\", \"order.updated\" and so on with the resource whenever one changes. " +
			"Last-Event-ID continues the numbering; what was missed is not sent again.",
		params: []param{
			{
				name: "count", in: "query", doc: "End after this many events; 0 or absent never ends.",
				schema: schema{"type": "integer", "minimum": 0, "maximum": 1_000_000},
			},
			{
				name: "interval_ms", in: "query", doc: "Milliseconds between two ticks; 1000 if absent.",
				schema: schema{"type": "integer", "minimum": 10, "maximum": 3_600_000},
			},
			{name: "Last-Event-ID", in: "header", doc: "The id of the last event seen.", schema: schema{"type": "string"}},
		},
		replies: append([]reply{{status: http.StatusOK, media: "text/event-stream"}}, problems(400)...),
	}}}}
}

// number reads a query parameter within bounds.
func number(r *http.Request, name string, least, most, otherwise int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, httpError{http.StatusBadRequest, fmt.Sprintf("%s must be a number from %d to %d, not %q", name, least, most, clip(text))}
	}
	return n, nil
}

func (e *events) serve(w http.ResponseWriter, r *http.Request) error {
	count, err := number(r, "count", 0, 1_000_000, 0)
	if err != nil {
		return err
	}
	interval, err := number(r, "interval_ms", 10, 3_600_000, 1000)
	if err != nil {
		return err
	}
	last, _ := strconv.ParseUint(r.Header.Get("Last-Event-ID"), 10, 63) // one that is not ours starts from 0
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	changes, stop := e.data.hub.subscribe()
	defer stop()
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	s := eventStream{w: w, flush: http.NewResponseController(w).Flush, id: last}
	ticker := time.NewTicker(time.Duration(interval) * time.Millisecond)
	defer ticker.Stop()
	err = s.start()
	for n := 0; err == nil && (count == 0 || n < count); n++ {
		select {
		case <-r.Context().Done():
			return nil
		case <-ticker.C:
			err = s.tick(e.data.now())
		case c, open := <-changes:
			if !open {
				return nil // too far behind: the client connects again
			}
			err = s.change(c, e.represent[c.kind])
		}
	}
	return nil // an error means that the client has gone
}

// eventStream writes events as the HTML standard's server-sent events say.
type eventStream struct {
	w     io.Writer
	flush func() error
	id    uint64
}

// start sends the headers at once, and tells how soon to connect again.
func (s *eventStream) start() error {
	if _, err := io.WriteString(s.w, "retry: 1000\n\n"); err != nil {
		return err
	}
	return s.flush()
}

func (s *eventStream) tick(now time.Time) error {
	text, err := json.Marshal(map[string]any{"number": s.id + 1, "at": now.UTC().Format(time.RFC3339Nano)})
	if err != nil {
		return err
	}
	return s.send("tick", text)
}

func (s *eventStream) change(c change, represent func(any) ([]byte, error)) error {
	text, err := represent(c.msg)
	if err != nil {
		return err
	}
	return s.send(eventName(c), text)
}

// eventName is what a change is called: "user.created".
func eventName(c change) string {
	return strings.ToLower(c.kind) + "." + c.what.String()
}

// send writes one event, whose data is one line of JSON.
func (s *eventStream) send(name string, data []byte) error {
	s.id++
	if _, err := fmt.Fprintf(s.w, "id: %d\nevent: %s\ndata: %s\n\n", s.id, name, data); err != nil {
		return err
	}
	return s.flush()
}
