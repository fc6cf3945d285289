package demo

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// schema is a JSON Schema, or any other object of the document.
type schema map[string]any

// param is a parameter of an operation.
type param struct {
	name, in, doc string
	schema        schema
	required      bool
}

// body is a request body: a named schema in some media types.
type body struct {
	media  []string
	schema string
}

// reply is one answer of an operation. Without a schema and a media type it has no content.
type reply struct {
	status  int
	schema  string
	media   string // application/json if there is a schema
	headers []string
}

var (
	pageParams = []param{
		{
			name: "page_size", in: "query", doc: "How many at most; 10 if absent, more than 100 means 100.",
			schema: schema{"type": "integer", "minimum": 0, "default": defaultPageSize},
		},
		{name: "page_token", in: "query", doc: "The nextPageToken of the page before.", schema: schema{"type": "string"}},
	}
	ifMatch = param{name: "If-Match", in: "header", doc: "Only if the resource still has this ETag.", schema: schema{"type": "string"}}

	ifNoneMatch = param{name: "If-None-Match", in: "header", doc: "Only if the resource no longer has this ETag.", schema: schema{"type": "string"}}

	// conditional are the answers to a conditional GET.
	conditional = append([]reply{{status: http.StatusNotModified, headers: []string{"ETag"}}}, problems(http.StatusPreconditionFailed)...)

	headerDocs = map[string]string{
		"ETag":     "A strong validator of the representation.",
		"Link":     "The first and the next page (RFC 8288).",
		"Location": "Where the new resource is.",
	}
)

// problems are answers that say what went wrong.
func problems(statuses ...int) []reply {
	var replies []reply
	for _, s := range statuses {
		replies = append(replies, reply{status: s, schema: "Problem", media: "application/problem+json"})
	}
	return replies
}

// openAPI writes the OpenAPI 3.1 document of some routes. The schemas are made
// of the descriptors and comments of demo.v1, so they are as true as those.
func openAPI(routes []route) ([]byte, error) {
	files, err := describedFiles()
	if err != nil {
		return nil, err
	}
	schemas := fixedSchemas()
	b := schemaBuilder{schemas}
	for _, name := range []protoreflect.FullName{"demo.v1.User", "demo.v1.Order"} {
		d, err := files.FindDescriptorByName(name)
		if err != nil {
			return nil, err
		}
		b.resource(d.(protoreflect.MessageDescriptor))
	}
	paths := schema{}
	for _, route := range routes {
		item := schema{}
		for method, op := range route.methods {
			item[strings.ToLower(method)] = op.document()
		}
		paths[route.path] = item
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	err = enc.Encode(schema{
		"openapi": "3.1.0",
		"info": schema{
			"title":   "wiregloss demo",
			"version": "1.0.0",
			"description": "Users and orders, the same as gRPC's demo.v1 at this address. Every path also takes OPTIONS, and HEAD where it takes GET; " +
				"another method is answered with 405 and Allow. Request headers that begin with \"X-\" are repeated in the response.",
			"license": schema{"name": "MIT", "identifier": "MIT"},
		},
		"servers":    []schema{{"url": "/"}},
		"paths":      paths,
		"components": schema{"schemas": schemas},
	})
	return text.Bytes(), err
}

// document writes an operation object.
func (op operation) document() schema {
	doc := schema{"operationId": op.id, "summary": op.doc, "tags": []string{op.tag}}
	var params []schema
	for _, p := range op.params {
		param := schema{"name": p.name, "in": p.in, "description": p.doc, "schema": p.schema}
		if p.required {
			param["required"] = true
		}
		params = append(params, param)
	}
	if params != nil {
		doc["parameters"] = params
	}
	if op.body != nil {
		content := schema{}
		for _, media := range op.body.media {
			content[media] = schema{"schema": ref(op.body.schema)}
		}
		doc["requestBody"] = schema{"required": true, "content": content}
	}
	responses := schema{}
	for _, r := range op.replies {
		responses[strconv.Itoa(r.status)] = r.document()
	}
	doc["responses"] = responses
	return doc
}

// document writes a response object.
func (r reply) document() schema {
	doc := schema{"description": http.StatusText(r.status)}
	media := r.media
	if media == "" && r.schema != "" {
		media = jsonMedia
	}
	switch {
	case r.schema != "":
		doc["content"] = schema{media: schema{"schema": ref(r.schema)}}
	case media != "":
		doc["content"] = schema{media: schema{"schema": schema{"type": "string"}}}
	}
	if len(r.headers) > 0 {
		headers := schema{}
		for _, name := range r.headers {
			headers[name] = schema{"description": headerDocs[name], "required": true, "schema": schema{"type": "string"}}
		}
		doc["headers"] = headers
	}
	return doc
}

func ref(name string) schema { return schema{"$ref": "#/components/schemas/" + name} }
