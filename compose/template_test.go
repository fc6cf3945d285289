package compose

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/google/go-cmp/cmp"
)

const orderTemplate = `{
  "userId": "",
  "quantity": 0,
  "serial": "0",
  "address": {
    "streetLines": [
      ""
    ],
    "city": ""
  },
  "others": [
    {
      "streetLines": [
        ""
      ],
      "city": ""
    }
  ],
  "colour": "COLOUR_UNSPECIFIED",
  "stock": {
    "0": {
      "streetLines": [
        ""
      ],
      "city": ""
    }
  },
  "card": "",
  "data": "",
  "at": "1970-01-01T00:00:00Z",
  "within": "0s",
  "extra": {"@type": "type.googleapis.com/google.protobuf.Empty", "value": {}},
  "free": null,
  "limit": "0",
  "mask": "",
  "parent": null,
  "note": "",
  "weight": 0,
  "nothing": null,
  "tree": {},
  "counts": [
    "0"
  ]
}`

const itemTemplate = `{
  "id": 0,
  "tries": "3",
  "level": "HIGH",
  "part": {
    "n": 0
  },
  "tag": "/3g=",
  "ratio": "Infinity"
}`

func TestTemplate(t *testing.T) {
	t.Parallel()
	for name, want := range map[protoreflect.FullName]string{
		"test.shop.Order": orderTemplate, "test.old.Item": itemTemplate, "test.old.Plain": "{}",
	} {
		md, types := message(t, name)
		got := Template(md)
		if d := cmp.Diff(want, string(got)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		if _, err := Encode(md, types, got); err != nil {
			t.Errorf("%s: its template is refused: %v", name, err)
		}
	}
}

// Every message that is linked into this test has a template that can be sent.
func TestTemplateOfLinkedMessages(t *testing.T) {
	t.Parallel()
	var check func(protoreflect.MessageDescriptors)
	check = func(ms protoreflect.MessageDescriptors) {
		for i := range ms.Len() {
			md := ms.Get(i)
			if body := Template(md); !md.IsMapEntry() && md.FullName() != "google.protobuf.UninterpretedOption.NamePart" {
				if _, err := Encode(md, nil, body); err != nil {
					t.Errorf("%s: %v\n%s", md.FullName(), err, body)
				}
			}
			check(md.Messages())
		}
	}
	check(descriptorpb.File_google_protobuf_descriptor_proto.Messages())
}

// A schema of twelve levels with eight fields each would make 8^12 lines.
func TestTemplateIsBounded(t *testing.T) {
	t.Parallel()
	src := `name: "w.proto" syntax: "proto3" message_type { name: "M12" } `
	for level := range 12 {
		src += fmt.Sprintf("message_type { name: \"M%d\" ", level)
		for f := range 8 {
			src += fmt.Sprintf("field { name: \"f%d\" number: %d label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: \".M%d\" } ", f, f+1, level+1)
		}
		src += "} "
	}
	fdp := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(src), fdp); err != nil {
		t.Fatal(err)
	}
	fd, err := protodesc.NewFile(fdp, nil)
	if err != nil {
		t.Fatal(err)
	}
	md := fd.Messages().ByName("M0")
	body := Template(md)
	if len(body) > 2*largest {
		t.Errorf("template has %d bytes", len(body))
	}
	if _, err := Encode(md, nil, body); err != nil {
		t.Errorf("template is refused: %v", err)
	}
}
