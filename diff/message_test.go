package diff

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/wiregloss/wiregloss/demo/demov1"
	"github.com/wiregloss/wiregloss/inspect/envelope"
	"github.com/wiregloss/wiregloss/record"
)

func marshal(tb testing.TB, m proto.Message) []byte {
	tb.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func descriptor(m proto.Message) protoreflect.MessageDescriptor {
	return m.ProtoReflect().Descriptor()
}

// compared compares two payloads as request messages of a type; nil for none.
func compared(tb testing.TB, a, b []byte, md protoreflect.MessageDescriptor) (s Section, wa, wb *wire) {
	tb.Helper()
	wa, wb = grpcCall(tb, a), grpcCall(tb, b)
	sa, sb := wa.side("a"), wb.side("b")
	sa.Input, sb.Input = md, md
	sa.Types, sb.Types = envelope.Fallback(nil), envelope.Fallback(nil)
	wantSelfSame(tb, sa)
	wantMirrored(tb, sa, sb)
	return section(tb, Calls(sa, sb), "request message 1"), wa, wb
}

func user() *demov1.User {
	return &demov1.User{
		Id: "1", Name: "Ada", Age: 36, Tags: []string{"math", "poetry", "engines"},
		Address: &demov1.Address{City: "London", Kind: demov1.Address_HOME},
	}
}

func TestFieldsWithSchema(t *testing.T) {
	t.Parallel()
	md := descriptor(user())
	tests := []struct {
		name   string
		change func(*demov1.User)
		want   []string
	}{
		{"nested field", func(u *demov1.User) { u.Address.City = "Turin" }, []string{`changed address.city: "London" | "Turin"`}},
		{"enum", func(u *demov1.User) { u.Address.Kind = demov1.Address_WORK }, []string{`changed address.kind: HOME | WORK`}},
		{"absent field", func(u *demov1.User) { u.Age = 0 }, []string{`only in A age: 36 | `}},
		{"added message", func(u *demov1.User) { u.Nickname = proto.String("") }, []string{`only in B nickname:  | ""`}},
		{"inserted element", func(u *demov1.User) { u.Tags = []string{"math", "chess", "poetry", "engines"} }, []string{`only in B tags[1]:  | "chess"`}},
		{"changed element", func(u *demov1.User) { u.Tags[1] = "prose" }, []string{`changed tags[1]: "poetry" | "prose"`}},
		{"removed and changed", func(u *demov1.User) { u.Tags = []string{"poetry", "motors"} }, []string{
			`only in A tags[0]: "math" | `, `changed tags[2→1]: "engines" | "motors"`,
		}},
		{"moved element", func(u *demov1.User) { u.Tags = []string{"poetry", "engines", "math"} }, []string{`moved tags[0→2]: "math" | "math"`}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			changed := user()
			tc.change(changed)
			s, _, _ := compared(t, marshal(t, user()), marshal(t, changed), md)
			wantLines(t, s, tc.want...)
		})
	}
}

func TestSpansAreTheFieldOnTheWire(t *testing.T) {
	t.Parallel()
	b := user()
	b.Address.City = "Turin"
	s, wa, wb := compared(t, marshal(t, user()), marshal(t, b), descriptor(b))
	for _, e := range s.Entries {
		if e.Name == "address.city" {
			wantSpan(t, wa, e.SpansA, []byte("\x0a\x06London"))
			wantSpan(t, wb, e.SpansB, []byte("\x0a\x05Turin"))
			return
		}
	}
	t.Errorf("no entry address.city: %q", lines(s))
}

func TestRepeatedMessagesPairByResemblance(t *testing.T) {
	t.Parallel()
	list := func(users ...*demov1.User) *demov1.ListUsersResponse {
		return &demov1.ListUsersResponse{Users: users}
	}
	grace, linus := &demov1.User{Id: "2", Name: "Grace", Age: 85}, &demov1.User{Id: "9", Name: "New", Age: 1}
	older := user()
	older.Age = 37
	s, _, _ := compared(t, marshal(t, list(user(), grace)), marshal(t, list(linus, older, grace)), descriptor(list()))
	wantLines(
		t, s,
		`only in B users[0].id:  | "9"`, `only in B users[0].name:  | "New"`, `only in B users[0].age:  | 1`,
		`changed users[0→1].age: 36 | 37`,
	)
}

