package compose

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	const in = "\ufeff{\"a\":\"}\\\"\"}{}\n [1,\n2] \x1e\"é\" 12 true\n"
	want := []Body{
		{JSON: []byte(`{"a":"}\""}`), Line: 1, Col: 1, Offset: 3},
		{JSON: []byte(`{}`), Line: 1, Col: 12, Offset: 14},
		{JSON: []byte("[1,\n2]"), Line: 2, Col: 2, Offset: 18},
		{JSON: []byte(`"é"`), Line: 3, Col: 5, Offset: 26},
		{JSON: []byte(`12`), Line: 3, Col: 9, Offset: 31},
		{JSON: []byte(`true`), Line: 3, Col: 12, Offset: 34},
	}
	for _, r := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
		s := Split(r)
		for i, w := range want {
			got, err := s.Next()
			if err != nil {
				t.Fatalf("value %d: %v", i, err)
			}
			if string(got.JSON) != string(w.JSON) || got.Line != w.Line || got.Col != w.Col || got.Offset != w.Offset || got.Message != i+1 {
				t.Errorf("value %d: got %+v (%s); want %+v", i, got, got.JSON, w)
			}
		}
		if _, err := s.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %v", err)
		}
	}
}

// A value is handed out before the reader has anything more to give.
func TestSplitDoesNotWaitForMore(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	defer r.Close()
	s := Split(r)
	for range 3 {
		go func() { _, _ = io.WriteString(w, `{"x":1}`) }()
		if b, err := s.Next(); err != nil || string(b.JSON) != `{"x":1}` {
			t.Fatalf("Next = %s, %v", b.JSON, err)
		}
	}
}

func TestSplitErrors(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"{}\n{]":   "body: message 2, line 2, column 2: want a field name in double quotes, got \"]\"",
		"{} nope":  "body: message 2, line 1, column 4: want a value, got \"nope\"",
		"{}\n{\"a": "body: message 2, line 2, column 2: the string that begins here has no closing quote",
		"}":        "body: line 1, column 1: want a value, got \"}\"",
		"{},{}":    "body: message 2, line 1, column 3: want a value, got \",\"",
	} {
		s := Split(strings.NewReader(in))
		var err error
		for err == nil {
			_, err = s.Next()
		}
		if err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", in, err, want)
		}
		if _, again := s.Next(); !errors.Is(again, err) {
			t.Errorf("%q: the error is not final: %v", in, again)
		}
	}
	broken := errors.New("broken")
	if _, err := Split(iotest.ErrReader(broken)).Next(); !errors.Is(err, broken) {
		t.Errorf("reader's error is lost: %v", err)
	}
}

func TestBodyEncodePlacesErrorsInTheStream(t *testing.T) {
	t.Parallel()
	md, types := message(t, "test.shop.Address")
	s := Split(strings.NewReader("{}\n  {\"city\":\n1}"))
	_, _ = s.Next()
	b, err := s.Next()
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Encode(md, types)
	var e *BodyError
	if !errors.As(err, &e) || e.Message != 2 || e.Line != 3 || e.Col != 1 || e.Offset != 14 {
		t.Errorf("err = %+v", err)
	}
}
