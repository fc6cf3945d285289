package testserver

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// lifetime ends a server that a script forgot.
const lifetime = 5 * time.Minute

// Main is the command testserver of test scripts:
//
//	testserver [-listen ADDR] [-addr FILE] [-tls] [-dir DIR] MODE
//	testserver [-listen ADDR] [-addr FILE] [-tls -dir DIR -upstream-ca FILE] [-log DIR] proxy ADDR
//
// It prints "ready ADDR", writes ADDR into FILE, and serves until it is
// interrupted. MODE "modes" lists the modes. Main returns the exit code.
func Main() int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case <-stop:
		case <-time.After(lifetime):
		}
		close(done)
	}()
	if err := run(os.Args[1:], os.Stdout, done); err != nil {
		fmt.Fprintln(os.Stderr, "testserver:", err)
		return 2
	}
	return 0
}

// run serves until stop is closed.
func run(args []string, out io.Writer, stop <-chan struct{}) error {
	var o Options
	flags := flag.NewFlagSet("testserver", flag.ContinueOnError)
	flags.StringVar(&o.Listen, "listen", "", "address on loopback")
	flags.BoolVar(&o.TLS, "tls", false, "any mode over TLS")
	flags.StringVar(&o.Dir, "dir", ".", "folder for ca.pem, client.pem and client-key.pem")
	addrFile := flags.String("addr", "", "file to write the address into")
	upstreamCA := flags.String("upstream-ca", "", "authority of the server behind a TLS proxy")
	log := flags.String("log", "", "folder for the bytes that a proxy passed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.Arg(0) == "modes" {
		for _, name := range Modes() {
			if _, err := fmt.Fprintf(out, "%-20s%s\n", name, modes[name].help); err != nil {
				return err
			}
		}
		return nil
	}
	addr, end, err := start(flags.Args(), *upstreamCA, *log, o)
	if err != nil {
		return err
	}
	defer end()
	if *addrFile != "" {
		if err := os.WriteFile(*addrFile, []byte(addr), 0o600); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(out, "ready", addr); err != nil {
		return err
	}
	<-stop
	return nil
}

func start(args []string, upstreamCA, log string, o Options) (addr string, end func(), err error) {
	if len(args) == 2 && args[0] == "proxy" {
		p, err := StartProxy(args[1], upstreamCA, log, o)
		if err != nil {
			return "", nil, err
		}
		return p.Addr, p.Close, nil
	}
	if len(args) != 1 {
		return "", nil, fmt.Errorf("want one MODE, or proxy ADDR; got %q", args)
	}
	s, err := Start(args[0], o)
	if err != nil {
		return "", nil, err
	}
	return s.Addr, s.Close, nil
}
