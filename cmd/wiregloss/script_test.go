package main

import (
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wiregloss/wiregloss/internal/testserver"
)

// TestMain lets this test binary be the commands that the scripts run.
func TestMain(m *testing.M) {
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
	return nil
}
