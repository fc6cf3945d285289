package detailpane

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/inspect/hpack"
	"github.com/wiregloss/wiregloss/render"
)

var blockNames = map[inspect.BlockKind]string{
	inspect.RequestHeaders:  "request headers",
	inspect.ResponseHeaders: "response headers",
	inspect.Informational:   "informational response",
	inspect.Trailers:        "trailers",
	inspect.Promise:         "promised request",
}

// headerLines lists the header blocks of some kinds, field by field.
func (p *Pane) headerLines(kinds ...inspect.BlockKind) []line {
	var out []line
	for _, b := range p.trace.Headers {
		if slices.Contains(kinds, b.Kind) {
			out = append(out, blockLines(b)...)
		}
	}
	if len(out) == 0 {
		return []line{{name: "none yet"}}
	}
	return out
}

func blockLines(b inspect.HeaderBlock) []line {
	n := 0
	for _, s := range b.Fragments {
		n += int(s.Len)
	}
	out := []line{heading(fmt.Sprintf("%s %s · %d fields in %d bytes · stream %d · at %s ms",
		render.Arrow(b.Dir), blockNames[b.Kind], len(b.Fields), n, b.Stream, render.Millis(b.At)))}
	out[0].spans, out[0].frame = b.Fragments, b.Frame
	for _, f := range b.Fields {
		l := fact(f.Name, f.Value)
		l.spans, l.frame = b.FieldSpans(f), b.Frame
		l.note = fieldNote(f)
		l.copied = f.Name + ": " + f.Value
		out = append(out, l)
	}
	return out
}

// fieldNote says how a field is represented. RFC 7541 §6.
func fieldNote(f hpack.Field) string {
	s := fmt.Sprintf("%d bytes at %d of the block · %s", f.Range.Len, f.Range.Off, f.Rep)
	if f.Index > 0 {
		s += " · table entry " + strconv.Itoa(f.Index)
	}
	if f.HuffmanName || f.HuffmanValue {
		s += " · Huffman"
	}
	if f.Untrusted {
		s += " · the table is damaged: this may be wrong"
	}
	return s
}

// wireStatus is the status that came over the wire.
func (p *Pane) wireStatus() *inspect.Status {
	for i := range p.trace.Streams {
		if s := p.trace.Streams[i].Status; s != nil {
			return s
		}
	}
	return nil
}

// statusLines tells the status with its details.
func (p *Pane) statusLines() []line {
	s := p.wireStatus()
	if s == nil {
		return p.localStatus()
	}
	out := []line{heading("status")}
	code := fact("grpc-status", fmt.Sprintf("%d %s", s.Code, envelope.CodeName(s.Code)))
	code.bad = s.Code != 0
	out = append(out, code)
	if s.Message != "" {
		out = append(out, wrapped("message", s.Message, p.w-20)...)
	}
	for _, d := range p.details(s) {
		out = append(out, heading("detail "+d.name))
		out = append(out, wrapped("", d.text, p.w-10)...)
	}
	return out
}

func (p *Pane) localStatus() []line {
	if p.outcome == nil {
		return nil
	}
	l := fact("status", fmt.Sprintf("%d %s", p.outcome.Code, envelope.CodeName(p.outcome.Code)))
	l.bad = p.outcome.Code != 0
	out := []line{heading("status, decided here: none came over the wire"), l}
	if p.outcome.Message != "" {
		out = append(out, wrapped("message", p.outcome.Message, p.w-20)...)
	}
	return out
}

type detail struct{ name, text string }

// details returns the rich details of a status, each as JSON.
func (p *Pane) details(s *inspect.Status) []detail {
	if len(s.Details) == 0 {
		return nil
	}
	all, err := envelope.Details(s.Details)
	if err != nil {
		return []detail{{"that cannot be read", err.Error()}}
	}
	types := envelope.Fallback(p.resolver())
	out := make([]detail, len(all))
	for i, d := range all {
		out[i] = detail{d.TypeURL[strings.LastIndexAny(d.TypeURL, "./")+1:], detailText(d, types)}
	}
	return out
}

func detailText(d envelope.Detail, types inspect.Types) string {
	mt, err := types.FindMessageByURL(d.TypeURL)
	if err != nil {
		return d.TypeURL + " is not in the schema: " + hexText(d.Value)
	}
	text, _, err := inspect.NewPlan(mt.Descriptor(), types, inspect.Options{}).JSONLinks(d.Value)
	if err != nil {
		return err.Error() + ": " + hexText(d.Value)
	}
	return string(text)
}

func hexText(b []byte) string {
	if len(b) == 0 {
		return "no bytes"
	}
	return render.Hex(b, len(b))[0]
}
