package protofile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wiregloss/wiregloss/catalog"
)

// Options say where imports are.
type Options struct {
	// ImportPaths are folders, the first first. Imports that are in none of them,
	// or all if there are none, are looked for around the files that import them.
	ImportPaths []string
}

// maxFiles is how many .proto files are read at once: a folder given by mistake,
// such as /, ends there.
const maxFiles = 50_000

// Load reads schemas: each path is a .proto file, a folder with all .proto files
// below it, or a descriptor set, told by its content. Several merge in the order
// given, all .proto files together standing where the first of them does. A broken
// file loses only itself, and an import that is missing only what it declares: both
// are Problems with file:line:col. It is an error if a path cannot be read, or if
// nothing in it can be used.
func Load(paths []string, o Options) (*catalog.Catalog, error) {
	l := newLoader(o)
	var cats []*catalog.Catalog
	own := -1 // where the catalog of the .proto files goes
	for _, path := range paths {
		set, err := l.take(path)
		if err != nil {
			return nil, fmt.Errorf("read schema: %w", err)
		}
		if set == nil && own < 0 {
			own = len(cats)
		}
		if set != nil || own == len(cats) {
			cats = append(cats, set)
		}
	}
	if own >= 0 {
		cats[own] = l.catalog()
		if err := l.usable(cats[own]); err != nil {
			return nil, fmt.Errorf("read schema: %w", err)
		}
		cats[own].Origin = strings.Join(l.given, ", ")
	}
	if len(cats) == 1 {
		return cats[0], nil
	}
	return catalog.Merge(cats...), nil
}

// take adds the .proto files of a path, or returns the catalog of a descriptor set.
func (l *loader) take(path string) (*catalog.Catalog, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		l.given = append(l.given, path)
		return nil, l.folder(path)
	}
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	set, src, err := read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if set == nil {
		l.given = append(l.given, path)
		l.file(path, filepath.Dir(path)).src = src
		return nil, nil //nolint:nilnil // the file is one of the loader's
	}
	c, err := FromSet(set)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c.Origin = path
	return c, nil
}

// folder adds all .proto files below a folder. What cannot be read there is a
// Problem; links to folders and hidden folders are passed by.
func (l *loader) folder(root string) error {
	found := 0
	top := strings.TrimSuffix(root, string(filepath.Separator)) + string(filepath.Separator) // so that a link to a folder is walked
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			l.problem(path, "cannot be read: %v", cause(err))
			return nil
		case d.IsDir() && path != top && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".proto":
			return nil
		case len(l.sources) >= maxFiles:
			l.problem(root, "more than %d .proto files: the rest is not read; give a folder further down", maxFiles)
			return filepath.SkipAll
		}
		found++
		l.file(path, root)
		return nil
	})
	if err == nil && found == 0 {
		err = fmt.Errorf("no .proto file in %s or below", root)
	}
	return err
}

// usable returns an error if no file of the catalog can be used.
func (l *loader) usable(c *catalog.Catalog) error {
	if c.Files.NumFiles() > 0 || len(c.Problems) == 0 {
		return nil
	}
	p := c.Problems[0]
	if len(l.sources) == 1 {
		return fmt.Errorf("%s: %s", p.Where, p.Text)
	}
	return fmt.Errorf("none of %d files can be used: %s: %s", len(l.sources), p.Where, p.Text)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was read
	size := int64(0)
	if info, err := f.Stat(); err == nil {
		size = min(info.Size(), maxSchema)
	}
	data, err := readAll(f, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, cause(err))
	}
	return data, nil
}

// cause takes the path off an error that is told with its path.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
