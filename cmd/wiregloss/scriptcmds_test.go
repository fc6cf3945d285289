package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/wiregloss/wiregloss/demo"
	"github.com/wiregloss/wiregloss/internal/testserver"
)

// command is what testscript wants a command of scripts to be.
type command = func(ts *testscript.TestScript, neg bool, args []string)

// commands are what the scripts can do besides what testscript offers.
var commands = map[string]command{
	"cut":        cutFile,         // cut N FILE: keeps N bytes, or drops the last -N
	"damage":     damageFile,      // damage N FILE: changes the byte at N, or at -N from the end
	"demo":       startDemo,       // demo: starts the demo server; $ADDR, $GRPCADDR
	"exit":       exitWith,        // exit CODE COMMAND...: runs a command that must exit with CODE
	"filemode":   fileMode,        // filemode 0600 FILE
	"nohostile":  noHostile,       // nohostile stdout: nothing there could change what a terminal shows
	"refused":    refused,         // refused: $ADDR is a port where nothing listens
	"relay":      startRelay,      // relay [tls]: puts a relay that keeps the bytes before $ADDR
	"sawbytes":   sawBytes,        // sawbytes: the envelope on stdout has the bytes that the relay saw
	"sawcall":    sawCall,         // sawcall: the relay saw a call that is not reflection
	"stdoutjson": stdoutJSON,      // stdoutjson .path[0].name WANT: a value in the JSON on stdout
	"testserver": startTestServer, // testserver MODE: starts a server of internal/testserver; $ADDR, certificates in $WORK
	"unixserver": startUnixServer, // unixserver: $ADDR is a unix socket with health and reflection
	"wiretiles":  wireTiles,       // wiretiles: the field nodes in the envelope on stdout tile each message
}

// usage ends a script whose use of a command is wrong.
func usage(ts *testscript.TestScript, wrong bool, text string) {
	if wrong {
		ts.Fatalf("usage: %s", text)
	}
}

// startDemo serves until the script ends.
func startDemo(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) > 0, "demo")
	s, err := demo.Start(demo.Config{Listen: "127.0.0.1:0", GRPCListen: "127.0.0.1:0"})
	ts.Check(err)
	ts.Defer(func() { _ = s.Close() }) // it ends calls in flight, and says so
	ts.Setenv("ADDR", s.Addr())
	ts.Setenv("GRPCADDR", s.GRPCAddr())
}

// startTestServer serves until the script ends, as the package of that name says.
func startTestServer(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 1, "testserver MODE")
	s, err := testserver.Start(args[0], testserver.Options{Dir: ts.MkAbs(".")})
	ts.Check(err)
	ts.Defer(s.Close)
	ts.Setenv("ADDR", s.Addr)
}

// startUnixServer serves on a socket in $WORK until the script ends.
func startUnixServer(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) > 0, "unixserver")
	path := ts.MkAbs("grpc.sock")
	l, err := net.Listen("unix", path)
	ts.Check(err)
	s := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(s, health.NewServer())
	reflection.Register(s)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }() // until Stop
	ts.Defer(func() { s.Stop(); <-done })
	ts.Setenv("ADDR", "unix://"+path)
}

// refused finds a port by opening and closing it: the system hands a port out
// again only after it went through all the others.
func refused(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) > 0, "refused")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv("ADDR", l.Addr().String())
	ts.Check(l.Close())
}

// exitWith is exec with an exact exit code. A panic fails whatever the code.
func exitWith(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "exit CODE COMMAND...")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if stderr := ts.ReadFile("stderr"); strings.Contains(stderr, "panic: ") || strings.Contains(stderr, "DATA RACE") {
		ts.Fatalf("it panicked or raced")
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func fileMode(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "filemode OCTAL FILE")
	want, err := strconv.ParseUint(args[0], 8, 32)
	ts.Check(err)
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := info.Mode().Perm(); got != os.FileMode(want) {
		ts.Fatalf("%s has mode %04o, want %04o", args[1], got, want)
	}
}
