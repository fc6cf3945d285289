package render

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/inspect"
	"github.com/wiregloss/wiregloss/inspect/h2"
	"github.com/wiregloss/wiregloss/record"
)

// What a failed write left behind is not shown as sent, in lines and envelope.
func TestUnsentFrames(t *testing.T) {
	t.Parallel()
	const settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	rec := record.New(record.Meta{})
	client, server := net.Pipe()
	conn := record.Tap(client, rec)
	go func() {
		_, _ = io.CopyN(io.Discard, server, int64(len(h2.Preface)+len(settings)+4))
		_ = server.Close()
	}()
	if _, err := io.WriteString(conn, h2.Preface+settings+settings); err == nil {
		t.Fatal("the write did not fail")
	}
	_ = conn.Close()
	tr := inspect.Decode(rec)
	if len(tr.Frames) != 2 {
		t.Fatalf("%d frames", len(tr.Frames))
	}
	frames := Call{Exchange: exchange.Exchange{}, Recording: rec, Trace: tr}.Envelope(false).Frames
	for i, unsent := range []bool{false, true} {
		if got := strings.HasPrefix(Frame(rec, tr, i).What, "not sent"); got != unsent {
			t.Errorf("frame %d: %q, want not sent: %v", i, Frame(rec, tr, i).What, unsent)
		}
		if frames[i].Unsent != unsent {
			t.Errorf("frame %d of the envelope: unsent %v, want %v", i, frames[i].Unsent, unsent)
		}
	}
}
