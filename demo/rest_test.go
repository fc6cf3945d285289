package demo

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/wiregloss/wiregloss/demo/demov1"
)

// overBothVersions runs a test with a client of HTTP/1.1 and one of HTTP/2.
func overBothVersions(t *testing.T, test func(t *testing.T, c *restClient)) {
	t.Helper()
	t.Parallel()
	for _, major := range []int{1, 2} {
		t.Run(fmt.Sprintf("HTTP %d", major), func(t *testing.T) { test(t, newRESTClient(t, start(t), major)) })
	}
}

// restClient talks to one server in one version of HTTP.
type restClient struct {
	server    *Server
	transport *http.Transport
	major     int
}

func newRESTClient(t *testing.T, s *Server, major int) *restClient {
	t.Helper()
	var protocols http.Protocols
	protocols.SetHTTP1(major == 1)
	protocols.SetUnencryptedHTTP2(major == 2)
	transport := &http.Transport{Protocols: &protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &restClient{s, transport, major}
}

// send sends a request with "name: value" headers; the caller closes the body.
func (c *restClient) send(t *testing.T, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+c.server.Addr()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.ProtoMajor != c.major {
		t.Fatalf("answered with %s", res.Proto)
	}
	return res
}

// want sends a request and fails unless its answer has a status. It returns
// the answer and its body.
func (c *restClient) want(t *testing.T, status int, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	res := c.send(t, method, path, body, headers...)
	text, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || res.StatusCode != status {
		t.Fatalf("%s %s: %s %s %v, want %d", method, path, res.Status, text, err, status)
	}
	return res, string(text)
}

const (
	asJSON  = "Content-Type: application/json"
	asPatch = "Content-Type: application/merge-patch+json"
)

// decode returns a JSON object.
func decode(t *testing.T, text string) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return object
}

func TestRESTAndGRPCShareTheirData(t *testing.T) {
	overBothVersions(t, func(t *testing.T, c *restClient) {
		conn := dial(t, c.server.Addr())
		orders := demov1.NewOrderServiceClient(conn)
		order, err := orders.GetOrder(t.Context(), &demov1.GetOrderRequest{OrderId: "1001"})
		if err != nil {
			t.Fatal(err)
		}
		text, err := protojson.Marshal(order)
		if err != nil {
			t.Fatal(err)
		}
		_, body := c.want(t, 200, "GET", "/orders/1001", "")
		got := decode(t, body)
		if got["_links"].(map[string]any)["user"].(map[string]any)["href"] != "/users/1" {
			t.Errorf("links %v", got["_links"])
		}
		delete(got, "_links")
		if want := decode(t, string(text)); !reflect.DeepEqual(got, want) {
			t.Errorf("REST  %v\nprotojson %v", got, want)
		}

		users := demov1.NewUserServiceClient(conn)
		res, _ := c.want(t, 201, "POST", "/users", `{"name":"Eva","nickname":""}`, asJSON)
		if res.Header.Get("Location") != "/users/21" {
			t.Errorf("Location %q", res.Header.Get("Location"))
		}
		eva, err := users.GetUser(t.Context(), &demov1.GetUserRequest{UserId: "21"})
		if err != nil || eva.GetName() != "Eva" || eva.Nickname == nil {
			t.Errorf("got %v, %v", eva, err)
		}
		c.want(t, 204, "DELETE", "/users/21", "")
		_, err = users.GetUser(t.Context(), &demov1.GetUserRequest{UserId: "21"})
		wantCode(t, err, codes.NotFound)
	})
}

func TestWhatWasReadCanBeSentBack(t *testing.T) {
	overBothVersions(t, func(t *testing.T, c *restClient) {
		for _, path := range []string{"/users/1", "/orders/1001"} {
			before, body := c.want(t, 200, "GET", path, "")
			after, _ := c.want(t, 200, "PUT", path, body, asJSON)
			if before.Header.Get("ETag") != after.Header.Get("ETag") {
				t.Errorf("%s changed by being put back", path)
			}
		}
	})
}

