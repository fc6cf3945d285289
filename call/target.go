package call

import "github.com/wiregloss/wiregloss/exchange"

// ParseTarget reads the address of a gRPC server.
func ParseTarget(text string) (exchange.Target, error) {
	t, _, err := ParseCall(text)
	return t, err
}

// ParseCall reads an address, or a URL that names the operation too:
// http://host:port/pkg.Service/Method.
func ParseCall(text string) (t exchange.Target, operation string, err error) {
	return exchange.Target{Text: text, Network: "tcp", Address: text}, "", nil
}
