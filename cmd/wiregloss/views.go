package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
)

// bodyView prints each message from the server as JSON, as it arrives.
type bodyView struct {
	ios  *ioStreams
	buf  []byte
	bad  *error
	grep *grep
}

func (v *bodyView) keeps() bool { return false }

func (v *bodyView) advance(c *scene, since inspect.Counts) error {
	for _, m := range newer(c.Trace.Messages, c.Trace.Forgotten.Messages, since.Messages) {
		if !c.shows(m.Stream) || m.Dir != c.bodies || m.Final() {
			continue
		}
		if err := v.print(c, m); err != nil {
			return err
		}
	}
	return nil
}

// print writes one message; one that cannot be decoded is told on stderr and
// the next ones are printed.
func (v *bodyView) print(c *scene, m inspect.Message) error {
	payload, err := c.Trace.Payload(c.Recording, m)
	if err == nil {
		err = v.body(c, m, payload)
	}
	var out *outputError
	if err == nil || errors.As(err, &out) {
		return err
	}
	none := errors.Is(err, errNoSchema)
	err = decodeError(m, err)
	if *v.bad == nil {
		*v.bad = err
	} else if !none { // which is told once
		v.ios.talk("wiregloss: %v", err)
	}
	return nil
}

// body writes a payload: a protobuf message as JSON, all else as it is.
func (v *bodyView) body(c *scene, m inspect.Message, payload []byte) error {
	if m.Content != inspect.Protobuf && (m.Content != inspect.Opaque || c.forced == nil) {
		return v.verbatim(m, payload)
	}
	plan := c.plan(m)
	if plan == nil {
		return errNoSchema
	}
	var err error
	if v.buf, err = plan.AppendJSON(v.buf[:0], payload); err != nil {
		return err
	}
	if !v.grep.matches(v.buf) {
		return nil
	}
	if !v.ios.outTTY {
		v.buf = append(v.buf, '\n')
		_, err := v.ios.out.Write(v.buf)
		return err
	}
	return v.ios.json(pretty(v.buf))
}

// errNoSchema says why a message has no JSON.
var errNoSchema = errors.New("its type is not known: name it with --type, or give the schema of its call with --proto, --protoset or --server; or see -o wire")

// verbatim writes a payload that needs no schema: to a pipe byte for byte.
func (v *bodyView) verbatim(m inspect.Message, payload []byte) error {
	switch {
	case !v.grep.matches(payload):
		return nil
	case !v.ios.outTTY:
		_, err := v.ios.out.Write(payload)
		if err == nil && m.Framing != inspect.Whole {
			_, err = v.ios.out.Write(newline)
		}
		return err
	case m.Content == inspect.JSON:
		return v.ios.json(pretty(payload))
	default:
		return v.ios.text(render.EscapeLines(string(payload)) + "\n")
	}
}

func (v *bodyView) finish(*scene) error { return nil }

func pretty(b []byte) []byte {
	var out bytes.Buffer
	if err := json.Indent(&out, b, "", "  "); err != nil {
		return b
	}
	return out.Bytes()
}

// jsonView prints one envelope at the end.
type jsonView struct {
	ios  *ioStreams
	wire bool
	bad  *error
	grep *grep
}

func (v *jsonView) keeps() bool { return true }

func (v *jsonView) advance(*scene, inspect.Counts) error { return nil }

func (v *jsonView) finish(c *scene) error {
	if c.all {
		for _, one := range c.calls() {
			if err := v.print(one); err != nil {
				return err
			}
		}
		return nil
	}
	return v.print(c.Call)
}

func (v *jsonView) print(c render.Call) error {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if v.ios.outTTY {
		enc.SetIndent("", "  ")
	}
	e := c.Envelope(v.wire)
	if text := e.Undecoded(); text != "" && *v.bad == nil {
		*v.bad = errors.New(text)
	}
	if err := enc.Encode(e); err != nil {
		return fmt.Errorf("envelope: %w", err)
	}
	if !v.grep.matches(out.Bytes()) {
		return nil
	}
	return v.ios.json(bytes.TrimSuffix(out.Bytes(), newline))
}

// wireView prints each message as bytes beside fields and JSON.
type wireView struct {
	ios  *ioStreams
	bad  *error
	grep *grep
	last uint32 // the stream that was shown last
}

