package main

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/pb"
	"github.com/wiregloss/wiregloss/record"
	"github.com/wiregloss/wiregloss/render"
)

// reportNames are the reports by the names of their flags, in the order in which
// they are printed.
var reportNames = []string{"windows", "hpack", "profile", "canonical", "skeleton"}

// reportUsage says what the reports are.
var reportUsage = []string{
	"report: flow control windows, how long each stood at zero, SETTINGS, PINGs",
	"report: what each header field cost, and the dynamic tables",
	"report: how many bytes each field path, prefix, header block and frame took",
	"report: where messages are not what a canonical encoder writes",
	"report: a .proto inferred from the messages",
}

// newReport returns the view of a report, as text or as JSON lines.
func newReport(ios *ioStreams, name string, asJSON, secrets bool) view {
	out := reportOut{ios: ios, json: asJSON}
	switch name {
	case "windows":
		return &flowReport{out: out}
	case "hpack":
		return &hpackReport{out: out, secrets: secrets}
	case "profile":
		return &profileReport{out: out}
	case "canonical":
		return &canonicalReport{out: out}
	default:
		return &skeletonReport{out: out}
	}
}

// reportOut writes a report as text, or as one JSON value on a line.
type reportOut struct {
	ios  *ioStreams
	json bool
}

func (o reportOut) write(text func() string, data func() any) error {
	if !o.json {
		return o.ios.text(text())
	}
	b, err := json.Marshal(data())
	if err != nil {
		return err
	}
	return o.ios.json(b)
}

// canonicalReport tells of each message where its encoding is not canonical.
type canonicalReport struct{ out reportOut }

func (r *canonicalReport) keeps() bool { return false }

func (r *canonicalReport) advance(c *scene, since inspect.Counts) error {
	for m, payload := range c.protobuf(since) {
		found := pb.Canonical(payload, c.of(m.Stream).types[m.Dir], c.Types())
		err := r.out.write(
			func() string { return render.CanonicalText(c.Trace, m, len(payload), found) },
			func() any { return render.CanonicalJSON(c.Trace, m, found) },
		)
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *canonicalReport) finish(*scene) error { return nil }

// skeletonReport infers a schema from the messages of each path and direction.
type skeletonReport struct {
	out   reportOut
	order []string
	found map[string]*pb.Skeleton
}

func (r *skeletonReport) keeps() bool { return false }

func (r *skeletonReport) advance(c *scene, since inspect.Counts) error {
	for m, payload := range c.protobuf(since) {
		name := render.SkeletonName(c.stream(m.Stream).Path, m.Dir)
		s, ok := r.found[name]
		if !ok {
			if r.found == nil {
				r.found = map[string]*pb.Skeleton{}
			}
			s = pb.NewSkeleton(name)
			r.found[name], r.order = s, append(r.order, name)
		}
		s.Add(payload)
	}
	return nil
}

func (r *skeletonReport) finish(*scene) error {
	if len(r.order) == 0 {
		return &exitError{code: exitLocal, err: errors.New("--skeleton: there is no protobuf message to infer a schema from")}
	}
	protos := make([]string, len(r.order))
	for i, name := range r.order {
		protos[i] = r.found[name].Proto()
	}
	return r.out.write(
		func() string { return render.SkeletonText(protos) },
		func() any {
			return map[string]any{"schema": 1, "report": "skeleton", "proto": render.SkeletonText(protos)}
		},
	)
}

// flowReport tells of windows, SETTINGS and PINGs.
type flowReport struct{ out reportOut }

func (r *flowReport) keeps() bool { return true } // it names frames

func (r *flowReport) advance(*scene, inspect.Counts) error { return nil }

func (r *flowReport) finish(c *scene) error {
	return r.out.write(
		func() string { return render.FlowText(c.Trace, c.ledger, c.only) },
		func() any { return render.FlowJSON(c.ledger, c.only) },
	)
}

// hpackReport tells what each header block cost.
type hpackReport struct {
	out     reportOut
	secrets bool
}

func (r *hpackReport) keeps() bool { return true } // later blocks name earlier ones

func (r *hpackReport) advance(*scene, inspect.Counts) error { return nil }

func (r *hpackReport) finish(c *scene) error {
	for i, b := range c.Trace.Headers {
		if !c.shows(b.Stream) || b.HPACK.Wire == 0 {
			continue
		}
		err := r.out.write(
			func() string { return render.HPACKText(c.Trace, c.ledger, i, r.secrets) },
			func() any { return render.HPACKJSON(b, r.secrets) },
		)
		if err != nil {
			return err
		}
	}
	if r.out.json || c.only != 0 {
		return nil
	}
	return r.out.ios.text(render.HPACKTotals(c.Trace, c.ledger, r.secrets))
}

// profileReport tells what the bytes were spent on: of each side, and of the
// messages of each path and direction.
type profileReport struct {
	out   reportOut
	order []profileKey
	found map[profileKey]*pb.Profile
}

type profileKey struct {
	path string
	dir  record.Dir
}

func (r *profileReport) keeps() bool { return false }

func (r *profileReport) advance(c *scene, since inspect.Counts) error {
	for m, payload := range c.protobuf(since) {
		r.profile(c, m).Add(payload)
	}
	return nil
}

func (r *profileReport) profile(c *scene, m inspect.Message) *pb.Profile {
	st := c.of(m.Stream)
	key := profileKey{st.path, m.Dir}
	p, ok := r.found[key]
	if !ok {
		if r.found == nil {
			r.found = map[profileKey]*pb.Profile{}
		}
		p = pb.NewProfile(st.types[m.Dir], c.Types())
		r.found[key], r.order = p, append(r.order, key)
	}
	return p
}

func (r *profileReport) finish(c *scene) error {
	for _, dir := range []record.Dir{record.Sent, record.Received} {
		title, cost := "connection, "+dir.String(), c.ledger.Cost(dir)
		if c.only != 0 {
			title = render.WindowName(c.only) + ", " + dir.String()
			cost, _ = c.ledger.StreamCost(c.only, dir)
		}
		if cost.Sum() == 0 {
			continue
		}
		err := r.out.write(func() string { return render.CostText(title, cost) }, func() any { return render.CostJSON(dir, cost) })
		if err != nil {
			return err
		}
	}
	for _, key := range r.order {
		p := r.found[key]
		title := strings.TrimSpace(key.path + ", " + key.dir.String())
		if key.path == "" {
			title = "messages"
		}
		err := r.out.write(
			func() string { return render.ProfileText(title, p) },
			func() any { return render.ProfileJSON(key.path, key.dir, p) },
		)
		if err != nil {
			return err
		}
	}
	return nil
}
