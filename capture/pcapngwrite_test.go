package capture

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/wiregloss/wiregloss/record"
)

func TestPCAPNGRoundTrip(t *testing.T) {
	t.Parallel()
	v6 := meta()
	v6.Local, v6.Peer, v6.Address = "[fe80::1%eth0]:40000", "[2001:db8::2]:443", "example.org:443"
	unix := record.Meta{Start: start, Network: "unix", Address: "/run/demo.sock"}
	dialed := meta()
	dialed.Dial = record.Dial{DNS: 100 * time.Microsecond, Connect: 200 * time.Microsecond}
	for name, m := range map[string]record.Meta{"IPv4": meta(), "IPv6": v6, "unix": unix, "dialed": dialed, "no facts": {}} {
		for end, err := range map[string]error{"by us": nil, "by the peer": io.EOF, "reset": errors.New("connection reset by peer")} {
			t.Run(name+" "+end, func(t *testing.T) {
				t.Parallel()
				want := conversation(m, 1, 50)
				want.Close(err)
				c := mustRead(t, written(t, want), Options{})
				if c.Format != FormatPCAP || len(c.Skipped) > 0 {
					t.Errorf("format %s, skipped %q", c.Format, c.Skipped)
				}
				conn := only(t, c)
				checkBytes(t, conn.Recording, want)
				checkClosed(t, conn.Recording, err)
				if len(conn.Problems) > 0 {
					t.Errorf("problems: %+v", conn.Problems)
				}
				if name != "no facts" {
					checkChunks(t, conn.Recording, want)
				}
				if got := conn.Recording.Meta().Dial.Connect; got != m.Dial.Connect {
					t.Errorf("connecting took %v, want %v", got, m.Dial.Connect)
				}
			})
		}
	}
}

func TestPCAPNGKeepsAddressesAndFacts(t *testing.T) {
	t.Parallel()
	m := meta()
	m.TLS = &record.TLS{Version: "TLS 1.3", CipherSuite: "TLS_AES_128_GCM_SHA256", ServerName: "example.org", ALPN: "h2"}
	conn := only(t, mustRead(t, written(t, conversation(m, 1, 1)), Options{}))
	if want := "127.0.0.1:40000 → 127.0.0.1:50051"; conn.Name != want {
		t.Errorf("the name is %q, want %q", conn.Name, want)
	}
	if len(conn.Notes) != 1 || !strings.Contains(conn.Notes[0], "plaintext of a TLS connection") || !strings.Contains(conn.Notes[0], "example.org") {
		t.Errorf("notes: %q", conn.Notes)
	}
	if _, closed := conn.Recording.Closed(); closed {
		t.Error("an open connection was closed")
	}
}

func TestPCAPNGOfManyConnections(t *testing.T) {
	t.Parallel()
	var recs []*record.Recording
	for i := range 20 {
		recs = append(recs, conversation(meta(), uint64(i), 20)) // all with the same addresses
	}
	c := mustRead(t, written(t, recs...), Options{})
	if len(c.Connections) != len(recs) {
		t.Fatalf("%d connections, want %d", len(c.Connections), len(recs))
	}
	for i, want := range recs {
		checkBytes(t, c.Connections[i].Recording, want)
		checkChunks(t, c.Connections[i].Recording, want)
	}
}

func TestPCAPNGHolesAreLostSegments(t *testing.T) {
	t.Parallel()
	want := record.New(meta())
	want.Add(record.Sent, 1, []byte(preface))
	want.Skip(record.Sent, 2, 1000)
	want.Add(record.Sent, 3, []byte("after the hole"))
	want.Add(record.Received, 4, []byte("answer"))
	want.Skip(record.Received, 5, 200_000)
	want.Add(record.Sent, 6, []byte("more"))
	want.Close(nil)
	conn := only(t, mustRead(t, written(t, want), Options{}))
	checkBytes(t, conn.Recording, want)
	if len(conn.Problems) != 2 {
		t.Fatalf("problems: %+v", conn.Problems)
	}
	if p := conn.Problems[0]; p.Span != (record.Span{Dir: record.Sent, Off: 24, Len: 1000}) || p.Packet == 0 || !strings.Contains(p.Text, "1000 bytes are missing") {
		t.Errorf("the first problem is %+v", p)
	}
	if p := conn.Problems[1]; p.Span != (record.Span{Dir: record.Received, Off: 6, Len: 200_000}) {
		t.Errorf("the second problem is %+v", p)
	}
}

func TestPCAPNGLongChunk(t *testing.T) {
	t.Parallel()
	want := record.New(meta())
	want.Add(record.Sent, 1, []byte(preface))
	want.Add(record.Received, 2, make([]byte, 3<<20))
	conn := only(t, mustRead(t, written(t, want), Options{}))
	checkBytes(t, conn.Recording, want)
}