func TestMapEntriesPairByKey(t *testing.T) {
	t.Parallel()
	entry := func(k string, v byte) []byte {
		e := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), k)
		e = protowire.AppendBytes(protowire.AppendTag(e, 2, protowire.BytesType), []byte{0x20, v}) // bool_value
		return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), e)
	}
	md := descriptor(&structpb.Struct{})
	a := bytes.Join([][]byte{entry("x", 1), entry("y", 1)}, nil)
	s, _, _ := compared(t, a, bytes.Join([][]byte{entry("new", 0), entry("x", 0), entry("y", 1)}, nil), md)
	wantLines(t, s, `changed fields["x"].bool_value: true | false`, `only in B fields["new"].bool_value:  | false`)
	s, _, _ = compared(t, a, bytes.Join([][]byte{entry("y", 1), entry("x", 1)}, nil), md)
	wantLines(t, s, `encoded fields (order): {2 fields} | {2 fields}`)
}

// The same meaning in other bytes is no change of values, and still told.
func TestEncodings(t *testing.T) {
	t.Parallel()
	location := descriptor(&descriptorpb.SourceCodeInfo_Location{})
	users, requests := descriptor(user()), descriptor(&demov1.ListUsersRequest{})
	tests := []struct {
		name       string
		a, b, note string
		md         protoreflect.MessageDescriptor
		want       string
	}{
		{"over-long varint", "\x18\x24", "\x18\xa4\x00", "B: value takes 2 bytes where 1 would do", users, "encoded age: 36 | 36"},
		{"over-long length", "\x22\x02\x10\x02", "\x22\x82\x00\x10\x02", "B: length takes 2 bytes where 1 would do", users, "encoded address: {1 field} | {1 field}"},
		{"packed and unpacked", "\x0a\x02\x01\x02", "\x08\x01\x08\x02", "A: packed; B: one by one", location, "encoded path: [2 elements] | [2 elements]"},
		{"default on the wire", "", "\x08\x00", "the default value is on the wire: its absence means the same", requests, "encoded page_size:  | 0"},
		{"order", "\x08\x05\x18\x01", "\x18\x01\x08\x05", "the same keys in another order", nil, "encoded payload (order): {2 fields} | {2 fields}"},
		{"last wins", "\x18\x24", "\x18\x07\x18\x24", "B: given 2 times: the last counts", users, "encoded age: 36 | 36"},
		{"merged message", "\x22\x05\x0a\x01x\x10\x02", "\x22\x03\x0a\x01x\x22\x02\x10\x02", "B: given 2 times: parsers merge them", users, "encoded address: {2 fields} | {2 fields}"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, _, _ := compared(t, []byte(tc.a), []byte(tc.b), tc.md)
			wantLines(t, s, tc.want)
			for _, e := range s.Entries {
				if e.Kind == Encoded && e.Note != tc.note {
					t.Errorf("note %q, want %q", e.Note, tc.note)
				}
			}
		})
	}
}

// An interleaved repeated field means the same; only the bytes tell.
func TestOtherBytesWithoutAnotherValue(t *testing.T) {
	t.Parallel()
	a, b := "\x2a\x01x\x2a\x01y\x0a\x011", "\x2a\x01x\x0a\x011\x2a\x01y"
	s, _, _ := compared(t, []byte(a), []byte(b), descriptor(user()))
	wantLines(t, s, "encoded payload: 9 bytes | 9 bytes")
}

func TestFieldsWithoutSchema(t *testing.T) {
	t.Parallel()
	b := user()
	b.Address.City = "Turin"
	b.Tags = append(b.Tags, "one more")
	s, _, _ := compared(t, marshal(t, user()), marshal(t, b), nil)
	wantLines(t, s, `changed 4.1: "London" | "Turin"`, `only in B 5[3]:  | "one more"`)
}

func TestOneAndManyWithoutSchema(t *testing.T) {
	t.Parallel()
	s, _, _ := compared(t, []byte("\x2a\x01x"), []byte("\x2a\x01w\x2a\x01x"), nil)
	wantLines(t, s, `only in B 5[0]:  | "w"`)
}

// A float and an integer that read the same are not the same.
func TestFixedWithoutSchemaIsItsBits(t *testing.T) {
	t.Parallel()
	s, _, _ := compared(t, []byte("\x0d\x00\x00\xa0\x40"), []byte("\x0d\x05\x00\x00\x00"), nil)
	wantLines(t, s, `changed 1: 5 (0x0000a040) | 5 (0x05000000)`)
}

func TestSchemaOfOneSideServesBoth(t *testing.T) {
	t.Parallel()
	b := user()
	b.Name = "Grace"
	sa, sb := grpcCall(t, marshal(t, user())).side("a"), grpcCall(t, marshal(t, b)).side("b")
	sb.Input = descriptor(b)
	wantLines(t, section(t, Calls(sa, sb), "request message 1"), `changed name: "Ada" | "Grace"`)
}

