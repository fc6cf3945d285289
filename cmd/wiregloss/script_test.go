package main

import (
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wiregloss/wiregloss/internal/testserver"
)

// TestMain lets this test binary be the commands that the scripts run.
func TestMain(m *testing.M) {
	// The race detector would make each process sleep for a second at its end.
	if err := os.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0"); err != nil {
		panic(err)
	}
	testscript.Main(m, map[string]func(){
		"wiregloss": main,
	})
}

// hung is how long a script may take before it counts as hanging. None is
// expected to come near it.
const hung = 2 * time.Minute

// TestScript runs testdata/script/<command>-<case>.txtar. The commands that the
// scripts have besides those of testscript are in commands.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		Cmds:               commands,
		Setup:              setUp,
		RequireUniqueNames: true,
		Deadline:           time.Now().Add(hung),
	})
}

// setUp gives a script a place for what its commands share.
func setUp(e *testscript.Env) error {
	e.Values[relayKey{}] = new(*testserver.Proxy)
	e.Setenv("GORACE", os.Getenv("GORACE"))
	return nil
}
