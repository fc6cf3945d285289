package call

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

// gone is an address of loopback where nothing listens.
func gone(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, l.Close())
	return l.Addr().String()
}

func TestRaceTakesTheNextAddress(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	refusing := gone(t)
	c, tried, err := race(t.Context(), &net.Dialer{}, "tcp", []string{refusing, addr})
	must(t, err)
	must(t, c.Close())
	if len(tried) != 2 || tried[0].Address != refusing || !refused(tried[0].Err) || tried[1].Address != addr || tried[1].Err != nil {
		t.Errorf("tried %+v", tried)
	}
}

// An address that is silent does not hold up the next, and is given up when that connects.
func TestRaceDoesNotWaitForASilentAddress(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	silent := gone(t)
	given := make(chan struct{})
	dialer := &net.Dialer{ControlContext: func(ctx context.Context, _, address string, _ syscall.RawConn) error {
		if address != silent {
			return nil
		}
		<-ctx.Done()
		close(given)
		return ctx.Err()
	}}
	c, tried, err := race(t.Context(), dialer, "tcp", []string{silent, addr, "127.0.0.1:1"})
	must(t, err)
	must(t, c.Close())
	<-given
	if len(tried) != 1 || tried[0].Address != addr {
		t.Errorf("tried %+v", tried)
	}
}

func TestRaceAllRefused(t *testing.T) {
	t.Parallel()
	a, b := gone(t), gone(t)
	_, tried, err := race(t.Context(), &net.Dialer{}, "tcp", []string{a, b})
	if !refused(err) || len(tried) != 2 {
		t.Fatalf("%v, tried %+v", err, tried)
	}
	if d := triedDetail(tried); d != "tried "+a+": connection refused, "+b+": connection refused" {
		t.Error(d)
	}
}

func TestRaceCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	dialer := &net.Dialer{ControlContext: func(ctx context.Context, _, _ string, _ syscall.RawConn) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}}
	c, _, err := race(ctx, dialer, "tcp", []string{"127.0.0.1:1", "127.0.0.1:2"})
	if c != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", c, err)
	}
}

func TestAttemptsOfAName(t *testing.T) {
	t.Parallel()
	addr, _ := serve(t)
	_, port, _ := net.SplitHostPort(addr)
	c, err := Dial(t.Context(), target(t, "dns:///localhost:"+port), Options{}, nil)
	must(t, err)
	defer c.Close()
	all := c.Attempts()
	if len(all) == 0 || all[len(all)-1].Err != nil || all[len(all)-1].Address != addr {
		t.Errorf("attempts %+v", all)
	}
	if m := c.Recording().Meta(); m.Address != "localhost:"+port || m.Peer != addr {
		t.Errorf("meta %+v", m)
	}
}

func TestAbstractSocket(t *testing.T) {
	t.Parallel()
	name := "@wiregloss-test-" + strings.ReplaceAll(filepath.Base(t.TempDir()), "/", "-") + time.Now().Format(".150405.000000000")
	tg, err := SocketTarget(name)
	if err != nil {
		t.Skip(err) // not Linux: TestParseTargetErrors has the words
	}
	e := wantDialError(t, tg, Connect, "there is no abstract socket "+name, "is the server running?")
	if e.Stage != StageSocket {
		t.Errorf("stage %s", e.Stage)
	}
	l, err := net.Listen("unix", name)
	must(t, err)
	serveOn(t, l)
	for _, text := range []string{"unix-abstract:" + name[1:], "unix:" + name} {
		s := open(t, "UnaryCall", exchange.Request{Target: target(t, text)})
		must(t, s.Send(nil))
		if n, err := finish(t, s); n != 1 {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A patient dial waits for the server to come up.
func TestWaitForReady(t *testing.T) {
	t.Parallel()
	addr := gone(t)
	d := newDialer(target(t, addr), nil)
	got := make(chan error)
	go func() {
		c, err := dial(t.Context(), d, Options{WaitForReady: true})
		if err == nil {
			err = c.Close()
		}
		got <- err
	}()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for tries := 0; tries < 2; {
		<-look.C
		d.mu.Lock()
		tries = len(d.attempts)
		d.mu.Unlock()
	}
	l, err := net.Listen("tcp", addr)
	must(t, err)
	serveOn(t, l)
	must(t, <-got)
}

func TestWaitForReadyEnds(t *testing.T) {
	t.Parallel()
	tg := target(t, gone(t))
	tg.ConnectTimeout = 120 * time.Millisecond
	_, err := Dial(t.Context(), tg, Options{WaitForReady: true}, nil)
	var e *DialError
	if !errors.As(err, &e) || e.Step != Connect || !strings.Contains(e.Text, "nothing listens") {
		t.Error(err)
	}
}

func TestSecondConnectionIsRecorded(t *testing.T) {
	t.Parallel()
	addr := gone(t)
	l, err := net.Listen("tcp", addr)
	must(t, err)
	var recs []*record.Recording
	serveOn(t, l)
	c, err := Dial(t.Context(), target(t, addr), Options{}, func(m record.Meta) *record.Recording {
		recs = append(recs, record.New(m))
		return recs[len(recs)-1]
	})
	must(t, err)
	must(t, c.Close())
	must(t, c.Close()) // twice is once
	if len(recs) != 1 || recs[0] != c.Recording() {
		t.Errorf("%d recordings", len(recs))
	}
}
