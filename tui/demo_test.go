package tui

import (
	"context"
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
