package inspect

import (
	"testing"

	"github.com/wiregloss/wiregloss/record"
)

func TestFieldRules(t *testing.T) {
	t.Parallel()
	request := func(pairs ...string) func(*conversation) {
		return func(c *conversation) { c.headers(record.Sent, 1, true, 1000, pairs...) }
	}
	get := func(pairs ...string) func(*conversation) {
		return func(c *conversation) { c.get(1, true, pairs...) }
	}
	response := func(end bool, pairs ...string) func(*conversation) {
		return func(c *conversation) {
			c.get(1, true)
			c.flush(record.Sent)
			c.headers(record.Received, 1, end, 1000, pairs...)
		}
	}
	checkRules(t, []ruleCase{
		{name: "upper case", rule: "RFC 9113 §8.2.1", text: "upper-case", write: get("X-Name", "1", "Y", "2")},
		{name: "space in a name", rule: "RFC 9113 §8.2.1", text: "a byte that names may not have", write: get("x name", "1")},
		{name: "colon in a name", rule: "RFC 9113 §8.2.1", text: "a byte that names may not have", write: get("x:y", "1")},
		{name: "no name", rule: "RFC 9113 §8.2.1", text: "without a name", write: get("", "1")},
		{name: "space before a value", rule: "RFC 9113 §8.2.1", text: "space", write: get("x", " 1")},
		{name: "line feed in a value", rule: "RFC 9113 §8.2.1", text: "LF", write: get("x", "a\nb")},
		{name: "connection field", rule: "RFC 9113 §8.2.2", text: "transfer-encoding", write: get("transfer-encoding", "chunked", "upgrade", "x")},
		{name: "te", rule: "RFC 9113 §8.2.2", text: "te is", write: get("te", "gzip")},
		{name: "pseudo-header late", rule: "RFC 9113 §8.3", text: "after other fields", write: request(":method", "GET", ":scheme", "http", "x", "y", ":path", "/")},
		{name: "pseudo-header twice", rule: "RFC 9113 §8.3", text: "twice", write: request(":method", "GET", ":scheme", "http", ":path", "/", ":path", "/")},
		{name: "pseudo-header unknown", rule: "RFC 9113 §8.3", text: "not defined", write: request(":method", "GET", ":scheme", "http", ":path", "/", ":x", "y")},
		{name: "status in a request", rule: "RFC 9113 §8.3", text: "wrong kind", write: request(":method", "GET", ":scheme", "http", ":path", "/", ":status", "200")},
		{name: "no method", rule: "RFC 9113 §8.3.1", text: "without :method", write: request(":scheme", "http", ":path", "/")},
		{name: "no path", rule: "RFC 9113 §8.3.1", text: "without :path", write: request(":method", "GET", ":scheme", "http")},
		{name: "path without slash", rule: "RFC 9113 §8.3.1", text: "slash", write: request(":method", "GET", ":scheme", "http", ":path", "a")},
		{name: "host is another", rule: "RFC 9113 §8.3.1", text: "host", write: get("host", "other")},
		{name: "user information", rule: "RFC 9113 §8.3.1", text: "user information", write: request(":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a@b")},
		{name: "CONNECT with path", rule: "RFC 9113 §8.5", text: "CONNECT", write: request(":method", "CONNECT", ":authority", "a:1", ":path", "/")},
		{name: "no status", rule: "RFC 9113 §8.3.2", text: "without :status", write: response(true, "x", "y")},
		{name: "status of two digits", rule: "RFC 9113 §8.3.2", text: "three digits", write: response(true, ":status", "20")},
		{name: "101", rule: "RFC 9113 §8.6", text: "101", write: response(false, ":status", "101")},
		{name: "informational at the end", rule: "RFC 9113 §8.1", text: "informational", write: response(true, ":status", "103")},
		{name: "content-length no number", rule: "RFC 9113 §8.1.1", text: "not a number", write: get("content-length", "+1")},
		{name: "content-length twice", rule: "RFC 9113 §8.1.1", text: "content-length 2 after 0", write: get("content-length", "0", "content-length", "2")},
		{name: "content-length too much", rule: "RFC 9113 §8.1.1", text: "content-length is 3, the DATA frames have 0", write: get("content-length", "3")},
		{name: "content-length of DATA", rule: "RFC 9113 §8.1.1", text: "content-length is 3, the DATA frames have 4", write: func(c *conversation) {
			c.get(1, true)
			c.flush(record.Sent)
			c.headers(record.Received, 1, false, 1000, ":status", "200", "content-length", "3")
			c.data(record.Received, 1, true, 2, []byte("four"))
		}},
		{name: "trailers that do not end", rule: "RFC 9113 §8.1", text: "without END_STREAM", write: func(c *conversation) {
			c.get(1, true)
			c.flush(record.Sent)
			c.headers(record.Received, 1, false, 1000, ":status", "200")
			c.headers(record.Received, 1, false, 1000, "x", "y")
		}},
		{name: "pseudo-header in trailers", rule: "RFC 9113 §8.1", text: "in trailers", write: func(c *conversation) {
			c.get(1, true)
			c.flush(record.Sent)
			c.headers(record.Received, 1, false, 1000, ":status", "200")
			c.headers(record.Received, 1, true, 1000, ":status", "200")
		}},
	})
}

// What is right is not named: methods without a body, CONNECT, an extended CONNECT,
// OPTIONS of the server, and a path that is not http's.
func TestFieldRulesKept(t *testing.T) {
	t.Parallel()
	c := greeted(t, nil, nil)
	c.headers(record.Sent, 1, false, 1000, ":method", "CONNECT", ":authority", "a:1")
	c.headers(record.Sent, 3, false, 1000, ":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":path", "/c", ":authority", "a")
	c.headers(record.Sent, 5, true, 1000, ":method", "OPTIONS", ":scheme", "https", ":path", "*", ":authority", "a", "host", "A")
	c.headers(record.Sent, 7, true, 1000, ":method", "HEAD", ":scheme", "https", ":path", "/", "te", "trailers", "cookie", "a=b", "x", "")
	c.headers(record.Sent, 9, true, 1000, ":method", "GET", ":scheme", "coap", ":path", "a", "content-length", "0", "content-length", "0")
	c.flush(record.Sent)
	c.headers(record.Received, 7, false, 1000, ":status", "103", "link", "</a>")
	c.headers(record.Received, 7, true, 1000, ":status", "200", "content-length", "1234")
	c.headers(record.Received, 9, true, 1000, ":status", "304", "content-length", "1234")
	if tr := Decode(c.recording(false)); len(tr.Problems) > 0 {
		t.Errorf("problems %+v", tr.Problems)
	}
}
