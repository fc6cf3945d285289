package tui

import (
	"context"
	"os"
	"testing"

	"github.com/wiregloss/wiregloss/call"
	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/demo"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/reflection"
)

// demoTarget is a demo server of its own for one test.
func demoTarget(t *testing.T) Target {
	t.Helper()
	s, err := demo.Start(demo.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return targetAt(s.Addr())
}

func targetAt(addr string) Target {
	to := exchange.Target{Text: addr, Network: "tcp", Address: addr}
	return Target{Label: "demo", Target: to, Load: func(ctx context.Context) (*catalog.Catalog, error) {
		conn, err := call.Dial(ctx, to, call.Options{}, nil)
		if err != nil {
			return nil, err
		}
		defer func() { _ = conn.Close() }()
		return reflection.Load(ctx, reflection.Options{Conn: conn, Origin: addr})
	}}
}

// TestLook prints screens for a person to look at.
func TestLook(t *testing.T) {
	if os.Getenv("LOOK") == "" {
		t.Skip("LOOK=1 prints screens")
	}
	for _, size := range [][2]int{{80, 24}, {120, 40}, {160, 45}, {200, 50}} {
		s := show(t, Options{Targets: []Target{demoTarget(t)}}, size[0], size[1])
		s.shows("ChatService")
		t.Logf("\n%s", s.text())
		s.press("/", "GetUser", "enter")
		s.shows("userId", "F1")
		s.press("1")
		s.settle()
		t.Logf("\n%s", s.text())
		s.press("^s")
		s.shows("OK")
		s.settle()
		if size[0] >= 100 {
			s.press("tab")
		}
		s.press("down", "down")
		s.settle()
		t.Logf("\n%s\n%q", s.text(), s.reversed())
	}
}
