package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/render"
)

type inspectOptions struct {
	output      string
	with        []string
	showSecrets bool
}

func newInspect(ios *ioStreams) *cobra.Command {
	var o inspectOptions
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Decode a saved recording",
		Example: `  wiregloss call :50051 UserService/GetUser -d '{"user_id":"1"}' --save get.rec
  wiregloss inspect get.rec -o frames`,
		Args: args(1, 1, "a FILE that call --save wrote"),
		RunE: func(_ *cobra.Command, given []string) error { return runInspect(ios, o, given[0]) },
	}
	cmd.Flags().StringVarP(&o.output, "output", "o", "wire", "wire, frames, json or body")
	cmd.Flags().StringArrayVar(&o.with, "with", nil, "add to -o json: `wire` for the field nodes of each message")
	cmd.Flags().BoolVar(&o.showSecrets, "show-secrets", false, "show credentials in -o frames")
	return cmd
}

func runInspect(ios *ioStreams, o inspectOptions, path string) error {
	flags := callOptions{output: o.output, with: o.with, showSecrets: o.showSecrets, save: path}
	if err := flags.check(); err != nil {
		return err
	}
	x, problem, err := readSaved(path)
	if err != nil {
		return err
	}
	if problem != nil {
		ios.talk("wiregloss: %v", problem)
	}
	if _, known := callOf(x); !known && o.output == "body" {
		return fmt.Errorf("%s holds no schema for %s: -o wire shows its fields without names", path, x.Request.Operation)
	}
	show := newShow(ios, flags, x)
	show.begin(x.Wire[len(x.Wire)-1])
	err = show.finish()
	if status := show.call.Status(); err == nil && status.Code != 0 {
		tellStatus(ios, status, show.call.Stream.Status) // how the call ended is not how inspect ends
	}
	if err == nil && show.bad != nil {
		err = &exitError{code: exitProtocol, err: show.bad}
	}
	if o.output != "frames" { // which has told them
		tellProblems(ios, show.call.Trace.Problems)
	}
	if problems := show.call.Trace.Problems; err == nil && len(problems) > 0 {
		err = &exitError{code: exitProtocol, quiet: true, err: errors.New(problems[0].Text)}
	}
	if problem != nil && err == nil {
		err = &exitError{code: exitProtocol, quiet: true, err: problem}
	}
	return err
}

// tellProblems writes the rules that were broken to stderr: the first of them, if
// they are many.
func tellProblems(ios *ioStreams, problems []inspect.Problem) {
	const most = 20
	for _, p := range problems[:min(len(problems), most)] {
		ios.talk("wiregloss: %s", render.ProblemText(p))
	}
	if n := len(problems) - most; n > 0 {
		ios.talk("wiregloss: and %d more; -o frames tells them all", n)
	}
}

func callOf(x exchange.Exchange) (catalog.RPC, bool) {
	if x.Types == nil {
		return catalog.RPC{}, false
	}
	return x.Types.RPC("/" + x.Request.Operation)
}
