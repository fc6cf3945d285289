package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Check returns what in the tree goes against the table, one line each, with
// the place and the reason. It reads every Go file that is not a test, whatever
// its build constraints.
func Check(tree fs.FS) []string {
	c := &checker{tree: tree}
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return c.folder(name)
		case strings.HasSuffix(name, ".go"):
			c.file(name)
		}
		return nil
	})
	if err != nil {
		c.violation(".", "cannot read the tree: %v", err)
	}
	return c.violations
}

type checker struct {
	tree       fs.FS
	violations []string
	unknown    []string // folders that were already reported
}

func (c *checker) violation(place, format string, args ...any) {
	c.violations = append(c.violations, place+": "+fmt.Sprintf(format, args...))
}

// folder decides whether to look into a folder, and looks at its name.
func (c *checker) folder(name string) error {
	base := path.Base(name)
	if name == "." {
		return nil
	}
	if base == "testdata" || base == "bin" || base == "dist" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	if _, err := fs.Stat(c.tree, path.Join(name, "go.mod")); err == nil {
		return fs.SkipDir // another module
	}
	if slices.Contains(vagueNames, base) {
		c.violation(name, "%q says nothing about what is in the folder: name it by what it holds", base)
	}
	return nil
}

func (c *checker) file(name string) {
	pkg := path.Dir(name)
	from := rowOf(pkg)
	if from < 0 {
		if !slices.Contains(c.unknown, pkg) {
			c.unknown = append(c.unknown, pkg)
			c.violation(pkg, "the folder is not in the table of internal/arch/table.go: add it to the table, at its level")
		}
		return
	}
	if strings.HasSuffix(name, "_test.go") {
		return
	}
	src, err := fs.ReadFile(c.tree, name)
	if err != nil {
		c.violation(name, "%v", err)
		return
	}
	// A file that does not parse fails the build; what was parsed is looked at.
	positions := token.NewFileSet()
	file, err := parser.ParseFile(positions, name, src, parser.SkipObjectResolution)
	if file == nil {
		c.violation(name, "%v", err)
		return
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err == nil {
			c.importFrom(positions.Position(spec.Pos()).String(), pkg, from, imported)
		}
	}
	for _, rule := range closedPackages {
		if !rule.clock && within(pkg, rule.path) {
			c.clock(positions, file, pkg, rule)
		}
	}
}

func (c *checker) importFrom(place, pkg string, from int, imported string) {
	if own, ok := strings.CutPrefix(imported, Module+"/"); ok {
		c.level(place, pkg, from, own)
	}
	for _, rule := range restricted {
		if within(imported, rule.path) && !withinAny(pkg, rule.importers) {
			c.violation(place, "%s may not import %s: %s", pkg, short(imported), rule.reason)
		}
	}
	for _, rule := range closedPackages {
		if !within(pkg, rule.path) {
			continue
		}
		outside := strings.Contains(strings.SplitN(imported, "/", 2)[0], ".") // the standard library has no dots
		if withinAny(imported, rule.never) ||
			outside && rule.outside != nil && !withinAny(imported, rule.outside) && !within(imported, Module+"/"+rule.path) {
			c.violation(place, "%s may not import %s: %s", pkg, short(imported), rule.reason)
		}
	}
}

// level checks that an import goes down.
func (c *checker) level(place, pkg string, from int, imported string) {
	to := rowOf(imported)
	switch {
	case to < 0:
		c.violation(place, "%s imports %s, which is not in the table of internal/arch/table.go", pkg, imported)
	case to == from:
		c.violation(place, "%s may not import %s: packages of one row do not import each other (level %d)", pkg, imported, rows[to].level)
	case to > from:
		c.violation(place, "%s (level %d) may not import %s (level %d): imports go down", pkg, rows[from].level, imported, rows[to].level)
	}
}

var clockNames = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// clock finds uses of functions that read the clock or wait.
func (c *checker) clock(positions *token.FileSet, file *ast.File, pkg string, rule closed) {
	local := localName(file, "time")
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && slices.Contains(clockNames, sel.Sel.Name) {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == local {
				c.violation(positions.Position(n.Pos()).String(), "%s may not use time.%s: %s", pkg, sel.Sel.Name, rule.reason)
			}
		}
		return true
	})
}

// localName returns what file calls an imported package; empty if it does not
// import it.
func localName(file *ast.File, imported string) string {
	for _, spec := range file.Imports {
		if spec.Path.Value != strconv.Quote(imported) {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(imported)
	}
	return ""
}

// rowOf returns the index of the row that pkg stands in, or -1.
func rowOf(pkg string) int {
	return slices.IndexFunc(rows, func(r row) bool { return slices.Contains(r.packages, pkg) })
}

// within reports whether name is dir or lies under it.
func within(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, dir+"/")
}

// withinAny is within for several paths. The tui root stands only for itself:
// the panes lie under it.
func withinAny(name string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool {
		return name == dir || dir != "tui" && within(name, dir)
	})
}

func short(imported string) string { return strings.TrimPrefix(imported, Module+"/") }
