package tui

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/charmbracelet/colorprofile"

	"github.com/wiregloss/wiregloss/catalog"
)

func demoScreen(t *testing.T, w, h int) *screen {
	t.Helper()
	return show(t, Options{Targets: []Target{demoTarget(t)}}, w, h)
}

func TestABodyThatDoesNotFitIsShownAtItsLine(t *testing.T) {
	t.Parallel()
	s := demoScreen(t, 80, 24)
	s.open("GetUser")
	s.press("^x")
	s.paste("{\n  \"user_idd\": \"1\"\n}")
	s.press("^s")
	s.shows("not sent: line 2, column 3", `did you mean "user_id"?`)
	if strings.Contains(s.text(), "connecting") {
		t.Error("a body that does not fit was sent")
	}
}

func TestChatSendsAndReceivesWhileItIsOpen(t *testing.T) {
	t.Parallel()
	s := demoScreen(t, 80, 24)
	s.open("Chat")
	s.press("^x")
	s.paste(`{"text": "one"} {"text": "two"}`)
	s.press("^s")
	s.shows("running")
	s.press("tab")
	s.shows("2 sent · 2 received", `"text":"two"`)
	s.press("^s")
	s.shows("4 sent · 4 received")
	s.press("^d")
	s.shows("OK · ", "4 sent · 5 received")
}

