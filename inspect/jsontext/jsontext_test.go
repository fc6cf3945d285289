package jsontext

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// outline lists nodes as "path kind value", to compare whole documents by eye.
func outline(src string, d *Document) []string {
	var out []string
	for i, n := range d.Nodes {
		v := n.Value()
		text := src[v.Off:v.End()]
		if n.Kind == Object || n.Kind == Array {
			text = fmt.Sprint(v.Len)
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %v %s", d.Path([]byte(src), i), n.Kind, text)))
	}
	return out
}

func problems(d *Document) []string {
	var out []string
	for _, p := range d.Problems {
		out = append(out, fmt.Sprintf("%d: %s", p.Off, p.Text))
	}
	return out
}

func TestValues(t *testing.T) {
	t.Parallel()
	src := `{"name": "Bo\"b", "tags":["a",-1.5e+3 , true,false, null,[ ] ], "odd key":{}, "":0, "é":{"x":1}}`
	d := Scan([]byte(src))
	want := []string{
		"object 97", `name string "Bo\"b"`, "tags array 37", `tags[0] string "a"`, "tags[1] number -1.5e+3", "tags[2] bool true",
		"tags[3] bool false", "tags[4] null null", "tags[5] array 3", `["odd key"] object 2`, `[""] number 0`, `["é"] object 7`, `["é"].x number 1`,
	}
	if diff := cmp.Diff(want, outline(src, &d)); diff != "" {
		t.Error(diff)
	}
	if !d.Valid() || d.Form != Single || d.Roots != 1 {
		t.Errorf("valid %v, form %v, problems %v", d.Valid(), d.Form, d.Problems)
	}
	if r := d.Nodes[1].Range(); src[r.Off:r.End()] != `"name": "Bo\"b"` {
		t.Errorf("the member is %q", src[r.Off:r.End()])
	}
}

// Each kind of damage is told at its offset, and the values around it are there.
func TestDamage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src string
		problems  []string
		nodes     []string
	}{
		{"trailing comma", `[1,]`, []string{"2: comma before ] (RFC 8259 §4, §5)"}, []string{"array 4", "[0] number 1"}},
		{"two commas", `[1,,2]`, []string{"3: comma where a value should be (RFC 8259 §4, §5)"}, []string{"array 6", "[0] number 1", "[1] number 2"}},
		{"comma missing", `[1 2]`, []string{"3: comma missing before this (RFC 8259 §4, §5)"}, []string{"array 5", "[0] number 1", "[1] number 2"}},
		{
			"colon missing", `{"a" 1,"b","c":,"d":2}`,
			[]string{"5: colon missing after the key (RFC 8259 §4)", "10: value missing after the key (RFC 8259 §4)", "15: value missing after the key (RFC 8259 §4)"},
			[]string{"object 22", "a number 1", "b damaged", "c damaged", "d number 2"},
		},
		{"bare key", `{a:1}`, []string{"1: key that is no string in double quotes (RFC 8259 §4)"}, []string{"object 5", "[a] number 1"}},
		{"key missing", `{[1]}`, []string{"1: key missing (RFC 8259 §4)"}, []string{"object 5", "[0] array 3", "[0][0] number 1"}},
		{"leading zero", `[01,-007,0]`, []string{`1: "01" begins with a zero (RFC 8259 §6)`, `4: "-007" begins with a zero (RFC 8259 §6)`}, []string{"array 11", "[0] damaged 01", "[1] damaged -007", "[2] number 0"}},
		{"half numbers", `[-, 1., .5, 1e, 2]`, []string{
			`1: "-" is no JSON number (RFC 8259 §6)`, `4: "1." is no JSON number (RFC 8259 §6)`,
			`8: ".5" is no JSON value (RFC 8259 §3)`, `12: "1e" is no JSON number (RFC 8259 §6)`,
		}, []string{"array 18", "[0] damaged -", "[1] damaged 1.", "[2] damaged .5", "[3] damaged 1e", "[4] number 2"}},
		{"no JSON value", `{"a":NaN,"b":'x',"c":1}`, []string{`5: "NaN" is no JSON value (RFC 8259 §3)`, `13: "'x'" is no JSON value (RFC 8259 §3)`}, []string{"object 23", "a damaged NaN", "b damaged 'x'", "c number 1"}},
		{"byte order mark", "\xef\xbb\xbf1", []string{"0: byte order mark (RFC 8259 §8.1: must not be sent)"}, []string{"number 1"}},
		{"comments", "[1, // one\n/* two */2]", []string{"4: comment (RFC 8259 §2: JSON has none)", "11: comment (RFC 8259 §2: JSON has none)"}, []string{"array 22", "[0] number 1", "[1] number 2"}},
		{"comment without end", "1 /*/", []string{"2: comment (RFC 8259 §2: JSON has none)"}, []string{"number 1"}},
		{"stray closing", `]1`, []string{"0: ] that closes nothing (RFC 8259 §2)"}, []string{"number 1"}},
		{"stray colon", `[:1]`, []string{"1: colon that follows no key (RFC 8259 §4)"}, []string{"array 4", "[0] number 1"}},
		{"wrong closing", `{"a":[1},"b":2`, []string{
			"7: } closes an outer object: the array opened at offset 5 is not closed",
			"8: comma between top-level values (RFC 8259 §2: one value makes a text)",
			"12: colon that follows no key (RFC 8259 §4)",
		}, []string{"#0 object 8", "#0.a array 2", "#0.a[0] number 1", `#1 string "b"`, "#2 number 2"}},
		{"cut off", `{"a":[1,{"b":"x`, []string{
			"15: the bytes end inside the string that begins at offset 13: cut off?",
			"15: the bytes end inside the object opened at offset 8, 3 deep: cut off?",
		}, []string{"object 15", "a array 10", "a[0] number 1", "a[1] object 7", `a[1].b string "x`}},
		{"string across lines", "{\"a\":\"x\n,\"b\":1}", []string{"7: string not closed before the end of the line (RFC 8259 §7)"}, []string{"object 15", "a string \"x", "b number 1"}},
		{"strings", "[\"\\x\", \"\\u12\", \"\t\", \"\xff\", \"\\uD83D\\uDE00\", \"\\ud800\"]", []string{
			"2: escape that JSON does not have (RFC 8259 §7)", `8: \u without four hexadecimal digits (RFC 8259 §7)`,
			"16: control character 0x09 in a string, not escaped (RFC 8259 §7)", "21: byte 0xff is no UTF-8 (RFC 8259 §8.1)",
			`42: \ud800 is half of a surrogate pair: readers differ (RFC 8259 §8.2)`,
		}, nil},
		{"nothing", " \n", []string{"2: no JSON value"}, nil},
		{"keys twice", `{"a":1,"b":2,"\u0061":3}`, []string{`13: key "\"\\u0061\"" a second time in one object: readers differ in which they take (RFC 8259 §4)`}, []string{"object 24", "a number 1", "b number 2", `["\u0061"] number 3`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := Scan([]byte(test.src))
			if diff := cmp.Diff(test.problems, problems(&d)); diff != "" {
				t.Errorf("problems of %s:\n%s", test.src, diff)
			}
			if got := outline(test.src, &d); test.nodes != nil && !cmp.Equal(test.nodes, got) {
				t.Errorf("nodes of %s:\n%s", test.src, cmp.Diff(test.nodes, got))
			}
		})
	}
}

