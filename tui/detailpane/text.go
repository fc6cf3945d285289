package detailpane

import (
	"encoding/json"
	"strings"
)

// jsonName returns how long the name of a JSON member is, colon and space
// included; 0 of a value without a name.
func jsonName(member string) int {
	if !strings.HasPrefix(member, `"`) {
		return 0
	}
	for i := 1; i < len(member); i++ {
		switch member[i] {
		case '\\':
			i++
		case '"':
			rest := member[i+1:]
			if value, ok := strings.CutPrefix(rest, ":"); ok {
				return len(member) - len(strings.TrimLeft(value, " "))
			}
			return 0
		}
	}
	return 0
}

// unquote returns the text of a JSON string, and any other value as it is.
func unquote(value string) string {
	var s string
	if json.Unmarshal([]byte(value), &s) == nil {
		return s
	}
	return value
}
