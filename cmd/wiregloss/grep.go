package main

import (
	"fmt"
	"regexp"
)

// grep lets through what matches an expression; nil lets everything through.
type grep struct{ re *regexp.Regexp }

func newGrep(expr string) (*grep, error) {
	if expr == "" {
		return nil, nil //nolint:nilnil // nil lets everything through
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, usageError(fmt.Errorf("--grep: %w", err))
	}
	return &grep{re}, nil
}

// matches reports whether text is wanted.
func (g *grep) matches(text []byte) bool { return g == nil || g.re.Match(text) }

func (g *grep) matchesText(text string) bool { return g == nil || g.re.MatchString(text) }
