package call

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"

	"github.com/wiregloss/wiregloss/exchange"
)

// Step is the part of dialing that failed, as exit codes tell them apart.
type Step string

// The steps, in order.
const (
	DNS      Step = "DNS"
	Connect  Step = "connect"
	Proxy    Step = "proxy"
	TLS      Step = "TLS"
	Protocol Step = "protocol"
)

// Stage is a step as Diagnose walks them, finer than Step.
type Stage string

// The stages, in order. A way to a server has those of them that it needs.
const (
	StageOptions Stage = "options" // nothing was sent yet
	StageDNS     Stage = "DNS"
	StageTCP     Stage = "TCP"
	StageSocket  Stage = "unix socket"
	StageProxy   Stage = "proxy"
	StageTLS     Stage = "TLS"
	StageALPN    Stage = "ALPN"
	StageHTTP2   Stage = "HTTP/2"
	StageAnswer  Stage = "first answer"
)

// DialError says why there is no connection.
type DialError struct {
	Step    Step
	Stage   Stage  // the same, finer
	Address string // what was dialed
	Text    string // what happened
	Hint    string // what to do; may be empty
	// Detail is more to know, not part of Error: the certificate that was refused,
	// the addresses that were tried, the first line of a page. May be empty; what a
	// server wrote is quoted in it.
	Detail  string
	Timeout bool  // the time ran out in this step
	Err     error // the cause
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

// OptionError says why a setting of a request cannot be used. Nothing was sent.
type OptionError struct{ Option, Text string }

// Error names the setting and the reason.
func (e *OptionError) Error() string { return e.Option + ": " + e.Text }

// StatusError is how Recv reports a call that ended other than with OK.
type StatusError struct{ Outcome exchange.Outcome }

// Error returns the status and its message, and what was seen if that tells more.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s: %q", codes.Code(e.Outcome.Code), e.Outcome.Message)
	if e.Outcome.Detail != "" {
		text += "; " + e.Outcome.Detail
	}
	return text
}

// ErrOneMessage is returned by Send for a second message of a method that takes one.
var ErrOneMessage = errors.New("the method takes one message, and it was sent already")
