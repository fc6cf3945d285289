// Package arch holds the table of who may import whom and checks the tree
// against it. The table is that of docs/architecture.md; a folder that is not in
// it, or an import that goes up, fails the test with the reason.
//
//	for _, v := range arch.Check(os.DirFS("../..")) {
//		t.Error(v)
//	}
package arch

// Module is the path of this module.
const Module = "github.com/wiregloss/wiregloss"

// row is a set of packages that do not import each other. They may import the
// packages of the rows before.
type row struct {
	level    int // as the architecture page counts; several rows may share one
	packages []string
}

var rows = []row{
	{1, []string{"record", "catalog"}},
	{2, []string{"inspect/h2", "inspect/hpack", "inspect/h1", "inspect/jsontext", "inspect/pb", "exchange", "compose"}},
	{2, []string{"inspect/envelope"}}, // decodes status details with inspect/pb
	{2, []string{"inspect"}},
	{3, []string{"mask", "diff"}},
	{4, []string{"reflection/server", "reflection/protofile", "reflection/openapi", "reflection/cache", "demo/demov1"}},
	{4, []string{"call/web"}}, // gRPC-Web and Connect on a connection that call made
	{4, []string{"call", "auth", "history", "capture", "reflection", "render", "demo", "config"}},
	{5, []string{"tui/layout", "tui/cell"}},
	{5, []string{"tui/theme", "tui/list", "tui/intent"}},
	{5, []string{"tui/keys", "tui/editor"}},
	{5, []string{"tui/catalogpane", "tui/composepane", "tui/tracepane", "tui/detailpane", "tui/historypane", "tui/palette"}},
	{5, []string{"tui"}},
	{6, []string{"cmd/wiregloss"}},
	// Only tests use these.
	{7, []string{"internal/arch", "internal/golden", "internal/testserver", "e2e"}},
}

// onlyFor says who may import a package. Packages under a path are included.
type onlyFor struct {
	path      string
	importers []string
	reason    string
}

const noIO = "panes and what they draw with do no I/O; the tui root runs it as a command"

var restricted = []onlyFor{
	{Module + "/call", []string{"call", "tui", "cmd/wiregloss"}, noIO},
	{Module + "/auth", []string{"tui", "cmd/wiregloss"}, noIO},
	{Module + "/history", []string{"tui", "cmd/wiregloss"}, noIO},
	{Module + "/reflection", []string{"tui", "cmd/wiregloss", "reflection"}, noIO},
	{Module + "/config", []string{"tui", "cmd/wiregloss"}, noIO},
	{Module + "/demo", []string{"tui", "cmd/wiregloss", "demo", "internal/testserver"}, "it runs servers; only the program starts it"},
	{Module + "/internal", []string{"internal/testserver", "e2e"}, "internal holds what tests need; only test files import it"},
	{
		"google.golang.org/genproto/googleapis/rpc",
		[]string{"inspect/envelope", "demo", "internal/testserver"},
		"inspect/envelope offers the google.rpc types as fallback types: ask it",
	},
}

// closed says what a package may import beside the standard library, and what of
// that it may not. Packages under a path are included.
type closed struct {
	path    string
	outside []string // nil for anything that the levels allow
	never   []string
	clock   bool // may read the clock
	reason  string
}

var system = []string{"os", "net", "log", "syscall", "io/ioutil"}

var closedPackages = []closed{
	{path: "record", outside: []string{}, clock: true, reason: "record imports only the standard library"},
	{
		path: "catalog", outside: []string{"google.golang.org/protobuf"}, clock: true,
		reason: "catalog imports only protoreflect and the standard library",
	},
	{path: "inspect", never: system, reason: "decoding is pure: same bytes in, same view out"},
	{path: "diff", never: system, reason: "comparing is pure: same bytes in, same report out"},
	{path: "mask", never: system, reason: "mask is pure: same bytes in, same bytes out"},
	{path: "tui/layout", never: system, reason: "layout is pure: size in, rectangles out"},
}

// vagueNames are names for folders that do not say what is in them.
var vagueNames = []string{"util", "utils", "common", "helper", "helpers", "types", "misc", "shared", "lib"}
