package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wiregloss/wiregloss/catalog"
	"github.com/wiregloss/wiregloss/reflection"
	"github.com/wiregloss/wiregloss/render"
)

type listOptions struct {
	catalog catalogFlags
	output  string
}

func newList(ios *ioStreams) *cobra.Command {
	var o listOptions
	cmd := &cobra.Command{
		Use:   "list TARGET [SERVICE]",
		Short: "List the operations of a target, one per line",
		Example: `  wiregloss list localhost:50051
  wiregloss list localhost:50051 demo.v1.UserService -o json
  wiregloss list api/                                    .proto files, without a server
  wiregloss list localhost:50051 --reflect=off           from the cache, without asking`,
		Args: args(1, 2, "a TARGET and at most one SERVICE"),
		RunE: func(cmd *cobra.Command, given []string) error {
			return runList(cmd.Context(), ios, o, given)
		},
	}
	o.catalog.register(cmd)
	o.catalog.registerSets(cmd)
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "text or json")
	cmd.ValidArgsFunction = completeFrom(&o.catalog.target, serviceNames)
	return cmd
}

func runList(ctx context.Context, ios *ioStreams, o listOptions, given []string) error {
	if err := oneOf("-o", o.output, "text", "json"); err != nil {
		return err
	}
	return o.catalog.with(ctx, ios, given[0], func(s *reflection.Schema) error {
		return list(ios, o, s.Catalog, given[1:])
	})
}

// list prints the operations of all services, or of the one that is named.
func list(ios *ioStreams, o listOptions, cat *catalog.Catalog, named []string) error {
	services := cat.Services
	if len(named) > 0 {
		var err error
		if services, err = oneService(cat, named[0]); err != nil {
			return err
		}
	}
	for _, s := range services {
		if s.Problem != "" {
			ios.talk("wiregloss: %s: %s", s.Name, s.Problem)
		}
	}
	if o.output == "json" {
		return listJSON(ios, services)
	}
	return listText(ios, services)
}

// oneService picks the service with a full name or an unambiguous last part.
func oneService(cat *catalog.Catalog, name string) ([]catalog.Service, error) {
	name = strings.TrimPrefix(name, ".")
	var found []catalog.Service
	var all, matches []string
	for _, s := range cat.Services {
		all = append(all, s.Name)
		if s.Name == name {
			return []catalog.Service{s}, nil
		}
		if strings.HasSuffix(s.Name, "."+name) {
			found = append(found, s)
			matches = append(matches, s.Name)
		}
	}
	switch len(found) {
	case 1:
		return found, nil
	case 0:
		return nil, &catalog.NotFoundError{Name: name, Kind: "service", Origin: cat.Origin, Suggestion: nearestService(name, all)}
	}
	return nil, &catalog.AmbiguousError{Name: name, Candidates: matches}
}

// nearestService compares full names, then last parts: who leaves the package out
// means the last part.
func nearestService(name string, all []string) string {
	if near, ok := catalog.Nearest(name, all); ok {
		return near
	}
	short := make([]string, len(all))
	for i, full := range all {
		short[i] = full[strings.LastIndexByte(full, '.')+1:]
	}
	near, ok := catalog.Nearest(name, short)
	if !ok {
		return ""
	}
	return all[slices.Index(short, near)]
}

func listText(ios *ioStreams, services []catalog.Service) error {
	for _, s := range services {
		for _, op := range s.Operations {
			line := render.Escape(op.ID)
			if summary := firstSentence(op.Doc); ios.outTTY && summary != "" {
				line += "  " + render.Escape(summary)
			}
			if err := ios.text(line + "\n"); err != nil {
				return err
			}
		}
	}
	return nil
}

func firstSentence(doc string) string {
	doc = strings.Join(strings.Fields(doc), " ")
	if i := strings.Index(doc, ". "); i >= 0 {
		return doc[:i+1]
	}
	return doc
}

// listedOperation is one entry of `list -o json`.
type listedOperation struct {
	ID      string `json:"id"`
	Service string `json:"service"`
	Name    string `json:"name"`
	Kind    string `json:"kind"` // unary, server_streaming, client_streaming, bidi_streaming
	Input   string `json:"input"`
	Output  string `json:"output"`
	Doc     string `json:"doc"`
}

func listJSON(ios *ioStreams, services []catalog.Service) error {
	all := []listedOperation{}
	for _, s := range services {
		for _, op := range s.Operations {
			l := listedOperation{ID: op.ID, Service: s.Name, Name: op.Name, Doc: op.Doc}
			if rpc, ok := op.Call.(catalog.RPC); ok {
				l.Kind = kindOf(rpc)
				l.Input, l.Output = string(rpc.Method.Input().FullName()), string(rpc.Method.Output().FullName())
			}
			all = append(all, l)
		}
	}
	b, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	return ios.json(b)
}

func kindOf(rpc catalog.RPC) string {
	switch {
	case rpc.Method.IsStreamingClient() && rpc.Method.IsStreamingServer():
		return "bidi_streaming"
	case rpc.Method.IsStreamingClient():
		return "client_streaming"
	case rpc.Method.IsStreamingServer():
		return "server_streaming"
	}
	return "unary"
}
