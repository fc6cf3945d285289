package catalog

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// NotFoundError says that a catalog has nothing of a name.
type NotFoundError struct {
	Name       string
	Kind       string // "operation" or "symbol"
	Origin     string
	Suggestion string // the nearest name; empty if none is near
	Problem    string // what is there instead, or why it could not be read; usually empty
}

// Error names the thing, where it is missing, and the nearest name.
func (e *NotFoundError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "no %s %q", e.Kind, e.Name)
	if e.Origin != "" {
		fmt.Fprintf(&b, " at %s", e.Origin)
	}
	if e.Problem != "" {
		fmt.Fprintf(&b, ": %s", e.Problem)
	}
	if e.Suggestion != "" {
		fmt.Fprintf(&b, "; did you mean %q?", e.Suggestion)
	} else if e.Problem == "" {
		b.WriteString("; see what there is with wiregloss list")
	}
	return b.String()
}

// AmbiguousError says that a short name fits several things.
type AmbiguousError struct {
	Name       string
	Candidates []string
}

// Error lists the candidates.
func (e *AmbiguousError) Error() string {
	const shown = 8
	c := e.Candidates
	more := ""
	if len(c) > shown {
		more = fmt.Sprintf(" and %d more", len(c)-shown)
		c = c[:shown]
	}
	return fmt.Sprintf("%q fits several: %s%s; give the full name", e.Name, strings.Join(c, ", "), more)
}

// Find returns the operation of a name: pkg.Service/Method, pkg.Service.Method,
// any unambiguous suffix of these, or an operationId. Its errors are
// *NotFoundError and *AmbiguousError.
func (c *Catalog) Find(name string) (Operation, error) {
	want := dotted(name)
	if want == "" {
		return Operation{}, c.noOperation(name, want)
	}
	var fits []Operation
	for _, s := range c.Services {
		for _, op := range s.Operations {
			id := dotted(op.ID)
			if id == want || op.ID == name {
				return op, nil
			}
			if strings.HasSuffix(id, "."+want) || op.Name == name {
				fits = append(fits, op)
			}
		}
	}
	switch len(fits) {
	case 0:
		return Operation{}, c.noOperation(name, want)
	case 1:
		return fits[0], nil
	}
	ids := make([]string, len(fits))
	for i, op := range fits {
		ids[i] = op.ID
	}
	return Operation{}, &AmbiguousError{Name: name, Candidates: ids}
}

// dotted gives the spellings of an operation one form, "pkg.Service.Method".
func dotted(name string) string {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "/"), ".")
	if strings.ContainsAny(name, " {") {
		return name // "GET /pets/{id}": the slashes are the path's
	}
	return strings.ReplaceAll(name, "/", ".")
}

func (c *Catalog) noOperation(name, want string) error {
	e := &NotFoundError{Name: name, Kind: "operation", Origin: c.Origin}
	for _, s := range c.Services {
		switch {
		case s.Problem != "" && (want == s.Name || strings.HasPrefix(want, s.Name+".")):
			e.Problem = fmt.Sprintf("the schema of %s could not be read: %s", s.Name, s.Problem)
			return e
		case want == s.Name && len(s.Operations) > 0:
			e.Problem = "that is a service; name one of its methods"
			e.Suggestion = s.Operations[0].ID
			return e
		}
	}
	e.Suggestion = c.nearestOperation(want)
	return e
}

// nearestOperation compares full names and suffixes of as many parts as want has,
// so that a slip in "Greter/SayHello" is found without its package.
func (c *Catalog) nearestOperation(want string) string {
	if name := c.sameService(want); name != "" {
		return name
	}
	n := newNearest(want)
	parts := strings.Count(want, ".") + 1
	for _, s := range c.Services {
		for _, op := range s.Operations {
			id := dotted(op.ID)
			n.offer(id, op.ID)
			n.offer(lastParts(id, parts), op.ID)
		}
	}
	name, _ := n.best()
	return name
}

// sameService returns the method nearest to a name whose service is right.
func (c *Catalog) sameService(want string) string {
	for _, s := range c.Services {
		method, ok := strings.CutPrefix(want, s.Name+".")
		if !ok {
			continue
		}
		n := newNearest(method)
		n.limit = max(n.limit, len(n.word)/2)
		for _, op := range s.Operations {
			n.offer(op.Name, op.ID)
		}
		name, _ := n.best()
		return name
	}
	return ""
}

// lastParts returns the last n dot-separated parts of s.
func lastParts(s string, n int) string {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '.' {
			if n--; n == 0 {
				return s[i+1:]
			}
		}
	}
	return s
}

// RPC returns the method of an HTTP/2 path: "/pkg.Service/Method".
func (c *Catalog) RPC(path string) (RPC, bool) {
	service, method, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !ok || c == nil {
		return RPC{}, false
	}
	for _, s := range c.Services {
		if s.Name != service || s.Desc == nil {
			continue
		}
		md := s.Desc.Methods().ByName(protoreflect.Name(method))
		return RPC{Method: md}, md != nil
	}
	return RPC{}, false
}
