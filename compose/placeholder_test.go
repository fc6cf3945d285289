package compose

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
)

// A message whose file is missing cannot be filled in; what is around it can.
func TestTypesThatAreNotKnown(t *testing.T) {
	t.Parallel()
	fdp := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(`name: "p.proto" syntax: "proto3" dependency: "gone.proto"
message_type { name: "M"
  field { name: "id" number: 1 label: LABEL_OPTIONAL type: TYPE_INT32 json_name: "id" }
  field { name: "gone" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".gone.Msg" json_name: "gone" }
  field { name: "many" number: 3 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".gone.Msg" json_name: "many" }
  field { name: "kind" number: 4 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: ".gone.Kind" json_name: "kind" }
  field { name: "what" number: 5 label: LABEL_OPTIONAL type_name: ".gone.What" json_name: "what" }
}`), fdp); err != nil {
		t.Fatal(err)
	}
	fd, err := protodesc.FileOptions{AllowUnresolvable: true}.New(fdp, nil)
	if err != nil {
		t.Fatal(err)
	}
	md := fd.Messages().Get(0)
	body := Template(md)
	if _, err := Encode(md, nil, body); err != nil {
		t.Errorf("the template is refused: %v\n%s", err, body)
	}
	for _, body := range []string{`{"id":1}`, `{"kind":3}`} {
		if _, err := Encode(md, nil, []byte(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
	for _, body := range []string{`{"gone":{}}`, `{"gone":{"x":1}}`, `{"many":[{}]}`, `{"kind":"X"}`, `{"what":1}`, `{"what":{}}`} {
		_, err := Encode(md, nil, []byte(body))
		var e *BodyError
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%s: %v", body, err)
		}
	}
	gone := md.Fields().ByName("gone").Message()
	if got := string(Template(gone)); got != "{}" {
		t.Errorf("template %s", got)
	}
	if _, err := Encode(gone, nil, []byte(`{}`)); err == nil || err.Error() != "body: line 1, column 1: the schema of gone.Msg could not be read, so no body can be made for it" {
		t.Error(err)
	}
}
