//go:build e2e

package e2e

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// sent is one call of a peer's operation. Each program makes it on a server of
// its own, because some servers remember earlier calls.
type sent struct {
	peer, operation string
	data            string // JSON messages
	headers         []string
	times           int // how often it is sent; the last time counts
	code            int // exit code both must give
	replies         int // messages both must print
}

const (
	interopService = "grpc.testing.TestService/"
	routeGuide     = "routeguide.RouteGuide/"
	echo           = "grpc.examples.echo.Echo/"
	greeter        = "helloworld.Greeter/"
)

// calls has the four patterns on every peer that offers them, and statuses.
var calls = map[string]sent{
	"empty":         {peer: "interop", operation: interopService + "EmptyCall", data: `{}`, replies: 1},
	"empty no data": {peer: "interop", operation: interopService + "EmptyCall", replies: 1},
	"unary": {
		peer: "interop", operation: interopService + "UnaryCall", replies: 1,
		data: `{"responseType":"COMPRESSABLE","responseSize":20,"payload":{"body":"AAECAw=="},"fill_username":true}`,
	},
	"unary large": {
		peer: "interop", operation: interopService + "UnaryCall", replies: 1,
		data: `{"responseSize":314159,"payload":{"body":"` + strings.Repeat("AAAA", 20000) + `"}}`,
	},
	"unary status": {
		peer: "interop", operation: interopService + "UnaryCall", code: 64 + 2,
		data: `{"responseStatus":{"code":2,"message":"\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"}}`,
	},
	"unimplemented method": {peer: "interop", operation: interopService + "UnimplementedCall", data: `{}`, code: 64 + 12},
	"metadata": {
		peer: "interop", operation: interopService + "UnaryCall", data: `{"responseSize":1}`, replies: 1,
		headers: []string{"x-grpc-test-echo-initial: test_initial_metadata_value", "x-grpc-test-echo-trailing-bin: q6ur"},
	},
	"server stream": {
		peer: "interop", operation: interopService + "StreamingOutputCall", replies: 4,
		data: `{"responseParameters":[{"size":31415},{"size":9},{"size":2653},{"size":58979,"intervalUs":1000}]}`,
	},
	"server stream of nothing": {peer: "interop", operation: interopService + "StreamingOutputCall", data: `{}`},
	"client stream": {
		peer: "interop", operation: interopService + "StreamingInputCall", replies: 1,
		data: `{"payload":{"body":"AAEC"}} {"payload":{"body":"AAECAwQF"}}{"payload":{}}`,
	},
	"bidirectional": {
		peer: "interop", operation: interopService + "FullDuplexCall", replies: 3,
		data: `{"responseParameters":[{"size":31},{"size":9}],"payload":{"body":"AAEC"}} {"responseParameters":[{"size":5}]}`,
	},
	"bidirectional status": {
		peer: "interop", operation: interopService + "FullDuplexCall", replies: 1, code: 64 + 5,
		data: `{"responseParameters":[{"size":3}]} {"responseStatus":{"code":5,"message":"gone"}}`,
	},
	"bidirectional of nothing": {peer: "interop", operation: interopService + "FullDuplexCall"},

	"feature":         {peer: "route_guide", operation: routeGuide + "GetFeature", data: `{"latitude":409146138,"longitude":-746188906}`, replies: 1},
	"feature missing": {peer: "route_guide", operation: routeGuide + "GetFeature", data: `{"latitude":0,"longitude":0}`, replies: 1},
	"features": {
		peer: "route_guide", operation: routeGuide + "ListFeatures", replies: 100,
		data: `{"lo":{"latitude":400000000,"longitude":-750000000},"hi":{"latitude":420000000,"longitude":-730000000}}`,
	},
	"record route": {
		peer: "route_guide", operation: routeGuide + "RecordRoute", replies: 1,
		data: `{"latitude":407838351,"longitude":-746143763} {"latitude":408122808,"longitude":-743999179} {"latitude":1}`,
	},
	"route chat": {
		peer: "route_guide", operation: routeGuide + "RouteChat", replies: 6,
		data: `{"location":{"longitude":1},"message":"a"} {"location":{},"message":"b"} {"location":{"longitude":1},"message":"c"} ` +
			`{"location":{},"message":"é\n\u0001"}`,
	},

	"greeting":        {peer: "errors", operation: greeter + "SayHello", data: `{"name":"Ada"}`, replies: 1},
	"greeted already": {peer: "errors", operation: greeter + "SayHello", data: `{"name":"Ada"}`, times: 2, code: 64 + 8},

	"echo":               {peer: "metadata", operation: echo + "UnaryEcho", data: `{"message":"hi"}`, headers: []string{"timestamp: now"}, replies: 1},
	"echo server stream": {peer: "metadata", operation: echo + "ServerStreamingEcho", data: `{"message":"hi"}`, replies: 10},
	"echo client stream": {peer: "metadata", operation: echo + "ClientStreamingEcho", data: `{"message":"a"}{"message":"b"}`, replies: 1},
	"echo bidirectional": {peer: "metadata", operation: echo + "BidirectionalStreamingEcho", data: `{"message":"a"}{"message":"b"}`, replies: 2},

	"reflection greeter":       {peer: "reflection", operation: greeter + "SayHello", data: `{"name":"Grace"}`, replies: 1},
	"reflection echo":          {peer: "reflection", operation: echo + "UnaryEcho", data: `{"message":"hi"}`, replies: 1},
	"reflection unimplemented": {peer: "reflection", operation: echo + "BidirectionalStreamingEcho", data: `{"message":"a"}`, code: 64 + 12},
	"reflection itself": {
		peer: "reflection", operation: "grpc.reflection.v1.ServerReflection/ServerReflectionInfo", replies: 3,
		data: `{"list_services":""} {"fileContainingSymbol":"helloworld.Greeter"} {"file_by_filename":"none.proto"}`,
	},
}

