package compose

import "google.golang.org/protobuf/reflect/protoreflect"

func (w *walker) any(v value, path string) error {
	if v.kind != object {
		return fail(v.start, path, `want an object with "@type" (google.protobuf.Any), got %s`, w.show(v))
	}
	if len(v.members) == 0 {
		return nil
	}
	url, at, err := anyType(v, path)
	if err != nil {
		return err
	}
	if url == "" {
		if w.o.AllowUnknown {
			return nil // all that is in it is unknown
		}
		return fail(v.start, path, `an Any needs "@type", like "type.googleapis.com/google.rpc.Status"`)
	}
	mt, err := w.o.types().FindMessageByURL(url)
	if err != nil {
		return fail(at, join(path, "@type"), "the message type %q is not known", url)
	}
	md := mt.Descriptor()
	if !isWellKnown(md.FullName()) {
		return w.fields(v, md, path, true)
	}
	return w.anyValue(v, md, path)
}

// anyType returns the type URL and where it stands; the URL is empty if there is
// none.
func anyType(v value, path string) (url string, at int, err error) {
	for _, m := range v.members {
		if m.name != "@type" {
			continue
		}
		switch {
		case url != "":
			return "", 0, fail(m.at, join(path, "@type"), "given twice")
		case m.val.kind != text || m.val.str == "":
			return "", 0, fail(m.val.start, join(path, "@type"), `want the type's URL, like "type.googleapis.com/google.rpc.Status"`)
		}
		url, at = m.val.str, m.val.start
	}
	return url, at, nil
}

// anyValue checks an Any that holds a well-known type: its JSON stands in "value".
func (w *walker) anyValue(v value, md protoreflect.MessageDescriptor, path string) error {
	found := false
	for _, m := range v.members {
		switch {
		case m.name == "@type":
		case m.name != "value" && w.o.AllowUnknown:
		case m.name != "value":
			return fail(m.at, join(path, m.name), `an Any of %s holds it in "value" and has no other fields`, md.FullName())
		case found:
			return fail(m.at, join(path, m.name), "given twice")
		default:
			found = true
			if err := w.wellKnown(m.val, md, join(path, "value")); err != nil {
				return err
			}
		}
	}
	if !found && md.FullName() != "google.protobuf.Empty" {
		return fail(v.start, path, `an Any of %s needs "value"`, md.FullName())
	}
	return nil
}
