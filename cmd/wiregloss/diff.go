package main

import (
	"context"
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
	for _, pair := range diff.Pair(sides[0], sides[1]) {
		if pair[0] < 0 || pair[1] < 0 {
			same = false
			which, side := "only in the second: ", sides[1][max(pair[1], 0)]
			if pair[1] < 0 {
				which, side = "only in the first: ", sides[0][pair[0]]
			}
			ios.talk("wiregloss: %s%s", which, side.Name)
			continue
		}
		r := diff.Calls(sides[0][pair[0]], sides[1][pair[1]])
		same = same && r.Same()
		if err := o.printDiff(ios, r); err != nil {
			return err
		}
	}
	if !same {
		return &exitError{code: exitDiffers, quiet: true, err: errors.New("the calls differ")}
	}
	return nil
}

func (o inspectOptions) printDiff(ios *ioStreams, r diff.Report) error {
	if o.output == "json" {
		return ios.json(render.DiffJSON(r, o.showSecrets))
	}
	return ios.text(render.DiffText(r, o.all, o.showSecrets))
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
		calls := c.calls()
		if !c.all {
			if one, ok := render.FindCall(c.Exchange, c.Recording, c.Trace); ok {
				calls = []render.Call{one}
			}
		}
		for _, one := range calls {
			input, output := one.Descriptors()
			out = append(out, diff.Side{
				Recording: conn.Recording, Trace: c.Trace, Stream: one.Stream.ID, Input: input, Output: output, Types: c.Types(),
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
