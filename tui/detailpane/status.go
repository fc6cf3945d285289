package detailpane

import (
	"fmt"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/render"
)

// wireStatus is the status of the call that came over the wire.
func (p *Pane) wireStatus() *inspect.Status {
	s, ok := p.stream()
	if !ok {
		return nil
	}
	return s.Status
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
		out = append(out, wrapped("message", s.Message))
	}
	for _, d := range p.details(s) {
		out = append(out, heading("detail "+d.name))
		out = append(out, wrapped("", d.text))
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
		out = append(out, wrapped("message", p.outcome.Message))
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