// Keys given twice are found among many, too, and are no reason to refuse the text.
func TestManyKeys(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&b, `,"key%d":{"a":%d}`, i, i)
	}
	src := []byte(`{"key7":0` + b.String() + `}`)
	d := Scan(src)
	if len(d.Problems) != 1 || !d.Problems[0].Note || string(src[d.Problems[0].Off:][:6]) != `"key7"` || d.Problems[0].Off < 10 {
		t.Errorf("problems %v", d.Problems)
	}
	if !d.Valid() {
		t.Error("a text with notes only is valid")
	}
}

func TestForm(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]Form{
		"":                               Empty,
		" 1 ":                            Single,
		"{\n}":                           Single,
		"{}\n[1]\n\n2\n":                 Lines,
		"{\n}\n{\n}\n":                   Concatenated,
		"{}{}":                           Concatenated,
		"1 2\n3":                         Concatenated,
		"\x1e{\"a\":1}\n\x1e{\"a\":2}\n": Sequence,
		"\x1e":                           Empty,
	} {
		d := Scan([]byte(src))
		if d.Form != want {
			t.Errorf("%q is %v, want %v", src, d.Form, want)
		}
		if want != Empty && len(d.Problems) > 0 {
			t.Errorf("%q: problems %v", src, d.Problems)
		}
	}
	d := Scan([]byte("{\"a\":1}\n{\"a\":[true]}\n"))
	if p := d.Path([]byte("{\"a\":1}\n{\"a\":[true]}\n"), 4); p != "#1.a[0]" {
		t.Errorf("path %q", p)
	}
}

