package render

import (
	"slices"
	"strings"
)

// secretNames are the header fields whose values are not shown unless asked for.
var secretNames = []string{"cookie", "set-cookie", "token", "secret", "password", "jwt", "x-auth", "x-auth-key", "x-functions-key"}

// secretEnds are the ends of such names: x-api-key, proxy-authorization.
var secretEnds = []string{
	"authorization", "api-key", "apikey", "subscription-key", "-token", "-secret", "-password", "-jwt", "-assertion",
	"-credential", "-credentials",
}

// Secret reports whether a header field's value is a credential by its name.
func Secret(name string) bool {
	name = strings.TrimSuffix(strings.ToLower(name), "-bin")
	return slices.Contains(secretNames, name) ||
		slices.ContainsFunc(secretEnds, func(end string) bool { return strings.HasSuffix(name, end) })
}

// HeaderValue returns a header field's value for a terminal: escaped, and
// replaced by stars when its name is that of a credential.
func HeaderValue(name, value string, showSecrets bool) string {
	if !showSecrets && Secret(name) {
		return "********"
	}
	return Escape(value)
}
