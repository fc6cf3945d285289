package main

import (
	"fmt"
	"strings"
	"time"
)

// curlTiming is how long a part of the work took, and its parts. A nil one
// measures nothing.
type curlTiming struct {
	title string
	start time.Time
	took  time.Duration // 0 until it has ended
	parts []*curlTiming
}

func newCurlTiming(title string) *curlTiming { return &curlTiming{title: title, start: time.Now()} }

// part begins to measure a part.
func (t *curlTiming) part(title string) *curlTiming {
	if t == nil {
		return nil
	}
	p := newCurlTiming(title)
	t.parts = append(t.parts, p)
	return p
}

// end ends the measurement, once.
func (t *curlTiming) end() {
	if t != nil && t.took == 0 {
		t.took = time.Since(t.start)
	}
}

// text is a line for each part, indented by its depth.
func (t *curlTiming) text(depth int) string {
	if t == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s: %s\n", strings.Repeat("  ", depth), t.title, t.took)
	for _, p := range t.parts {
		b.WriteString(p.text(depth + 1))
	}
	return b.String()
}
