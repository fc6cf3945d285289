package record

import (
	"errors"
	"io"
)

// Magic is what a recording file begins with.
const Magic = "wiregloss recording 1\n"

// ErrFormat is returned for input that is not a recording file.
var ErrFormat = errors.New("not a wiregloss recording")

// Section is a named part of a file that is not a recording: a schema, a
// request. Its bytes mean nothing to this package.
type Section struct {
	Name string
	Data []byte
}

// File is one saved exchange: its recordings and what is needed to decode them later.
type File struct {
	Sections   []Section
	Recordings []*Recording
}

// Section returns the data of the first section called name.
func (f *File) Section(name string) ([]byte, bool) {
	for _, s := range f.Sections {
		if s.Name == name {
			return s.Data, true
		}
	}
	return nil, false
}

// WriteTo writes the file format.
func (f *File) WriteTo(w io.Writer) (int64, error) { return 0, errors.New("write recording: not built yet") }

// ReadFile reads a file written by File.WriteTo.
func ReadFile(rd io.Reader) (*File, error) { return nil, ErrFormat }

// WriteTo writes the recording as a file of its own.
func (r *Recording) WriteTo(w io.Writer) (int64, error) {
	return (&File{Recordings: []*Recording{r}}).WriteTo(w)
}

// Read reads the first recording of a file.
func Read(rd io.Reader) (*Recording, error) {
	f, err := ReadFile(rd)
	if err != nil {
		return nil, err
	}
	return f.Recordings[0], nil
}