// Depth is bounded, and so are the problems.
func TestHostile(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`[`, MaxDepth+5) + `"]" , {` + "\n" + `}` + strings.Repeat(`]`, MaxDepth+5)
	d := Scan([]byte(deep + " 7"))
	if len(d.Problems) != 1 || d.Problems[0].Off != MaxDepth || len(d.Nodes) != MaxDepth+2 || d.Roots != 2 {
		t.Errorf("%d nodes, %d at the top, problems %v", len(d.Nodes), d.Roots, d.Problems)
	}
	text, lines := d.Window([]byte(deep+" 7"), MaxDepth-1, MaxDepth+2)
	if n := len(text) - strings.Count(string(text), " "); len(lines) != 3 || strings.Count(string(text), "\n") != 2 || n > 40 {
		t.Errorf("%d lines, %d bytes: %s", len(lines), n, text)
	}
	open := Scan([]byte(strings.Repeat(`{"":`, 3*MaxDepth)))
	if len(open.Nodes) != MaxDepth+1 {
		t.Errorf("%d nodes", len(open.Nodes))
	}
	stray := Scan([]byte(strings.Repeat("}", 5*MaxProblems)))
	if len(stray.Problems) != MaxProblems || stray.Unkept != 4*MaxProblems+1 { // and that there is no value
		t.Errorf("%d problems and %d", len(stray.Problems), stray.Unkept)
	}
}

func TestAt(t *testing.T) {
	t.Parallel()
	src := []byte(`{ "a" : [1, 22] } [{}]`)
	d := Scan(src)
	at := ""
	for off := range src {
		if i := d.At(off); i < 0 {
			at += "-"
		} else {
			at += strconv.Itoa(i)
		}
	}
	if want := "00111111121133100-4554"; at != want {
		t.Errorf("nodes at each byte:\n%s\n%s\nwant\n%s", src, at, want)
	}
	if d.At(-1) != -1 || d.At(len(src)+5) != -1 {
		t.Error("a node outside the text")
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	src := []byte(`{"ab":"xab","c":[12,"ab:"],"d":"b\",\"c"}`)
	d := Scan(src)
	var found []string
	for from := 0; ; {
		node, off := d.Find(src, []byte("ab"), from)
		if node < 0 {
			break
		}
		found = append(found, fmt.Sprintf("%d %s", off, d.Path(src, node)))
		from = off + 1
	}
	if want := []string{"2 ab", "8 ab", "21 c[1]"}; !cmp.Equal(want, found) {
		t.Errorf("found %v", found)
	}
	if node, _ := d.Find(src, []byte(`":"`), 0); node >= 0 {
		t.Error("a match between a key and its value")
	}
	if node, off := d.Find(src, nil, 0); node >= 0 || off >= 0 {
		t.Error("nothing was found somewhere")
	}
}

func TestUnquote(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`"a"`: "a", `""`: "", `"\u0041\n\/\"\\"`: "A\n/\"\\", `"\ud83d\ude00!"`: "😀!", `"\ud83dx"`: "\ufffdx",
		`"\ud83d\u0041"`: "\ufffdA", `bare`: "bare", `"\q\u12"`: `\q\u12`, `"open\`: `open\`, `"`: "",
	} {
		if got := Unquote([]byte(raw)); got != want {
			t.Errorf("%s is %q, want %q", raw, got, want)
		}
	}
}
