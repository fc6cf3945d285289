//go:build e2e

package e2e

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestFramesAsTshark compares the frame list of calls to the demo server with
// what tshark saw of them on loopback: through net/http's server and grpc-go's.
func TestFramesAsTshark(t *testing.T) {
	t.Parallel()
	shared, native := startDemo(t)
	c := startSniffer(t, shared, native)
	chunk := base64.StdEncoding.EncodeToString(make([]byte, 200_000))
	tests := []struct {
		name, operation, data string
		flags                 []string
		exit                  int
		frames                int // at least so many received
	}{
		{name: "unary", operation: "demo.v1.UserService/GetUser", data: `{"user_id":"1"}`},
		{name: "gzip", operation: "demo.v1.UserService/ListUsers", data: `{"page_size":20}`, flags: []string{"--compress", "gzip"}},
		{name: "status", operation: "demo.v1.UserService/GetUser", data: `{"user_id":"none"}`, exit: 64 + 5},
		// tshark dissects no more than about 250 frames of one segment: messages of
		// this size keep far below that.
		{name: "server stream", operation: "demo.v1.LoadService/Flood", data: `{"count":500,"size":500}`, frames: 500},
		{name: "large reply", operation: "demo.v1.LoadService/Flood", data: `{"count":1,"size":200000}`, frames: 200_000 / 16384},
		{
			name: "large request", operation: "demo.v1.FileService/Upload",
			data: `{"info":{"name":"zeros"}} {"chunk":{"data":"` + chunk + `"}}`,
		},
		{name: "bidirectional", operation: "demo.v1.ChatService/Chat", data: strings.Repeat(`{"text":"hello"} `, 20)},
		{name: "deadline", operation: "demo.v1.LoadService/Stall", data: `{}`, flags: []string{"--timeout", "50ms"}, exit: 68},
	}
	for _, tt := range tests {
		for server, addr := range map[string]string{"net/http": shared, "grpc-go": native} {
			t.Run(tt.name+" by "+server, func(t *testing.T) {
				args := append([]string{"call", "-o", "json", "-d", "@-", addr, tt.operation}, tt.flags...)
				r := feed(t, tt.data, wiregloss, args...)
				if r.code != tt.exit {
					t.Fatalf("exit code %d, want %d\n%s", r.code, tt.exit, r.stderr)
				}
				c.sync(t, addr)
				wantSent, wantReceived := c.last(t, addr)
				sent, received := framesOf(t, r.stdout)
				if !slices.Equal(sent, wantSent) {
					t.Errorf("sent\n%s", sideBySide(sent, wantSent))
				}
				// What arrived after wiregloss stopped reading is on the wire alone.
				if len(received) > len(wantReceived) || !slices.Equal(received, wantReceived[:len(received)]) {
					t.Errorf("received\n%s", sideBySide(received, wantReceived))
				}
				if !slices.ContainsFunc(sent, requestEnds) || len(received) <= tt.frames {
					t.Errorf("%d frames sent, %d received: too few to be this call", len(sent), len(received))
				}
			})
		}
	}
}

// requestEnds holds for the DATA frame that ends every request but a cancelled one.
func requestEnds(f frame) bool { return f.kind == 0 && f.stream == 1 && f.flags&1 != 0 }

// sideBySide shows where two lists of frames part.
func sideBySide(ours, theirs []frame) string {
	const around = 5
	first := 0
	for first < min(len(ours), len(theirs)) && ours[first] == theirs[first] {
		first++
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d frames, tshark has %d; the first that differs is number %d\n", len(ours), len(theirs), first)
	for i := max(0, first-around); i < min(first+around, max(len(ours), len(theirs))); i++ {
		fmt.Fprintf(&b, "%4d %-55s tshark: %s\n", i, at(ours, i), at(theirs, i))
	}
	return b.String()
}

func at(list []frame, i int) string {
	if i >= len(list) {
		return ""
	}
	return fmt.Sprintf("%s flags %#x stream %d length %d", name(list[i].kind), list[i].flags, list[i].stream, list[i].length)
}

func name(kind uint64) string {
	if kind < uint64(len(kinds)) {
		return kinds[kind]
	}
	return fmt.Sprint("type ", kind)
}
