package pb

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Error is a payload that protobuf-go rejects: where, and by which rule.
type Error struct {
	Off  int    // offset in the payload
	Path string // the field, as in Link.Path; "" at the top
	Rule string // what is wrong

	steps []string // of Path, innermost first, while the error is on its way up
}

// Error gives the rule with its place.
func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("protobuf message, byte %d: %s", e.Off, e.Rule)
	}
	return fmt.Sprintf("protobuf message, byte %d (%s): %s", e.Off, e.Path, e.Rule)
}

func fail(off int, format string, args ...any) error {
	return &Error{Off: off, Rule: fmt.Sprintf(format, args...)}
}

// within tells the error that it happened in the step of a path: ".name" or
// "[2]". It is called while the error goes up, so that no path is kept before.
func within(err error, step string) error {
	var e *Error
	if errors.As(err, &e) {
		e.steps = append(e.steps, step)
	}
	return err
}

// finish makes the path from its steps.
func finish(err error) error {
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	if len(e.steps) > maxPathDepth {
		e.steps = e.steps[len(e.steps)-maxPathDepth:]
		e.steps[0] = "…"
	}
	slices.Reverse(e.steps)
	e.Path = strings.TrimPrefix(strings.Join(e.steps, ""), ".")
	e.steps = nil
	return e
}
