package main

import (
	"fmt"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/render"
)

// connectionView prints which connection the next lines are about.
type connectionView struct {
	ios        *ioStreams
	number, of int
	name       string
	told       bool
}

func (v *connectionView) keeps() bool { return false }

// advance waits until it is known what the connection speaks.
func (v *connectionView) advance(c *scene, _ inspect.Counts) error {
	if v.told || c.Trace.Protocol == inspect.Unsettled {
		return nil
	}
	return v.tell(c)
}

func (v *connectionView) tell(c *scene) error {
	v.told = true
	head := "connection"
	if v.of > 1 {
		head = fmt.Sprintf("connection %d of %d", v.number, v.of)
	}
	return v.ios.text(head + " · " + render.ConnectionText(v.name, c.Recording, c.Trace) + "\n")
}

func (v *connectionView) finish(c *scene) error {
	if v.told {
		return nil
	}
	return v.tell(c)
}

// textView prints each call as a person reads it.
type textView struct {
	ios     *ioStreams
	secrets bool
	grep    *grep
	bad     *error
}

func (v *textView) keeps() bool { return true }

func (v *textView) advance(*scene, inspect.Counts) error { return nil }

func (v *textView) finish(c *scene) error {
	calls := c.calls()
	if !c.all {
		calls = []render.Call{c.Call}
	}
	for _, one := range calls {
		text, err := one.Digest(v.secrets)
		if err != nil && *v.bad == nil {
			*v.bad = err
		}
		if !v.grep.matchesText(text) {
			continue
		}
		if err := v.ios.text("\n" + text); err != nil {
			return err
		}
	}
	if c.only != 0 || v.grep != nil {
		return nil
	}
	return v.ios.text(render.ConnectionFacts(c.ledger))
}
