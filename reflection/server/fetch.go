package server

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	// The well-known types, for servers that import but do not serve them.
	_ "google.golang.org/protobuf/types/descriptorpb"
	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/apipb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/sourcecontextpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/typepb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/wiregloss/wiregloss/catalog"
)

// fetch collects files, each once.
type fetch struct {
	session  *session
	files    []*descriptorpb.FileDescriptorProto
	have     map[string][sha256.Size]byte // by path: the hash of what came
	asked    map[string]bool              // by path or service: it was asked for
	failed   map[string]string            // by service: why there is no answer
	defines  map[string]string            // service -> path of its file
	known    map[string]string            // path asked for -> the path that the server knows the file by
	bytes    int
	full     bool // a limit was reached
	problems []catalog.Problem
}

func newFetch(s *session) *fetch {
	return &fetch{
		session: s, have: map[string][sha256.Size]byte{}, asked: map[string]bool{},
		failed: map[string]string{}, defines: map[string]string{}, known: map[string]string{},
	}
}

var (
	errFull     = errors.New("not asked for: the server has sent too much already")
	errAnother  = errors.New("the server answered another question")
	errLongName = fmt.Errorf("not asked for: its name is longer than %d bytes", maxName)
)

// symbol is the question for the file of a service. Its failure is noted.
func (f *fetch) symbol(name string) question {
	f.asked[name] = true
	return question{fileOfSymbol(name), func(resp *answerMessage, err error) error {
		if err == nil {
			_, err = f.take(resp, "")
		}
		return f.lost(name, err)
	}}
}

// lost notes that a service could not be had, and returns what ends the asking.
func (f *fetch) lost(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case fatal(f.session.ctx, err):
		return err
	}
	f.failed[name] = reason(err)
	return nil
}

// services fetches the files of services, those that did not come along with
// another. How a schema is cut into files cannot be asked, so each package starts
// with one question, and doubles their number as long as no answer brings more
// services than it was asked for: a file with all services of its package is sent
// once, and a thousand files with one each are asked for at once.
func (f *fetch) services(names []string) error {
	width := map[string]int{}
	for {
		batch, questions := f.batch(names, width)
		if len(batch) == 0 {
			return nil
		}
		if err := f.session.ask(questions); err != nil {
			return err
		}
		asked := map[string]int{}
		for _, name := range batch {
			asked[packageOf(name)]++
		}
		for pkg := range asked {
			width[pkg] *= 2
		}
		for _, name := range names {
			if _, came := f.defines[name]; came && !f.asked[name] {
				f.asked[name] = true
				width[packageOf(name)] = 1
			}
		}
	}
}

// batch picks what to ask next.
func (f *fetch) batch(names []string, width map[string]int) (batch []string, questions []question) {
	taken := map[string]int{}
	for _, name := range names {
		if _, came := f.defines[name]; came || f.asked[name] {
			continue
		}
		if f.full || len(name) > maxName {
			f.asked[name] = true
			f.failed[name] = errFull.Error()
			if !f.full {
				f.failed[name] = errLongName.Error()
			}
			continue
		}
		pkg := packageOf(name)
		if width[pkg] == 0 {
			width[pkg] = 1
		}
		if taken[pkg]++; taken[pkg] > width[pkg] {
			continue
		}
		batch, questions = append(batch, name), append(questions, f.symbol(name))
	}
	return batch, questions
}

func packageOf(service string) string {
	return service[:max(strings.LastIndexByte(service, '.'), 0)]
}

// imports fetches what the files import and the server did not send along. The
// well-known types are linked in and need no asking. It fails only when the
// connection does.
func (f *fetch) imports() error {
	for from := 0; from < len(f.files) && !f.full; {
		end := len(f.files) // more come meanwhile
		var questions []question
		for _, file := range f.files[from:end] {
			for _, path := range file.GetDependency() {
				if _, came := f.have[path]; came || f.asked["/"+path] || wellKnown(path) {
					continue
				}
				f.asked["/"+path] = true // no service has a name like this
				questions = append(questions, f.importOf(path))
			}
		}
		if err := f.session.ask(questions); err != nil {
			return err
		}
		from = end
	}
	return nil
}

