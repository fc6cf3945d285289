package compose

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/wiregloss/wiregloss/catalog"
)

// textScanner follows the nesting of a text-format message up to a place. It
// judges nothing: the library has refused the text, and the scanner only says
// where that was.
type textScanner struct {
	in    []byte
	pos   int
	types catalog.Types
	open  []textLevel
}

// textLevel is a message that is open.
type textLevel struct {
	md    protoreflect.MessageDescriptor // nil if it is not known
	path  string
	close byte           // "}" or ">"; 0 at the top
	count map[string]int // how often each field was given, for indexes
	// The field that was named last, and whether its list is open.
	name     string
	field    protoreflect.FieldDescriptor
	wantName bool
	list     bool
	index    int
}

// placeInText returns what stands at offset. It goes no deeper than the library.
func placeInText(md protoreflect.MessageDescriptor, types catalog.Types, in []byte, offset int) textPlace {
	s := textScanner{in: in, types: types, open: []textLevel{{md: md, wantName: true}}}
	for {
		s.space()
		if s.pos >= offset || s.pos >= len(in) || len(s.open) > deepest {
			break
		}
		s.token()
	}
	l := s.top()
	p := textPlace{in: l.md, word: s.word(), name: l.wantName}
	p.path = l.path
	if l.wantName {
		if isWordByte(s.peek()) {
			p.path = join(l.path, p.word)
		}
		return p
	}
	p.field, p.path = l.field, l.fieldPath()
	return p
}

func (s *textScanner) top() *textLevel { return &s.open[len(s.open)-1] }

func (s *textScanner) peek() byte {
	if s.pos < len(s.in) {
		return s.in[s.pos]
	}
	return 0
}

// space skips white space and comments.
func (s *textScanner) space() {
	for s.pos < len(s.in) {
		switch s.in[s.pos] {
		case ' ', '\n', '\r', '\t':
			s.pos++
		case '#':
			for s.pos < len(s.in) && s.in[s.pos] != '\n' {
				s.pos++
			}
		default:
			return
		}
	}
}

func isWordByte(c byte) bool { return joins(c) }

// word returns the token that stands here, short enough for a message.
func (s *textScanner) word() string {
	begin := s.pos
	defer func() { s.pos = begin }()
	switch c := s.peek(); {
	case c == 0:
		return "end of input"
	case c == '"' || c == '\'':
		s.quoted(c)
		return strconv.Quote(cut(string(s.in[begin+1 : max(begin+1, s.pos-1)])))
	case isWordByte(c):
		s.bare()
		return cut(string(s.in[begin:s.pos]))
	}
	return strconv.Quote(firstRune(string(s.in[begin:min(begin+4, len(s.in))])))
}

func (s *textScanner) bare() {
	for s.pos < len(s.in) && isWordByte(s.in[s.pos]) {
		s.pos++
	}
}

func (s *textScanner) quoted(quote byte) {
	for s.pos++; s.pos < len(s.in); s.pos++ {
		switch s.in[s.pos] {
		case '\\':
			s.pos++
		case quote:
			s.pos++
			return
		}
	}
	s.pos = len(s.in)
}

// token passes one token.
func (s *textScanner) token() {
	l := s.top()
	switch c := s.in[s.pos]; {
	case c == '{' || c == '<':
		s.pos++
		s.enter(c)
	case c == '}' || c == '>':
		s.pos++
		s.leave(c)
	case c == '[' && l.wantName:
		s.bracketed()
	case c == '[':
		s.pos++
		l.list, l.index = true, 0
	case c == ']':
		s.pos++
		l.list, l.wantName = false, true
	case c == '"' || c == '\'':
		s.quoted(c)
		s.valueDone()
	case isWordByte(c) && l.wantName:
		begin := s.pos
		s.bare()
		s.named(string(s.in[begin:s.pos]))
	case isWordByte(c):
		s.bare()
		s.valueDone()
	default: // a colon or separator
		s.pos++
		if c == ',' && l.list {
			l.index++
		}
	}
}

// valueDone notes that a scalar has been read. Strings may follow one another as
// one value, so a string or name decides what comes next.
func (s *textScanner) valueDone() {
	if l := s.top(); !l.list {
		l.wantName = true
	}
}

// bracketed reads the name of an extension, or the type of an Any.
func (s *textScanner) bracketed() {
	begin := s.pos + 1
	for s.pos < len(s.in) && s.in[s.pos] != ']' {
		s.pos++
	}
	name := strings.TrimSpace(string(s.in[begin:max(begin, s.pos)]))
	s.pos = min(s.pos+1, len(s.in))
	s.named("[" + name + "]")
}

// named notes the field that is given next.
func (s *textScanner) named(name string) {
	l := s.top()
	l.name, l.wantName, l.list = name, false, false
	l.field = nil
	if inner, ok := bracketed(name); ok && l.md != nil {
		if x, err := s.types.FindExtensionByName(protoreflect.FullName(inner)); err == nil && x != nil {
			l.field = x.TypeDescriptor()
		}
	} else if l.md != nil {
		l.field = l.md.Fields().ByTextName(name)
	}
	if l.count == nil {
		l.count = map[string]int{}
	}
	l.count[name]++
}

// fieldPath is the path of the field that was named last.
func (l *textLevel) fieldPath() string {
	path := join(l.path, l.name)
	switch {
	case l.field == nil || !l.field.IsList():
	case l.list:
		path += "[" + strconv.Itoa(l.index) + "]"
	default:
		path += "[" + strconv.Itoa(l.count[l.name]-1) + "]"
	}
	return path
}

// enter opens the message of the field that was named last.
func (s *textScanner) enter(opened byte) {
	l := s.top()
	next := textLevel{path: l.fieldPath(), wantName: true, close: '}'}
	if opened == '<' {
		next.close = '>'
	}
	if l.field != nil {
		next.md = l.field.Message()
	} else if url, ok := bracketed(l.name); ok {
		if mt, err := s.types.FindMessageByURL(url); err == nil {
			next.md = mt.Descriptor()
		}
	}
	s.open = append(s.open, next)
}

func (s *textScanner) leave(closed byte) {
	if len(s.open) == 1 || s.top().close != closed {
		return
	}
	s.open = s.open[:len(s.open)-1]
	s.valueDone()
}