func TestConditionalRequests(t *testing.T) {
	overBothVersions(t, func(t *testing.T, c *restClient) {
		first, _ := c.want(t, 200, "GET", "/users/1", "")
		tag := first.Header.Get("ETag")
		for _, test := range []struct {
			status int
			method string
			header string
		}{
			{304, "GET", "If-None-Match: " + tag},
			{304, "HEAD", "If-None-Match: " + tag},
			{304, "GET", "If-None-Match: *"},
			{304, "GET", `If-None-Match: "other", W/` + tag},
			{200, "GET", `If-None-Match: "other"`},
			{200, "GET", "If-Match: " + tag},
			{412, "GET", `If-Match: "other"`},
			{412, "PATCH", `If-Match: "other"`},
			{412, "PATCH", "If-Match: W/" + tag}, // RFC 9110 §13.1.1 compares strongly
			{412, "PUT", "If-None-Match: *"},
			{412, "DELETE", `If-Match: "other"`},
		} {
			res, text := c.want(t, test.status, test.method, "/users/1", `{"name":"X"}`, test.header, asJSON)
			if test.status == 304 && (text != "" || res.Header.Get("ETag") != tag || res.Header.Get("Cache-Control") == "") {
				t.Errorf("%s %s: 304 with %q and %v", test.method, test.header, text, res.Header)
			}
		}
		res, _ := c.want(t, 200, "PATCH", "/users/1", `{"age":37}`, "If-Match: *, "+tag, asPatch)
		c.want(t, 412, "DELETE", "/users/1", "", "If-Match: "+tag)
		c.want(t, 204, "DELETE", "/users/1", "", "If-Match: "+res.Header.Get("ETag"))
		c.want(t, 404, "DELETE", "/users/1", "", "If-Match: "+tag)
		list, _ := c.want(t, 200, "GET", "/users", "")
		c.want(t, 304, "GET", "/users", "", "If-None-Match: "+list.Header.Get("ETag"))
	})
}

func TestMergePatch(t *testing.T) {
	t.Parallel()
	c := newRESTClient(t, start(t), 1)
	for _, test := range []struct {
		path, patch string
		want        string // of the fields named in it
	}{
		{"/users/1", `{"age":37,"address":{"kind":"WORK"}}`, `{"age":37,"address":{"city":"London","kind":"WORK"}}`},
		{"/users/1", `{"tags":["a","b"],"email":null}`, `{"tags":["a","b"],"email":null}`},
		{"/users/1", `{"address":null}`, `{"address":null}`},
		{"/users/1", `{"address":{"city":"Paris","street":null}}`, `{"address":{"city":"Paris"}}`},
		{"/users/1?update_mask=name,address.city", `{"name":"A","age":99,"address":{"kind":"HOME"}}`, `{"name":"A","age":37,"address":{}}`},
		{"/orders/1001", `{"voucher":"7"}`, `{"voucher":"7","card":null}`},
		{"/orders/1001", `{"delivery_window":"90s"}`, `{"deliveryWindow":"90s"}`},
		{"/orders/1001?updateMask=deliveryWindow", `{"deliveryWindow":"91s"}`, `{"deliveryWindow":"91s"}`},
		{"/orders/1001", `{"attributes":{"fragile":null,"deep":{"a":null,"b":1}}}`, `{"attributes":{"colours":["blue","gold"],"depth":3.5,"deep":{"b":1}}}`},
		{"/orders/1001", `{"labels":{"batch":null,"new":"x"},"parcels":{"2":null}}`, `{"labels":{"channel":"web","new":"x"}}`},
		{"/orders/1001", `{"total":{"units":"1"},"history":["PAID"]}`, `{"total":{"currency":"EUR","units":"57","nanos":400000000},"history":null}`},
	} {
		_, body := c.want(t, 200, "PATCH", test.path, test.patch, asPatch)
		got := decode(t, body)
		for field, want := range decode(t, test.want) {
			if !reflect.DeepEqual(got[field], want) {
				t.Errorf("%s %s: %s is %v, want %v", test.path, test.patch, field, got[field], want)
			}
		}
	}
}

