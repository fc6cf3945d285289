package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// stdoutJSON compares one value of the JSON on stdout. WANT is the value as
// compact JSON; a string may stand without its quotes. With "!" the path must
// lead nowhere.
func stdoutJSON(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg && len(args) != 1 || !neg && len(args) != 2, "stdoutjson PATH WANT or ! stdoutjson PATH")
	got, err := lookUp([]byte(ts.ReadFile("stdout")), args[0])
	switch {
	case neg && err == nil:
		ts.Fatalf("%s is %s, want nothing there", args[0], got)
	case neg:
		return
	case err != nil:
		ts.Fatalf("%v", err)
	case got != args[1] && got != strconv.Quote(args[1]):
		ts.Fatalf("%s is %s, want %s", args[0], got, args[1])
	}
}

// lookUp returns the value at a path such as ".frames[0].type" as compact JSON.
// [-1] is the last element, .len() the number of elements or members, and
// [name=value] the first element that has the member.
func lookUp(text []byte, path string) (string, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return "", fmt.Errorf("stdout is not JSON: %w", err)
	}
	for _, step := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		next, ok := follow(v, step)
		if !ok {
			return "", fmt.Errorf("%s: there is no %q in %v", path, step, v)
		}
		v = next
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSuffix(out.String(), "\n"), err
}

// follow takes one step of a path.
func follow(v any, step string) (any, bool) {
	switch v := v.(type) {
	case map[string]any:
		if step == "len()" {
			return len(v), true
		}
		next, ok := v[step]
		return next, ok
	case []any:
		if step == "len()" {
			return len(v), true
		}
		if name, value, ok := strings.Cut(step, "="); ok {
			for _, e := range v {
				if m, ok := e.(map[string]any); ok && fmt.Sprint(m[name]) == value {
					return e, true
				}
			}
			return nil, false
		}
		i, err := strconv.Atoi(step)
		if i < 0 {
			i += len(v)
		}
		if err != nil || i < 0 || i >= len(v) {
			return nil, false
		}
		return v[i], true
	}
	return nil, false
}

func TestLookUp(t *testing.T) {
	const text = `{"a": [{"n": "x", "v": 1}, {"n": "y", "v": 2.50}], "s": "<é>", "e": []}`
	for path, want := range map[string]string{
		".a[0].v": "1", ".a[-1].v": "2.50", ".a.len()": "2", ".a[n=y].v": "2.50", ".s": `"<é>"`, ".e": "[]", ".e.len()": "0",
	} {
		if got, err := lookUp([]byte(text), path); err != nil || got != want {
			t.Errorf("%s is %s, %v; want %s", path, got, err, want)
		}
	}
	for _, path := range []string{".b", ".a[2]", ".a[-3]", ".a[n=z]", ".s.x"} {
		if got, err := lookUp([]byte(text), path); err == nil {
			t.Errorf("%s is %s, want an error", path, got)
		}
	}
}
