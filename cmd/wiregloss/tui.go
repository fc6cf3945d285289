package main

import (
	"context"
	"errors"
)

// openTUI opens the interactive view on targets.
func openTUI(ctx context.Context, flags targetFlags, targets []string, mouse bool) error {
	return errors.New("not yet wired")
}
