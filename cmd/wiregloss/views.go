package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
)

// bodyView prints each message from the server as JSON, as it arrives.
type bodyView struct {
	ios  *ioStreams
	plan *inspect.Plan
	buf  []byte
	bad  *error
}

func newBodyView(ios *ioStreams, rpc catalog.RPC, cat *catalog.Catalog, bad *error) *bodyView {
	return &bodyView{ios: ios, plan: inspect.NewPlan(rpc.Method.Output(), render.Types(cat), inspect.Options{}), bad: bad}
}

func (v *bodyView) keeps() bool { return false }

func (v *bodyView) advance(c *render.Call, since inspect.Counts) error {
	for _, m := range newer(c.Trace.Messages, c.Trace.Forgotten.Messages, since.Messages) {
		if m.Stream != c.Stream.ID || m.Dir != record.Received {
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
func (v *bodyView) print(c *render.Call, m inspect.Message) error {
	payload, err := c.Trace.Payload(c.Recording, m)
	if err == nil {
		v.buf, err = v.plan.AppendJSON(v.buf[:0], payload)
	}
	if err != nil {
		err = decodeError(m, err)
		if *v.bad == nil {
			*v.bad = err
		} else {
			v.ios.talk("wiregloss: %v", err)
		}
		return nil
	}
	if !v.ios.outTTY {
		v.buf = append(v.buf, '\n')
		_, err := v.ios.out.Write(v.buf)
		return err
	}
	return v.ios.json(pretty(v.buf))
}

func (v *bodyView) finish(*render.Call) error { return nil }

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
}

func (v *jsonView) keeps() bool { return true }

func (v *jsonView) advance(*render.Call, inspect.Counts) error { return nil }

func (v *jsonView) finish(c *render.Call) error {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if v.ios.outTTY {
		enc.SetIndent("", "  ")
	}
	e := c.Envelope(v.wire)
	for i, m := range e.Response.Messages {
		if m.Problem != "" && *v.bad == nil {
			*v.bad = fmt.Errorf("message %d: %s", i+1, m.Problem)
		}
	}
	if err := enc.Encode(e); err != nil {
		return fmt.Errorf("envelope: %w", err)
	}
	return v.ios.json(bytes.TrimSuffix(out.Bytes(), newline))
}

// wireView prints each message as bytes beside fields and JSON.
type wireView struct {
	ios     *ioStreams
	bad     *error
	schemas [2]*render.Schema // by record.Dir; compiled for the first message
}

// mostBroken is how much is shown of a payload that could not be decompressed to
// its end: what a bomb unpacks to tells nothing.
const mostBroken = 4 << 10

func (v *wireView) keeps() bool { return false }

func (v *wireView) advance(c *render.Call, since inspect.Counts) error {
	for _, m := range newer(c.Trace.Messages, c.Trace.Forgotten.Messages, since.Messages) {
		if m.Stream != c.Stream.ID {
			continue
		}
		if err := v.message(c, m); err != nil {
			return err
		}
	}
	return nil
}

// schema returns the type of the messages of a direction.
func (v *wireView) schema(c *render.Call, dir record.Dir) *render.Schema {
	if v.schemas[dir] == nil {
		input, output := c.Descriptors()
		v.schemas[record.Sent] = render.NewSchema(input, c.Types())
		v.schemas[record.Received] = render.NewSchema(output, c.Types())
	}
	return v.schemas[dir]
}

func (v *wireView) message(c *render.Call, m inspect.Message) error {
	schema := v.schema(c, m.Dir)
	payload, err := c.Trace.Payload(c.Recording, m)
	text := render.WireHeading(c.Trace, m, len(payload)) + "\n"
	if err != nil {
		text += "  cannot be decoded: " + render.Escape(err.Error()) + "\n"
		schema, payload = render.NewSchema(nil, c.Types()), payload[:min(len(payload), mostBroken)]
		if *v.bad == nil {
			*v.bad = decodeError(m, err)
		}
	}
	return v.ios.text(text + schema.WireText(payload) + "\n")
}

// finish shows a message that was cut, and how the call ended.
func (v *wireView) finish(c *render.Call) error {
	for _, m := range c.Trace.Partial {
		if m.Stream != c.Stream.ID || m.Have == 0 {
			continue
		}
		if err := v.message(c, m); err != nil {
			return err
		}
	}
	return nil
}

// framesView prints a line per frame.
type framesView struct {
	ios     *ioStreams
	secrets bool
	headed  *record.Recording // whose heading is written
}

func (v *framesView) keeps() bool { return false }

func (v *framesView) advance(c *render.Call, since inspect.Counts) error {
	t := c.Trace
	if v.headed != c.Recording && t.Preface.Len > 0 {
		v.headed = c.Recording
		if err := v.ios.text(render.FrameHeading + "\n" + render.PrefaceText() + "\n"); err != nil {
			return err
		}
	}
	for i := max(since.Frames-t.Forgotten.Frames, 0); i < len(t.Frames); i++ {
		if err := v.ios.text(render.FrameText(c.Recording, t, i, v.secrets) + "\n"); err != nil {
			return err
		}
	}
	return nil
}

// finish tells the problems, at their bytes.
func (v *framesView) finish(c *render.Call) error {
	for _, p := range c.Trace.Problems {
		if err := v.ios.text("        ! " + render.ProblemText(p) + "\n"); err != nil {
			return err
		}
	}
	return nil
}
