package arch

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTree(t *testing.T) {
	t.Parallel()
	tree := os.DirFS("../..")
	if _, err := os.Stat("../../go.mod"); err != nil {
		t.Fatalf("the module root is not where it should be: %v", err)
	}
	for _, v := range Check(tree) {
		t.Error(v)
	}
}

func TestTableNamesEachPackageOnce(t *testing.T) {
	t.Parallel()
	var seen []string
	level := 0
	for _, r := range rows {
		if r.level < level {
			t.Errorf("level %d stands after level %d", r.level, level)
		}
		level = r.level
		for _, p := range r.packages {
			if slices.Contains(seen, p) {
				t.Errorf("%s stands in the table twice", p)
			}
			seen = append(seen, p)
		}
	}
}

func TestCheckFindsViolations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, source string
		want               string // empty if it is allowed
	}{
		{"down", "mask/mask.go", `import "github.com/wiregloss/wiregloss/inspect"`, ""},
		{"up", "record/tap.go", `import "github.com/wiregloss/wiregloss/call"`, "imports go down"},
		{"up within a level", "inspect/pb/pb.go", `import "github.com/wiregloss/wiregloss/inspect"`, "inspect/pb (level 2) may not import inspect (level 2)"},
		{"sideways", "inspect/h2/h2.go", `import "github.com/wiregloss/wiregloss/inspect/hpack"`, "do not import each other"},
		{"pane to pane", "tui/tracepane/view.go", `import "github.com/wiregloss/wiregloss/tui/detailpane"`, "do not import each other"},
		{"pane to its parts", "tui/tracepane/view.go", `import "github.com/wiregloss/wiregloss/tui/list"`, ""},
		{"pane to call", "tui/tracepane/view.go", `import "github.com/wiregloss/wiregloss/call"`, "panes and what they draw with do no I/O"},
		{"pane to a source", "tui/catalogpane/view.go", `import "github.com/wiregloss/wiregloss/reflection/server"`, "do no I/O"},
		{"root to call", "tui/send.go", `import "github.com/wiregloss/wiregloss/call"`, ""},
		{"command to call", "cmd/wiregloss/call.go", `import "github.com/wiregloss/wiregloss/call"`, ""},
		{"call to a source", "call/open.go", `import "github.com/wiregloss/wiregloss/reflection/server"`, "may not import reflection/server"},
		{"reflection to its sources", "reflection/load.go", `import "github.com/wiregloss/wiregloss/reflection/server"`, ""},
		{"record to the standard library", "record/tap.go", `import "crypto/tls"`, ""},
		{"record to a library", "record/tap.go", `import "golang.org/x/net/http2"`, "only the standard library"},
		{"catalog to protobuf", "catalog/rpc.go", `import "google.golang.org/protobuf/reflect/protoreflect"`, ""},
		{"catalog to a library", "catalog/rpc.go", `import "github.com/jhump/protoreflect/v2/protoprint"`, "only protoreflect"},
		{"decoder to os", "inspect/h2/frame.go", `import "os"`, "decoding is pure"},
		{"decoder to os/exec", "inspect/h2/frame.go", `import "os/exec"`, "decoding is pure"},
		{"decoder to net/http", "inspect/h1/h1.go", `import "net/http"`, "decoding is pure"},
		{"decoder to log/slog", "inspect/trace.go", `import "log/slog"`, "decoding is pure"},
		{"decoder to a name like net", "inspect/trace.go", `import "netip.example/net"`, ""},
		{"durations in a decoder", "inspect/trace.go", "import \"time\"\nvar d = time.Second", ""},
		{"clock in a decoder", "inspect/trace.go", "import \"time\"\nvar d = time.Now()", "may not use time.Now"},
		{"renamed clock", "inspect/pb/pb.go", "import clock \"time\"\nvar d = clock.Since", "may not use time.Since"},
		{"other Now", "inspect/pb/pb.go", "var d = now.Now()", ""},
		{"clock in record", "record/tap.go", "import \"time\"\nvar d = time.Now()", ""},
		{"google.rpc in envelope", "inspect/envelope/rpc.go", `import "google.golang.org/genproto/googleapis/rpc/errdetails"`, ""},
		{"google.rpc elsewhere", "render/status.go", `import "google.golang.org/genproto/googleapis/rpc/errdetails"`, "ask it"},
		{"google.api elsewhere", "demo/demov1/user.go", `import "google.golang.org/genproto/googleapis/api/annotations"`, ""},
		{"internal in the program", "render/status.go", `import "github.com/wiregloss/wiregloss/internal/golden"`, "only test files import it"},
		{"internal in a test", "render/status_test.go", `import "github.com/wiregloss/wiregloss/internal/golden"`, ""},
		{"other build", "record/tap_windows.go", "import \"example.com/windows\"", "only the standard library"},
		{"excluded by a constraint", "record/tap.go", "import \"example.com/never\"", "only the standard library"},
		{"new folder", "sundry/sundry.go", "", "add it to the table"},
		{"new folder with tests only", "sundry/sundry_test.go", "", "add it to the table"},
		{"vague name", "inspect/util/util.go", "", "name it by what it holds"},
		{"import of a folder outside the table", "call/call.go", `import "github.com/wiregloss/wiregloss/sundry"`, "not in the table"},
		{"test data", "record/testdata/helpers/bad.go", `import "example.com/x"`, ""},
		{"broken file", "record/broken.go", `import "example.com/x"` + "\nfunc {", "only the standard library"},
	} {
		source := "//go:build ignore\n\npackage p\n" + c.source + "\n"
		got := Check(fstest.MapFS{c.file: {Data: []byte(source)}})
		switch {
		case c.want == "" && len(got) > 0:
			t.Errorf("%s: %q", c.name, got)
		case c.want != "" && !strings.Contains(strings.Join(got, "\n"), c.want):
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCheckSkipsOtherModules(t *testing.T) {
	t.Parallel()
	got := Check(fstest.MapFS{
		"tools/go.mod":          {Data: []byte("module tools")},
		"tools/tools.go":        {Data: []byte("package tools")},
		"tools/helpers/some.go": {Data: []byte("package helpers")},
	})
	if len(got) > 0 {
		t.Errorf("%q", got)
	}
}
