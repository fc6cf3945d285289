package demo

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// document is an OpenAPI document, as far as these tests read it.
type document struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		OperationID string
		Summary     string
		Parameters  []struct {
			Name, In, Description string
			Required              bool
		}
		RequestBody struct{ Content map[string]mediaType }
		Responses   map[string]struct {
			Description string
			Content     map[string]mediaType
			Headers     map[string]any
		}
	}
	Components struct{ Schemas map[string]any }
}

type mediaType struct{ Schema map[string]any }

// trial is a request that a documented operation answers in a documented way.
type trial struct {
	op      string // "GET /users/{id}"
	status  int
	path    string
	body    string
	headers []string
	before  func(d *data)
}

func full(d *data) { d.users.bytes, d.orders.bytes = maxTableBytes, maxTableBytes }

const aLine = `"lines":[{"sku":"A","quantity":1,"unitPrice":{"currency":"EUR","units":"3"}}]`

var (
	stale = []string{asJSON, `If-Match: "stale"`}
	huge  = `{"name":"` + strings.Repeat("x", maxBodyBytes) + `"}`
)

// trials make every operation give every answer it is documented to give.
var trials = []trial{
	{"GET /", 200, "/", "", nil, nil},
	{"GET /", 304, "/", "", []string{"If-None-Match: *"}, nil},
	{"GET /", 412, "/", "", stale, nil},
	{"GET /openapi.json", 200, "/openapi.json", "", nil, nil},
	{"GET /openapi.json", 304, "/openapi.json", "", []string{"If-None-Match: *"}, nil},
	{"GET /openapi.json", 412, "/openapi.json", "", stale, nil},
	{"GET /events", 200, "/events?count=1&interval_ms=10", "", nil, nil},
	{"GET /events", 400, "/events?interval_ms=0", "", nil, nil},

	{"GET /users", 200, "/users?page_size=100", "", nil, nil},
	{"GET /users", 304, "/users", "", []string{"If-None-Match: *"}, nil},
	{"GET /users", 400, "/users?page_token=x", "", nil, nil},
	{"GET /users", 412, "/users", "", stale, nil},
	{"POST /users", 201, "/users", `{"name":"Eva","address":{"kind":"HOME"},"tags":["x"]}`, []string{asJSON}, nil},
	{"POST /users", 400, "/users", `{`, []string{asJSON}, nil},
	{"POST /users", 409, "/users", `{"id":"1","name":"Eva"}`, []string{asJSON}, nil},
	{"POST /users", 413, "/users", huge, []string{asJSON}, nil},
	{"POST /users", 415, "/users", `{"name":"Eva"}`, nil, nil},
	{"POST /users", 422, "/users", `{}`, []string{asJSON}, nil},
	{"POST /users", 507, "/users", `{"name":"Eva"}`, []string{asJSON}, full},
	{"GET /users/{id}", 200, "/users/1", "", nil, nil},
	{"GET /users/{id}", 304, "/users/1", "", []string{"If-None-Match: *"}, nil},
	{"GET /users/{id}", 404, "/users/0", "", nil, nil},
	{"GET /users/{id}", 412, "/users/1", "", stale, nil},
	{"PUT /users/{id}", 200, "/users/1", `{"name":"Eva"}`, []string{asJSON}, nil},
	{"PUT /users/{id}", 400, "/users/1", `{`, []string{asJSON}, nil},
	{"PUT /users/{id}", 404, "/users/0", `{"name":"Eva"}`, []string{asJSON}, nil},
	{"PUT /users/{id}", 412, "/users/1", `{"name":"Eva"}`, stale, nil},
	{"PUT /users/{id}", 413, "/users/1", huge, []string{asJSON}, nil},
	{"PUT /users/{id}", 415, "/users/1", `{"name":"Eva"}`, nil, nil},
	{"PUT /users/{id}", 422, "/users/1", `{"name":1}`, []string{asJSON}, nil},
	{"PUT /users/{id}", 507, "/users/1", `{"name":"` + strings.Repeat("x", 200) + `"}`, []string{asJSON}, full},
	{"PATCH /users/{id}", 200, "/users/1", `{"age":1,"address":null}`, []string{asPatch}, nil},
	{"PATCH /users/{id}", 400, "/users/1", `{`, []string{asPatch}, nil},
	{"PATCH /users/{id}", 404, "/users/0", `{}`, []string{asPatch}, nil},
	{"PATCH /users/{id}", 412, "/users/1", `{}`, stale, nil},
	{"PATCH /users/{id}", 413, "/users/1", huge, []string{asPatch}, nil},
	{"PATCH /users/{id}", 415, "/users/1", `{}`, nil, nil},
	{"PATCH /users/{id}", 422, "/users/1", `{"age":-1}`, []string{asPatch}, nil},
	{"PATCH /users/{id}", 507, "/users/1", `{"name":"` + strings.Repeat("x", 200) + `"}`, []string{asJSON}, full},
	{"DELETE /users/{id}", 204, "/users/1", "", nil, nil},
	{"DELETE /users/{id}", 404, "/users/0", "", nil, nil},
	{"DELETE /users/{id}", 412, "/users/1", "", stale, nil},

	{"GET /orders", 200, "/orders?page_size=100", "", nil, nil},
	{"GET /orders", 304, "/orders", "", []string{"If-None-Match: *"}, nil},
	{"GET /orders", 400, "/orders?page_size=x", "", nil, nil},
	{"GET /orders", 412, "/orders", "", stale, nil},
	{"POST /orders", 201, "/orders", `{"userId":"1",` + aLine + `,"insured":true,"voucher":"1","weightKg":0.5}`, []string{asJSON}, nil},
	{"POST /orders", 400, "/orders", `{`, []string{asJSON}, nil},
	{"POST /orders", 409, "/orders", `{"id":"1001","userId":"1",` + aLine + `}`, []string{asJSON}, nil},
	{"POST /orders", 413, "/orders", huge, []string{asJSON}, nil},
	{"POST /orders", 415, "/orders", `{}`, nil, nil},
	{"POST /orders", 422, "/orders", `{}`, []string{asJSON}, nil},
	{"POST /orders", 507, "/orders", `{"userId":"1",` + aLine + `}`, []string{asJSON}, full},
	{"GET /orders/{id}", 200, "/orders/1001", "", nil, nil},
	{"GET /orders/{id}", 304, "/orders/1001", "", []string{"If-None-Match: *"}, nil},
	{"GET /orders/{id}", 404, "/orders/0", "", nil, nil},
	{"GET /orders/{id}", 412, "/orders/1001", "", stale, nil},
	{"PUT /orders/{id}", 200, "/orders/1001", `{"userId":"1",` + aLine + `}`, []string{asJSON}, nil},
	{"PUT /orders/{id}", 400, "/orders/1001", `{`, []string{asJSON}, nil},
	{"PUT /orders/{id}", 404, "/orders/0", `{"userId":"1",` + aLine + `}`, []string{asJSON}, nil},
	{"PUT /orders/{id}", 409, "/orders/1004", `{"userId":"1",` + aLine + `}`, []string{asJSON}, nil},
	{"PUT /orders/{id}", 412, "/orders/1001", `{"userId":"1",` + aLine + `}`, stale, nil},
	{"PUT /orders/{id}", 413, "/orders/1001", huge, []string{asJSON}, nil},
	{"PUT /orders/{id}", 415, "/orders/1001", `{}`, nil, nil},
	{"PUT /orders/{id}", 422, "/orders/1001", `{}`, []string{asJSON}, nil},
	{"PUT /orders/{id}", 507, "/orders/1002", `{"userId":"1",` + aLine + `,"note":"` + strings.Repeat("x", 500) + `"}`, []string{asJSON}, full},
	{"PATCH /orders/{id}", 200, "/orders/1001", `{"status":"PAID","note":null,"labels":{"a":"b"}}`, []string{asPatch}, nil},
	{"PATCH /orders/{id}", 400, "/orders/1001", `{`, []string{asPatch}, nil},
	{"PATCH /orders/{id}", 404, "/orders/0", `{}`, []string{asPatch}, nil},
	{"PATCH /orders/{id}", 409, "/orders/1005", `{"status":"PAID"}`, []string{asPatch}, nil},
	{"PATCH /orders/{id}", 412, "/orders/1001", `{}`, stale, nil},
	{"PATCH /orders/{id}", 413, "/orders/1001", huge, []string{asPatch}, nil},
	{"PATCH /orders/{id}", 415, "/orders/1001", `{}`, nil, nil},
	{"PATCH /orders/{id}", 422, "/orders/1001", `{"lines":[]}`, []string{asPatch}, nil},
	{"PATCH /orders/{id}", 507, "/orders/1001", `{"note":"` + strings.Repeat("x", 500) + `"}`, []string{asJSON}, full},
	{"DELETE /orders/{id}", 204, "/orders/1001", "", nil, nil},
	{"DELETE /orders/{id}", 404, "/orders/0", "", nil, nil},
	{"DELETE /orders/{id}", 409, "/orders/1003", "", nil, nil},
	{"DELETE /orders/{id}", 412, "/orders/1001", "", stale, nil},
}