func TestDamagedPayload(t *testing.T) {
	t.Parallel()
	s, _, _ := compared(t, []byte("\x08\x01"), []byte("\x08\x01\xff"), descriptor(&demov1.ListUsersRequest{}))
	wantLines(t, s, "only in B damaged:  | ff")
}

func TestLongValuesAreCutWhereTheyDiffer(t *testing.T) {
	t.Parallel()
	a, b := user(), user()
	a.Name = strings.Repeat("a", 5000) + "X" + strings.Repeat("b", 5000)
	b.Name = strings.Repeat("a", 5000) + "Y" + strings.Repeat("b", 5000)
	s, _, _ := compared(t, marshal(t, a), marshal(t, b), descriptor(a))
	for _, e := range s.Entries {
		if e.Name == "name" && (!strings.Contains(e.A, "aXb") || !strings.Contains(e.B, "aYb") || len(e.A) > 300) {
			t.Errorf("the difference is not in sight: %q, %q", e.A, e.B)
		}
	}
}

func TestGzip(t *testing.T) {
	t.Parallel()
	payload := marshal(t, user())
	call := func(payload []byte, flag byte) *wire {
		w := newWire(t)
		w.request("grpc-encoding", "gzip")
		w.data(record.Sent, true, prefixed(payload, flag))
		return w
	}
	plain, zipped := call(payload, 0), call(gzipped(t, payload), 1)
	s := section(t, Calls(plain.side("a"), zipped.side("b")), "request message 1")
	if len(s.Entries) != 2 || s.Entries[0].Name != "compression" || s.Entries[0].Kind != Encoded || s.Entries[1].Kind != Equal {
		t.Fatalf("entries %+v", s.Entries)
	}
	if e := s.Entries[0]; !strings.HasPrefix(e.A, "none, ") || !strings.HasPrefix(e.B, "gzip, ") {
		t.Errorf("compression is told as %q and %q", e.A, e.B)
	}
	wantSpan(t, zipped, s.Entries[0].SpansB, gzipped(t, payload))
	wantMirrored(t, plain.side("a"), zipped.side("b"))

	changed := user()
	changed.Age = 37
	s = section(t, Calls(plain.side("a"), call(gzipped(t, marshal(t, changed)), 1).side("b")), "request message 1")
	if got := lines(s); len(got) != 2 || got[1] != "changed 3: 36 | 37" {
		t.Errorf("differences %q", got)
	}
}

// Bit 1 of a gRPC prefix means nothing, and is still another byte.
func TestPrefixFlag(t *testing.T) {
	t.Parallel()
	call := func(flag byte) *wire {
		w := newWire(t)
		w.request()
		w.data(record.Sent, true, prefixed([]byte("\x08\x01"), flag))
		return w
	}
	wantLines(t, section(t, Calls(call(0).side("a"), call(2).side("b")), "request message 1"), "changed prefix flag: 0x00 | 0x02")
}

// What was not kept cannot be compared, and is not a difference by itself.
func TestBytesThatWereNotKept(t *testing.T) {
	t.Parallel()
	w := grpcCall(t, []byte("\x08\x01"))
	a := w.side("a")
	w.rec.Discard(record.Sent, w.rec.Size(record.Sent))
	s := section(t, Calls(a, a), "request message 1")
	if !s.Same() || !strings.Contains(s.Entries[0].Note, "not kept") {
		t.Errorf("entries %+v", s.Entries)
	}
}

func TestUnfinishedMessage(t *testing.T) {
	t.Parallel()
	whole, cut := newWire(t), newWire(t)
	for _, w := range []*wire{whole, cut} {
		w.request()
	}
	whole.data(record.Sent, true, prefixed([]byte("\x0a\x03one"), 0))
	cut.data(record.Sent, false, prefixed([]byte("\x0a\x03one"), 0)[:8])
	s := section(t, Calls(whole.side("a"), cut.side("b")), "request message 1")
	if got := lines(s); len(got) < 2 || got[0] != "changed length: 5 bytes | 3 of 5 bytes" {
		t.Errorf("differences %q", got)
	}
	wantMirrored(t, whole.side("a"), cut.side("b"))
}

