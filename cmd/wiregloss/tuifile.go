package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/wiregloss/wiregloss/tui"
)

// isFile reports whether a target is a file that exists: it may have any name.
func isFile(text string) bool {
	info, err := os.Stat(text)
	return err == nil && info.Mode().IsRegular()
}

// captureOf is a file as the interactive view takes it: read as inspect reads it,
// with the schema that it holds itself.
func captureOf(path string) tui.Capture {
	return tui.Capture{Label: filepath.Base(path), Load: func(context.Context) (*tui.Loaded, error) {
		src, err := (&sourceFlags{}).read(&ioStreams{}, path, false)
		if err != nil {
			return nil, err
		}
		out := &tui.Loaded{Types: src.exchange.Types, Notes: src.capture.Skipped}
		if out.Types == nil {
			out.Types, _ = src.overheard()
		}
		if src.problem != nil {
			out.Notes = append([]string{src.problem.Error()}, out.Notes...)
		}
		for i := range src.capture.Connections {
			c := &src.capture.Connections[i]
			notes := slices.Clone(c.Notes)
			const most = 3
			for _, p := range c.Problems[:min(len(c.Problems), most)] {
				notes = append(notes, captureProblem(p))
			}
			if n := len(c.Problems) - most; n > 0 {
				notes = append(notes, fmt.Sprintf("and %d more", n))
			}
			out.Connections = append(out.Connections, tui.Connection{
				Name: c.Name, Recording: c.Recording, Decoder: src.decoder(c), Notes: notes,
			})
		}
		return out, nil
	}}
}
