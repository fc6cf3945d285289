package record

import (
	"errors"
	"fmt"
	"io"
)

// Magic is what every recording file of this format begins with.
const Magic = magicName + "1\n"

const magicName = "wiregloss recording "

// ErrFormat is returned for input that is not a recording file.
var ErrFormat = errors.New("not a wiregloss recording")

// DamageError says where a recording file is damaged. What stood before that
// place was read.
type DamageError struct {
	Offset int64 // of the damaged block in the file
	Reason string
}

// Error says what is wrong and where.
func (e *DamageError) Error() string {
	return fmt.Sprintf("recording file damaged at byte %d: %s; what stands before was read", e.Offset, e.Reason)
}

// Section is a named part of a file beside the recordings: a schema, a request.
// Its bytes mean nothing to this package, and sections with unknown names are
// kept.
type Section struct {
	Name string
	Data []byte
}

// File is one saved exchange: the recordings of its connections, and what is
// needed to decode them later. The format is described in
// docs/recording-format.md.
type File struct {
	Sections   []Section
	Recordings []*Recording

	cut bool
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

// Cut reports whether the file ended before its end mark: the program that wrote
// it was stopped, or a copy is incomplete.
func (f *File) Cut() bool { return f.cut }

// Release releases every recording of the file.
func (f *File) Release() {
	for _, r := range f.Recordings {
		r.Release()
	}
}

// WriteTo writes the recording as a file of its own. A recording that still
// grows is written as far as it has come.
func (r *Recording) WriteTo(w io.Writer) (int64, error) {
	return (&File{Recordings: []*Recording{r}}).WriteTo(w)
}

// Read reads the first recording of a file. Like ReadFile it may return both a
// recording and a *DamageError.
func Read(rd io.Reader) (*Recording, error) {
	f, err := ReadFile(rd)
	if f == nil {
		return nil, err
	}
	if len(f.Recordings) == 0 {
		if err == nil {
			err = errors.New("the recording file holds no recording")
		}
		return nil, err
	}
	for _, r := range f.Recordings[1:] {
		r.Release()
	}
	return f.Recordings[0], err
}
