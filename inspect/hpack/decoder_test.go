package hpack

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	nethpack "golang.org/x/net/http2/hpack"

	"github.com/wiregloss/wiregloss/internal/testdata"
)

type story struct {
	Cases []struct {
		Seqno           int                 `json:"seqno"`
		Wire            string              `json:"wire"`
		HeaderTableSize *uint32             `json:"header_table_size"`
		Headers         []map[string]string `json:"headers"`
	} `json:"cases"`
}

func TestStories(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(testdata.Dir(t, "wire/hpack-test-case"), "*", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories found: %v", err)
	}
	blocks := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var s story
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		d, replayed := NewDecoder(), NewDecoder()
		oracle := nethpack.NewDecoder(defaultTableSize, nil)
		for _, c := range s.Cases {
			if c.HeaderTableSize != nil {
				d.AllowTableSize(*c.HeaderTableSize)
				oracle.SetAllowedMaxDynamicTableSize(*c.HeaderTableSize)
			}
			block, err := hex.DecodeString(c.Wire)
			if err != nil {
				t.Fatal(err)
			}
			walked := walkBoth(t, d, replayed, block)
			fields, problems := walked.Fields, walked.Problems
			if len(problems) > 0 {
				t.Fatalf("%s case %d: %v", file, c.Seqno, problems)
			}
			if _, err := oracle.DecodeFull(block); err != nil {
				t.Fatal(err)
			}
			checkTable(t, d.Table(), oracle)
			if len(fields) != len(c.Headers) {
				t.Fatalf("%s case %d: %d fields, want %d", file, c.Seqno, len(fields), len(c.Headers))
			}
			for i, want := range c.Headers {
				for name, value := range want {
					if fields[i].Name != name || fields[i].Value != value {
						t.Fatalf("%s case %d field %d: %q: %q, want %q: %q", file, c.Seqno, i, fields[i].Name, fields[i].Value, name, value)
					}
				}
			}
			checkTiling(t, block, fields)
			blocks++
		}
	}
	t.Logf("%d blocks of %d stories", blocks, len(files))
}

// checkTiling checks that fields follow one another; what lies between is a
// table size update.
func checkTiling(t *testing.T, block []byte, fields []Field) {
	t.Helper()
	off := 0
	for _, f := range fields {
		for off < f.Range.Off {
			if block[off]&0xe0 != 0x20 && off == 0 {
				t.Fatalf("bytes %d-%d belong to no field", off, f.Range.Off)
			}
			off++
		}
		if f.Range.Off != off || f.Range.Len < 1 {
			t.Fatalf("field %v at %v, want offset %d", f, f.Range, off)
		}
		off += f.Range.Len
	}
	if off != len(block) {
		t.Fatalf("fields end at %d of %d", off, len(block))
	}
}

func TestDecodeDamaged(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, wire, rule string
		off              int
	}{
		{"index zero", "80", "RFC 7541 §6.1", 0},
		{"index past the table", "82be", "RFC 7541 §2.3.3", 1},
		{"integer cut", "ff", "RFC 7541 §5.1", 0},
		{"integer endless", "ffffffffffffffffffff01", "RFC 7541 §5.1", 0},
		{"string cut", "400561", "RFC 7541 §5.2", 1},
		{"no value", "40016b", "RFC 7541 §5.2", 3},
		{"huffman EOS", "4084ffffffff0161", "RFC 7541 §5.2", 1},
		{"size update late", "8220", "RFC 7541 §4.2", 1},
		{"size update too large", "3fe2ff01", "RFC 7541 §6.3", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			block, _ := hex.DecodeString(tc.wire)
			_, problems := NewDecoder().Decode(block)
			if len(problems) == 0 || problems[0].Rule != tc.rule || problems[0].Range.Off != tc.off {
				t.Fatalf("problems %+v, want %s at %d", problems, tc.rule, tc.off)
			}
		})
	}
}

func TestUntrustedAfterError(t *testing.T) {
	t.Parallel()
	d := NewDecoder()
	d.Decode([]byte{0x40, 1, 'a', 1, 'b'}) // adds a: b
	d.Decode([]byte{0x80})
	fields, _ := d.Decode([]byte{0xbe, 0x82})
	if len(fields) != 2 || !fields[0].Untrusted || fields[1].Untrusted {
		t.Fatalf("fields %+v: want the dynamic one untrusted, the static one not", fields)
	}
}

// FuzzDecode compares with the x/net decoder: what it accepts we read alike.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"828684418cf1e3c2e5f23a6ba0ab90f4ff", "400a637573746f6d2d6b65790d637573746f6d2d686561646572", "3fe11f"} {
		b, _ := hex.DecodeString(s)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, block []byte) {
		d := NewDecoder()
		fields, problems := d.Decode(block)
		for i := 1; i < len(fields); i++ {
			if fields[i].Range.Off < fields[i-1].Range.Off+fields[i-1].Range.Len {
				t.Fatalf("fields %d and %d overlap", i-1, i)
			}
		}
		oracle := nethpack.NewDecoder(defaultTableSize, nil)
		want, err := oracle.DecodeFull(block)
		if err != nil {
			return
		}
		// x/net lets a late size update pass while its table is empty.
		problems = slices.DeleteFunc(problems, func(p Problem) bool { return p.Rule == "RFC 7541 §4.2" })
		if len(problems) > 0 || len(fields) != len(want) {
			t.Fatalf("%d fields, problems %v; x/net reads %d without error", len(fields), problems, len(want))
		}
		for i := range want {
			if fields[i].Name != want[i].Name || fields[i].Value != want[i].Value {
				t.Fatalf("field %d: %v, x/net %v", i, fields[i], want[i])
			}
		}
	})
}
