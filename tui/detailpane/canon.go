package detailpane

import (
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/pb"
	"github.com/wiregloss/wiregloss/tui/intent"
)

// canon is what was found in the encoding of one message.
type canon struct {
	at       place
	begun    bool
	done     bool
	findings []pb.Finding
	problem  string
}

// planCanon checks the message in view when the Problems tab shows it. Messages
// that the user has gone past are not checked: of those in the queue only the
// newest is.
func (p *Pane) planCanon() {
	if p.tab != Problems {
		return
	}
	i, ok := p.inView()
	if !ok {
		return
	}
	at := p.placeOf(i)
	if p.canon.begun && p.canon.at == at {
		return
	}
	m := p.message(i)
	p.canon = canon{at: at, begun: true}
	if m.Content != inspect.Protobuf || m.Final() || m.Have < m.Length {
		p.canon.done = true
		p.refresh()
		return
	}
	rec, t, md, types := p.rec, p.trace, p.descriptor(m), p.resolver()
	p.later(func() Result {
		out := checked{canon{at: at, begun: true, done: true}}
		payload, err := t.PayloadLimit(rec, m, profileBytes)
		if err != nil {
			out.problem = err.Error()
			return out
		}
		out.findings = pb.Canonical(payload, md, types)
		return out
	})
	p.refresh()
}

type checked struct{ canon }

func (c checked) deliver(p *Pane) intent.Intent {
	if c.at == p.canon.at {
		p.canon = c.canon
		p.refresh()
	}
	return nil
}
