package render

import (
	"slices"
	"strings"
)

// secretNames are the header fields whose values are not shown unless asked for.
var secretNames = []string{
	"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "x-auth-token",
	"x-amz-security-token", "x-goog-api-key",
}

// Secret reports whether a header field's value is a credential by its
// (lower-case) name.
func Secret(name string) bool {
	name = strings.TrimSuffix(name, "-bin")
	return slices.Contains(secretNames, name) ||
		strings.HasSuffix(name, "-token") || strings.HasSuffix(name, "-secret") || strings.HasSuffix(name, "-password")
}

// HeaderValue returns a header field's value for a terminal: escaped, and
// replaced by stars when its name is that of a credential.
func HeaderValue(name, value string, showSecrets bool) string {
	if !showSecrets && Secret(name) {
		return "********"
	}
	return Escape(value)
}
