package detailpane

import (
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/tui/intent"
)

// Result is what a job has found out. Deliver takes it.
type Result interface {
	// deliver shows the result, unless what it is about is no longer shown, and
	// returns what only the root can do.
	deliver(p *Pane) intent.Intent
}

// Job returns work that takes too long for the screen to wait for, once: its
// result is for Deliver. What is in view decides what there is to find out, so the
// root asks after every message. Nil if there is nothing.
func (p *Pane) Job() func() Result {
	p.findOut()
	if len(p.jobs) == 0 {
		return nil
	}
	j := p.jobs[0]
	p.jobs = p.jobs[1:]
	return j
}

// Deliver takes what a job has found out and returns what only the root can do.
func (p *Pane) Deliver(r Result) intent.Intent { return r.deliver(p) }

// later queues work for Job.
func (p *Pane) later(job func() Result) { p.jobs = append(p.jobs, job) }

// findOut queues the work of which what is in view needs the results. It compares a
// few numbers: it runs after every key.
func (p *Pane) findOut() {
	if p.rec == nil {
		return
	}
	p.planSurvey()
	p.planProfile()
	p.planCanon()
}

// place says which exchange and message a result is about.
type place struct {
	rec   *record.Recording
	epoch int // of the exchange
	index int // of the message
	have  int64
}

func (p *Pane) placeOf(index int) place {
	return place{rec: p.rec, epoch: p.epoch, index: index, have: p.message(index).Have}
}
