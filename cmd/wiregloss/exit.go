package main

import (
	"context"
	"errors"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/wiregloss/wiregloss/call"
	"github.com/wiregloss/wiregloss/catalog"
)

// The exit codes, as the README lists them. 64 + code is a gRPC status.
const (
	exitOK          = 0
	exitLocal       = 1
	exitUsage       = 2
	exitDiffers     = 10 // what was compared is not the same
	exitTimeout     = 20
	exitNetwork     = 21
	exitTLS         = 22
	exitProtocol    = 26
	exitStatus      = 64
	exitInterrupted = 130
)

// statusExit returns the exit code of a gRPC status that is not OK. A code that
// gRPC does not define is UNKNOWN: 64 plus it could be any exit code, 0 too.
func statusExit(code int) int {
	const unknown, last = 2, 16
	if code < 0 || code > last {
		code = unknown
	}
	return exitStatus + code
}

// exitError is an error with its own exit code. With quiet, all there is to say
// has been said.
type exitError struct {
	code  int
	quiet bool
	err   error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usageError(err error) error { return &exitError{code: exitUsage, err: err} }

// exitCode returns the exit code of what a command returned.
func exitCode(err error, interrupted bool) int {
	var own *exitError
	var dial *call.DialError
	var missing *catalog.NotFoundError
	var ambiguous *catalog.AmbiguousError
	switch {
	case outputClosed(err):
		return exitOK // the reader of our output has what it wanted
	case interrupted:
		return exitInterrupted
	case errors.As(err, &own):
		return own.code
	case errors.As(err, &missing), errors.As(err, &ambiguous):
		return exitUsage
	case errors.As(err, &dial):
		return dialCode(dial)
	case errors.Is(err, context.DeadlineExceeded):
		return exitTimeout
	}
	return exitLocal
}

func dialCode(e *call.DialError) int {
	switch {
	case e.Timeout:
		return exitTimeout
	case e.Step == call.TLS:
		return exitTLS
	case e.Step == call.Protocol:
		return exitProtocol
	default:
		return exitNetwork
	}
}

// message returns what to tell of an error; empty if nothing.
func message(err error, interrupted bool) string {
	var own *exitError
	switch {
	case outputClosed(err):
		return ""
	case interrupted && cancelled(err):
		return "interrupted"
	case errors.As(err, &own) && own.quiet:
		return ""
	}
	return strings.TrimRight(err.Error(), "\n")
}

// cancelled reports whether an error is the effect of an interrupt. grpc-go turns
// one during reflection into a status.
func cancelled(err error) bool {
	return errors.Is(err, context.Canceled) || status.Code(err) == codes.Canceled
}
