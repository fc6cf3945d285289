package render

import (
	"testing"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect"
)

func TestStatusSource(t *testing.T) {
	t.Parallel()
	ok := &inspect.Status{Code: 0}
	for _, tc := range []struct {
		name    string
		wire    *inspect.Status
		outcome exchange.Outcome
		code    int
		source  string
	}{
		{"the server's", &inspect.Status{Code: 5}, exchange.Outcome{Code: 5}, 5, "wire"},
		{"a recording without outcome", &inspect.Status{Code: 5}, exchange.Outcome{}, 5, "wire"},
		{"none came", nil, exchange.Outcome{Code: 4, Local: true}, 4, "local"},
		{"a limit here, though the server said OK", ok, exchange.Outcome{Code: 8, Local: true}, 8, "local"},
	} {
		c := Call{Stream: inspect.Stream{Status: tc.wire}, Exchange: exchange.Exchange{Outcome: tc.outcome}}
		if s := c.Status(); s.Code != tc.code || s.Source != tc.source {
			t.Errorf("%s: %d from %s, want %d from %s", tc.name, s.Code, s.Source, tc.code, tc.source)
		}
	}
}
