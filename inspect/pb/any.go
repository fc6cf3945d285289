package pb

// any writes a google.protobuf.Any with its content in place, as the fields of
// the type it names or, for a type with a JSON form of its own, under "value".
func (m *machine) any(mp *messagePlan, base int, l level) error {
	var url, content entry
	typeURL, value := mp.field(1), mp.field(2)
	for i, e := range m.entries[base:] {
		if next := base + i + 1; next < len(m.entries) && m.entries[next].fp == e.fp {
			if err := m.validate(e, l); err != nil {
				return err
			}
			continue
		}
		if e.fp == typeURL {
			url = e
		} else {
			content = e
		}
	}
	if url.val == 0 {
		if content.val > 0 {
			return fail(int(content.off), "google.protobuf.Any: has a value but no type_url")
		}
		m.open('{')
		m.close('}')
		return nil
	}
	target, err := m.c.byURL(m.src[url.off:url.end])
	if err != nil {
		return fail(int(url.off), "google.protobuf.Any: type %q cannot be resolved: %v", m.src[url.off:url.end], err)
	}
	return m.anyContent(target, value, url, content, l)
}

// anyContent writes the object of an Any. Parsing starts anew in it: nesting
// counts from one, and required fields are not asked for.
func (m *machine) anyContent(target *messagePlan, value *fieldPlan, url, content entry, l level) error {
	lo := len(m.entries)
	if content.fp != nil {
		m.entries = append(m.entries, content)
	}
	hi := len(m.entries)
	in := level{depth: 1, total: l.total + 1, lax: true}
	if err := in.check(m.offset(lo, hi)); err != nil {
		return err
	}
	whole := m.object(content)
	m.open('{')
	k := m.anyMember(url.fp, "@type", url)
	if err := m.scalar(url.fp, url); err != nil {
		return within(err, ".@type")
	}
	m.endMember(k)
	if err := m.expand(target, value, lo, hi, in); err != nil {
		return err
	}
	m.close('}')
	m.endMember(whole)
	m.entries = m.entries[:lo]
	return nil
}

func (m *machine) expand(target *messagePlan, value *fieldPlan, lo, hi int, l level) error {
	if target.special == ordinary {
		return m.members(target, lo, hi, l)
	}
	var content entry
	if lo < hi {
		content = m.entries[lo]
	}
	k := m.anyMember(value, "value", content)
	if err := m.message(target, lo, hi, l); err != nil {
		return within(err, ".value")
	}
	m.endMember(k)
	return nil
}
