package auth

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"
	"unicode"

	"github.com/wiregloss/wiregloss/exchange"
)

// Command is a source of the token that a command prints: its standard output
// without the white space around it. It runs for each Header.
type Command struct {
	// Args is the program and its arguments, as they are: no shell looks at them.
	Args []string
	// Shell is a command line for sh -c (cmd /C on Windows), in place of Args.
	Shell string
	// Timeout is how long it may run; 0 is 30 s.
	Timeout time.Duration
}

const (
	commandTimeout = 30 * time.Second
	// afterwards is how long output may still come once the command has ended or
	// was killed: a child that it left behind would hold the pipe for ever.
	afterwards = time.Second
	mostOutput = largestSecret
	mostErrors = 4 << 10
)

// Header runs the command. The error of one that fails has its exit code and the
// end of what it wrote to stderr; its output, which may be a token, is in no error.
func (c Command) Header(ctx context.Context) (exchange.Header, error) {
	args, err := c.args()
	if err != nil {
		return exchange.Header{}, err
	}
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = commandTimeout
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	// The command stays in our process group, so that an interrupt from the
	// terminal reaches it, and so that it may ask there for a passphrase.
	cmd := exec.CommandContext(limited, args[0], args[1:]...)
	cmd.WaitDelay = afterwards
	out, errs := &head{most: mostOutput}, &tail{most: mostErrors}
	cmd.Stdout, cmd.Stderr = out, errs
	runErr := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return exchange.Header{}, fmt.Errorf("token command %s: %w", c.name(), ctx.Err())
	case limited.Err() != nil:
		return exchange.Header{}, fmt.Errorf("token command %s: still running after %v; give it more time, or run it by hand to see what it waits for%s", c.name(), timeout, errs.said())
	case runErr != nil && !errors.Is(runErr, exec.ErrWaitDelay):
		return exchange.Header{}, fmt.Errorf("token command %s: %w%s", c.name(), startError(runErr), errs.said())
	case out.over:
		return exchange.Header{}, fmt.Errorf("token command %s: it printed more than %d bytes, which is no token", c.name(), mostOutput)
	}
	token := strings.TrimSpace(string(out.kept))
	if token == "" {
		return exchange.Header{}, fmt.Errorf("token command %s: it printed nothing%s", c.name(), errs.said())
	}
	return bearerHeader(token, "what the token command "+c.name()+" printed")
}

func (c Command) args() ([]string, error) {
	switch {
	case c.Shell != "" && len(c.Args) > 0:
		return nil, errors.New("token command: give arguments or a line for the shell, not both")
	case c.Shell != "" && runtime.GOOS == "windows":
		return []string{"cmd", "/C", c.Shell}, nil
	case c.Shell != "":
		return []string{"sh", "-c", c.Shell}, nil
	case len(c.Args) == 0 || c.Args[0] == "":
		return nil, errors.New("token command: no program is given")
	}
	return c.Args, nil
}

// name is the command in messages: the program alone, because arguments may be
// secrets.
func (c Command) name() string {
	if c.Shell != "" {
		return "(shell)"
	}
	return fmt.Sprintf("%q", c.Args[0])
}

// startError takes the advice about dots in PATH and the like from the library, and
// leaves the name to us.
func startError(err error) error {
	var lookup *exec.Error
	if errors.As(err, &lookup) {
		return fmt.Errorf("it cannot be run: %w", lookup.Err)
	}
	return err
}

// head keeps the first bytes of an output and notes that there were more. It is no
// bytes.Buffer, whose ReadFrom would take all that comes.
type head struct {
	kept []byte
	most int
	over bool
}

func (h *head) Write(p []byte) (int, error) {
	n := min(len(p), h.most-len(h.kept))
	h.over = h.over || n < len(p)
	h.kept = append(h.kept, p[:n]...)
	return len(p), nil
}

// tail keeps the last bytes of an output.
type tail struct {
	kept []byte
	most int
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p[max(0, len(p)-t.most):]...)
	t.kept = append(t.kept[:0], t.kept[max(0, len(t.kept)-t.most):]...)
	return len(p), nil
}

// said words what a command wrote to stderr, for the end of an error.
func (t *tail) said() string {
	text := strings.TrimSpace(strings.ToValidUTF8(string(t.kept), "\ufffd"))
	if text == "" {
		return ""
	}
	return "; it said: " + printable(text)
}

// printable leaves nothing in a stranger's text that a terminal would act on.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return '\ufffd'
		}
		return r
	}, s)
}
