package main

import (
	"context"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/tui"
)

// openTUI opens the interactive view on targets. A target that names an
// operation opens it; one that is a file is a recording or a capture to look at.
func openTUI(ctx context.Context, flags targetFlags, targets []string, mouse bool) error {
	headers, err := parseHeaders(flags.headers)
	if err != nil {
		return err
	}
	o := tui.Options{NoMouse: !mouse, Version: version()}
	for _, text := range targets {
		if isFile(text) {
			o.Captures = append(o.Captures, captureOf(text))
			continue
		}
		t, operation, err := flags.parse(text)
		if err != nil {
			return err
		}
		o.Targets = append(o.Targets, tui.Target{Label: text, Target: t, Headers: headers, Load: func(ctx context.Context) (*catalog.Catalog, error) {
			return load(ctx, t, headers, "")
		}})
		if operation != "" {
			o.Operation = operation
		}
	}
	return tui.Run(ctx, o)
}
