package main

import (
	"context"
	"net"

	"github.com/spf13/cobra"

	"github.com/wiregloss/wiregloss/demo"
)

// demoAddress is the usual port of gRPC examples.
const demoAddress = "127.0.0.1:50051"

type demoOptions struct {
	config demo.Config
	serve  bool
}

func newDemo(ios *ioStreams) *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the built-in demo server, and open it in the interactive view",
		Long: `Runs a server that speaks gRPC (with reflection) and REST over the same data, on one port.
On a terminal the interactive view opens on it; with --serve, or without a terminal, it only serves.`,
		Example: `  wiregloss demo
  wiregloss demo --listen 127.0.0.1:50051 --serve`,
		Args: args(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), ios, o, cmd.Flags().Changed("listen"))
		},
	}
	cmd.Flags().StringVar(&o.config.Listen, "listen", demoAddress, "`address` for gRPC and REST")
	cmd.Flags().StringVar(&o.config.GRPCListen, "grpc-listen", "", "`address` to serve gRPC alone on, with grpc-go's own transport")
	cmd.Flags().BoolVar(&o.serve, "serve", false, "only serve, until interrupted")
	return cmd
}

func runDemo(ctx context.Context, ios *ioStreams, o demoOptions, chosen bool) error {
	interactive := !o.serve && ios.inTTY && ios.outTTY
	if interactive && !chosen && taken(o.config.Listen) {
		o.config.Listen = "127.0.0.1:0" // nobody asked for the usual port
	}
	srv, err := demo.Start(o.config)
	if err != nil {
		return err
	}
	defer srv.Close() //nolint:errcheck // the process ends
	if interactive {
		return openTUI(ctx, targetFlags{}, []string{srv.Addr()}, true)
	}
	ios.talk("%s", srv.Ready())
	<-ctx.Done()
	return nil
}

// taken reports whether another server listens on an address.
func taken(address string) bool {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return true
	}
	return l.Close() != nil
}
