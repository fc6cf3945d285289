package tui

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	uv "github.com/charmbracelet/ultraviolet"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/demo/demov1"
	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// nested is a request three levels deep, with a map, a packed field and short
// values, so that all bytes fit even on a small screen.
const nested = `{"order": {"userId": "1", "lines": [{"sku": "PEN", "title": "Pen", "quantity": 2, "unitPrice": {"currency": "EUR", "units": "7"}}],
"labels": {"k": "v"}, "stations": [1, 150, 300], "card": {"network": "VISA", "lastFour": "4242"}}}`

// The heart of the program: one selection in bytes, fields, JSON and frames, at
// every field of the request and of the reply, plain and through gzip. What is
// checked is the attributes of the cells of the screen.
func TestSharedSelection(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{80, 24}, {120, 40}, {200, 50}} {
		for _, compress := range []string{"none", "gzip"} {
			t.Run(fmt.Sprintf("%dx%d %s", size[0], size[1], compress), func(t *testing.T) {
				t.Parallel()
				s, rec := sendNested(t, size[0], size[1], compress)
				trace := inspect.Decode(rec)
				s.walk(rec, trace, message(t, trace, record.Received), (&demov1.Order{}).ProtoReflect().Descriptor())
				s.press("[")
				s.shows("sent · request 1 of 1")
				s.walk(rec, trace, message(t, trace, record.Sent), (&demov1.CreateOrderRequest{}).ProtoReflect().Descriptor())
			})
		}
	}
}

// sendNested opens CreateOrder, sends nested and returns with the reply in focus.
func sendNested(t *testing.T, w, h int, compress string) (*screen, *record.Recording) {
	t.Helper()
	recs := make(chan *record.Recording, 10)
	s := show(t, Options{
		Targets: []Target{demoTarget(t)},
		Open: func(ctx context.Context, op catalog.Operation, req exchange.Request, newRec func(record.Meta) *record.Recording) (Stream, error) {
			return open(ctx, op, req, func(m record.Meta) *record.Recording {
				r := newRec(m)
				recs <- r
				return r
			})
		},
	}, w, h)
	s.shows("ChatService")
	s.press("/", "createorder", "enter")
	s.shows("no deadline")
	s.press("^t", "^t")
	s.shows("compress: none")
	s.press("down", "down", "down", "end", "^w", compress, "^t")
	s.press("^x")
	s.paste(nested)
	s.shows("lastFour")
	s.press("^s")
	s.shows("OK ·", "received · message 1 of 1")
	if w >= 100 {
		s.press("tab")
	}
	s.shows("←→ column")
	return s, <-recs
}

func message(t *testing.T, trace inspect.Trace, d record.Dir) inspect.Message {
	t.Helper()
	for _, m := range trace.Messages {
		if m.Dir == d {
			return m
		}
	}
	t.Fatalf("no message was %s", d)
	return inspect.Message{}
}

// walk goes through a message field by field and checks the screen at each.
func (s *screen) walk(rec *record.Recording, trace inspect.Trace, m inspect.Message, md protoreflect.MessageDescriptor) {
	s.t.Helper()
	payload, err := trace.Payload(rec, m)
	if err != nil {
		s.t.Fatal(err)
	}
	nodes := flatten(inspect.Fields(payload, md, nil), 0)
	deepest := 0
	s.press("g")
	for i, n := range nodes {
		if i > 0 {
			s.press("down")
		}
		s.waitFor(fmt.Sprintf("the selection on %v of %s", n.Range, m.Dir), func() bool {
			s.why = s.marked(payload, n.Node, m.Dir)
			return s.why == ""
		})
		deepest = max(deepest, n.depth)
	}
	if deepest < 2 {
		s.t.Errorf("only %d levels were walked", deepest+1)
	}
	s.press("g")
}

type node struct {
	inspect.Node
	depth int
}

func flatten(nodes []inspect.Node, depth int) []node {
	var out []node
	for _, n := range nodes {
		out = append(out, node{n, depth})
		out = append(out, flatten(n.Children, depth+1)...)
	}
	return out
}

