//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/wiregloss/wiregloss/internal/testserver"
)

// usageCases need no server: what the arguments say is wrong.
func usageCases(*testing.T) map[string]invocation {
	const nowhere = "127.0.0.1:1"
	cases := map[string]invocation{
		"help":    {args: []string{"-help"}},
		"h":       {args: []string{"-h"}},
		"version": {args: []string{"-version"}},
	}
	for name, line := range map[string]string{
		"no arguments": "", "no verb": nowhere, "list alone": "list", "describe alone": "describe", "too many": nowhere + " list a b",
		"two methods": "-plaintext " + nowhere + " a/b c/d", "unknown flag": "-bogus " + nowhere + " list",
		"flag after address": nowhere + " -plaintext list x", "not a number": "-max-time x " + nowhere + " list",
		"no value": "-d", "bool value": "-plaintext=maybe " + nowhere + " list",
		"plaintext and insecure": "-plaintext -insecure " + nowhere + " list", "plaintext and cert": "-plaintext -cert a -key b " + nowhere + " list",
		"plaintext and key": "-plaintext -key b " + nowhere + " list", "cert without key": "-cert a " + nowhere + " list",
		"alts and plaintext": "-alts -plaintext " + nowhere + " list", "alts and insecure": "-alts -insecure " + nowhere + " list",
		"alts account":       "-alts-target-service-account a " + nowhere + " list",
		"alts handshaker":    "-alts-handshaker-service a " + nowhere + " list",
		"negative time":      "-max-time -1 " + nowhere + " list",
		"negative connect":   "-connect-timeout -0.5 " + nowhere + " list",
		"negative keepalive": "-keepalive-time=-1 " + nowhere + " list", "negative size": "--max-msg-sz=-1 " + nowhere + " list",
		"format":            "-format yaml " + nowhere + " list",
		"no schema":         "-use-reflection=false " + nowhere + " list",
		"proto and set":     "-proto a.proto -protoset b.bin list",
		"method, no host":   "-protoset b.bin a/b",
		"warnings":          "-emit-defaults -format text -d x -rpc-header a:b -protoset none -reflect-header c:d -import-path . list",
		"other server name": "-authority a -servername b " + nowhere + " list",
	} {
		cases["usage: "+name] = invocation{args: strings.Fields(line), code: 2}
	}
	warned := cases["usage: warnings"]
	warned.code = 1 // the set is not there
	cases["usage: warnings"] = warned
	return cases
}

// schemaCases list and describe what servers offer by reflection.
func schemaCases(t *testing.T) map[string]invocation {
	cases := map[string]invocation{}
	for _, name := range peers {
		addr := startPeer(t, name)
		cases["list "+name] = invocation{args: []string{"-plaintext", addr, "list"}}
		cases["describe all of "+name] = invocation{args: []string{"-plaintext", addr, "describe"}}
	}
	addr := startPeer(t, "interop")
	for _, symbol := range []string{
		"grpc.testing.TestService", "grpc.testing.TestService.UnaryCall", "grpc.testing.SimpleRequest", ".grpc.testing.SimpleRequest",
		"grpc.testing.SimpleRequest.response_size", "grpc.testing.PayloadType", "grpc.testing.COMPRESSABLE",
		"google.protobuf.Any", "google.protobuf.FieldOptions", "google.protobuf.FieldDescriptorProto.TYPE_INT32",
		"xds.data.orca.v3.OrcaLoadReport.UtilizationEntry",
	} {
		cases["describe "+symbol] = invocation{args: []string{"-plaintext", "-msg-template", addr, "describe", symbol}}
	}
	for _, symbol := range []string{"nope", "grpc.testing", "grpc.testing.Nope", "grpc.testing.PayloadType.COMPRESSABLE"} {
		cases["describe missing "+symbol] = invocation{args: []string{"-plaintext", addr, "describe", symbol}, code: 1}
	}
	maps.Copy(cases, map[string]invocation{
		"list methods":          {args: []string{"-plaintext", addr, "list", "grpc.testing.TestService"}},
		"list methods, -vv":     {args: []string{"-plaintext", "-vv", addr, "list", "grpc.testing.TestService"}},
		"list missing":          {args: []string{"-plaintext", addr, "list", "grpc.testing.Nope"}, code: 1},
		"list a message":        {args: []string{"-plaintext", addr, "list", "grpc.testing.SimpleRequest"}, code: 1},
		"list with data":        {args: []string{"-plaintext", "-d", "{}", addr, "list"}},
		"template as text":      {args: []string{"-plaintext", "-format", "text", "-msg-template", addr, "describe", "grpc.testing.SimpleRequest"}},
		"template of a service": {args: []string{"-plaintext", "-msg-template", addr, "describe", "grpc.testing.TestService"}},
	})
	return cases
}