// answer serves a request with fresh data.
func (tr trial) answer(t *testing.T) *http.Response {
	t.Helper()
	d := newTestData(t)
	if tr.before != nil {
		tr.before(d)
	}
	method, _, _ := strings.Cut(tr.op, " ")
	req := httptest.NewRequestWithContext(t.Context(), method, tr.path, strings.NewReader(tr.body))
	for _, h := range tr.headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	newREST(d).ServeHTTP(w, req)
	return w.Result()
}

// readDocument returns what the server says of itself.
func readDocument(t *testing.T) document {
	t.Helper()
	var doc document
	if err := json.NewDecoder(trial{op: "GET", path: "/openapi.json"}.answer(t).Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Fatalf("openapi %q", doc.OpenAPI)
	}
	return doc
}

func TestOpenAPIIsTrue(t *testing.T) {
	t.Parallel()
	doc := readDocument(t)
	undocumented := map[string]bool{}
	for path, item := range doc.Paths {
		for method, op := range item {
			for status := range op.Responses {
				undocumented[strings.ToUpper(method)+" "+path+" "+status] = true
			}
		}
	}
	for _, tr := range trials {
		name := tr.op + " " + strconv.Itoa(tr.status)
		t.Run(name, func(t *testing.T) {
			if !undocumented[name] {
				t.Fatal("not documented, or tried twice")
			}
			delete(undocumented, name)
			res := tr.answer(t)
			if res.StatusCode != tr.status {
				t.Fatalf("answered %d", res.StatusCode)
			}
			doc.check(t, tr, res)
		})
	}
	for name := range undocumented {
		t.Errorf("%s is documented and never answered here", name)
	}
}