// marked says what is wrong with the marks on the screen when a node is selected;
// "" if nothing is.
func (s *screen) marked(payload []byte, n inspect.Node, dir record.Dir) string {
	top, left, field := s.columns()
	if top < 0 {
		return "there is no message on the screen"
	}
	next, lowest := n.Range.Off, 0
	for y := top; y < len(s.cells); y++ {
		line := []rune(s.line(y))
		run, rest := s.run(y, left, field)
		if run == "" {
			continue
		}
		off, err := strconv.Atoi(strings.TrimSpace(string(line[left-6 : left-2])))
		if err != nil {
			return fmt.Sprintf("line %d has marked bytes %q but no offset", y, run)
		}
		shown := len(strings.Fields(run))
		switch {
		case off != next && next >= 0:
			return fmt.Sprintf("marked bytes at %d, want them to go on at %d", off, next)
		case off < n.Range.Off || off+shown > n.Range.End():
			return fmt.Sprintf("bytes %d-%d are marked, the selection is %v", off, off+shown-1, n.Range)
		case run != render.Hex(payload[off:off+shown], shown)[0]:
			return fmt.Sprintf("marked at %d: %q, the bytes are %x", off, run, payload[off:off+shown])
		case strings.ContainsAny(rest, "0123456789abcdef"):
			return fmt.Sprintf("bytes at %d are not marked: %q", off, rest)
		}
		next, lowest = off+shown, y
		if strings.Contains(rest, "…") {
			next = -1 // the row goes on beyond its cell
		}
	}
	// The rest may lie below the last line.
	if next >= 0 && next != n.Range.End() && lowest != s.foot(top)-1 {
		return fmt.Sprintf("the marks end at %d, the selection at %d", next, n.Range.End())
	}
	return s.carried(n, dir)
}

// columns finds the line after the column names and where bytes and fields begin.
func (s *screen) columns() (top, bytes, field int) {
	for y := range s.cells {
		line := s.line(y)
		if at := strings.Index(line, "offset  bytes"); at >= 0 {
			bytes = len([]rune(line[:at])) + len("offset  ")
			field = bytes + strings.Index(line[at+len("offset  "):], "field")
			return y + 1, bytes, field
		}
	}
	return -1, 0, 0
}

// run returns the reversed text of a line between two columns, and what follows
// it there.
func (s *screen) run(y, from, to int) (run, rest string) {
	for x := from; x < to; x++ {
		c := s.cells[y][x]
		switch {
		case c.Style.Attrs&uv.AttrReverse != 0 && rest == "":
			run += c.Content
		case run != "":
			rest += c.Content
		}
	}
	return run, rest
}

// foot returns the line below the rows, which says what is selected.
func (s *screen) foot(top int) int {
	for y := top; y < len(s.cells); y++ {
		if strings.Contains(s.line(y), " · payload bytes") {
			return y
		}
	}
	return -1
}

// carried checks the foot and the wire: the frame that carried the selection is
// marked, and it is a DATA frame of the right direction.
func (s *screen) carried(n inspect.Node, dir record.Dir) string {
	where := fmt.Sprintf("%d-%d", n.Range.Off, n.Range.End()-1)
	if n.Range.Len == 1 {
		where = strconv.Itoa(n.Range.Off)
	}
	text := s.text()
	if !strings.Contains(text, "payload bytes "+where) {
		return "the foot does not say " + where
	}
	wire := false
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, "Wire") {
			wire = true
		}
		if wire && strings.Contains(line, "▌") {
			if !strings.Contains(line, render.Arrow(dir)+" DATA") || !strings.Contains(line, "bytes "+where) {
				return "the wire marks " + line
			}
			return s.named(n)
		}
	}
	return "no frame is marked"
}

// named checks that the field's name and its JSON are reversed too.
func (s *screen) named(n inspect.Node) string {
	if n.Field == nil || n.Kind != 0 {
		return ""
	}
	for _, r := range s.reversed() {
		if strings.HasPrefix(string(n.Field.Name()), strings.TrimSuffix(r, "…")) {
			return ""
		}
	}
	return fmt.Sprintf("the field %s is not marked: %q", n.Field.Name(), s.reversed())
}
