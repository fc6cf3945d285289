package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wiregloss/wiregloss/inspect/hpack"
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

// mostFieldText is how many bytes of names and values a text shows of one header
// block: a block of a few bytes can stand for many megabytes.
const mostFieldText = 64 << 10

// shownFields returns the fields of a block that a text shows, a long value cut,
// and how many it leaves out. -o json has them all.
func shownFields(fields []hpack.Field) (shown []hpack.Field, more int) {
	room := mostFieldText
	for i, f := range fields {
		if room -= f.Decoded(); room < 0 {
			cut := max(len(f.Value)+room, 0)
			shown = append(slices.Clone(fields[:i]), f)
			shown[i].Value = f.Value[:cut] + fmt.Sprintf("… (%d bytes)", len(f.Value))
			return shown, len(fields) - i - 1
		}
	}
	return fields, 0
}
