package protofile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/jhump/protoreflect/desc/protoparse"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
)

const (
	// maxTold is how many errors of one file are told.
	maxTold = 10
	// maxNesting is how deep brackets may be nested: the parser recurses.
	maxNesting = 500
	// maxSource is how many bytes a .proto file may have.
	maxSource = 32 << 20
)

// parse reads and parses a file without its imports. What the parser refuses is
// tried again as an older edition, or without its checks of what can be declared:
// linking knows what of it cannot be used.
func (s *source) parse() {
	if s.parsed {
		return
	}
	s.parsed = true
	if s.src == nil {
		data, err := readFile(s.path)
		if err != nil {
			s.err(s.path, "cannot be read: %v", cause(err))
			return
		}
		s.src = data
	}
	if len(s.src) > maxSource {
		s.err(s.path, "has %d bytes: more than %d MiB of source are not parsed", len(s.src), maxSource>>20)
		return
	}
	if line := tooDeep(s.src); line > 0 {
		s.err(fmt.Sprintf("%s:%d", s.path, line), "brackets are nested more than %d deep: not parsed", maxNesting)
		return
	}
	if s.proto = s.try(s.src, true); s.proto != nil {
		return
	}
	told := s.errs
	if edition, src := older(s.src); src != nil {
		if s.proto = s.try(src, false); s.proto != nil {
			s.errs = nil
			s.err(s.path, "edition %s is newer than what this program knows: read as edition %s", edition, newest)
			return
		}
	}
	s.proto = s.try(s.src, false)
	s.errs = told
}

// newest is the newest edition that the parser reads.
const newest = "2024"

var editionLine = regexp.MustCompile(`(?m)^\s*edition\s*=\s*["']([0-9A-Z_]+)["']\s*;`)

// older returns the text of a file of a newer edition as one of the newest that can
// be parsed, and which edition it was; nil for any other file.
func older(src []byte) (string, []byte) {
	at := editionLine.FindSubmatchIndex(src)
	if at == nil {
		return "", nil
	}
	edition := string(src[at[2]:at[3]])
	if edition <= newest { // names of letters, like UNSTABLE, are greater
		return "", nil
	}
	return edition, slices.Concat(src[:at[2]], []byte(newest), src[at[3]:])
}

func (s *source) err(where, format string, args ...any) {
	if len(s.errs) < maxTold {
		s.errs = append(s.errs, catalog.Problem{Where: where, Text: fmt.Sprintf(format, args...)})
	}
}

// try parses the text, and keeps what the parser says of it.
func (s *source) try(src []byte, checks bool) (f *descriptorpb.FileDescriptorProto) {
	s.errs = nil
	defer func() {
		// A parser that panics has met a text that it does not know how to refuse.
		if p := recover(); p != nil {
			s.err(s.path, "the parser failed: %v", p)
			f = nil
		}
	}()
	parser := protoparse.Parser{
		Accessor:                        func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(src)), nil },
		IncludeSourceCodeInfo:           true,
		ValidateUnlinkedFiles:           checks,
		InterpretOptionsInUnlinkedFiles: true,
		AllowExperimentalEditions:       true,
		ErrorReporter: func(e protoparse.ErrorWithPos) error {
			pos := e.GetPosition()
			s.err(fmt.Sprintf("%s:%d:%d", s.path, pos.Line, pos.Col), "%s", strings.ReplaceAll(e.Unwrap().Error(), "$end", "end of file"))
			return nil
		},
	}
	files, err := parser.ParseFilesButDoNotLink(s.path)
	if err != nil {
		if !errors.Is(err, protoparse.ErrInvalidSource) || len(s.errs) == 0 {
			s.err(s.path, "%v", err)
		}
		return nil
	}
	files[0].Name = nil // others know the file by another name than the disk does
	return files[0]
}

// tooDeep returns the line where brackets are nested deeper than the parser's
// recursion should go, or 0. Brackets in strings and comments do not count.
func tooDeep(src []byte) int {
	depth := 0
	for i := 0; i < len(src); i++ {
		switch src[i] {
		case '{', '[', '<', '(':
			if depth++; depth > maxNesting {
				return bytes.Count(src[:i], []byte{'\n'}) + 1
			}
		case '}', ']', '>', ')':
			depth = max(depth-1, 0)
		case '"', '\'':
			i = closingQuote(src, i)
		case '/':
			i = commentEnd(src, i)
		}
	}
	return 0
}

// closingQuote returns the offset of the quote that ends the string at i, or of the
// line's last byte.
func closingQuote(src []byte, i int) int {
	for j := i + 1; j < len(src); j++ {
		switch src[j] {
		case src[i]:
			return j
		case '\\':
			j++
		case '\n':
			return j
		}
	}
	return len(src)
}

// commentEnd returns the offset of the last byte of the comment at i, or i if there
// is none.
func commentEnd(src []byte, i int) int {
	end := "\n"
	switch {
	case bytes.HasPrefix(src[i:], []byte("//")):
	case bytes.HasPrefix(src[i:], []byte("/*")):
		end = "*/"
	default:
		return i
	}
	if n := bytes.Index(src[i+2:], []byte(end)); n >= 0 {
		return i + 2 + n + len(end) - 1
	}
	return len(src)
}

// at returns file:line:col of a part of the file, named by its path in the
// descriptor (SourceCodeInfo.Location.path), or of the nearest part around it.
func (s *source) at(place ...int32) string {
	best, span := -1, []int32(nil)
	for _, loc := range s.proto.GetSourceCodeInfo().GetLocation() {
		n := len(loc.GetPath())
		if n > best && n <= len(place) && slices.Equal(loc.GetPath(), place[:n]) && len(loc.GetSpan()) >= 2 {
			best, span = n, loc.GetSpan()
		}
	}
	if best <= 0 {
		return s.path
	}
	return fmt.Sprintf("%s:%d:%d", s.path, span[0]+1, span[1]+1) // spans count from 0
}

// prune keeps of the places of a file those of whole declarations and those that
// have comments, which is what describes and prints it. The places of each name,
// type and number are most of what a large tree takes, and are of no use once its
// problems have been told.
func (s *source) prune() {
	info := s.proto.GetSourceCodeInfo()
	if info == nil {
		return
	}
	kept := make([]*descriptorpb.SourceCodeInfo_Location, 0, len(info.GetLocation())/4)
	for _, loc := range info.GetLocation() {
		commented := loc.LeadingComments != nil || loc.TrailingComments != nil || len(loc.GetLeadingDetachedComments()) > 0
		if commented || isDeclaration(loc.GetPath()) {
			kept = append(kept, loc)
		}
	}
	info.Location = kept
}

// isDeclaration reports whether a place is that of an element of a list, or of an
// extend block. A path alternates field numbers and indexes.
func isDeclaration(path []int32) bool {
	n := len(path)
	switch {
	case n%2 == 0:
		return true
	case n == 1:
		return path[0] == tagExtensions
	}
	return path[n-1] == tagNestedExtension && (path[n-3] == tagNested || n == 3 && path[0] == tagMessages)
}