// callCases make calls of the four kinds, quiet, -v and -vv.
func callCases(t *testing.T) map[string]invocation {
	interop, guide := startPeer(t, "interop"), startPeer(t, "route_guide")
	cases := map[string]invocation{}
	for name, c := range map[string]struct {
		addr, method, data string
		code               int
	}{
		"empty":           {interop, "grpc.testing.TestService/EmptyCall", "", 0},
		"unary":           {interop, "grpc.testing.TestService.UnaryCall", `{"response_size":20,"fillUsername":true}`, 0},
		"unary status":    {interop, "grpc.testing.TestService/UnaryCall", `{"responseStatus":{"code":9,"message":"\ttab ☺"}}`, 64 + 9},
		"unimplemented":   {interop, "grpc.testing.TestService/UnimplementedCall", "", 64 + 12},
		"server stream":   {interop, "grpc.testing.TestService/StreamingOutputCall", `{"responseParameters":[{"size":3},{"size":9}]}`, 0},
		"stream status":   {interop, "grpc.testing.TestService/FullDuplexCall", `{"responseParameters":[{"size":3}]}{"responseStatus":{"code":5}}`, 64 + 5},
		"nothing back":    {interop, "grpc.testing.TestService/StreamingOutputCall", `{}`, 0},
		"client stream":   {interop, "grpc.testing.TestService/StreamingInputCall", `{"payload":{"body":"AAE="}} {}`, 0},
		"nothing sent":    {interop, "grpc.testing.TestService/StreamingInputCall", ``, 0},
		"bidi":            {interop, "grpc.testing.TestService/FullDuplexCall", `{"responseParameters":[{"size":3},{"size":1}]}{"responseParameters":[{}]}`, 0},
		"bidi of nothing": {interop, "grpc.testing.TestService/FullDuplexCall", ``, 0},
		"feature":         {guide, "routeguide.RouteGuide/GetFeature", `{"latitude":409146138,"longitude":-746188906}`, 0},
		"chat":            {guide, "routeguide.RouteGuide/RouteChat", `{"location":{"latitude":7},"message":"<b>&é` + "\u2028" + `"}{"location":{"latitude":7}}`, 0},
	} {
		for _, flag := range []string{"-format=json", "-v", "-vv", "-emit-defaults", "-format-error"} {
			args := []string{"-plaintext", flag, "-d", c.data, c.addr, c.method}
			cases[fmt.Sprintf("call %s %s", name, flag)] = invocation{args: args, code: c.code}
		}
	}
	for _, name := range []string{"chat"} { // the guide remembers what was said at a place
		for _, flag := range []string{"-format=json", "-v", "-vv", "-emit-defaults", "-format-error"} {
			delete(cases, fmt.Sprintf("call %s %s", name, flag))
		}
	}
	maps.Copy(cases, map[string]invocation{
		"call two messages": {args: []string{"-plaintext", "-d", "{}{}", interop, "grpc.testing.TestService/UnaryCall"}, code: 1},
		"call two messages for a stream": {
			args: []string{"-plaintext", "-d", "{}{}", interop, "grpc.testing.TestService/StreamingOutputCall"}, code: 1,
		},
		"call no method":    {args: []string{"-plaintext", interop, "nope"}, code: 1},
		"call no service":   {args: []string{"-plaintext", interop, "no.Service/Method"}, code: 1},
		"call other method": {args: []string{"-plaintext", interop, "grpc.testing.TestService/Nope"}, code: 1},
		"call a message":    {args: []string{"-plaintext", interop, "grpc.testing.SimpleRequest/Nope"}, code: 1},
		"call no service, -format-error": {
			args: []string{"-plaintext", "-format-error", interop, "no.Service/Method"}, code: 1,
		},
		"call deadline": {args: []string{
			"-plaintext", "-max-time", "0.5", "-d", `{"responseParameters":[{"size":3,"intervalUs":20000000}]}`,
			interop, "grpc.testing.TestService/StreamingOutputCall",
		}, code: 64 + 4},
		"call reply too large": {args: []string{
			"-plaintext", "-max-msg-sz", "1500", "-d", `{"responseSize":2000}`,
			"-import-path", protoOfInterop(t), "-proto", "part.proto", interop, "grpc.testing.TestService/UnaryCall",
		}, code: 64 + 8},
		"call reply over 4 MiB": {args: []string{
			"-plaintext", "-d", `{"responseSize":5000000}`, interop, "grpc.testing.TestService/UnaryCall",
		}, code: 64 + 8},
		"call schema too large": {args: []string{"-plaintext", "-max-msg-sz", "10", interop, "grpc.testing.TestService/UnaryCall"}, code: 1},
		"call user agent":       {args: []string{"-plaintext", "-user-agent", "me", interop, "grpc.testing.TestService/EmptyCall"}},
	})
	return cases
}

