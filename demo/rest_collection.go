package demo

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// collection is a table as REST sees it: a collection and its resources.
type collection[M resource] struct {
	table    *table[M]
	path     string // "/users"
	plural   string // "users", the name of the array in a page
	list     string // name of the message that is a page
	fresh    func() M
	links    func(M) links // beside self and collection
	match    func(url.Values) func(M) bool
	filters  []param
	stateful bool // a resource's state may forbid what is asked: 409
}

const (
	jsonMedia  = "application/json"
	mergeMedia = "application/merge-patch+json"
)

// routes returns the two paths of a collection.
func (c *collection[M]) routes() []route {
	name := c.table.kind
	one := []param{{name: "id", in: "path", doc: "The id of the " + strings.ToLower(name) + ".", schema: schema{"type": "string"}, required: true}}
	written := slices.Concat([]reply{{status: http.StatusOK, schema: name + "Resource", headers: []string{"ETag"}}},
		problems(400, 404, 412, 413, 415, 422, 507))
	gone := slices.Concat([]reply{{status: http.StatusNoContent}}, problems(404, 412))
	if c.stateful {
		written, gone = append(written, problems(409)...), append(gone, problems(409)...)
	}
	changing := slices.Concat(one, []param{ifMatch})
	patching := slices.Concat(changing, []param{{
		name: "update_mask", in: "query", schema: schema{"type": "string"},
		doc: "Paths of fields to take from the body, with commas between; a field that is named and not in the body is cleared. Without it the body is a merge patch (RFC 7396).",
	}})
	return []route{
		{c.path, map[string]operation{
			http.MethodGet: {
				handle: c.serveList, id: "list" + name + "s", tag: c.plural, doc: "A page of " + c.plural + ".",
				params: slices.Concat(pageParams, c.filters, []param{ifNoneMatch}),
				replies: slices.Concat([]reply{{status: http.StatusOK, schema: c.list, headers: []string{"ETag", "Link"}}},
					conditional, problems(400)),
			},
			http.MethodPost: {
				handle: c.serveCreate, id: "create" + name, tag: c.plural, doc: "Add one. The server chooses an id if the body has none.",
				body: &body{media: []string{jsonMedia}, schema: name},
				replies: slices.Concat([]reply{{status: http.StatusCreated, schema: name + "Resource", headers: []string{"ETag", "Location"}}},
					problems(400, 409, 413, 415, 422, 507)),
			},
		}},
		{c.path + "/{id}", map[string]operation{
			http.MethodGet: {
				handle: c.serveOne, id: "get" + name, tag: c.plural, doc: "Read one.", params: slices.Concat(one, []param{ifNoneMatch}),
				replies: slices.Concat([]reply{{status: http.StatusOK, schema: name + "Resource", headers: []string{"ETag"}}},
					conditional, problems(404)),
			},
			http.MethodPut: {
				handle: c.serveReplace, id: "replace" + name, tag: c.plural, doc: "Replace every field of one.", params: changing,
				body: &body{media: []string{jsonMedia}, schema: name}, replies: written,
			},
			http.MethodPatch: {
				handle: c.serveUpdate, id: "update" + name, tag: c.plural, doc: "Change some fields of one.", params: patching,
				body: &body{media: []string{mergeMedia, jsonMedia}, schema: name + "Patch"}, replies: written,
			},
			http.MethodDelete: {handle: c.serveDelete, id: "delete" + name, tag: c.plural, doc: "Remove one.", params: changing, replies: gone},
		}},
	}
}

// represent returns the JSON of a resource. Equal resources have equal bytes,
// so that the bytes can be told by their ETag.
func (c *collection[M]) represent(m M) ([]byte, error) {
	all := c.links(m)
	all["self"] = link{c.path + "/" + m.GetId()}
	all["collection"] = link{c.path}
	return messageJSON(m, all)
}

func (c *collection[M]) serveOne(w http.ResponseWriter, r *http.Request) error {
	m, err := c.table.get(r.PathValue("id"))
	if err != nil {
		return err
	}
	return c.write(w, r, http.StatusOK, m)
}

// write answers with a resource.
func (c *collection[M]) write(w http.ResponseWriter, r *http.Request, code int, m M) error {
	text, err := c.represent(m)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if code == http.StatusOK && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return writeJSON(w, r, text)
	}
	w.Header().Set("Content-Type", jsonMedia)
	w.Header().Set("ETag", etag(text))
	w.WriteHeader(code)
	_, _ = w.Write(text)
	return nil
}

// unchanged returns a check that a resource is the one a client has seen.
func (c *collection[M]) unchanged(r *http.Request) func(M) error {
	return func(m M) error {
		text, err := c.represent(m)
		if err != nil {
			return err
		}
		return precondition(r, etag(append(text, '\n')))
	}
}

