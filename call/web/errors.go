package web

import (
	"errors"
	"fmt"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect/envelope"
)

// OptionError says why a setting of a call cannot be used. Nothing was sent.
type OptionError struct{ Option, Text string }

// Error names the setting and the reason.
func (e *OptionError) Error() string { return e.Option + ": " + e.Text }

// HeaderError says why a header cannot be sent as metadata.
type HeaderError struct{ Name, Text string }

// Error names the header and the reason.
func (e *HeaderError) Error() string { return fmt.Sprintf("header %q: %s", e.Name, e.Text) }

// StatusError is how Recv reports a call that ended other than with OK.
type StatusError struct{ Outcome exchange.Outcome }

// Error returns the status and its message, and what was seen if that tells more.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s: %q", envelope.CodeName(e.Outcome.Code), e.Outcome.Message)
	if e.Outcome.Detail != "" {
		text += "; " + e.Outcome.Detail
	}
	return text
}

// ErrOneMessage is returned by Send for a second message of a method that takes one.
var ErrOneMessage = errors.New("the method takes one message, and it was sent already")

// The codes of google.rpc.Code that are decided here.
const (
	codeOK                = 0
	codeCanceled          = 1
	codeUnknown           = 2
	codeDeadlineExceeded  = 4
	codePermissionDenied  = 7
	codeResourceExhausted = 8
	codeUnimplemented     = 12
	codeInternal          = 13
	codeUnavailable       = 14
	codeUnauthenticated   = 16
)