func TestJSONBodies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, a, b string
		want       []string
	}{
		{"value", `{"user":{"name":"Ada","tags":[1,2]}}`, `{"user":{"name":"Bob","tags":[1,2]}}`, []string{`changed user.name: "Ada" | "Bob"`}},
		{"type", `{"id":"1"}`, `{"id":1}`, []string{`changed id: "1" | 1`}},
		{"number", `{"n":1.50}`, `{"n":15e-1}`, []string{`encoded n: 1.5 | 1.5`}},
		{"escape", `["A"]`, `["\u0041"]`, []string{`encoded [0]: "A" | "A"`}},
		{"order", `{"a":1,"b":2}`, `{"b":2,"a":1}`, []string{`encoded payload (order): {2 fields} | {2 fields}`}},
		{"spaces", `{"a":1}`, `{"a": 1}`, []string{`encoded payload: 7 bytes | 8 bytes`}},
		{"odd key", `{"a.b":null}`, `{}`, []string{`only in A ["a.b"]: null | `}},
		{"not JSON", `{"a":1}`, `{"a":1`, []string{`changed bytes: 7 bytes, at offset 6: 7d | 6 bytes, none at offset 6`}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a, b := bodyCall(t, "application/json", []byte(tc.a)), bodyCall(t, "application/json", []byte(tc.b))
			wantLines(t, section(t, Calls(a.side("a"), b.side("b")), "request body"), tc.want...)
			wantMirrored(t, a.side("a"), b.side("b"))
		})
	}
}

func TestJSONSpans(t *testing.T) {
	t.Parallel()
	a, b := bodyCall(t, "application/json", []byte(`{"a": [1, "two"]}`)), bodyCall(t, "application/json", []byte(`{"a": [1, "deux"]}`))
	s := section(t, Calls(a.side("a"), b.side("b")), "request body")
	e := s.Entries[len(s.Entries)-1]
	wantSpan(t, a, e.SpansA, []byte(`"two"`))
	wantSpan(t, b, e.SpansB, []byte(`"deux"`))
}

func TestDeepJSONIsComparedByBytes(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 500) + strings.Repeat("]", 500)
	a, b := bodyCall(t, "application/json", []byte(deep)), bodyCall(t, "application/json", []byte(" "+deep))
	s := section(t, Calls(a.side("a"), b.side("b")), "request body")
	if len(s.Entries) != 1 || s.Entries[0].Name != "bytes" || s.Entries[0].Note != errTooDeep.Error() {
		t.Errorf("entries %+v", s.Entries)
	}
}

func TestTextBodies(t *testing.T) {
	t.Parallel()
	a, b := bodyCall(t, "text/plain", []byte("one\ntwo\nthree\n")), bodyCall(t, "text/plain", []byte("one\nthree\r\nfour\n"))
	s := section(t, Calls(a.side("a"), b.side("b")), "request body")
	wantLines(t, s, `only in A line 2: "two" | `, `encoded line 3→2: "three" | "three"`, `only in B line 3:  | "four"`)
	wantMirrored(t, a.side("a"), b.side("b"))
}

func TestOpaqueBodies(t *testing.T) {
	t.Parallel()
	a, b := bodyCall(t, "image/png", []byte("\x89PNG\x00\x01")), bodyCall(t, "image/png", []byte("\x89PNG\x02"))
	s := section(t, Calls(a.side("a"), b.side("b")), "request body")
	wantLines(t, s, "changed bytes: 6 bytes, at offset 4: 0001 | 5 bytes, at offset 4: 02")
	wantSpan(t, b, s.Entries[0].SpansB, []byte{2})
}

// A gRPC call beside its REST form: values are compared, links lead to both.
func TestProtobufBesideJSON(t *testing.T) {
	t.Parallel()
	grpc := grpcCall(t, marshal(t, user()))
	rest := bodyCall(t, "application/json", []byte(`{"id":"1","name":"Bob","age":36,"tags":["math","poetry","engines"],"address":{"city":"London","kind":"HOME"},"email":""}`))
	a, b := grpc.side("a"), rest.side("b")
	a.Input, a.Types = descriptor(user()), envelope.Fallback(nil)
	s := section(t, Calls(a, b), "request message 1")
	if got := lines(s); len(got) != 4 || got[1] != `changed name: "Ada" | "Bob"` || got[2] != `encoded email:  | ""` {
		t.Fatalf("differences %q", got)
	}
	for _, e := range s.Entries {
		if e.Name == "name" {
			wantSpan(t, grpc, e.SpansA, []byte("\x12\x03Ada"))
			wantSpan(t, rest, e.SpansB, []byte(`"Bob"`))
		}
	}
	wantMirrored(t, a, b)
}
