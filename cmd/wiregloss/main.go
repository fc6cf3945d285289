// Command wiregloss is a terminal API debugger: it calls gRPC services and shows
// the JSON that was meant beside the bytes that went over the wire. This package
// reads flags and writes text or JSON; what it writes is decoded and worded by
// the packages below it.
//
// stdout is the result and nothing else; stderr is talk. Only main ends the
// process.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"google.golang.org/grpc/grpclog"

	"github.com/wiregloss/wiregloss/render"
)

func main() { os.Exit(run()) }

// run runs the command line and returns the exit code.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	signal.Ignore(syscall.SIGPIPE) // a closed stdout is an error of a write, and ends the call in order
	ios := systemIO()
	// grpc-go would log to stderr, unescaped, what the recording holds and Recv reports.
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, io.Discard))
	err := newRoot(ios).ExecuteContext(ctx)
	if flushErr := ios.flush(); err == nil {
		err = flushErr
	}
	if err == nil {
		return exitOK
	}
	interrupted := ctx.Err() != nil
	if text := message(err, interrupted); text != "" {
		fmt.Fprintln(os.Stderr, "wiregloss: "+render.EscapeLines(text))
	}
	return exitCode(err, interrupted)
}
