package capture

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/wiregloss/wiregloss/record"
)

// maxWhole bounds inputs that are held in memory: everything but packets and
// recordings.
const maxWhole = 256 << 20

// readWhole reads an input that has no mark, or whose mark is written in hex or
// base64.
func (s *input) readWhole(o Options) (*Capture, error) {
	b, err := io.ReadAll(io.LimitReader(s, maxWhole+1))
	if err != nil {
		return nil, fmt.Errorf("read input: %w", err)
	}
	if len(b) > maxWhole {
		return nil, fmt.Errorf("the input is neither a recording nor a packet capture, and of others at most %d MiB are read", maxWhole>>20)
	}
	all, err := guess(b, o)
	if err != nil {
		return nil, err
	}
	best := 0
	if len(all) > 0 && o.Format == "" && all[0].score < scoreEnough {
		best = slices.IndexFunc(all, func(r reading) bool {
			return o.Body && (r.format == FormatGRPC && r.score > 0 || r.format == FormatProtobuf)
		})
	}
	if len(all) == 0 || best < 0 {
		return nil, nearest(len(b), all, o)
	}
	c, err := all[best].read(o)
	if c != nil {
		c.Encoding = all[best].encoding
	}
	return c, err
}

// read makes a capture of the decoded bytes.
func (r reading) read(o Options) (*Capture, error) {
	switch r.format {
	case FormatRecording:
		return readRecording(bytes.NewReader(r.data))
	case FormatPCAP:
		if magicOf(r.data) == "" {
			return readBarePackets(r.data, o), nil
		}
		return readPackets(&input{Reader: bufio.NewReaderSize(bytes.NewReader(r.data), peekSize)}, o), nil
	case FormatHAR:
		return readHAR(r.data, o)
	}
	d, shape, name := record.Received, Wire, ""
	switch r.format {
	case FormatHTTP2:
		name = "HTTP/2 frames"
		if opensAsClient(r.data) {
			d, name = record.Sent, "HTTP/2 frames of the client"
		}
	case FormatHTTP1:
		name = "an HTTP/1.1 response"
		if opensAsClient(r.data) {
			d, name = record.Sent, "an HTTP/1.1 request"
		}
	case FormatGRPC:
		shape, name = GRPCBody, "a gRPC body"
	case FormatProtobuf:
		shape, name = Message, "a protobuf message"
	}
	rec := record.New(record.Meta{})
	rec.Add(d, 0, r.data)
	conn := Connection{Recording: rec, Shape: shape, Name: name}
	if r.format == FormatHTTP2 && d == record.Received {
		conn.Notes = append(conn.Notes, "no client preface: the frames are taken for those of the server")
	}
	// Where frames break a rule the decoder says so, and a type that nobody knows
	// breaks none (RFC 9113 §5.5).
	if r.stop >= 0 && r.format != FormatHTTP2 {
		conn.Problems = append(conn.Problems, Problem{
			Span: record.Span{Dir: d, Off: int64(r.stop), Len: int64(len(r.data) - r.stop)},
			Text: fmt.Sprintf("from here on it does not read as %s: %s", r.format, r.why),
		})
	}
	return &Capture{Format: r.format, Encoding: EncodingRaw, Connections: []Connection{conn}}, nil
}
