package render

import (
	"fmt"
	"strings"

	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/pb"
	"github.com/wiregloss/wiregloss/record"
)

// costRows are the parts of inspect.Cost by the words for them.
func costRows(c inspect.Cost) []struct {
	Name  string
	Bytes int64
} {
	return []struct {
		Name  string
		Bytes int64
	}{
		{"client preface", c.Preface},
		{"framing", c.Framing},
		{"padding", c.Padding},
		{"header fields", c.Fields},
		{"message prefixes", c.Prefix},
		{"message payloads", c.Payload},
		{"control frames", c.Control},
		{"not decoded", c.Opaque},
	}
}

// CostText says what the bytes of one side of a connection, or of one of its
// streams, were spent on.
func CostText(title string, c inspect.Cost) string {
	var b strings.Builder
	whole := c.Sum()
	fmt.Fprintf(&b, "%s: %s\n", title, plural(whole, "byte"))
	for _, row := range costRows(c) {
		if row.Bytes > 0 {
			fmt.Fprintf(&b, "  %10d  %5s  %s\n", row.Bytes, Share(row.Bytes, whole), row.Name)
		}
	}
	return b.String()
}

// ProfileText says what each field path of the messages of a stream's direction
// took.
func ProfileText(title string, p *pb.Profile) string {
	var b strings.Builder
	whole := p.Bytes()
	fmt.Fprintf(&b, "%s: %s, %s\n", Escape(title), plural(p.Messages(), "message"), plural(whole, "byte"))
	fmt.Fprintf(&b, "  %10s  %5s  %9s %9s %9s %9s  %s\n", "bytes", "share", "count", "tag", "length", "value", "field")
	for _, c := range p.Costs() {
		fmt.Fprintf(&b, "  %10d  %5s  %9d %9d %9d %9d  %s\n",
			c.Total(), Share(c.Total(), whole), c.Count, c.Tag, c.Length, c.Value, strings.Repeat("  ", min(c.Depth, 8))+costName(c))
	}
	return b.String()
}

func costName(c pb.Cost) string {
	name := Escape(c.Path)
	if c.Field != nil {
		name += " " + TypeName(c.Field)
	}
	return name
}

// CostPart is a profile as data.
type CostPart struct {
	Path   string `json:"path"`
	Number int32  `json:"number"`
	Depth  int    `json:"depth"`
	Count  int64  `json:"count"`
	Tag    int64  `json:"tag"`
	Length int64  `json:"length"`
	Value  int64  `json:"value"`
}

// ProfileJSON returns a profile as data.
func ProfileJSON(path string, dir record.Dir, p *pb.Profile) any {
	costs := []CostPart{}
	for _, c := range p.Costs() {
		costs = append(costs, CostPart{c.Path, int32(c.Number), c.Depth, c.Count, c.Tag, c.Length, c.Value})
	}
	return map[string]any{
		"schema": 1, "report": "profile", "path": path, "dir": dir.String(), "messages": p.Messages(), "bytes": p.Bytes(), "fields": costs,
	}
}

// CostJSON returns what the bytes of one side were spent on as data.
func CostJSON(dir record.Dir, c inspect.Cost) any {
	return map[string]any{
		"schema": 1, "report": "profile", "dir": dir.String(), "bytes": c.Sum(), "preface": c.Preface, "framing": c.Framing, "padding": c.Padding,
		"header_fields": c.Fields, "prefixes": c.Prefix, "payloads": c.Payload, "control": c.Control, "not_decoded": c.Opaque,
	}
}

// SkeletonName returns the full name for the message type that the messages of a
// path and direction have, as far as the path tells: demo.v1.GetUserRequest.
func SkeletonName(path string, dir record.Dir) string {
	suffix := map[record.Dir]string{record.Sent: "Request", record.Received: "Response"}[dir]
	service, method, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !ok || method == "" {
		if path == "" {
			return "Message"
		}
		return "inferred." + suffix
	}
	if i := strings.LastIndexByte(service, '.'); i >= 0 {
		return service[:i+1] + method + suffix
	}
	return method + suffix
}

// SkeletonText puts inferred files one after the other: the lines that a file has
// once come from the first.
func SkeletonText(protos []string) string {
	var b strings.Builder
	for i, p := range protos {
		for line := range strings.Lines(p) {
			if i > 0 && (strings.HasPrefix(line, "syntax") || strings.HasPrefix(line, "package")) {
				continue
			}
			b.WriteString(line)
		}
	}
	return b.String()
}
