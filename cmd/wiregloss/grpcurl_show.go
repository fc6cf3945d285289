package main

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// curlFormatter writes messages in the format that the flags name.
type curlFormatter struct {
	json      bool
	defaults  bool
	separated bool // the text format: with a separator before each message but the first
	types     *curlTypes
	count     int
	writer    curlJSON
}

func (c *curl) formatter(types *curlTypes) *curlFormatter {
	return &curlFormatter{json: c.format == "json", defaults: c.emitDefaults, types: types}
}

// guard turns a panic of the protobuf library into an error: schemas come from
// strangers, and it gives up on some that it let pass before.
func guard(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the schema cannot be used: %v", r)
	}
}

// format returns a message without a line feed at its end.
func (f *curlFormatter) format(m proto.Message) (text string, err error) {
	defer guard(&err)
	f.count++
	if !f.json {
		text = textTop(m.ProtoReflect(), f.types)
		if f.separated && f.count > 1 {
			text = string(rune(textSeparator)) + text
		}
		return text, nil
	}
	w := &f.writer
	w.out, w.types, w.defaults, w.level, w.depth = w.out[:0], f.types, f.defaults, 0, 0
	if err := w.message(m.ProtoReflect(), ""); err != nil {
		return "", err
	}
	return string(w.out), nil
}

// curlHeaders is metadata as lines, sorted by name.
func curlHeaders(md metadata.MD) string {
	if len(md) == 0 {
		return "(empty)"
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(md)) {
		for _, value := range md[name] {
			if strings.HasSuffix(name, "-bin") {
				value = base64.StdEncoding.EncodeToString([]byte(value))
			}
			lines = append(lines, name+": "+value)
		}
	}
	return strings.Join(lines, "\n")
}

// showStatus writes a status that is not OK to stderr.
func (c *curl) showStatus(st *status.Status, types *curlTypes) {
	f := c.formatter(types)
	if c.formatError {
		text, err := f.format(st.Proto())
		if err != nil {
			text = fmt.Sprintf("ERROR: %v", err)
		}
		c.talk("%s", text)
		return
	}
	c.talk("ERROR:\n  Code: %s\n  Message: %s\n", st.Code(), st.Message())
	details := st.Proto().GetDetails()
	if len(details) == 0 {
		return
	}
	c.talk("  Details:\n")
	for i, d := range details {
		number := fmt.Sprintf("  %d)", i+1)
		text, err := f.format(d)
		if err != nil {
			c.talk("%s\tError parsing detail message: %v\n", number, err)
			continue
		}
		margin := "\n" + strings.Repeat(" ", len(number)) + "\t"
		c.talk("%s\t%s\n", number, strings.ReplaceAll(text, "\n", margin))
	}
}
