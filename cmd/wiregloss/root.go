package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

const rootLong = `wiregloss is a terminal API debugger. It finds out what a gRPC server offers, sends
requests, and shows the JSON beside the bytes that went over the wire: HTTP/2 frames,
gRPC messages and protobuf fields, each linked to the others.

With a target and a terminal it opens the interactive view.`

const rootExample = `  wiregloss demo                                   try it, on the built-in server
  wiregloss localhost:50051                        open a server
  wiregloss list localhost:50051                   what it offers
  wiregloss call :50051 Greeter/SayHello -d '{"name":"Ada"}'
  wiregloss call :50051 Greeter/SayHello -d '{"name":"Ada"}' -o wire`

func newRoot(ios *ioStreams) *cobra.Command {
	var target targetFlags
	var noMouse bool
	root := &cobra.Command{
		Use:           "wiregloss [TARGET...]",
		Short:         "A terminal API debugger",
		Long:          rootLong,
		Example:       rootExample,
		Args:          cobra.ArbitraryArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runTUI(cmd, ios, target, args, !noMouse)
		},
	}
	target.register(root)
	root.Flags().BoolVar(&noMouse, "no-mouse", false, "leave the mouse to the terminal")
	root.SetOut(ios.out)
	root.SetErr(ios.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError(fmt.Errorf("%w; see %s --help", err, cmd.CommandPath()))
	})
	root.AddCommand(newList(ios), newDescribe(ios), newCall(ios), newInspect(ios), newDemo(ios), newVersion(ios), newGrpcurl(ios),
		newExportSchema(ios))
	return root
}

// args checks the number of arguments and says what is missing.
func args(least, most int, want string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, given []string) error {
		switch {
		case len(given) < least:
			return usageError(fmt.Errorf("%s needs %s; see %s --help", cmd.CommandPath(), want, cmd.CommandPath()))
		case most >= 0 && len(given) > most:
			return usageError(fmt.Errorf("unexpected argument %q; %s takes %s", given[most], cmd.CommandPath(), want))
		}
		return nil
	}
}

// oneOf checks the value of a flag that has a few.
func oneOf(flag, value string, allowed ...string) error {
	for _, a := range allowed {
		if a == value {
			return nil
		}
	}
	return usageError(fmt.Errorf("%s %q: it can be %s", flag, value, strings.Join(allowed, ", ")))
}

func runTUI(cmd *cobra.Command, ios *ioStreams, flags targetFlags, targets []string, mouse bool) error {
	if !ios.inTTY || !ios.outTTY || len(targets) == 0 {
		cmd.SetOut(ios.err)
		if err := cmd.Help(); err != nil {
			return err
		}
		reason := errors.New("name a target: wiregloss localhost:50051, or try wiregloss demo")
		if len(targets) > 0 {
			reason = errors.New("the interactive view needs a terminal; use list, describe or call in scripts")
		}
		return usageError(reason)
	}
	return openTUI(cmd.Context(), flags, targets, mouse)
}
