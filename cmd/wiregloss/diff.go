package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/wiregloss/wiregloss/diff"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/render"
)

// runDiff compares the calls of two files. Those of captures with several calls
// are paired by what was called, in order.
func runDiff(ctx context.Context, ios *ioStreams, o inspectOptions, given []string) error {
	if o.output != "wire" && o.output != "text" && o.output != "json" || len(o.reports) > 0 {
		return usageError(errors.New("--diff has -o text and -o json"))
	}
	var sides [2][]diff.Side
	for i, path := range given {
		src, err := o.open(ctx, ios, path)
		if err != nil {
			return err
		}
		defer src.capture.Release()
		if sides[i] = o.sides(src); len(sides[i]) == 0 {
			return fmt.Errorf("%s holds no call to compare", path)
		}
	}
	same := true
	out := diffOutput{ios: ios, inspectOptions: o}
	for _, pair := range diff.Pair(sides[0], sides[1]) {
		var err error
		switch {
		case pair[1] < 0:
			same, err = false, out.only(diff.OnlyA, sides[0][pair[0]])
		case pair[0] < 0:
			same, err = false, out.only(diff.OnlyB, sides[1][pair[1]])
		default:
			r := diff.Calls(sides[0][pair[0]], sides[1][pair[1]])
			same = same && r.Same()
			err = out.report(r)
		}
		if err != nil {
			return err
		}
	}
	if !same {
		return &exitError{code: exitDiffers, quiet: true, err: errors.New("the calls differ")}
	}
	return nil
}

// diffOutput writes what became of each call: as text with an empty line around
// a report, as JSON a line each.
type diffOutput struct {
	inspectOptions
	ios   *ioStreams
	begun bool // something has been written
	lone  bool // and the last of it was a call that one side alone has
}

func (d *diffOutput) report(r diff.Report) error {
	if d.output == "json" {
		return d.ios.text(string(render.DiffJSON(r, d.showSecrets)))
	}
	gap := d.gap(false)
	return d.ios.text(gap + render.DiffText(r, d.all, d.showSecrets))
}

// onlySchema is the version of the JSON of a call that one side alone has.
const onlySchema = 1

// only writes a call that one side alone has; its name holds a path from the wire.
func (d *diffOutput) only(k diff.Kind, s diff.Side) error {
	sign, side := "-", "a"
	if k == diff.OnlyB {
		sign, side = "+", "b"
	}
	if d.output != "json" {
		return d.ios.text(fmt.Sprintf("%s%s %s: %s\n", d.gap(true), sign, k, render.Escape(s.Name)))
	}
	b, err := json.Marshal(struct {
		Schema int    `json:"schema"`
		Only   string `json:"only"`
		Name   string `json:"name"`
	}{onlySchema, side, s.Name})
	if err != nil {
		return err
	}
	return d.ios.text(string(render.EscapeJSON(b)) + "\n")
}

// gap returns what parts a block from the one before.
func (d *diffOutput) gap(lone bool) string {
	parted := d.begun && (!lone || !d.lone)
	d.begun, d.lone = true, lone
	if parted {
		return "\n"
	}
	return ""
}

// sides returns the calls of a file: the one that was saved, or all.
func (o inspectOptions) sides(src *source) []diff.Side {
	var out []diff.Side
	for i := range src.capture.Connections {
		if src.skips(o, i) {
			continue
		}
		conn := &src.capture.Connections[i]
		c := src.scene(o, conn)
		c.Recording = conn.Recording
		c.Trace = decodeAll(src.decoder(conn))
		calls, index := c.calls(), diff.NewIndex(c.Trace)
		if !c.all {
			if one, ok := render.FindCall(c.Exchange, c.Recording, c.Trace); ok {
				calls = []render.Call{one}
			}
		}
		for _, one := range calls {
			input, output := one.Descriptors()
			out = append(out, diff.Side{
				Recording: conn.Recording, Trace: c.Trace, Stream: one.Stream.ID, Index: index,
				Input: input, Output: output, Types: c.Types(),
				Name: fmt.Sprintf("%s stream %d %s", src.name, one.Stream.ID, one.Stream.Path),
			})
		}
	}
	return out
}

// decodeAll decodes a recording to its end.
func decodeAll(d *inspect.Decoder) inspect.Trace {
	for {
		if t, more := d.Advance(1 << 30); !more {
			return t
		}
	}
}
