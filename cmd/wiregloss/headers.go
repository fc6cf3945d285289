package main

import (
	"fmt"
	"strings"

	"github.com/wiregloss/wiregloss/exchange"
)

// parseHeaders reads -H values: "name: value".
func parseHeaders(given []string) ([]exchange.Header, error) {
	out := make([]exchange.Header, 0, len(given))
	for _, g := range given {
		name, value, ok := strings.Cut(g, ":")
		name = strings.ToLower(strings.TrimSpace(name))
		if !ok || name == "" {
			return nil, usageError(fmt.Errorf("-H %q: write it as 'name: value'", g))
		}
		out = append(out, exchange.Header{Name: name, Value: strings.TrimSpace(value)})
	}
	return out, nil
}