// protoOfInterop writes part.proto, a part of the interop service, into a folder.
func protoOfInterop(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	const source = `syntax = "proto3";
package grpc.testing;
message SimpleRequest { int32 response_size = 2; }
message Payload { bytes body = 2; }
message SimpleResponse { Payload payload = 1; }
service TestService { rpc UnaryCall(SimpleRequest) returns (SimpleResponse); }
`
	if err := os.WriteFile(filepath.Join(dir, "part.proto"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// inputCases are messages to send, right and wrong, in both formats.
func inputCases(t *testing.T) map[string]invocation {
	addr := startPeer(t, "interop")
	const unary, duplex = "grpc.testing.TestService/UnaryCall", "grpc.testing.TestService/FullDuplexCall"
	cases := map[string]invocation{
		"input stdin":          {args: []string{"-plaintext", "-d", "@", addr, duplex}, stdin: `{"responseParameters":[{"size":1}]} {"responseParameters":[{"size":2}]}`},
		"input stdin empty":    {args: []string{"-plaintext", "-d", "@", addr, unary}},
		"input second wrong":   {args: []string{"-plaintext", "-d", `{}{"nope":1}`, addr, "grpc.testing.TestService/StreamingInputCall"}, code: 1},
		"input wrong in chat":  {args: []string{"-plaintext", "-d", `{}{"nope":1}`, addr, duplex}, code: 1},
		"input unknown fields": {args: []string{"-plaintext", "-allow-unknown-fields", "-d", `{"nope":[{}],"payload":{"no":1,"body":"AA=="},"responseSize":2}`, addr, unary}},
		"input text":           {args: []string{"-plaintext", "-format", "text", "-d", `response_size: 3 fill_username: true`, addr, unary}},
		"input texts": {
			args:  []string{"-plaintext", "-format", "text", "-d", "@", addr, duplex},
			stdin: "response_parameters <size: 3>\x1eresponse_parameters { size: 2 } response_parameters { size: 4 }\x1e",
		},
		"input texts -v": {
			args: []string{"-plaintext", "-v", "-format", "text", "-d", "response_parameters { size: 2 } response_parameters { size: 1 }", addr, duplex},
		},
		"input text nothing": {args: []string{"-plaintext", "-format", "text", addr, "grpc.testing.TestService/EmptyCall"}},
		"input text status": {
			args: []string{"-plaintext", "-format", "text", "-format-error", "-d", `response_status { code: 3 message: "x\ny" }`, addr, unary}, code: 64 + 3,
		},
		"input text wrong": {args: []string{"-plaintext", "-format", "text", "-d", `nope: 3`, addr, unary}, code: 1},
	}
	for name, data := range map[string]string{
		"number as text": `{"response_size":"5"}`, "one for a list": `{"responseType":"COMPRESSABLE","payload":[{"body":"AA=="}]}`,
		"enum in quotes": `{"responseType":"0"}`, "null field": `{"payload":null,"response_size":null}`, "null": `null`, "nothing": ` `,
	} {
		cases["input "+name] = invocation{args: []string{"-plaintext", "-d", data, addr, unary}}
	}
	for name, data := range map[string]string{
		"open": `{`, "unknown": `{"nope":1}`, "wrong type": `{"responseSize":"x"}`, "out of range": `{"responseSize":3000000000}`,
		"enum": `{"responseType":"NOPE"}`, "base64": `{"payload":{"body":"*"}}`, "array": `[1]`, "text": `hello`, "comma": `{"a":1,}`,
	} {
		cases["input bad "+name] = invocation{args: []string{"-plaintext", "-d", data, addr, unary}, code: 1}
	}
	return cases
}

// oddServerCases call servers that break one rule each.
func oddServerCases(t *testing.T) map[string]invocation {
	cases := map[string]invocation{}
	codes := map[string]int{
		"trailers-only": 64 + 5, "rst-after-header": 64 + 13, "rst-during-data": 64 + 1, "rst-after-data": 64 + 8, "goaway": 64 + 14,
		"no-trailers": 64 + 13, "half-frame": 64 + 14, "half-message": 64 + 13, "huge-length": 64 + 8, "compressed-garbage": 64 + 13, "bomb": 64 + 8,
		"no-reflection": 1, "http1": 1, "plain-tcp-close": 1, "silent": 1, "tls": 1, "tls-mtls": 1,
	}
	for _, mode := range testserver.Modes() {
		s, err := testserver.Start(mode, testserver.Options{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		if mode == "max-streams" {
			cases["odd max-streams"] = noStreams(t, s.Addr)
			continue
		}
		for _, method := range []string{"Do", "Stream"} {
			args := []string{"-plaintext", "-connect-timeout", "1", "-d", `{"text":"x"}`, s.Addr, "test.v1.Mischief/" + method}
			cases["odd "+mode+" "+method] = invocation{args: args, code: codes[mode]}
		}
		if mode == "escapes" || mode == "no-reflection" || mode == "broken-reflection" {
			code := codes[mode]
			cases["odd "+mode+" list"] = invocation{args: []string{"-plaintext", s.Addr, "list"}, code: code}
			if mode == "broken-reflection" {
				code = 1
			}
			cases["odd "+mode+" describe"] = invocation{args: []string{"-plaintext", s.Addr, "describe"}, code: code}
		}
	}
	return cases
}

// noStreams calls a server that lets only its first connection have streams, which
// is not that of a program under test.
func noStreams(t *testing.T, addr string) invocation {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return invocation{args: []string{"-plaintext", "-max-time", "1", addr, "test.v1.Mischief/Do"}, code: 1}
}

// connectionCases are about TLS, sockets, and servers that are not there.
func connectionCases(t *testing.T) map[string]invocation {
	cert, key := certificate(t, "peer.test", "127.0.0.1")
	addr := startPeer(t, "interop", "-use_tls", "-tls_cert_file", cert, "-tls_key_file", key)
	plain := startPeer(t, "interop")
	dir := t.TempDir()
	mutual, err := testserver.Start("tls-mtls", testserver.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mutual.Close)
	ca, client, clientKey := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "client.pem"), filepath.Join(dir, "client-key.pem")
	other, _ := certificate(t, "other.test", "127.0.0.1")
	socket := unixServer(t)
	missing := filepath.Join(dir, "missing")
	const empty = "grpc.testing.TestService/EmptyCall"
	return map[string]invocation{
		"tls trusted":          {args: []string{"-cacert", cert, addr, empty}},
		"tls trusted -vv":      {args: []string{"-vv", "-cacert", cert, addr, empty}},
		"tls by name":          {args: []string{"-cacert", cert, "-authority", "peer.test", addr, empty}},
		"tls by server name":   {args: []string{"-cacert", cert, "-servername", "peer.test", addr, empty}},
		"tls by both names":    {args: []string{"-cacert", cert, "-servername", "peer.test", "-authority", "peer.test", addr, empty}},
		"tls insecure":         {args: []string{"-insecure", addr, empty}},
		"tls insecure, no ca":  {args: []string{"-insecure", "-cacert", missing, addr, empty}},
		"tls not trusted":      {args: []string{addr, empty}, code: 1},
		"tls other ca":         {args: []string{"-cacert", other, addr, empty}, code: 1},
		"tls wrong name":       {args: []string{"-cacert", cert, "-authority", "other.test", addr, empty}, code: 1},
		"tls no ca file":       {args: []string{"-cacert", missing, addr, empty}, code: 1},
		"tls ca is no pem":     {args: []string{"-cacert", key, addr, empty}, code: 1},
		"tls no cert file":     {args: []string{"-cert", missing, "-key", missing, addr, empty}, code: 1},
		"tls to plaintext":     {args: []string{"-connect-timeout", "1", plain, empty}, code: 1},
		"plaintext to tls":     {args: []string{"-plaintext", "-connect-timeout", "1", addr, empty}, code: 1},
		"mutual tls":           {args: []string{"-cacert", ca, "-cert", client, "-key", clientKey, mutual.Addr, "list"}},
		"mutual tls, no cert":  {args: []string{"-cacert", ca, mutual.Addr, "list"}, code: 1},
		"alts":                 {args: []string{"-alts", "-connect-timeout", "1", addr, empty}, code: 1},
		"unix":                 {args: []string{"-plaintext", "-unix", socket, "list"}},
		"unix uri":             {args: []string{"-plaintext", "unix://" + socket, "list"}},
		"unix uri and flag":    {args: []string{"-plaintext", "-unix=true", "unix://" + socket, "grpc.health.v1.Health/Check"}},
		"unix missing":         {args: []string{"-plaintext", "-unix", "-connect-timeout", "1", missing, "list"}, code: 1},
		"refused":              {args: []string{"-plaintext", "-connect-timeout", "1", refusedAddress(t), "list"}, code: 1},
		"no such host":         {args: []string{"-plaintext", "-connect-timeout", "1", "nowhere.invalid:1", "list"}, code: 1},
		"no port":              {args: []string{"-plaintext", "-connect-timeout", "1", "localhost", "list"}, code: 1},
		"dns name":             {args: []string{"-plaintext", "dns:///" + plain, "list"}},
		"passthrough name":     {args: []string{"-plaintext", "passthrough:///" + plain, "list"}},
		"connect within limit": {args: []string{"-plaintext", "-connect-timeout", "9.5", "-max-time", "20", "-keepalive-time", "30", plain, "list"}},
	}
}

func refusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// unixServer serves health and reflection on a socket.
func unixServer(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "s") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(s, health.NewServer())
	reflection.Register(s)
	go func() { _ = s.Serve(l) }() // until Stop
	t.Cleanup(s.Stop)
	return path
}

// metadataCases are about what is sent beside messages.
func metadataCases(t *testing.T) map[string]invocation {
	interop, metadata := startPeer(t, "interop"), startPeer(t, "metadata")
	const unary = "grpc.testing.TestService/UnaryCall"
	return map[string]invocation{
		"metadata all": {args: []string{
			"-plaintext", "-v", "-H", "b: 2", "-H", "A:1", "-H", "a: : 2 ", "-rpc-header", "x-bin: AAE", "-rpc-header", "y-bin:*", "-reflect-header", "r: 1", "-H", "", "-H", "none",
			"-H", "x-grpc-test-echo-initial: i", "-H", "x-grpc-test-echo-trailing-bin: q6ur", interop, unary,
		}},
		"metadata expanded":     {args: []string{"-plaintext", "-v", "-expand-headers", "-H", "a: ${PATH}, ${PATH}", interop, unary}},
		"metadata not expanded": {args: []string{"-plaintext", "-v", "-H", "a: ${PATH}", interop, unary}},
		"metadata not set":      {args: []string{"-plaintext", "-expand-headers", "-rpc-header", "a: ${WIREGLOSS_NONE}", interop, unary}, code: 1},
		"metadata echoed":       {args: []string{"-plaintext", "-v", "-H", "timestamp: now", "-d", `{"message":"x"}`, metadata, "grpc.examples.echo.Echo/UnaryEcho"}},
		"metadata echoed stream": {args: []string{
			"-plaintext", "-v", "-H", "timestamp: now", "-d", `{"message":"x"}`, metadata, "grpc.examples.echo.Echo/ServerStreamingEcho",
		}},
		"metadata illegal":        {args: []string{"-plaintext", "-rpc-header", "a b: c", interop, unary}, code: 64 + 13},
		"metadata illegal stream": {args: []string{"-plaintext", "-rpc-header", "a b: c", interop, "grpc.testing.TestService/FullDuplexCall"}},
		"metadata illegal asked":  {args: []string{"-plaintext", "-reflect-header", "a b: c", interop, unary}, code: 1},
		"metadata reserved":       {args: []string{"-plaintext", "-v", "-rpc-header", "content-type: x", "-rpc-header", "user-agent: y", interop, unary}},
	}
}