func (c *collection[M]) serveCreate(w http.ResponseWriter, r *http.Request) error {
	m := c.fresh()
	if err := readMessage(r, m, jsonMedia); err != nil {
		return err
	}
	m, err := c.table.create(m)
	if err != nil {
		return err
	}
	w.Header().Set("Location", c.path+"/"+m.GetId())
	return c.write(w, r, http.StatusCreated, m)
}

func (c *collection[M]) serveReplace(w http.ResponseWriter, r *http.Request) error {
	next := c.fresh()
	if err := readMessage(r, next, jsonMedia); err != nil {
		return err
	}
	return c.edit(w, r, func(M) (M, error) { return next, nil })
}

func (c *collection[M]) serveUpdate(w http.ResponseWriter, r *http.Request) error {
	if paths := first(r.URL.Query(), "update_mask", "updateMask"); paths != "" {
		patch := c.fresh()
		if err := readMessage(r, patch, jsonMedia, mergeMedia); err != nil {
			return err
		}
		mask := &fieldmaskpb.FieldMask{}
		for path := range strings.SplitSeq(paths, ",") {
			mask.Paths = append(mask.Paths, protoPath(path))
		}
		return c.edit(w, r, func(prev M) (M, error) { return masked(c.table.kind, prev, patch, mask) })
	}
	patch, err := readPatch(r)
	if err != nil {
		return err
	}
	return c.edit(w, r, func(prev M) (M, error) {
		next := c.fresh()
		return next, applyMergePatch(prev, next, patch)
	})
}

// edit changes a resource if the request's preconditions hold, and shows it.
func (c *collection[M]) edit(w http.ResponseWriter, r *http.Request, edited func(prev M) (M, error)) error {
	unchanged := c.unchanged(r)
	m, err := c.table.edit(r.PathValue("id"), func(prev M) (M, error) {
		if err := unchanged(prev); err != nil {
			return prev, err
		}
		return edited(prev)
	})
	if err != nil {
		return err
	}
	return c.write(w, r, http.StatusOK, m)
}

func (c *collection[M]) serveDelete(w http.ResponseWriter, r *http.Request) error {
	if err := c.table.remove(r.PathValue("id"), c.unchanged(r)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (c *collection[M]) serveList(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	var size int64
	if text := first(query, "page_size", "pageSize"); text != "" {
		var err error
		if size, err = strconv.ParseInt(text, 10, 32); err != nil {
			return httpError{http.StatusBadRequest, fmt.Sprintf("page_size %q is not a number", clip(text))}
		}
	}
	p, err := c.table.list(int32(size), first(query, "page_token", "pageToken"), c.match(query))
	if err != nil {
		return httpError{http.StatusBadRequest, status.Convert(err).Message()}
	}
	around := links{"self": {r.URL.RequestURI()}, "first": {c.pageURL(query, "")}}
	header := fmt.Sprintf(`<%s>; rel="first"`, around["first"].Href)
	if p.next != "" {
		around["next"] = link{c.pageURL(query, p.next)}
		header += fmt.Sprintf(`, <%s>; rel="next"`, around["next"].Href)
	}
	text, err := c.pageJSON(p, around)
	if err != nil {
		return err
	}
	w.Header().Set("Link", header) // RFC 8288
	return writeJSON(w, r, text)
}

// pageURL is the address of the page that a token names, otherwise as asked for.
func (c *collection[M]) pageURL(query url.Values, token string) string {
	q := url.Values{}
	for _, name := range [][]string{{"page_size", "pageSize"}, {"user_id", "userId"}} {
		if value := first(query, name...); value != "" {
			q.Set(name[0], value)
		}
	}
	if token != "" {
		q.Set("page_token", token)
	}
	if len(q) == 0 {
		return c.path
	}
	return c.path + "?" + q.Encode()
}

// pageJSON writes a page as protojson would write the message of that name,
// with the links of each resource and of the page.
func (c *collection[M]) pageJSON(p page[M], around links) ([]byte, error) {
	text := []byte(`{"` + c.plural + `":[`)
	for i, m := range p.items {
		item, err := c.represent(m)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, item...)
	}
	text = append(text, ']')
	if p.next != "" {
		text = fmt.Appendf(text, `,"nextPageToken":%q`, p.next)
	}
	text = fmt.Appendf(text, `,"totalSize":%d,"_links":`, p.total)
	return append(append(text, around.json()...), '}', '\n'), nil
}

// first returns the first value that any of some names has in a query. The
// names are the spellings HTTP transcoding of gRPC allows for one field.
func first(q url.Values, names ...string) string {
	for _, name := range names {
		if value := q.Get(name); value != "" {
			return value
		}
	}
	return ""
}
