//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// exported runs export on files and returns the paths below the folder around it,
// what was told, and the error.
func exported(t *testing.T, prepare func(out string), names ...string) (there []string, told string, err error) {
	t.Helper()
	around := t.TempDir()
	out := filepath.Join(around, "out")
	if prepare != nil {
		must(t, os.MkdirAll(out, 0o700))
		prepare(out)
	}
	set := &descriptorpb.FileDescriptorSet{}
	for i, name := range names {
		set.File = append(set.File, &descriptorpb.FileDescriptorProto{
			Name: proto.String(name), Syntax: proto.String("proto3"), Package: proto.String("p" + strings.Repeat("x", i)),
			MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("M")}},
		})
	}
	var talk, result bytes.Buffer
	ios := &ioStreams{out: newIdleWriter(&result), err: &talk}
	err = exportOptions{dir: out, force: true}.writeFiles(ios, set)
	must(t, filepath.WalkDir(around, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(around, path) // it is below it
			there = append(there, rel)
		}
		return err
	}))
	must(t, ios.flush())
	return there, talk.String(), err
}

// Whatever a server calls its files, nothing is written outside of the folder, and
// nothing that is not a .proto file.
func TestExportStaysInItsFolder(t *testing.T) {
	t.Parallel()
	bad := []string{
		"../up.proto", "a/../../up.proto", "/etc/abs.proto", "a//b.proto", "./a.proto", "a/../b.proto", `..\up.proto`, `c:\x.proto`,
		"", ".", "..", ".git/hooks/post-commit", ".bashrc", "a.proto/", "a\nb.proto", "a\x1b[2J.proto", "a\u202eb.proto", "nul\x00.proto",
	}
	there, told, err := exported(t, nil, append(bad, "good/a.proto")...)
	if !slices.Equal(there, []string{"out/good/a.proto"}) {
		t.Errorf("there are %q", there)
	}
	if err == nil || !strings.Contains(err.Error(), "18 of 19 files were not written") {
		t.Errorf("err = %v", err)
	}
	if n := strings.Count(told, "was not written: "); n != len(bad) {
		t.Errorf("%d of %d are told:\n%s", n, len(bad), told)
	}
}

// Links in the folder lead nowhere else.
func TestExportFollowsNoLinks(t *testing.T) {
	t.Parallel()
	var outside string
	there, told, err := exported(t, func(out string) {
		outside = filepath.Join(filepath.Dir(out), "outside")
		must(t, os.MkdirAll(outside, 0o700))
		must(t, os.WriteFile(filepath.Join(outside, "mine.proto"), []byte("mine"), 0o600))
		must(t, os.Symlink(outside, filepath.Join(out, "dir")))
		must(t, os.Symlink(filepath.Join(outside, "mine.proto"), filepath.Join(out, "link.proto")))
	}, "dir/a.proto", "link.proto")
	if err == nil || !strings.Contains(told, "dir/a.proto was not written") {
		t.Errorf("err %v, told %s", err, told)
	}
	if mine, readErr := os.ReadFile(filepath.Join(outside, "mine.proto")); readErr != nil || string(mine) != "mine" {
		t.Errorf("a file outside was changed: %q, %v", mine, readErr)
	}
	if slices.Contains(there, "outside/a.proto") {
		t.Errorf("there are %q", there)
	}
}

// A file where a folder should be costs what would be below it.
func TestExportPathsInEachOthersWay(t *testing.T) {
	t.Parallel()
	there, told, err := exported(t, nil, "a.proto", "a.proto/b.proto", "c.proto")
	if err == nil || !slices.Equal(there, []string{"out/a.proto", "out/c.proto"}) || !strings.Contains(told, "a.proto/b.proto was not written") {
		t.Errorf("there are %q; %s; %v", there, told, err)
	}
}
