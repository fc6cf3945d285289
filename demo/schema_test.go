package demo

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// validator holds JSON against the schemas of a document. It knows the keywords
// the demo uses, and fails on any other rather than pass over it.
type validator struct {
	t       *testing.T
	schemas map[string]any
}

// check fails the test for each way in which a value does not fit a schema.
func (v validator) check(at string, s map[string]any, value any) {
	v.t.Helper()
	for _, problem := range v.problems(at, s, value) {
		v.t.Error(problem)
	}
}

func (v validator) problems(at string, s map[string]any, value any) []string {
	var found []string
	wrong := func(keyword string, format string, args ...any) {
		found = append(found, fmt.Sprintf("%s: %s: ", at, keyword)+fmt.Sprintf(format, args...))
	}
	for keyword, rule := range s {
		switch keyword {
		case "description", "readOnly", "default", "contentEncoding":
		case "$ref":
			name := strings.TrimPrefix(rule.(string), "#/components/schemas/")
			target, ok := v.schemas[name].(map[string]any)
			if !ok {
				wrong(keyword, "no schema %q", name)
			}
			found = append(found, v.problems(at, target, value)...)
		case "allOf":
			for _, part := range rule.([]any) {
				found = append(found, v.problems(at, part.(map[string]any), value)...)
			}
		case "anyOf":
			if !slices.ContainsFunc(rule.([]any), func(part any) bool { return v.problems(at, part.(map[string]any), value) == nil }) {
				wrong(keyword, "%v fits none", value)
			}
		case "type":
			if got := jsonType(value); got != rule && (rule != "number" || got != "integer") {
				wrong(keyword, "%v is a %s, not a %s", value, got, rule)
			}
		case "const":
			if value != rule {
				wrong(keyword, "%v is not %v", value, rule)
			}
		case "enum":
			if !slices.Contains(rule.([]any), value) {
				wrong(keyword, "%v is not in %v", value, rule)
			}
		case "pattern", "format":
			if text, ok := value.(string); ok && !wellFormed(keyword, rule.(string), text) {
				wrong(keyword, "%q is not %s", text, rule)
			}
		case "minimum", "maximum":
			if n, ok := value.(float64); ok && (keyword == "minimum" && n < rule.(float64) || keyword == "maximum" && n > rule.(float64)) {
				wrong(keyword, "%v is out of bounds", n)
			}
		case "items":
			items, _ := value.([]any)
			for i, item := range items {
				found = append(found, v.problems(fmt.Sprintf("%s[%d]", at, i), rule.(map[string]any), item)...)
			}
		case "required":
			object, _ := value.(map[string]any)
			for _, name := range rule.([]any) {
				if _, ok := object[name.(string)]; !ok {
					wrong(keyword, "no %s", name)
				}
			}
		case "properties", "additionalProperties":
			found = append(found, v.members(at, keyword, s, value)...)
		default:
			wrong(keyword, "unknown to this test")
		}
	}
	return found
}

// members applies properties or additionalProperties.
func (v validator) members(at, keyword string, s map[string]any, value any) []string {
	var found []string
	known, _ := s["properties"].(map[string]any)
	object, _ := value.(map[string]any)
	for name, member := range object {
		rule, isKnown := known[name]
		if !isKnown {
			rule = s["additionalProperties"]
		}
		if isKnown != (keyword == "properties") {
			continue
		}
		switch rule := rule.(type) {
		case bool:
			found = append(found, fmt.Sprintf("%s.%s: not in the schema", at, name))
		case map[string]any:
			found = append(found, v.problems(at+"."+name, rule, member)...)
		}
	}
	return found
}

func jsonType(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case float64:
		if value == math.Trunc(value) {
			return "integer"
		}
		return "number"
	default:
		return "object"
	}
}

func wellFormed(keyword, rule, text string) bool {
	switch {
	case keyword == "pattern":
		return regexp.MustCompile(rule).MatchString(text)
	case rule == "date-time":
		_, err := time.Parse(time.RFC3339Nano, text)
		return err == nil
	case rule == "uri-reference":
		return strings.HasPrefix(text, "/")
	default:
		return rule == "int32" || rule == "int64" || rule == "uint64" // their patterns and bounds are checked
	}
}

func TestValidatorRefuses(t *testing.T) {
	t.Parallel()
	v := validator{t, map[string]any{"N": map[string]any{"type": "number"}}}
	for _, test := range []struct {
		schema map[string]any
		value  any
	}{
		{map[string]any{"type": "string"}, 1.0},
		{map[string]any{"type": "integer"}, 1.5},
		{map[string]any{"$ref": "#/components/schemas/N"}, "1"},
		{map[string]any{"enum": []any{"A"}}, "B"},
		{map[string]any{"minimum": 0.0}, -1.0},
		{map[string]any{"required": []any{"a"}}, map[string]any{}},
		{map[string]any{"additionalProperties": false}, map[string]any{"a": 1.0}},
		{map[string]any{"properties": map[string]any{"a": map[string]any{"type": "null"}}}, map[string]any{"a": 1.0}},
		{map[string]any{"items": map[string]any{"pattern": "^a$"}}, []any{"b"}},
		{map[string]any{"anyOf": []any{map[string]any{"type": "null"}}}, 1.0},
		{map[string]any{"madeUp": true}, 1.0},
	} {
		if len(v.problems("value", test.schema, test.value)) == 0 {
			t.Errorf("%v passes %v", test.value, test.schema)
		}
	}
}