// importOf is the question for a file that others import.
func (f *fetch) importOf(path string) question {
	return question{fileByName(path), func(resp *answerMessage, err error) error {
		if len(path) > 4*maxName {
			err = errLongName
		}
		if err == nil {
			_, err = f.take(resp, path)
		}
		if err != nil && fatal(f.session.ctx, err) {
			return err
		}
		if err != nil {
			f.problem(path, fmt.Sprintf("%s is without it (%s): fields of its types are shown by number, the rest works", f.importers(path), reason(err)))
		}
		return nil
	}}
}

// importers names the files that import one.
func (f *fetch) importers(path string) string {
	var names []string
	for _, file := range f.files {
		if slices.Contains(file.GetDependency(), path) {
			names = append(names, file.GetName())
		}
	}
	if more := len(names) - 2; more > 0 {
		return fmt.Sprintf("%s and %d more files", names[0], more+1)
	}
	return strings.Join(names, ", ")
}

// correct makes imports name files as the files name themselves.
func (f *fetch) correct() {
	if len(f.known) == 0 {
		return
	}
	for _, file := range f.files {
		for i, path := range file.GetDependency() {
			own, ok := f.known[path]
			if ok && own != file.GetName() && !slices.Contains(file.GetDependency(), own) {
				file.Dependency[i] = own
			}
		}
	}
}

// usesAny reports whether a message of the files may hold one of any type.
func (f *fetch) usesAny() bool {
	for _, file := range f.files {
		if slices.Contains(file.GetDependency(), "google/protobuf/any.proto") {
			return true
		}
	}
	return false
}

func wellKnown(path string) bool {
	if !strings.HasPrefix(path, "google/protobuf/") {
		return false
	}
	_, err := protoregistry.GlobalFiles.FindFileByPath(path)
	return err == nil
}

func (f *fetch) problem(where, text string) {
	f.problems = append(f.problems, catalog.Problem{Where: where, Text: text})
}

// take keeps the files of an answer and returns their names. If path is not empty,
// it was asked for a file of this path; that a server knows it by another is a
// problem, but not the end.
func (f *fetch) take(resp *answerMessage, path string) (names []string, err error) {
	if resp.GetFileDescriptorResponse() == nil {
		return nil, errAnother
	}
	files := resp.GetFileDescriptorResponse().GetFileDescriptorProto()
	for _, b := range files {
		if name, ok := f.add(b); ok {
			names = append(names, name)
		}
	}
	_, came := f.have[path]
	switch {
	case path == "" || came || f.full:
	case len(names) == 0:
		return nil, errors.New("the answer holds no file")
	default:
		f.known[path] = names[0]
		f.problem(path, fmt.Sprintf("asked for it, the server sent %s, which is taken for it", names[0]))
	}
	return names, nil
}

// add keeps a file that is new and returns its name. Its services are noted even
// if another file of the same path came first: servers that change their mind are
// not followed, but told.
func (f *fetch) add(b []byte) (name string, ok bool) {
	if f.bytes += len(b); f.full || f.bytes > maxBytes || len(f.files) >= maxFiles {
		if !f.full {
			f.full = true
			f.problem("reflection", fmt.Sprintf("the server sends more than %d files or %d MiB of schema; the rest is left out", maxFiles, maxBytes>>20))
		}
		return "", false
	}
	sum := sha256.Sum256(b)
	file := &descriptorpb.FileDescriptorProto{}
	if err := proto.Unmarshal(b, file); err != nil {
		f.problem("reflection", fmt.Sprintf("a file of %d bytes is not a file descriptor: %v", len(b), err))
		return "", false
	}
	name = file.GetName()
	for _, s := range file.GetService() {
		full := s.GetName()
		if p := file.GetPackage(); p != "" {
			full = p + "." + full
		}
		if _, ok := f.defines[full]; !ok {
			f.defines[full] = name
		}
	}
	if before, again := f.have[name]; again {
		if !bytes.Equal(before[:], sum[:]) {
			f.problem(name, "the server sent two different files of this name; the first is used")
		}
		return name, true
	}
	f.have[name] = sum
	f.files = append(f.files, file)
	return name, true
}
