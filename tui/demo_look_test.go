package tui

import (
	"os"
	"testing"
)

func TestLook2(t *testing.T) {
	if os.Getenv("LOOK") == "" {
		t.Skip("LOOK=1 prints screens")
	}
	var w, h = 160, 45
	if os.Getenv("LOOK") == "80" {
		w, h = 80, 24
	}
	s := show(t, Options{Targets: []Target{demoTarget(t)}}, w, h)
	look := func(what string) { s.settle(); t.Logf("%s\n%s\n%q", what, s.text(), s.reversed()) }
	open := func(name string) { s.press("/", name, "enter"); s.shows("{"); s.settle() }
	s.shows("ChatService")
	open("GetOrder")
	s.press("1001", "^s")
	s.shows("OK")
	if w > 80 {
		s.press("tab")
	}
	look("order")
	s.press("enter")
	look("field")
	s.press("esc", "t")
	look("headers")
	s.press("t")
	look("trailers")
	s.press("t")
	look("timing")
	s.press("t", "t")
	look("problems")
	s.press("t", "tab", "G", "up")
	look("wire")
	s.press("enter", "enter")
	look("wire enter enter")
	s.press("esc", "esc", "[")
	look("request")
	s.press("^k")
	look("palette")
	s.press("esc", "?")
	look("help")
	s.press("esc", "esc", "esc", "esc", "esc", "esc", "esc")
	s.settle()
	open("FailMidway")
	s.press("^s")
	s.shows("received")
	look("fail")
	s.press("shift+tab", "shift+tab", "shift+tab", "shift+tab")
	look("where")
}
