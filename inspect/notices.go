package inspect

import (
	"strings"
	"time"

	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// Notice is a frame that seldom comes and says something of its own: GOAWAY,
// RST_STREAM, PRIORITY, PRIORITY_UPDATE, PUSH_PROMISE, ALTSVC or ORIGIN.
type Notice struct {
	Frame  int // its index
	Type   h2.Type
	Dir    record.Dir
	At     time.Duration
	Stream uint32 // the frame's own
	Whole  bool   // its payload could be read

	Other      uint32        // GOAWAY: the last stream; PRIORITY_UPDATE, PUSH_PROMISE: the one it is about
	Code       h2.ErrCode    // GOAWAY, RST_STREAM
	Text       string        // untrusted, at most 1024 bytes: debug data, priority value, Alt-Svc value, origins with spaces between
	Origin     string        // ALTSVC, untrusted, likewise
	Urgency    h2.Urgency    // PRIORITY_UPDATE
	Dependency h2.Dependency // PRIORITY
}

// notice lists a frame that seldom comes.
func (l *Ledger) notice(f *Frame, index int) {
	if len(l.notices) >= maxNotices {
		l.dropped.Notices++
		return
	}
	e := Notice{Frame: index, Type: f.Type, Dir: f.Dir, At: f.At, Stream: f.Stream}
	e.read(f, l.payload(f, nil, 4*maxNoticeText))
	l.notices = append(l.notices, e)
}

// read reads the payload, of which the beginning is enough.
func (e *Notice) read(f *Frame, payload []byte) {
	switch f.Type {
	case h2.GoAway:
		var g h2.GoingAway
		g, e.Whole = h2.ReadGoAway(payload)
		e.Other, e.Code, e.Text = g.LastStream, g.Code, cutText(g.Debug)
	case h2.RSTStream:
		e.Code, e.Whole = h2.ReadRSTStream(payload)
	case h2.Priority:
		e.Dependency, e.Whole = h2.ReadPriority(payload)
	case h2.PriorityUpdate:
		var p h2.PriorityUpdated
		p, e.Whole = h2.ReadPriorityUpdate(payload)
		e.Other, e.Text = p.Stream, cutText(p.Value)
		e.Urgency, _ = h2.ParsePriority(string(p.Value))
	case h2.PushPromise:
		h := h2.Header{Length: f.Length, Type: f.Type, Flags: f.Flags, Stream: f.Stream}
		e.Other, _ = h2.PromisePart(h, payload)
		e.Whole = e.Other != 0
	case h2.AltSvc:
		var a h2.AltSvcOffer
		a, e.Whole = h2.ReadAltSvc(payload)
		e.Origin, e.Text = cutText(a.Origin), cutText(a.Value)
	case h2.Origin:
		var origins [][]byte
		origins, e.Whole = h2.ReadOrigins(payload)
		var text strings.Builder
		for i, o := range origins {
			if i > 0 {
				text.WriteByte(' ')
			}
			text.Write(o)
		}
		e.Text = cutText([]byte(text.String()))
	}
}

func cutText(b []byte) string { return string(b[:min(len(b), maxNoticeText)]) }

// Notices returns the frames that seldom come, in order, the first 8192.
func (l *Ledger) Notices() []Notice { return append([]Notice(nil), l.notices...) }

// Noise reports whether a frame keeps the connection going and carries nothing of
// a call: what a list of frames folds.
func Noise(f Frame) bool { return h2.Noise(f.Type) }
