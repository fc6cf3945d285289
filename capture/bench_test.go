package capture

import (
	"bytes"
	"testing"
	"time"

	"github.com/wiregloss/wiregloss/record"
)

// messages is a recording of n chunks of received messages of 200 bytes, each
// its own packet, as a server stream has them.
func messages(n int) *record.Recording {
	r := record.New(meta())
	r.Add(record.Sent, 0, []byte(preface))
	b := append([]byte{0, 0, 191, 0, 0, 0, 0, 0, 1}, make([]byte, 191)...)
	for i := range n {
		r.Add(record.Received, time.Duration(i)*time.Microsecond, b)
	}
	r.Close(nil)
	return r
}

// BenchmarkReadPackets reads a capture of 100,000 messages.
func BenchmarkReadPackets(b *testing.B) {
	const n = 100_000
	rec := messages(n)
	ng := written(b, rec)
	for name, file := range map[string][]byte{"pcapng": ng, "pcap": pcapOf(packetsOf(b, rec))} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				c, err := Read(bytes.NewReader(file), Options{})
				if err != nil || len(c.Connections) != 1 || c.Connections[0].Recording.Size(record.Received) != n*200 {
					b.Fatal(err)
				}
				c.Release()
			}
		})
	}
}

// BenchmarkWritePCAPNG writes the same.
func BenchmarkWritePCAPNG(b *testing.B) {
	rec := messages(100_000)
	b.SetBytes(rec.Size(record.Received))
	b.ReportAllocs()
	for b.Loop() {
		var out bytes.Buffer
		if err := WritePCAPNG(&out, []*record.Recording{rec}); err != nil {
			b.Fatal(err)
		}
	}
}
