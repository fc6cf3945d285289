package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"github.com/wiregloss/wiregloss/render"
)

// This file and those beside it named grpcurl* are a drop-in for grpcurl v1.9.4:
// its grammar, flags, output and exit codes. docs/grpcurl.md lists what differs
// on purpose, and e2e runs both programs side by side.

func newGrpcurl(ios *ioStreams) *cobra.Command {
	return &cobra.Command{
		Use:   "grpcurl [FLAGS] [ADDRESS] [list|describe] [SYMBOL]",
		Short: "Do what grpcurl does, with its flags, output and exit codes",
		// The flags are those of the Go flag package, one dash or two.
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, given []string) error {
			c := &curl{ios: ios, name: cmd.CommandPath()}
			return c.end(c.run(cmd.Context(), given))
		},
	}
}

// curl is one run of the drop-in.
type curl struct {
	ios  *ioStreams
	name string // how the command was called
	curlFlags
	curlTask

	timing *curlTiming // nil without -vv
}

// curlTask is what the arguments ask for.
type curlTask struct {
	target string
	verb   string // "list", "describe" or "" to call
	symbol string
}

// run reads the arguments and does what they say.
func (c *curl) run(ctx context.Context, given []string) error {
	task, err := c.parse(given)
	if err != nil {
		return err
	}
	switch {
	case c.help:
		c.usage()
		return nil
	case c.version:
		c.talk("grpcurl v1.9.4 (wiregloss %s)\n", version())
		return nil
	}
	c.curlTask = task
	if c.veryVerbose {
		c.timing = newCurlTiming("Timing Data")
	}
	if c.maxTime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, seconds(c.maxTime))
		defer cancel()
	}
	if err := c.perform(ctx); err != nil {
		return err
	}
	c.timing.end()
	return c.write(c.timing.text(0))
}

// perform finds the schema and does what the verb says.
func (c *curl) perform(ctx context.Context) error {
	if err := c.expand(); err != nil {
		return err
	}
	s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	switch c.verb {
	case "list":
		return c.list(s)
	case "describe":
		return c.describe(s)
	}
	if err := s.dial(ctx); err != nil {
		return err
	}
	return c.call(ctx, s)
}

// badUse is how grpcurl reports a wrong use: exit code 2, and where help is.
func (c *curl) badUse(text string) error {
	return usageError(curlText(fmt.Sprintf("%s\nTry '%s -help' for more details.", text, c.name)))
}

// curlText is an error in grpcurl's words.
type curlText string

// Error returns the words.
func (t curlText) Error() string { return string(t) }

// failure is how grpcurl reports what it could not do: exit code 1.
func failure(err error, format string, args ...any) error {
	return &exitError{code: exitLocal, err: fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)}
}

// end writes what is to be told of an error to stderr, after the output, as
// grpcurl words it: without the name of the program.
func (c *curl) end(err error) error {
	if err == nil {
		return nil
	}
	flushErr := c.ios.flush()
	var own *exitError
	if outputClosed(err) || outputClosed(flushErr) || !errors.As(err, &own) {
		return errors.Join(err, flushErr)
	}
	if !own.quiet {
		c.talk("%s\n", own.Error())
	}
	return &exitError{code: own.code, quiet: true, err: err}
}

// write writes to stdout. What a server said is made harmless on a terminal, and
// left as it is where a program reads it.
func (c *curl) write(text string) error {
	if c.ios.outTTY {
		text = render.EscapeLines(text)
	}
	return c.ios.text(text)
}

// talk writes to stderr; the same holds there.
func (c *curl) talk(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if f, ok := c.ios.err.(*os.File); ok && term.IsTerminal(f.Fd()) {
		text = render.EscapeLines(text)
	}
	_, _ = fmt.Fprint(c.ios.err, text) // nobody is left to tell
}

// warn tells of what has no effect.
func (c *curl) warn(text string) { c.talk("Warning: %s\n", text) }

// usage writes the help to stderr.
func (c *curl) usage() {
	c.talk(curlHelp, c.name)
	c.set.PrintDefaults()
}

// parse reads the flags, checks them and tells the task.
func (c *curl) parse(given []string) (curlTask, error) {
	c.register(c.name)
	c.set.SetOutput(c.ios.err)
	c.set.Usage = c.usage
	switch err := c.set.Parse(given); {
	case errors.Is(err, flag.ErrHelp):
		return curlTask{}, &exitError{code: exitOK, quiet: true, err: err}
	case err != nil:
		return curlTask{}, &exitError{code: exitUsage, quiet: true, err: err} // package flag has told it
	case c.help || c.version:
		return curlTask{}, nil
	}
	if text := c.wrong(); text != "" {
		return curlTask{}, c.badUse(text)
	}
	if c.emitDefaults && c.format != "json" {
		c.warn("The -emit-defaults is only used when using json format.")
	}
	t, text := c.arrange(c.set.Args())
	if text != "" {
		return t, c.badUse(text)
	}
	return t, nil
}
