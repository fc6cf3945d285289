package call

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/record"
)

// Check is one stage of the way to a server, as Diagnose went through it.
type Check struct {
	Name   Stage
	Took   time.Duration
	OK     bool
	Detail string // what was found; several lines for a chain of certificates
	Err    error  // why it failed: a *DialError, *OptionError or *StatusError; nil if OK
	Hint   string // what to do; may be empty
}

// Diagnose walks the way to a server and yields each stage as it is done: DNS, TCP
// (each address that was tried), proxy, TLS with its certificates, ALPN, the HTTP/2
// preface and SETTINGS, and the first answer to a call, which asks for reflection.
// Stages that the way does not have are left out. The first that fails is the last.
// It takes the target's ConnectTimeout twice at most, once for the connection and
// once for the answer. Metadata of WithHeaders goes with the call. newRec is as for
// Dial. The connection is closed before the sequence ends.
func Diagnose(ctx context.Context, t exchange.Target, o Options, newRec func(record.Meta) *record.Recording) iter.Seq[Check] {
	return func(yield func(Check) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		wanted := true
		see := func(c Check) {
			if wanted && !yield(c) {
				wanted = false
				cancel() // nobody looks at the rest
			}
		}
		d := newDialer(t, newRec)
		more, err := rawOptions(d, "")
		if err != nil {
			see(failedCheck(err, 0))
			return
		}
		begun := time.Now()
		d.observe = func(c Check) { see(c); begun = time.Now() }
		c, err := dial(ctx, d, o, more...)
		if err != nil {
			see(failedCheck(err, time.Since(begun)))
			return
		}
		defer c.Close() //nolint:errcheck // the checks are done
		see(c.firstAnswer(ctx))
	}
}

// failedCheck puts the reason of a failed dial into the words of a check.
func failedCheck(err error, took time.Duration) Check {
	c := Check{Name: StageOptions, Took: took, Detail: err.Error(), Err: err}
	var e *DialError
	if errors.As(err, &e) {
		c.Name, c.Detail, c.Hint = e.Stage, e.Text, e.Hint
		if e.Detail != "" {
			c.Detail += "\n" + e.Detail
		}
	}
	return c
}

// seeConnect tells of the look-up and of every address that was tried; the last
// failure is told with the error.
func seeConnect(see func(Check), network, address string, r reached) {
	if network == "unix" {
		if r.Conn != nil {
			see(Check{Name: StageSocket, Took: r.connect, OK: true, Detail: address})
		}
		return
	}
	if r.dns > 0 && len(r.addresses) > 0 {
		see(Check{Name: StageDNS, Took: r.dns, OK: true, Detail: address + " is " + strings.Join(r.addresses, ", ")})
	}
	if r.Conn == nil {
		return
	}
	for _, a := range r.attempts {
		if a.Err == nil {
			see(Check{Name: StageTCP, Took: a.Took, OK: true, Detail: "connected to " + a.Address})
		} else {
			see(Check{Name: StageTCP, Took: a.Took, Detail: a.Address + ": " + cause(a.Err), Err: a.Err, Hint: "the next address is tried"})
		}
	}
}

const reflectionPath = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"

// listServices is a ServerReflectionRequest with list_services "*".
const listServices = "\x3a\x01*"

// firstAnswer calls reflection. Any status tells that the server speaks gRPC, and
// is a good answer here.
func (c *Conn) firstAnswer(ctx context.Context) Check {
	begun := time.Now()
	stop, cancel := context.WithTimeout(ctx, c.dialer.target.ConnectTimeout)
	defer cancel()
	own, end := context.WithCancelCause(stop)
	s := &Stream{conn: c, cancel: end, ctx: own}
	stream, err := c.NewStream(own, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, reflectionPath, grpc.ForceCodecV2(raw{}))
	if err == nil {
		s.grpc = stream
		_ = s.Send([]byte(listServices)) // Recv tells how the call ended
		_ = s.CloseSend()
		err = s.Recv()
	} else {
		s.end(err)
		err = s.done
	}
	check := answerCheck(err, s)
	check.Took = time.Since(begun)
	_ = s.Close()
	return check
}

func answerCheck(err error, s *Stream) Check {
	check := Check{Name: StageAnswer, OK: true}
	var st *StatusError
	switch {
	case err == nil:
		check.Detail = "gRPC, with server reflection (v1)"
	case errors.Is(err, io.EOF):
		check.Detail = "gRPC: reflection (v1) ended with OK and without an answer"
	case !errors.As(err, &st):
		check.OK, check.Err, check.Detail = false, err, err.Error()
	case st.Outcome.Local:
		check.OK, check.Err = false, st
		check.Detail = localDetail(s, st.Outcome)
		check.Hint = "is this the port of a gRPC server?"
	default:
		check.Detail = fmt.Sprintf("gRPC: %s to reflection (v1)", codes.Code(st.Outcome.Code))
		if st.Outcome.Message != "" {
			check.Detail += fmt.Sprintf(": %q", st.Outcome.Message)
		}
		check.Hint = answerHint(codes.Code(st.Outcome.Code))
	}
	return check
}

// localDetail says why there was no status.
func localDetail(s *Stream, o exchange.Outcome) string {
	switch {
	case codes.Code(o.Code) == codes.DeadlineExceeded:
		return fmt.Sprintf("no status in %s: %s", s.conn.dialer.target.ConnectTimeout, o.Detail)
	case o.Detail != "":
		return o.Detail
	}
	return fmt.Sprintf("%q", o.Message)
}

// answerHint says what a status to reflection means for the user.
func answerHint(c codes.Code) string {
	switch c {
	case codes.Unimplemented:
		return "reflection v1 is not offered: v1alpha may be, or give --proto or --protoset files"
	case codes.Unauthenticated, codes.PermissionDenied:
		return "give credentials with -H, or --proto or --protoset files"
	default:
		return ""
	}
}