// mostBroken is how much is shown of a payload that could not be decompressed to
// its end: what a bomb unpacks to tells nothing.
const mostBroken = 4 << 10

func (v *wireView) keeps() bool { return false }

func (v *wireView) advance(c *scene, since inspect.Counts) error {
	for _, m := range newer(c.Trace.Messages, c.Trace.Forgotten.Messages, since.Messages) {
		if !c.shows(m.Stream) {
			continue
		}
		if err := v.message(c, m); err != nil {
			return err
		}
	}
	return nil
}

func (v *wireView) message(c *scene, m inspect.Message) error {
	schema := c.schema(m)
	payload, err := c.Trace.Payload(c.Recording, m)
	head := render.WireHeading(c.Trace, m, len(payload)) + "\n"
	if err != nil {
		head += "  cannot be decoded: " + render.Escape(err.Error()) + "\n"
		schema, payload = render.NewSchema(nil, c.Types()), payload[:min(len(payload), mostBroken)]
		if *v.bad == nil {
			*v.bad = decodeError(m, err)
		}
	}
	body, bad := schema.ContentText(m.Content, payload)
	if bad != nil && m.Content == inspect.Protobuf && m.Have == m.Length && *v.bad == nil {
		*v.bad = decodeError(m, bad)
	}
	if v.grep != nil && !v.grep.matchesText(head+body) {
		return nil
	}
	if c.all && m.Stream != v.last && c.Trace.Protocol != inspect.BareBody {
		v.last = m.Stream
		head = render.StreamHeading(c.stream(m.Stream)) + "\n" + head
	}
	// Not as one text: the body of a large message is held once.
	for _, text := range []string{head, body, "\n"} {
		if err := v.ios.text(text); err != nil {
			return err
		}
	}
	return nil
}

// finish shows a message that was cut, and how the call ended.
func (v *wireView) finish(c *scene) error {
	for _, m := range c.Trace.Partial {
		if !c.shows(m.Stream) || m.Have == 0 {
			continue
		}
		if err := v.message(c, m); err != nil {
			return err
		}
	}
	return nil
}

// framesView prints a line per frame of HTTP/2 and per part of HTTP/1.1.
type framesView struct {
	ios     *ioStreams
	secrets bool
	grep    *grep
	headed  *record.Recording // whose heading is written
	opened  *record.Recording // whose preface is
}

func (v *framesView) keeps() bool { return false }

func (v *framesView) advance(c *scene, since inspect.Counts) error {
	t := c.Trace
	if v.headed != c.Recording && (t.Preface.Len > 0 || len(t.Frames)+len(t.Parts) > 0) {
		v.headed = c.Recording
		if err := v.ios.text(render.FrameHeading + "\n"); err != nil {
			return err
		}
	}
	for i := max(since.Parts-t.Forgotten.Parts, 0); i < len(t.Parts); i++ {
		if err := v.line(c, t.Parts[i].Stream, func() string { return render.PartText(c.Recording, t, i, v.secrets) }); err != nil {
			return err
		}
	}
	// An upgrade comes before the preface, RFC 7540 §3.2.
	if v.opened != c.Recording && t.Preface.Len > 0 {
		v.opened = c.Recording
		if err := v.line(c, c.only, render.PrefaceText); err != nil {
			return err
		}
	}
	for i := max(since.Frames-t.Forgotten.Frames, 0); i < len(t.Frames); i++ {
		if err := v.line(c, t.Frames[i].Stream, func() string { return render.FrameText(c.Recording, t, i, v.secrets) }); err != nil {
			return err
		}
	}
	return nil
}

// line prints a line unless its stream is not the one that was asked for.
func (v *framesView) line(c *scene, stream uint32, text func() string) error {
	if c.only != 0 && stream != c.only {
		return nil
	}
	line := text()
	if !v.grep.matchesText(line) {
		return nil
	}
	return v.ios.text(line + "\n")
}

// finish tells the problems, at their bytes.
func (v *framesView) finish(c *scene) error {
	for _, p := range c.Trace.Problems {
		line := "        ! " + render.ProblemText(p)
		if c.only != 0 && p.Stream != 0 && p.Stream != c.only || !v.grep.matchesText(line) {
			continue
		}
		if err := v.ios.text(line + "\n"); err != nil {
			return err
		}
	}
	return nil
}
