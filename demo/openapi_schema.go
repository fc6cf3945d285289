package demo

import (
	"maps"
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// fixedSchemas are the schemas that are no protobuf messages.
func fixedSchemas() schema {
	text := schema{"type": "string"}
	return schema{
		"Links": schema{
			"type":                 "object",
			"description":          "Where to go from here, by relation.",
			"additionalProperties": schema{"type": "object", "properties": schema{"href": schema{"type": "string", "format": "uri-reference"}}, "required": []string{"href"}},
		},
		"Problem": schema{
			"type":        "object",
			"description": "What went wrong (RFC 9457). The type is about:blank.",
			"properties": schema{
				"title": text, "status": schema{"type": "integer"}, "detail": text, "instance": text,
				"code": schema{"type": "string", "description": "The gRPC status code this is over gRPC."},
				"errors": schema{"type": "array", "items": schema{
					"type": "object", "properties": schema{"pointer": text, "detail": text}, "required": []string{"pointer", "detail"},
				}},
			},
			"required": []string{"title", "status", "detail", "instance"},
		},
		"Index": schema{
			"type": "object", "properties": schema{"name": text, "_links": ref("Links")}, "required": []string{"name", "_links"},
			"additionalProperties": false,
		},
		"Document": schema{
			"type": "object", "description": "An OpenAPI document.",
			"properties": schema{"openapi": schema{"const": "3.1.0"}}, "required": []string{"openapi", "info", "paths"},
		},
	}
}

// schemaBuilder adds the schemas of messages, as protojson writes them.
type schemaBuilder struct{ schemas schema }

// resource adds four schemas of a message that REST serves: the message as it
// is sent, as it is answered, as a patch, and a page of it.
func (b schemaBuilder) resource(md protoreflect.MessageDescriptor) {
	name := string(md.Name())
	b.message(md)
	sent := b.schemas[name].(schema)
	properties := sent["properties"].(schema)
	properties["_links"] = schema{"readOnly": true, "allOf": []schema{ref("Links")}}
	sent["required"] = requiredFields[name]

	answered := maps.Clone(sent)
	answered["required"] = slices.Concat([]string{"id", "_links"}, requiredFields[name])
	b.schemas[name+"Resource"] = answered

	patched := schema{}
	for field, s := range properties {
		patched[field] = schema{"anyOf": []any{s, schema{"type": "null"}}}
	}
	b.schemas[name+"Patch"] = schema{
		"type": "object", "description": "The fields to change; null clears one.", "properties": patched, "additionalProperties": false,
	}
	plural := strings.ToLower(name) + "s"
	b.schemas["List"+name+"sResponse"] = schema{
		"type": "object",
		"properties": schema{
			plural:          schema{"type": "array", "items": ref(name + "Resource")},
			"nextPageToken": schema{"type": "string", "description": "Asks for the next page; absent on the last one."},
			"totalSize":     schema{"type": "integer", "description": "How many there are on all pages."},
			"_links":        ref("Links"),
		},
		"required":             []string{plural, "totalSize", "_links"},
		"additionalProperties": false,
	}
}

// requiredFields are those a new resource cannot do without.
var requiredFields = map[string][]string{"User": {"name"}, "Order": {"userId", "lines"}}

// message adds the schema of a message and of those in it.
func (b schemaBuilder) message(md protoreflect.MessageDescriptor) {
	name := string(md.Name())
	if b.schemas[name] != nil {
		return
	}
	properties := schema{}
	b.schemas[name] = schema{"type": "object", "description": comment(md), "properties": properties, "additionalProperties": false}
	for i := range md.Fields().Len() {
		field := md.Fields().Get(i)
		s := maps.Clone(b.field(field))
		s["description"] = comment(field)
		properties[field.JSONName()] = s
	}
}

// field returns the schema of a field with its cardinality.
func (b schemaBuilder) field(f protoreflect.FieldDescriptor) schema {
	switch {
	case f.IsMap():
		return schema{"type": "object", "additionalProperties": b.value(f.MapValue())}
	case f.IsList():
		return schema{"type": "array", "items": b.value(f)}
	default:
		return b.value(f)
	}
}

// value returns the schema of one value of a field.
func (b schemaBuilder) value(f protoreflect.FieldDescriptor) schema {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return schema{"type": "boolean"}
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return schema{"type": "integer", "format": "int32", "minimum": math.MinInt32, "maximum": math.MaxInt32}
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return schema{"type": "integer", "minimum": 0, "maximum": int64(math.MaxUint32)}
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return schema{"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return schema{"type": "string", "format": "uint64", "pattern": "^[0-9]+$"}
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return schema{"type": "number"}
	case protoreflect.BytesKind:
		return schema{"type": "string", "contentEncoding": "base64"}
	case protoreflect.EnumKind:
		return schema{"type": "string", "enum": enumNames(f.Enum())}
	case protoreflect.MessageKind:
		return b.messageValue(f.Message())
	case protoreflect.StringKind, protoreflect.GroupKind: // proto3 has no groups
	}
	return schema{"type": "string"}
}

// messageValue returns the schema of a message where it is used: a reference,
// or for a well-known type the JSON it has instead of an object.
func (b schemaBuilder) messageValue(md protoreflect.MessageDescriptor) schema {
	switch md.FullName() {
	case "google.protobuf.Timestamp":
		return schema{"type": "string", "format": "date-time"}
	case "google.protobuf.Duration":
		return schema{"type": "string", "pattern": `^-?[0-9]+(\.[0-9]{1,9})?s$`}
	case "google.protobuf.Struct":
		return schema{"type": "object"}
	case "google.protobuf.Any":
		return schema{"type": "object", "properties": schema{"@type": schema{"type": "string"}}, "required": []string{"@type"}}
	case "google.protobuf.StringValue", "google.protobuf.Int64Value", "google.protobuf.BoolValue":
		return b.value(md.Fields().ByName("value"))
	default:
		b.message(md)
		return ref(string(md.Name()))
	}
}

func enumNames(ed protoreflect.EnumDescriptor) []string {
	var names []string
	for i := range ed.Values().Len() {
		names = append(names, string(ed.Values().Get(i).Name()))
	}
	return names
}

// comment returns the comment above a declaration, as one line.
func comment(d protoreflect.Descriptor) string {
	return strings.Join(strings.Fields(d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments), " ")
}
