package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
)

// atReport follows one thing through all levels: a byte of the wire to the frame,
// message, field and JSON value that it is of, or a path to its bytes.
type atReport struct {
	ios     *ioStreams
	secrets bool
	dir     record.Dir
	off     int64  // with path "": of a byte
	path    string // else of a JSON value
	found   bool
}

// newAt reads what --at says: sent:N, received:N or a path.
func newAt(ios *ioStreams, where string, secrets bool) (*atReport, error) {
	r := &atReport{ios: ios, secrets: secrets, path: where}
	dir, number, ok := strings.Cut(where, ":")
	if !ok || dir != record.Sent.String() && dir != record.Received.String() {
		return r, nil
	}
	n, err := strconv.ParseInt(number, 0, 64)
	if err != nil || n < 0 {
		return nil, usageError(fmt.Errorf("--at %q: the offset of a byte is a number, counted from 0", where))
	}
	r.path, r.off = "", n
	if dir == record.Received.String() {
		r.dir = record.Received
	}
	return r, nil
}

func (r *atReport) keeps() bool { return true }

func (r *atReport) advance(*scene, inspect.Counts) error { return nil }

func (r *atReport) finish(c *scene) error {
	if r.path == "" {
		return r.ios.text(render.ByteText(c.Recording, c.Trace, r.dir, r.off, c.schema, r.secrets))
	}
	for _, m := range c.Trace.Messages {
		if !c.shows(m.Stream) {
			continue
		}
		text := render.PathText(c.Recording, c.Trace, m, r.path, c.schema(m))
		r.found = r.found || text != ""
		if err := r.ios.text(text); err != nil {
			return err
		}
	}
	if !r.found {
		return &exitError{code: exitLocal, err: errors.New("--at: no message has a value at " + strconv.Quote(r.path) +
			"; paths look like address.city, tags[0], labels[\"k\"]")}
	}
	return nil
}