func TestPagesAreLinked(t *testing.T) {
	overBothVersions(t, func(t *testing.T, c *restClient) {
		var ids []string
		next := "/users?pageSize=7"
		for pages := 0; next != "" && pages < 4; pages++ {
			res, body := c.want(t, 200, "GET", next, "")
			object := decode(t, body)
			for _, user := range object["users"].([]any) {
				ids = append(ids, user.(map[string]any)["id"].(string))
			}
			next = ""
			if link, ok := object["_links"].(map[string]any)["next"].(map[string]any); ok {
				next = link["href"].(string)
				if want := "<" + next + `>; rel="next"`; !strings.Contains(res.Header.Get("Link"), want) {
					t.Errorf("Link %q has no %q", res.Header.Get("Link"), want)
				}
			}
		}
		if len(ids) != 20 || next != "" || ids[19] != "20" {
			t.Errorf("pages of %v, then %q", ids, next)
		}
		_, body := c.want(t, 200, "GET", "/orders?user_id=2&page_size=1", "")
		if object := decode(t, body); object["totalSize"] != 3.0 || !strings.Contains(body, "page_token=YWZ0ZXI6Mg&user_id=2") {
			t.Errorf("orders of user 2: %v", object)
		}
		_, body = c.want(t, 200, "GET", "/orders?user_id=none", "")
		if got := decode(t, body)["orders"]; !reflect.DeepEqual(got, []any{}) {
			t.Errorf("no orders are %v, want []", got)
		}
	})
}

func TestProblems(t *testing.T) {
	overBothVersions(t, func(t *testing.T, c *restClient) {
		for _, test := range []struct {
			status             int
			method, path, body string
			headers            []string
			part               string
		}{
			{404, "GET", "/users/999", "", nil, `"code":"NOT_FOUND"`},
			{404, "GET", "/nothing", "", nil, `"instance":"/nothing"`},
			{405, "POST", "/users/1", "{}", []string{asJSON}, `/users/{id} takes`},
			{405, "BREW", "/", "", nil, `"title":"Method Not Allowed"`},
			{409, "POST", "/users", `{"id":"1","name":"X"}`, []string{asJSON}, `"code":"ALREADY_EXISTS"`},
			{409, "DELETE", "/orders/1003", "", nil, "on its way"},
			{413, "POST", "/users", `{"name":"` + strings.Repeat("x", maxBodyBytes) + `"}`, []string{asJSON}, "1048576"},
			{415, "POST", "/users", `{"name":"X"}`, nil, "application/json"},
			{415, "PATCH", "/users/1", `{"name":"X"}`, []string{"Content-Type: application/json-patch+json"}, "merge-patch"},
			{415, "POST", "/users", `{"name":"X"}`, []string{asJSON, "Content-Encoding: br"}, "br"},
			{400, "POST", "/users", `{"name":`, []string{asJSON}, "not JSON"},
			{400, "POST", "/users", ``, []string{asJSON}, "not JSON"},
			{400, "GET", "/users?page_size=many", "", nil, "page_size"},
			{400, "GET", "/users?page_size=-1", "", nil, "page_size"},
			{400, "GET", "/events?count=-1", "", nil, "count"},
			{422, "POST", "/users", `[]`, []string{asJSON}, "JSON object"},
			{422, "POST", "/users", `null`, []string{asJSON}, "JSON object"},
			{422, "POST", "/users", `{"nmae":"X"}`, []string{asJSON}, "nmae"},
			{422, "PUT", "/users/1", `{"id":"2","name":"X"}`, []string{asJSON}, `"pointer":"#/id"`},
			{422, "POST", "/users", `{"id":"a/b","name":"X"}`, []string{asJSON}, `"pointer":"#/id"`},
			{
				422, "POST", "/orders", `{"userId":"1","lines":[{"sku":"A","quantity":0,"unitPrice":{"currency":"eur"}}]}`,
				[]string{asJSON},
				`"pointer":"#/lines/0/unitPrice/currency"`,
			},
			{422, "PATCH", "/orders/1001", `{"extra":{"@type":"type.googleapis.com/no.Such"}}`, []string{asPatch}, "Such"},
		} {
			res, body := c.want(t, test.status, test.method, test.path, test.body, test.headers...)
			if res.Header.Get("Content-Type") != "application/problem+json" || !strings.Contains(body, test.part) {
				t.Errorf("%s %s: %s %s, want %q in it", test.method, test.path, res.Header.Get("Content-Type"), body, test.part)
			}
			if got := decode(t, body)["status"]; got != float64(test.status) {
				t.Errorf("%s %s: status %v in the problem of a %d", test.method, test.path, got, test.status)
			}
			if test.status == 405 && !strings.Contains(res.Header.Get("Allow"), "OPTIONS") {
				t.Errorf("%s %s: Allow %q", test.method, test.path, res.Header.Get("Allow"))
			}
		}
	})
}