// check compares an answer, and the body that got it, with the document.
func (doc document) check(t *testing.T, tr trial, res *http.Response) {
	t.Helper()
	method, path, _ := strings.Cut(tr.op, " ")
	op := doc.Paths[path][strings.ToLower(method)]
	reply := op.Responses[strconv.Itoa(tr.status)]
	for name := range reply.Headers {
		if res.Header.Get(name) == "" {
			t.Errorf("no %s header", name)
		}
	}
	v := validator{t, doc.Components.Schemas}
	given := res.Header.Get("Content-Type")
	media, documented := reply.Content[given]
	if documented != (given != "") || len(reply.Content) > 1 {
		t.Errorf("Content-Type %q, documented %v", given, slices.Collect(maps.Keys(reply.Content)))
	}
	if strings.HasSuffix(given, "json") {
		var value any
		if err := json.NewDecoder(res.Body).Decode(&value); err != nil {
			t.Fatal(err)
		}
		v.check("reply", media.Schema, value)
	}
	if tr.body != "" && tr.status < 300 {
		var value any
		if err := json.Unmarshal([]byte(tr.body), &value); err != nil {
			t.Fatal(err)
		}
		_, sent, _ := strings.Cut(tr.headers[0], ": ")
		v.check("request", op.RequestBody.Content[sent].Schema, value)
	}
}

// The reverse: what is not documented is refused.
func TestOpenAPIIsComplete(t *testing.T) {
	t.Parallel()
	doc := readDocument(t)
	examples := map[string]string{}
	for _, tr := range trials {
		_, path, _ := strings.Cut(tr.op, " ")
		examples[path] = tr.path
	}
	for path, item := range doc.Paths {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"} {
			if _, documented := item[strings.ToLower(method)]; documented {
				continue
			}
			res := trial{op: method, path: examples[path]}.answer(t)
			if res.StatusCode != http.StatusMethodNotAllowed || strings.Contains(res.Header.Get("Allow"), method) {
				t.Errorf("%s %s is not documented and gives %s, Allow %q", method, path, res.Status, res.Header.Get("Allow"))
			}
		}
	}
	for _, route := range listRoutes(newTestData(t)).routes {
		if doc.Paths[route.path] == nil {
			t.Errorf("%s is served and not documented", route.path)
		}
	}
	ids := map[string]bool{}
	for path, item := range doc.Paths {
		for method, op := range item {
			if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" {
				t.Errorf("%s %s has operationId %q, taken or empty, or no summary", method, path, op.OperationID)
			}
			ids[op.OperationID] = true
			for _, p := range op.Parameters {
				if p.Description == "" || (p.In == "path") != strings.Contains(path, "{"+p.Name+"}") || (p.In == "path") != p.Required {
					t.Errorf("%s %s: parameter %+v", method, path, p)
				}
			}
		}
	}
}
