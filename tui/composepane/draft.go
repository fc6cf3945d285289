package composepane

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wiregloss/wiregloss/exchange"
	"github.com/wiregloss/wiregloss/tui/editor"
)

// Draft is a request as it was written, the body not yet read.
type Draft struct {
	Body     string
	Headers  []exchange.Header
	Timeout  time.Duration
	Compress string
}

const defaultOptions = `# how long the call may take, as in 500ms or 5s; nothing is no limit
deadline:
# gzip or none
compress: none`

// lineError is a line of the metadata or the options that cannot be read.
type lineError struct {
	line int // from 1
	text string
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.text) }

// Draft reads what was written. An error is shown at its line, too.
func (p *Pane) Draft() (Draft, error) {
	d := Draft{Body: p.bodies[p.open].Text()}
	s := p.shared[p.open.Target]
	var bad *lineError
	if d.Headers, bad = parseHeaders(s.metadata.Text()); bad != nil {
		p.fault(Metadata, bad.line, 1, bad.text)
		return d, fmt.Errorf("metadata, %w", bad)
	}
	if bad = d.parseOptions(s.options.Text()); bad != nil {
		p.fault(Options, bad.line, 1, bad.text)
		return d, fmt.Errorf("options, %w", bad)
	}
	return d, nil
}

// pairs calls use for each "name: value" line.
func pairs(text string, use func(name, value string) string) *lineError {
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		at := strings.IndexByte(line[1:], ':') // a name may begin with a colon, to be refused by its name
		if at < 0 {
			return &lineError{i + 1, fmt.Sprintf("%q is not \"name: value\"", line)}
		}
		if problem := use(strings.TrimSpace(line[:at+1]), strings.TrimSpace(line[at+2:])); problem != "" {
			return &lineError{i + 1, problem}
		}
	}
	return nil
}

func parseHeaders(text string) (out []exchange.Header, bad *lineError) {
	bad = pairs(text, func(name, value string) string {
		if strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			return fmt.Sprintf("%q is not a metadata name: letters, digits, - _ and . are", name)
		}
		out = append(out, exchange.Header{Name: strings.ToLower(name), Value: value})
		return ""
	})
	return out, bad
}

func countHeaders(text string) int {
	h, _ := parseHeaders(text)
	return len(h)
}

func (d *Draft) parseOptions(text string) *lineError {
	return pairs(text, func(name, value string) string {
		switch name {
		case "deadline":
			return d.setDeadline(value)
		case "compress":
			switch value {
			case "", "none", "identity":
			case "gzip":
				d.Compress = value
			default:
				return fmt.Sprintf("compress is gzip or none, not %q", value)
			}
			return ""
		}
		return fmt.Sprintf("there is no option %q: deadline and compress are", name)
	})
}

func (d *Draft) setDeadline(value string) string {
	if value == "" || value == "none" {
		return ""
	}
	t, err := time.ParseDuration(strings.ReplaceAll(value, " ", ""))
	if err != nil || t <= 0 {
		return fmt.Sprintf("%q is not a time: write 500ms, 5s or 1m30s", value)
	}
	d.Timeout = t
	return ""
}

// place turns a line and a column that count characters from 1 into a position.
func place(e *editor.Editor, line, col int) editor.Pos {
	text := e.Line(line - 1)
	at := 0
	for range max(col-1, 0) {
		if at >= len(text) {
			break
		}
		_, n := utf8.DecodeRuneInString(text[at:])
		at += n
	}
	return editor.Pos{Line: line - 1, Col: at}
}
