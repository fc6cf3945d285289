//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// invocation is one command line that both programs run.
type invocation struct {
	args  []string
	stdin string
	// code is the exit code that grpcurl must give: the case is about what it says.
	code int
	// unordered is set where grpcurl prints services in the order of a Go map.
	unordered bool
}

// difference is what of an invocation is not as grpcurl has it.
type difference struct {
	stdout, stderr bool
	code           string // "0 -> 77", empty if it is the same
}

// String is the difference as docs/grpcurl.md writes it.
func (d difference) String() string {
	var all []string
	if d.stdout {
		all = append(all, "stdout")
	}
	if d.stderr {
		all = append(all, "stderr")
	}
	if d.code != "" {
		all = append(all, "exit "+d.code)
	}
	return strings.Join(all, ", ")
}

// deliberate are the differences that docs/grpcurl.md lists, by the case that
// shows each: `| case | difference | reason |`.
var deliberate = sync.OnceValues(func() (map[string]string, error) {
	text, err := os.ReadFile(filepath.FromSlash("../docs/grpcurl.md"))
	if err != nil {
		return nil, err
	}
	listed := map[string]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || strings.Contains(line, "---") || strings.TrimSpace(cells[1]) == "case" {
			continue
		}
		name := strings.TrimSpace(cells[1])
		if strings.TrimSpace(cells[3]) == "" {
			return nil, fmt.Errorf("the difference %q has no reason", name)
		}
		listed[name] = strings.TrimSpace(cells[2])
	}
	return listed, nil
})

// parity runs invocations through both programs, and fails where they differ in
// stdout, exit code or class of error, unless docs/grpcurl.md says so. It also
// fails if the page lists a difference that is none.
func parity(t *testing.T, cases map[string]invocation) {
	t.Helper()
	grpcurl := peer(t, "grpcurl")
	listed, err := deliberate()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		c := cases[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			theirs := feed(t, c.stdin, grpcurl, c.args...)
			ours := feed(t, c.stdin, wiregloss, append([]string{"grpcurl"}, c.args...)...)
			if theirs.code != c.code {
				t.Errorf("grpcurl exits with %d, want %d\n%s", theirs.code, c.code, theirs.stderr)
			}
			if c.unordered {
				theirs.stdout, ours.stdout = sortLines(theirs.stdout), sortLines(ours.stdout)
			}
			d := compareRuns(theirs, ours)
			if got := d.String(); got != listed[name] {
				t.Errorf("the difference is %q, docs/grpcurl.md lists %q for the case %q\n%s", got, listed[name], name, bothRuns(theirs, ours))
			}
		})
	}
	checked(cases)
}

func compareRuns(theirs, ours result) difference {
	d := difference{
		stdout: plainTimes(theirs.stdout) != plainTimes(ours.stdout),
		stderr: class(theirs.stderr) != class(ours.stderr),
	}
	if theirs.code != ours.code {
		d.code = fmt.Sprintf("%d -> %d", theirs.code, ours.code)
	}
	return d
}

func bothRuns(theirs, ours result) string {
	return fmt.Sprintf("grpcurl exits with %d:\n%s%s\nwiregloss grpcurl exits with %d:\n%s%s",
		theirs.code, theirs.stdout, theirs.stderr, ours.code, ours.stdout, ours.stderr)
}

func sortLines(text string) string {
	return strings.Join(slices.Sorted(strings.Lines(text)), "")
}

var (
	times     = regexp.MustCompile(`(?m)^( *(?:Timing Data|Dial|TLS Setup|BlockingDial|InvokeRPC): ).*$`)
	timestamp = regexp.MustCompile(`(?m)^(timestamp: ).*$`)
)

// plainTimes puts a word in place of times.
func plainTimes(text string) string {
	return timestamp.ReplaceAllString(times.ReplaceAllString(text, "${1}(time)"), "${1}(time)")
}

// openEnded are beginnings of errors after which the words are each program's own.
var openEnded = []*regexp.Regexp{
	regexp.MustCompile(`^Failed to dial target host "[^"]*": `),
	regexp.MustCompile(`^Error invoking method "[^"]*": (grpc call for "[^"]*" failed: )?error getting request data: `),
	regexp.MustCompile(`^Failed to process proto (source files|descriptor sets)\.: `),
	regexp.MustCompile(`^Failed to create TLS config: [a-z ]*: `),
	regexp.MustCompile(`^Failed to write protos? to [^:]*: `),
}

// class is what of stderr must be equal: all of a status, else the first line, as
// far as it does not depend on the words of a library.
func class(stderr string) string {
	first, rest, _ := strings.Cut(stderr, "\n")
	switch {
	case strings.HasPrefix(stderr, "ERROR:\n  Code: DeadlineExceeded\n"):
		return "DeadlineExceeded" // whether the server or the client was first makes the message
	case first == "ERROR:" || strings.HasPrefix(first, "{") || strings.HasPrefix(first, "code:"):
		return stderr
	case strings.HasPrefix(first, "Warning: "):
		return first + "\n" + class(rest)
	case strings.HasPrefix(first, "Usage:"):
		return "Usage:"
	}
	for _, e := range openEnded {
		if m := e.FindString(first); m != "" {
			return m
		}
	}
	return first
}

// seen are the cases that were compared.
var (
	seenMu sync.Mutex
	seen   = map[string]bool{}
)

func checked(cases map[string]invocation) {
	seenMu.Lock()
	defer seenMu.Unlock()
	for name := range cases {
		seen[name] = true
	}
}

// TestGrpcurlParity runs the invocations of every kind, and then checks that the
// page lists no difference that no invocation shows.
func TestGrpcurlParity(t *testing.T) {
	t.Parallel()
	groups := map[string]func(*testing.T) map[string]invocation{
		"usage": usageCases, "schema": schemaCases, "files": fileCases, "calls": callCases, "input": inputCases,
		"odd servers": oddServerCases, "connection": connectionCases, "status": statusCases, "metadata": metadataCases,
	}
	ran := 0
	for name, cases := range groups {
		t.Run(name, func(t *testing.T) {
			parity(t, cases(t))
			ran++
		})
	}
	if ran < len(groups) {
		t.Skip("the public test data is not here: what the page lists was not compared with all cases")
	}
	listed, err := deliberate()
	if err != nil {
		t.Fatal(err)
	}
	seenMu.Lock()
	defer seenMu.Unlock()
	for name := range listed {
		if !seen[name] {
			t.Errorf("docs/grpcurl.md lists a difference of %q, which is no case", name)
		}
	}
	t.Logf("%d invocations, %d of them differ on purpose", len(seen), len(listed))
	const least = 100
	if len(seen) < least {
		t.Errorf("only %d invocations were compared, want %d", len(seen), least)
	}
}
