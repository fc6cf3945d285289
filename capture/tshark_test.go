package capture

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wiregloss/wiregloss/record"
)

// tshark runs tshark on a file, or skips the test where there is none.
func tshark(t *testing.T, file []byte, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("tshark")
	if err != nil && os.Getenv("WIREGLOSS_REQUIRE_DATA") != "" {
		t.Fatal("tshark is not installed, and CI needs it")
	}
	if err != nil {
		t.Skip("tshark is not installed: what it would check is checked with gopacket, too")
	}
	name := filepath.Join(t.TempDir(), "capture.pcapng")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, append([]string{"-n", "-r", name}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir()) // nobody's preferences
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v: %s", err, errs.String())
	}
	return string(out)
}

func TestTsharkDecodesWhatIsWritten(t *testing.T) {
	t.Parallel()
	rec := grpcCall(t)
	rec.Close(nil)
	file := written(t, rec)
	decode := []string{"-d", "tcp.port==50051,http2"}
	out := tshark(t, file, append(decode, "-Y", "http2.type", "-T", "fields", "-e", "http2.type", "-e", "http2.streamid", "-e", "http2.length")...)
	if want := "1,0\t1,1\t"; !strings.Contains(out, want) {
		t.Errorf("tshark does not list the frames %q:\n%s", want, out)
	}
	grpc := tshark(t, file, append(decode, "-Y", "grpc", "-T", "fields", "-e", "grpc.message_length")...)
	if got := strings.Fields(grpc); len(got) != 2 || got[0] != "7" || got[1] != "2" {
		t.Errorf("the lengths of the gRPC messages are %q, want 7 and 2", got)
	}
	complaints := tshark(t, file, "-d", decode[1], "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
		"-Y", "tcp.analysis.flags or tcp.checksum.status == 0 or ip.checksum.status == 0 or _ws.malformed or _ws.expert.severity >= 6291456")
	if complaints != "" {
		t.Errorf("tshark complains:\n%s", complaints)
	}
}

// On ports of HTTP nothing needs to be said.
func TestTsharkTellsHTTP2OfMadeUpAddresses(t *testing.T) {
	t.Parallel()
	rec := record.New(record.Meta{Start: start, Network: "unix", Address: "/run/demo.sock"})
	rec.Add(record.Sent, 1, []byte(preface+settingsFrame))
	rec.Add(record.Received, 2, []byte(settingsFrame))
	if out := tshark(t, written(t, rec), "-Y", "http2.settings", "-T", "fields", "-e", "http2.type"); strings.Count(out, "4") < 2 {
		t.Errorf("tshark finds the SETTINGS %q", out)
	}
}

func TestTsharkNamesTheHole(t *testing.T) {
	t.Parallel()
	rec := record.New(meta())
	rec.Add(record.Sent, 1, []byte(preface))
	rec.Add(record.Sent, 2, []byte(settingsFrame))
	rec.Skip(record.Received, 3, 500)
	rec.Add(record.Received, 4, []byte(headersFrame))
	out := tshark(t, written(t, rec), "-Y", "tcp.analysis.lost_segment")
	if len(strings.Split(strings.TrimSpace(out), "\n")) != 1 || out == "" {
		t.Errorf("tshark names %q", out)
	}
}

// TestTsharkSeesTheSameBytes compares the streams that tshark follows.
func TestTsharkSeesTheSameBytes(t *testing.T) {
	t.Parallel()
	v6 := meta()
	v6.Local, v6.Peer = "[2001:db8::1]:40000", "[2001:db8::2]:50051"
	for i, m := range []record.Meta{meta(), v6} {
		rec := conversation(m, uint64(i), 20)
		out := tshark(t, written(t, rec), "-q", "-z", "follow,tcp,raw,0")
		var got [2]strings.Builder
		for line := range strings.Lines(out) {
			digits := strings.TrimSpace(line)
			if digits == "" || strings.Trim(digits, "0123456789abcdef") != "" {
				continue
			}
			if strings.HasPrefix(line, "\t") {
				got[record.Received].WriteString(digits)
			} else {
				got[record.Sent].WriteString(digits)
			}
		}
		for d := range got {
			if want := fmt.Sprintf("%x", content(rec, record.Dir(d))); got[d].String() != want {
				t.Errorf("%v: tshark follows %d digits, want %d, or others", record.Dir(d), got[d].Len(), len(want))
			}
		}
	}
}
