package compose

import (
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
)

// shop has one field of every sort that a body can hold.
const shop = `
name: "test/shop.proto" package: "test.shop" syntax: "proto3"
dependency: "google/protobuf/any.proto" dependency: "google/protobuf/duration.proto"
dependency: "google/protobuf/field_mask.proto" dependency: "google/protobuf/struct.proto"
dependency: "google/protobuf/timestamp.proto" dependency: "google/protobuf/wrappers.proto"
enum_type { name: "Colour" value { name: "COLOUR_UNSPECIFIED" number: 0 } value { name: "RED" number: 1 } value { name: "GREEN" number: 2 } }
message_type {
  name: "Address"
  field { name: "street_lines" number: 1 label: LABEL_REPEATED type: TYPE_STRING json_name: "streetLines" }
  field { name: "city" number: 2 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "city" }
}
message_type {
  name: "Order"
  field { name: "user_id" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "userId" }
  field { name: "quantity" number: 2 label: LABEL_OPTIONAL type: TYPE_INT32 json_name: "quantity" }
  field { name: "serial" number: 3 label: LABEL_OPTIONAL type: TYPE_FIXED64 json_name: "serial" }
  field { name: "address" number: 4 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".test.shop.Address" json_name: "address" }
  field { name: "others" number: 5 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".test.shop.Address" json_name: "others" }
  field { name: "colour" number: 6 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: ".test.shop.Colour" json_name: "colour" }
  field { name: "stock" number: 7 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: ".test.shop.Order.StockEntry" json_name: "stock" }
  field { name: "card" number: 8 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "card" oneof_index: 0 }
  field { name: "cash" number: 9 label: LABEL_OPTIONAL type: TYPE_BOOL json_name: "cash" oneof_index: 0 }
  field { name: "data" number: 10 label: LABEL_OPTIONAL type: TYPE_BYTES json_name: "data" }
  field { name: "at" number: 11 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" json_name: "at" }
  field { name: "within" number: 12 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Duration" json_name: "within" }
  field { name: "extra" number: 13 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Any" json_name: "extra" }
  field { name: "free" number: 14 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Value" json_name: "free" }
  field { name: "limit" number: 15 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Int64Value" json_name: "limit" }
  field { name: "mask" number: 16 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.FieldMask" json_name: "mask" }
  field { name: "parent" number: 17 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".test.shop.Order" json_name: "parent" }
  field { name: "note" number: 18 label: LABEL_OPTIONAL type: TYPE_STRING json_name: "note" oneof_index: 1 proto3_optional: true }
  field { name: "weight" number: 19 label: LABEL_OPTIONAL type: TYPE_FLOAT json_name: "weight" }
  field { name: "nothing" number: 20 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: ".google.protobuf.NullValue" json_name: "nothing" }
  field { name: "tree" number: 21 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".google.protobuf.Struct" json_name: "tree" }
  field { name: "counts" number: 22 label: LABEL_REPEATED type: TYPE_UINT64 json_name: "counts" }
  nested_type {
    name: "StockEntry" options { map_entry: true }
    field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_INT32 json_name: "key" }
    field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: ".test.shop.Address" json_name: "value" }
  }
  oneof_decl { name: "payment" } oneof_decl { name: "_note" }
}`

// old is proto2: required fields, defaults, a group and an extension.
const old = `
name: "test/old.proto" package: "test.old" syntax: "proto2"
enum_type { name: "Level" value { name: "LOW" number: 5 } value { name: "HIGH" number: 9 } }
message_type {
  name: "Item"
  field { name: "id" number: 1 label: LABEL_REQUIRED type: TYPE_INT32 json_name: "id" }
  field { name: "tries" number: 2 label: LABEL_OPTIONAL type: TYPE_INT64 default_value: "3" json_name: "tries" }
  field { name: "level" number: 3 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: ".test.old.Level" default_value: "HIGH" json_name: "level" }
  field { name: "part" number: 4 label: LABEL_OPTIONAL type: TYPE_GROUP type_name: ".test.old.Item.Part" json_name: "part" }
  field { name: "tag" number: 6 label: LABEL_OPTIONAL type: TYPE_BYTES default_value: "\\377x" json_name: "tag" }
  field { name: "ratio" number: 7 label: LABEL_OPTIONAL type: TYPE_DOUBLE default_value: "inf" json_name: "ratio" }
  nested_type { name: "Part" field { name: "n" number: 5 label: LABEL_OPTIONAL type: TYPE_SINT32 json_name: "n" } }
  extension_range { start: 100 end: 200 }
}
message_type { name: "Plain" }
extension { name: "extra" number: 100 label: LABEL_OPTIONAL type: TYPE_STRING extendee: ".test.old.Item" json_name: "extra" }`

// files registers both schemas, on top of the well-known types.
func files(tb testing.TB) *protoregistry.Files {
	tb.Helper()
	reg := &protoregistry.Files{}
	for _, src := range []string{shop, old} {
		fdp := &descriptorpb.FileDescriptorProto{}
		if err := prototext.Unmarshal([]byte(src), fdp); err != nil {
			tb.Fatal(err)
		}
		fd, err := protodesc.NewFile(fdp, protoregistry.GlobalFiles)
		if err != nil {
			tb.Fatal(err)
		}
		if err := reg.RegisterFile(fd); err != nil {
			tb.Fatal(err)
		}
	}
	return reg
}

// both looks in the test's files first and then among the linked types.
type both struct{ *dynamicpb.Types }

func (b both) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	if m, err := b.Types.FindMessageByURL(url); err == nil {
		return m, nil
	}
	return protoregistry.GlobalTypes.FindMessageByURL(url)
}

func message(tb testing.TB, name protoreflect.FullName) (protoreflect.MessageDescriptor, both) {
	tb.Helper()
	reg := files(tb)
	d, err := reg.FindDescriptorByName(name)
	if err != nil {
		tb.Fatal(err)
	}
	return d.(protoreflect.MessageDescriptor), both{dynamicpb.NewTypes(reg)}
}