func TestHeadAndOptions(t *testing.T) {
	overBothVersions(t, func(t *testing.T, c *restClient) {
		for _, path := range []string{"/", "/users", "/users/1", "/orders/1001", "/openapi.json"} {
			get, text := c.want(t, 200, "GET", path, "", "X-Trace: 1")
			head, none := c.want(t, 200, "HEAD", path, "")
			for _, name := range []string{"Etag", "Content-Type", "Content-Length", "Link"} {
				if !slices.Equal(get.Header[name], head.Header[name]) {
					t.Errorf("%s: %s is %q for GET and %q for HEAD", path, name, get.Header[name], head.Header[name])
				}
			}
			if none != "" || head.ContentLength != int64(len(text)) || get.Header.Get("X-Trace") != "1" {
				t.Errorf("%s: %d bytes announced, %d came; %v", path, head.ContentLength, len(text), get.Header)
			}
		}
		res, _ := c.want(t, 204, "OPTIONS", "/users/1", "")
		if res.Header.Get("Allow") != "DELETE, GET, PATCH, PUT, HEAD, OPTIONS" || !strings.Contains(res.Header.Get("Accept-Patch"), "merge-patch") {
			t.Errorf("OPTIONS tells %v", res.Header)
		}
	})
}

// readEvent returns the fields of the next server-sent event.
func readEvent(t *testing.T, r *bufio.Reader) map[string]string {
	t.Helper()
	event := map[string]string{}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\n" {
			return event
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		event[name] = value
	}
}

func TestEvents(t *testing.T) {
	overBothVersions(t, func(t *testing.T, c *restClient) {
		res := c.send(t, "GET", "/events?count=2&interval_ms=10", "", "Last-Event-ID: 41")
		text, err := io.ReadAll(res.Body) // ends by itself
		_ = res.Body.Close()
		if err != nil || res.Header.Get("Content-Type") != "text/event-stream" || bytes.Count(text, []byte("event: tick\n")) != 2 ||
			!bytes.Contains(text, []byte("\nid: 43\n")) {
			t.Errorf("got %s, %v", text, err)
		}

		res = c.send(t, "GET", "/events?interval_ms=3600000", "")
		defer func() { _ = res.Body.Close() }()
		r := bufio.NewReader(res.Body)
		if first := readEvent(t, r); first["retry"] == "" {
			t.Errorf("begins with %v", first)
		}
		c.want(t, 201, "POST", "/users", `{"name":"Eva"}`, asJSON)
		c.want(t, 204, "DELETE", "/orders/1001", "")
		event := readEvent(t, r)
		user := &demov1.User{}
		data := strings.Replace(event["data"], `,"_links":`+fieldOf(t, event["data"], "_links"), "", 1)
		if err := protojson.Unmarshal([]byte(data), user); err != nil || event["event"] != "user.created" || user.GetName() != "Eva" {
			t.Errorf("got %v, %v", event, err)
		}
		if event := readEvent(t, r); event["event"] != "order.deleted" || event["id"] != "2" {
			t.Errorf("got %v", event)
		}
	})
}

// fieldOf returns the text of one field of an object.
func fieldOf(t *testing.T, text, name string) string {
	t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	return string(object[name])
}

func TestFullStore(t *testing.T) {
	t.Parallel()
	d := newTestData(t)
	for range maxRows - 20 {
		if _, err := d.users.create(&demov1.User{Name: "X"}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := d.users.create(&demov1.User{Name: "X"})
	wantCode(t, err, codes.ResourceExhausted)
	d.users.bytes = maxTableBytes
	_, err = d.users.edit("1", func(prev *demov1.User) (*demov1.User, error) {
		next := proto.CloneOf(prev)
		next.Name += "."
		return next, nil
	})
	wantCode(t, err, codes.ResourceExhausted)
	before := d.users.bytes
	if err := d.users.remove("1", func(*demov1.User) error { return nil }); err != nil || d.users.bytes >= before {
		t.Errorf("removing freed nothing: %v", err)
	}
}