func TestCancelEndsACallAndTheProgramGoesOn(t *testing.T) {
	t.Parallel()
	s := demoScreen(t, 80, 24)
	s.open("Stall")
	s.press("^x", "^s")
	s.shows("running")
	s.press("^c")
	s.shows("CANCELLED", "decided here")
	s.press("^c")
	s.shows("^C again quits")
	s.press("^c")
	if err := s.ends(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	s := demoScreen(t, 80, 24)
	s.open("Stall")
	s.press("^x", "^t", "^t")
	s.shows("deadline:")
	s.press("down", "end", " 50ms", "^s")
	s.shows("DEADLINE_EXCEEDED")
}

func TestAnUnreadableOptionIsShownAtItsLine(t *testing.T) {
	t.Parallel()
	s := demoScreen(t, 80, 24)
	s.open("Stall")
	s.press("^t", "^t")
	s.shows("deadline:")
	s.press("down", "end", " soon", "^s")
	s.shows(`"soon" is not a time: write 500ms, 5s or 1m30s`)
}

func TestMetadataIsSent(t *testing.T) {
	t.Parallel()
	s := demoScreen(t, 80, 24)
	s.open("GetUser")
	s.press("1", "^t")
	s.shows("name: value, one a line")
	s.press("X-Trace: abc", "^s")
	s.shows("OK · ", "Lovelace")
	s.press("t")
	s.shows("x-trace", "abc")
}

func TestAStatusIsShownWithItsDetails(t *testing.T) {
	t.Parallel()
	s := demoScreen(t, 80, 24)
	s.open("GetUser")
	s.press("99", "^s")
	s.shows("NOT_FOUND: ", "ResourceInfo")
	s.press("t", "t")
	s.shows("detail ResourceInfo", "grpc-status", "5 NOT_FOUND")
}

// A server that is not there is a message with a way on, not an end.
func TestASchemaThatCannotBeReadIsToldAndTriedAgain(t *testing.T) {
	t.Parallel()
	target := demoTarget(t)
	load, tries := target.Load, 0
	target.Load = func(ctx context.Context) (*catalog.Catalog, error) {
		if tries++; tries == 1 {
			return nil, errors.New("connect to 127.0.0.1:1: connection refused; is the server running?")
		}
		return load(ctx)
	}
	s := show(t, Options{Targets: []Target{target}}, 80, 24)
	s.shows("connection refused", "r reload")
	s.press("r")
	s.shows("ChatService")
}

func TestACallThatCannotHappenIsTold(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	target := demoTarget(t)
	target.Target.Address = gone
	s := show(t, Options{Targets: []Target{target}}, 80, 24)
	s.open("GetUser")
	s.press("^s")
	s.shows("no call", "nothing listens on "+gone)
}

func TestResizeAtAnyMoment(t *testing.T) {
	t.Parallel()
	s := demoScreen(t, 120, 40)
	s.shows("ChatService")
	for _, size := range [][2]int{{10, 3}, {1, 1}, {24, 6}, {300, 90}, {40, 10}, {5, 60}, {200, 5}} {
		s.resize(size[0], size[1])
		s.settle()
	}
	s.resize(10, 3)
	s.shows("too small")
	s.resize(200, 50)
	s.shows("ChatService", "Request", "Exchange", "Wire")
	s.resize(80, 24)
	s.shows("wiregloss ▸ catalog")
}

func TestATinyTerminalSaysSo(t *testing.T) {
	t.Parallel()
	s := demoScreen(t, 10, 3)
	s.shows("too small")
	s.press("^q")
	if err := s.ends(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
}

func TestMouse(t *testing.T) {
	t.Parallel()
	s := demoScreen(t, 160, 45)
	s.shows("ChatService")
	s.clickOn("GetUser")
	s.shows("Request · GetUser · unary")
	s.press("1", "^s")
	s.shows("Lovelace")
	s.clickOn(`"age"`)
	s.waitFor("the age selected", func() bool { return strings.Contains(strings.Join(s.reversed(), "|"), "18 24|age|") })
	s.clickOn("Headers")
	s.shows("request headers")
	s.clickOn("grpc-status 0")
	s.shows("HEADERS frame · received")
}

// clickOn clicks on the first cell of a text.
func (s *screen) clickOn(text string) {
	s.t.Helper()
	s.shows(text)
	for y := range s.cells {
		line := s.line(y)
		if at := strings.Index(line, text); at >= 0 {
			s.click(len([]rune(line[:at])), y)
			return
		}
	}
}

func TestCopyPutsTheColumnOnTheClipboard(t *testing.T) {
	t.Parallel()
	s := demoScreen(t, 80, 24)
	s.open("GetUser")
	s.press("1", "^s")
	s.shows("Lovelace")
	s.press("g", "down")
	for _, want := range []string{`"name": "Ada Lovelace"`, "12 0c 41 64 61 20 4c 6f 76 65 6c 61 63 65", "Ada Lovelace"} {
		s.press("y")
		code := base64.StdEncoding.EncodeToString([]byte(want))
		s.waitFor(fmt.Sprintf("%q copied", want), func() bool { return strings.Contains(s.out.all(), code) })
		s.press("right")
	}
}

// What a server says must not reach the terminal as anything but text.
func TestHostileTextIsEscaped(t *testing.T) {
	t.Parallel()
	const evil = "\x1b]52;c;ZXZpbA==\a\u009b31m\u202etxet\x00\r\n"
	target := demoTarget(t)
	load := target.Load
	target.Load = func(ctx context.Context) (*catalog.Catalog, error) {
		c, err := load(ctx)
		if err != nil {
			return nil, err
		}
		for i := range c.Services {
			c.Services[i].Doc = "doc " + evil
			for j := range c.Services[i].Operations {
				c.Services[i].Operations[j].Doc = "comment " + evil
			}
		}
		c.Services = append(c.Services, catalog.Service{Name: "a.Broken" + evil, Problem: "broken " + evil})
		c.Problems = append(c.Problems, catalog.Problem{Where: "file" + evil, Text: evil})
		return c, nil
	}
	target.Label = "label" + evil
	s := show(t, Options{Targets: []Target{target}}, 120, 40)
	s.shows("ChatService", `\x1b]52`)
	s.press("G", "up", "up", "home")
	s.open2("Chat")
	s.press("^x")
	s.paste(`{"from": "\u001b]52;c;ZXZpbA==\u0007", "text": "\u009b31m\u202etxet"}`)
	s.press("^s", "^d")
	s.shows("OK · ", "1 sent · 2 received")
	s.press("tab", "end", "up", "enter")
	s.shows("offset", `\u202e`)
	s.press("enter", "esc", "esc", "t", "t", "t")
	s.settle()
	for _, bad := range []string{"\x1b]52", "\u009b", "\u202e"} {
		if strings.Contains(s.out.all(), bad) {
			t.Errorf("%q reached the terminal", bad)
		}
	}
}

// open2 opens an operation where panes have borders.
func (s *screen) open2(name string) {
	s.t.Helper()
	s.press("/", name, "enter")
	s.shows("no deadline")
}

// Without colours the selection is still to be seen: NO_COLOR gives this profile.
func TestTheSelectionNeedsNoColour(t *testing.T) {
	t.Parallel()
	s := showWith(t, Options{Targets: []Target{demoTarget(t)}}, 80, 24, colorprofile.ASCII)
	s.open("GetUser")
	s.press("1", "^s")
	s.shows("Lovelace")
	s.press("g", "down")
	s.waitFor("the name selected", func() bool { return strings.Contains(strings.Join(s.reversed(), "|"), "|name|") })
	for _, row := range s.cells {
		for _, c := range row {
			if c.Style.Fg != nil || c.Style.Bg != nil {
				t.Fatalf("%q has a colour", c.Content)
			}
		}
	}
}

func TestPaletteOpensOperations(t *testing.T) {
	t.Parallel()
	s := demoScreen(t, 80, 24)
	s.shows("ChatService")
	s.press("^k")
	s.shows("Actions")
	s.press("listusers")
	s.shows("demo.v1.UserService/ListUsers")
	s.press("enter")
	s.shows("ListUsers ▸ request")
	s.press("f1")
	s.shows("Keys", "send the request")
	s.press("esc")
	s.shows("^S send")
}

// What was typed is kept for each operation.
func TestNothingTypedIsLost(t *testing.T) {
	t.Parallel()
	s := demoScreen(t, 80, 24)
	s.open("GetUser")
	s.press("keepme", "esc", "esc")
	s.open("ListUsers")
	s.press("esc", "esc")
	s.open("GetUser")
	s.shows("keepme")
	s.press("^x")
	s.shows("no body")
	s.press("^z")
	s.shows("keepme")
}

func TestZoomFromTheWireToAField(t *testing.T) {
	t.Parallel()
	s := demoScreen(t, 80, 24)
	s.open("GetUser")
	s.press("1", "^s")
	s.shows("OK · ", "Lovelace")
	s.press("tab")
	s.shows("▸ wire")
	s.press("g")
	s.seek("down", "← DATA frame")
	s.press("enter")
	s.shows("stream 1 ─")
	s.press("enter")
	s.shows("frame ", "message 1")
	s.press("enter")
	s.shows("received · message 1 of 1")
	s.press("down", "enter")
	s.shows("tag and length", "12 0c", "Ada Lovelace")
	s.press("esc", "esc")
	s.shows("1 sent · 1 received")
	s.press("esc")
	s.shows("▸ request")
}

func TestAPanicInALoaderRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	target, shown := demoTarget(t), make(chan struct{})
	target.Load = func(context.Context) (*catalog.Catalog, error) {
		<-shown
		panic("a broken loader, on purpose")
	}
	s := show(t, Options{Targets: []Target{target}}, 80, 24)
	s.panics = true
	s.shows("reading the schema")
	close(shown)
	if err := s.ends(); err == nil {
		t.Error("the panic was swallowed")
	}
	if out := s.out.all(); !strings.Contains(out, "\x1b[?1049l") {
		t.Error("the alternate screen was not left")
	}
}

func TestEndOfInputDoesNotHang(t *testing.T) {
	t.Parallel()
	s := demoScreen(t, 80, 24)
	s.shows("ChatService")
	if err := s.keys.CloseWithError(io.EOF); err != nil {
		t.Fatal(err)
	}
	s.prog.Quit()
	if err := s.ends(); err != nil {
		t.Errorf("the program ended with %v", err)
	}
}
