package demo

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// link is one hypermedia link, links are those of a resource by relation.
type (
	link  struct{ Href string }
	links map[string]link
)

// json writes the links as the value of "_links", as HAL does.
func (l links) json() []byte {
	hrefs := map[string]map[string]string{}
	for rel, link := range l {
		hrefs[rel] = map[string]string{"href": link.Href}
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false) // "&" in a URL stays readable
	_ = enc.Encode(hrefs)    // strings always encode
	return bytes.TrimSpace(text.Bytes())
}

// messageJSON writes a message that is not empty as protojson does, with links
// added. protojson varies its white space on purpose, which is taken out.
func messageJSON(m proto.Message, l links) ([]byte, error) {
	text, err := protojson.Marshal(m)
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return nil, err
	}
	out := append(bytes.TrimSuffix(compact.Bytes(), []byte{'}'}), `,"_links":`...)
	return append(append(out, l.json()...), '}'), nil
}

// etag returns a strong validator of a representation (RFC 9110 §8.8.3).
func etag(text []byte) string {
	sum := sha256.Sum256(text)
	return fmt.Sprintf(`"%x"`, sum[:8])
}

// writeJSON answers a GET with a document, or says that the client has it.
func writeJSON(w http.ResponseWriter, r *http.Request, text []byte) error {
	tag := etag(text)
	err := precondition(r, tag)
	if err != nil && !errors.Is(err, errNotModified) {
		return err
	}
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "no-cache") // keep it, but ask before using it again
	if err != nil {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", jsonMedia)
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	_, _ = w.Write(text)
	return nil
}

var errNotModified = errors.New("the client has this representation")

// precondition evaluates If-Match and If-None-Match against the validator of
// what is there, in the order of RFC 9110 §13.2.2.
func precondition(r *http.Request, tag string) error {
	if values := r.Header.Values("If-Match"); len(values) > 0 && !matches(values, tag, false) {
		return httpError{http.StatusPreconditionFailed, fmt.Sprintf("it has changed: its ETag is %s now; read it again", tag)}
	}
	if values := r.Header.Values("If-None-Match"); len(values) > 0 && matches(values, tag, true) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			return errNotModified
		}
		return httpError{http.StatusPreconditionFailed, fmt.Sprintf("it exists, with ETag %s", tag)}
	}
	return nil
}

// matches reports whether a list of entity tags has a tag. The weak comparison
// of RFC 9110 §8.8.3.2 ignores the W/ mark; the strong one refuses it.
func matches(lists []string, tag string, weak bool) bool {
	for _, list := range lists {
		for item := range strings.SplitSeq(list, ",") {
			item = strings.TrimSpace(item)
			if weak {
				item = strings.TrimPrefix(item, "W/")
			}
			if item == tag || item == "*" {
				return true
			}
		}
	}
	return false
}

// readObject reads a body that must be a JSON object in one of some media types.
func readObject(r *http.Request, media ...string) (map[string]json.RawMessage, error) {
	given, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(media, given) {
		return nil, httpError{
			http.StatusUnsupportedMediaType,
			fmt.Sprintf("the body must be %s, not %q", strings.Join(media, " or "), clip(r.Header.Get("Content-Type"))),
		}
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return nil, httpError{http.StatusUnsupportedMediaType, fmt.Sprintf("the body must not be encoded with %q", clip(coding))}
	}
	text, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, httpError{http.StatusRequestEntityTooLarge, fmt.Sprintf("the body may have %d bytes at most", tooLarge.Limit)}
	case err != nil:
		return nil, httpError{http.StatusBadRequest, "the body broke off: " + err.Error()}
	}
	var syntax *json.SyntaxError
	var object map[string]json.RawMessage
	switch err := json.Unmarshal(text, &object); {
	case errors.As(err, &syntax):
		return nil, httpError{http.StatusBadRequest, fmt.Sprintf("the body is not JSON: %v at byte %d", err, syntax.Offset)}
	case err != nil || object == nil:
		return nil, httpError{http.StatusUnprocessableEntity, "the body must be a JSON object"}
	}
	delete(object, "_links") // so that what was read can be sent back
	return object, nil
}

// readMessage reads a body as a protobuf message.
func readMessage(r *http.Request, m proto.Message, media ...string) error {
	object, err := readObject(r, media...)
	if err != nil {
		return err
	}
	return unmarshalMessage(object, m)
}

// unmarshalMessage turns an object into a message.
func unmarshalMessage(object any, m proto.Message) error {
	text, err := json.Marshal(object)
	if err != nil {
		return err
	}
	if err := protojson.Unmarshal(text, m); err != nil {
		// protojson varies its spaces, and its positions are those of text, not of the body.
		detail := strings.ReplaceAll(err.Error(), "\u00a0", " ")
		if _, after, ok := strings.Cut(detail, "): "); ok {
			detail = after
		}
		return httpError{http.StatusUnprocessableEntity, fmt.Sprintf("the body is not a %s: %s", m.ProtoReflect().Descriptor().Name(), clipTo(detail, 300))}
	}
	return nil
}
