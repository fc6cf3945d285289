package record

import (
	"net"
	"time"
)

// Tap returns a connection that records what goes over c.
func Tap(c net.Conn, r *Recording) net.Conn {
	return &tap{Conn: c, rec: r}
}

type tap struct {
	net.Conn
	rec *Recording
}

func (t *tap) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	if n > 0 {
		t.rec.Add(Received, time.Since(t.rec.meta.Start), b[:n])
	}
	if err != nil {
		t.rec.Close(err)
	}
	return n, err
}

func (t *tap) Write(b []byte) (int, error) {
	t.rec.Add(Sent, time.Since(t.rec.meta.Start), b)
	return t.Conn.Write(b)
}

func (t *tap) Close() error {
	t.rec.Close(nil)
	return t.Conn.Close()
}
