package call

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/wiregloss/wiregloss/exchange"
)

// Step is the part of dialing that failed.
type Step string

// The steps, in order.
const (
	DNS      Step = "DNS"
	Connect  Step = "connect"
	TLS      Step = "TLS"
	Protocol Step = "protocol"
)

// DialError says why there is no connection.
type DialError struct {
	Step    Step
	Address string // what was dialed
	Text    string // what happened
	Hint    string // what to do; may be empty
	Timeout bool   // the time ran out in this step
	Err     error  // the cause
}

// Error returns what happened and what to do.
func (e *DialError) Error() string {
	if e.Hint == "" {
		return e.Text
	}
	return e.Text + "; " + e.Hint
}

// Unwrap returns the cause.
func (e *DialError) Unwrap() error { return e.Err }

// StatusError is how Recv reports a call that ended other than with OK.
type StatusError struct{ Outcome exchange.Outcome }

// Error returns the status and its message.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%s: %q", codes.Code(e.Outcome.Code), e.Outcome.Message)
}

// ErrOneMessage is returned by Send for a second message of a method that takes one.
var ErrOneMessage = errors.New("the method takes one message, and it was sent already")
