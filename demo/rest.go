package demo

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/wiregloss/wiregloss/demo/demov1"
)

// rest is the HTTP side of the demo. What it serves is listed once, in routes:
// requests are dispatched by that list, and /openapi.json is written from it.
type rest struct {
	routes  []route
	openapi func() ([]byte, error) // built on first use
}

// route is a path and what can be done there.
type route struct {
	path    string // as in OpenAPI and http.ServeMux: "/users/{id}"
	methods map[string]operation
}

// operation is one method of a route. An error it returns is answered with a
// problem document, and then it must not have written anything.
type operation struct {
	handle       func(w http.ResponseWriter, r *http.Request) error
	id, tag, doc string
	params       []param
	body         *body
	replies      []reply
}

// newREST returns the handler of everything that is not gRPC.
func newREST(d *data) http.Handler { return listRoutes(d).handler() }

// listRoutes returns what there is, over some data.
func listRoutes(d *data) *rest {
	s := &rest{}
	users := &collection[*demov1.User]{
		table: d.users, path: "/users", plural: "users", list: "ListUsersResponse",
		fresh: func() *demov1.User { return new(demov1.User) },
		links: func(u *demov1.User) links { return links{"orders": {"/orders?user_id=" + url.QueryEscape(u.GetId())}} },
		match: func(url.Values) func(*demov1.User) bool { return func(*demov1.User) bool { return true } },
	}
	orders := &collection[*demov1.Order]{
		table: d.orders, path: "/orders", plural: "orders", list: "ListOrdersResponse",
		fresh:    func() *demov1.Order { return new(demov1.Order) },
		links:    func(o *demov1.Order) links { return links{"user": {"/users/" + url.PathEscape(o.GetUserId())}} },
		match:    func(q url.Values) func(*demov1.Order) bool { return ordersOf(first(q, "user_id", "userId")) },
		filters:  []param{{name: "user_id", in: "query", doc: "Only the orders of this user.", schema: schema{"type": "string"}}},
		stateful: true,
	}
	events := &events{data: d, represent: map[string]func(any) ([]byte, error){
		"User":  func(m any) ([]byte, error) { return users.represent(m.(*demov1.User)) },
		"Order": func(m any) ([]byte, error) { return orders.represent(m.(*demov1.Order)) },
	}}
	s.routes = slices.Concat(users.routes(), orders.routes(), events.routes(), s.ownRoutes())
	s.openapi = sync.OnceValues(func() ([]byte, error) { return openAPI(s.routes) })
	return s
}

// handler dispatches by the list of routes.
func (s *rest) handler() http.Handler {
	mux := http.NewServeMux()
	for _, route := range s.routes {
		path := route.path
		if path == "/" {
			path = "/{$}"
		}
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { route.serve(w, r) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, r, httpError{http.StatusNotFound, fmt.Sprintf("there is nothing at %s; see /openapi.json", clip(r.URL.Path))})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, values := range r.Header {
			if strings.HasPrefix(name, "X-") {
				w.Header()[name] = values // as gRPC calls repeat their metadata
			}
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		mux.ServeHTTP(w, r)
	})
}

// serve answers a request for a path by its method.
func (rt route) serve(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet // net/http leaves the body out
	}
	op, ok := rt.methods[method]
	switch {
	case ok:
		if err := op.handle(w, r); err != nil {
			writeProblem(w, r, err)
		}
	case method == http.MethodOptions:
		w.Header().Set("Allow", rt.allow())
		rt.tellBodies(w)
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", rt.allow())
		writeProblem(w, r, httpError{http.StatusMethodNotAllowed, fmt.Sprintf("%s takes %s", rt.path, rt.allow())})
	}
}

// allow lists the methods of a route.
func (rt route) allow() string {
	methods := slices.Sorted(maps.Keys(rt.methods))
	if slices.Contains(methods, http.MethodGet) {
		methods = append(methods, http.MethodHead)
	}
	return strings.Join(append(methods, http.MethodOptions), ", ")
}

// tellBodies says which media types the bodies of a route may have: RFC 5789
// §3.1 for PATCH, the Accept-Post of LDP §7.1 for POST.
func (rt route) tellBodies(w http.ResponseWriter) {
	for method, header := range map[string]string{http.MethodPatch: "Accept-Patch", http.MethodPost: "Accept-Post"} {
		if b := rt.methods[method].body; b != nil {
			w.Header().Set(header, strings.Join(b.media, ", "))
		}
	}
}

// ownRoutes are the index and the document that describes the rest.
func (s *rest) ownRoutes() []route {
	return []route{
		{"/", map[string]operation{http.MethodGet: {
			handle: s.serveIndex, id: "getIndex", tag: "about", doc: "Where everything is.",
			replies: slices.Concat([]reply{{status: http.StatusOK, schema: "Index", headers: []string{"ETag"}}}, conditional),
		}}},
		{"/openapi.json", map[string]operation{http.MethodGet: {
			handle: s.serveOpenAPI, id: "getOpenAPI", tag: "about", doc: "This document.",
			replies: slices.Concat([]reply{{status: http.StatusOK, schema: "Document", headers: []string{"ETag"}}}, conditional),
		}}},
	}
}

func (s *rest) serveIndex(w http.ResponseWriter, r *http.Request) error {
	return writeJSON(w, r, []byte(`{"name":"wiregloss demo","_links":{"self":{"href":"/"},"users":{"href":"/users"},`+
		`"orders":{"href":"/orders"},"events":{"href":"/events"},"describedby":{"href":"/openapi.json"}}}`+"\n"))
}

func (s *rest) serveOpenAPI(w http.ResponseWriter, r *http.Request) error {
	document, err := s.openapi()
	if err != nil {
		return err
	}
	return writeJSON(w, r, document)
}
