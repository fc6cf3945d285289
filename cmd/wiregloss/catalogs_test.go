package main

import (
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wiregloss/wiregloss/internal/testserver"
)

// Tests and scripts leave the user's cache alone: it is off unless a script says
// where it is.
func init() {
	if os.Getenv("XDG_CACHE_HOME") == "" {
		_ = os.Setenv("XDG_CACHE_HOME", os.DevNull) // nothing can be in it
	}
	commands["brief"] = runBriefly
}

// runBriefly is brief MODE COMMAND...: starts a server of internal/testserver, runs
// the command with its address behind it, and stops the server. Then nothing
// listens at $ADDR.
func runBriefly(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "brief MODE COMMAND...")
	s, err := testserver.Start(args[0], testserver.Options{Dir: ts.MkAbs(".")})
	ts.Check(err)
	ts.Setenv("ADDR", s.Addr)
	err = ts.Exec(args[1], append(args[2:], s.Addr)...)
	s.Close()
	ts.Check(err)
}

func TestAgo(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "less than a minute ago", 59 * time.Second: "less than a minute ago", time.Minute: "1 min ago",
		119 * time.Minute: "119 min ago", 2 * time.Hour: "2 h ago", 47 * time.Hour: "47 h ago", 48 * time.Hour: "2 days ago",
	} {
		if got := ago(d); got != want {
			t.Errorf("ago(%v) = %q, want %q", d, got, want)
		}
	}
}