func TestCallAsGrpcurl(t *testing.T) {
	t.Parallel()
	for name, c := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			theirs, verbose := c.byGrpcurl(t, "-format-error"), c.byGrpcurl(t, "-v")
			ours, envelope := c.byWiregloss(t, "body"), c.byWiregloss(t, "json")
			for _, r := range []result{theirs, verbose, ours, envelope} {
				if r.code != c.code {
					t.Fatalf("exit code %d, want %d\n%s", r.code, c.code, r.stderr)
				}
			}
			sameValues(t, ours.stdout, theirs.stdout)
			if got := len(values(t, theirs.stdout)); got != c.replies {
				t.Errorf("grpcurl prints %d messages, want %d", got, c.replies)
			}
			e := decode[exchanged](t, envelope.stdout)
			e.sameMessages(t, theirs.stdout)
			e.sameStatus(t, theirs.stderr)
			e.sameMetadata(t, verbose.stdout)
		})
	}
}

// byGrpcurl prints messages on stdout. With -format-error it prints the status
// as JSON on stderr, with -v metadata too.
func (c sent) byGrpcurl(t *testing.T, flag string) result {
	t.Helper()
	args := []string{"-plaintext", flag, "-d", "@"}
	return c.send(t, peer(t, "grpcurl"), append(args, c.headerFlags()...))
}

func (c sent) byWiregloss(t *testing.T, output string) result {
	t.Helper()
	args := []string{"call", "-o", output, "-d", "@-"}
	return c.send(t, wiregloss, append(args, c.headerFlags()...))
}

func (c sent) headerFlags() []string {
	var flags []string
	for _, h := range c.headers {
		flags = append(flags, "-H", h)
	}
	return flags
}

func (c sent) send(t *testing.T, program string, args []string) result {
	t.Helper()
	args = append(args, startPeer(t, c.peer), c.operation)
	for range c.times - 1 {
		feed(t, c.data, program, args...)
	}
	return feed(t, c.data, program, args...)
}

// exchanged is what of the envelope has its like in grpcurl's output.
type exchanged struct {
	Response struct {
		Status struct {
			Code    int
			Message string
			Details []json.RawMessage
			Source  string
		}
		Headers, Trailers []field
		Messages          []struct{ JSON json.RawMessage }
	}
}

func (e exchanged) sameMessages(t *testing.T, theirs string) {
	t.Helper()
	var all strings.Builder
	for _, m := range e.Response.Messages {
		all.Write(m.JSON)
		all.WriteByte('\n')
	}
	sameValues(t, all.String(), theirs)
}

// sameStatus compares with the status that grpcurl writes as JSON.
func (e exchanged) sameStatus(t *testing.T, theirs string) {
	t.Helper()
	status := e.Response.Status
	if status.Source != "wire" {
		t.Errorf("the status is from %q, want wire", status.Source)
	}
	if status.Code == 0 {
		return
	}
	want := decode[struct {
		Code    int
		Message string
		Details []json.RawMessage
	}](t, theirs)
	if status.Code != want.Code || status.Message != want.Message {
		t.Errorf("status %d %q, grpcurl gives %d %q", status.Code, status.Message, want.Code, want.Message)
	}
	sameValues(t, concat(status.Details), concat(want.Details))
}

func concat(all []json.RawMessage) string {
	var b strings.Builder
	for _, v := range all {
		b.Write(v)
		b.WriteByte('\n')
	}
	return b.String()
}

// field is a header or trailer.
type field struct{ Name, Value string }

// sameMetadata compares with what grpcurl -v shows. It takes the pseudo headers
// and the status away, and the one block of an answer without messages for
// trailers.
func (e exchanged) sameMetadata(t *testing.T, theirs string) {
	t.Helper()
	headers, trailers := e.Response.Headers, e.Response.Trailers
	if slices.ContainsFunc(headers, func(f field) bool { return f.Name == "grpc-status" }) {
		headers, trailers = nil, headers
	}
	for part, ours := range map[string][]field{"headers": headers, "trailers": trailers} {
		got, want := metadata(ours), shown(theirs, part)
		if !slices.Equal(got, want) {
			t.Errorf("the %s are\n%s\nin grpcurl\n%s", part, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func metadata(fields []field) []string {
	var lines []string
	for _, f := range fields {
		if !strings.HasPrefix(f.Name, ":") && f.Name != "grpc-status" && f.Name != "grpc-message" {
			lines = append(lines, line(f.Name, f.Value))
		}
	}
	slices.Sort(lines)
	return lines
}

// shown reads the headers or trailers in the output of grpcurl -v.
func shown(output, part string) []string {
	_, rest, _ := strings.Cut("\n"+output, "\nResponse "+part+" received:\n")
	var lines []string
	for text := range strings.Lines(rest) {
		name, value, ok := strings.Cut(strings.TrimSuffix(text, "\n"), ": ")
		if !ok {
			break
		}
		lines = append(lines, line(name, value))
	}
	slices.Sort(lines)
	return lines
}

// line writes metadata so that it can be compared: base64 may be padded, and a
// time is another in each call.
func line(name, value string) string {
	switch {
	case name == "timestamp":
		value = "(a time)"
	case strings.HasSuffix(name, "-bin"):
		value = strings.TrimRight(value, "=")
	}
	return name + ": " + value
}
