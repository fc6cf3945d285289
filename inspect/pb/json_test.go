package pb

import (
	"bytes"
	"encoding/json"
	"testing"
)

// checkLinks checks JSONLinks against AppendJSON and the rules of Link.
func checkLinks(t *testing.T, p *Plan, payload []byte) {
	t.Helper()
	want, wantErr := p.AppendJSON(nil, payload)
	text, links, err := p.JSONLinks(payload)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("JSONLinks: %v, AppendJSON: %v", err, wantErr)
	}
	if err != nil {
		return
	}
	var c bytes.Buffer
	if err := json.Compact(&c, text); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if !bytes.Equal(c.Bytes(), want) {
		t.Fatalf("JSONLinks: %s\nAppendJSON: %s", &c, want)
	}
	for i, l := range links {
		if l.Wire.Off < 0 || l.Wire.Len < 0 || l.Wire.End() > len(payload) || !l.Wire.Contains(l.Value) {
			t.Fatalf("link %d %q: wire %v, value %v in %d bytes", i, l.Path, l.Wire, l.Value, len(payload))
		}
		if l.JSON.Len <= 0 || l.JSON.End() > len(text) {
			t.Fatalf("link %d %q: JSON %v in %d bytes", i, l.Path, l.JSON, len(text))
		}
		part := text[l.JSON.Off:l.JSON.End()]
		if !json.Valid(part) && !json.Valid([]byte("{"+string(part)+"}")) {
			t.Fatalf("link %d %q: %q is neither a value nor a member", i, l.Path, part)
		}
		if i == 0 {
			continue
		}
		prev := links[i-1].JSON
		if prev.Off > l.JSON.Off || prev.Off == l.JSON.Off && prev.Len < l.JSON.Len {
			t.Fatalf("link %d %q at %v comes after %v", i, l.Path, l.JSON, prev)
		}
	}
}
