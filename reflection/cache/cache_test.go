package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/wiregloss/wiregloss/catalog"
)

var key = Key{Network: "tcp", Address: "127.0.0.1:50051", Authority: "localhost"}

// file returns a file with one service of one method, padded with a comment.
func file(service, method string, padding int) *descriptorpb.FileDescriptorProto {
	return &descriptorpb.FileDescriptorProto{
		Name: proto.String(service + ".proto"), Package: proto.String("p"),
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String(service), Method: []*descriptorpb.MethodDescriptorProto{
			{Name: proto.String(method), InputType: proto.String(".p.M"), OutputType: proto.String(".p.M")},
		}}},
		SourceCodeInfo: &descriptorpb.SourceCodeInfo{Location: []*descriptorpb.SourceCodeInfo_Location{{
			Path: []int32{6, 0}, Span: []int32{0, 0, 1}, LeadingComments: proto.String(strings.Repeat("x", padding)),
		}}},
	}
}

func snapshot(complete bool, files ...*descriptorpb.FileDescriptorProto) Snapshot {
	s := Snapshot{Target: "localhost:50051", Source: catalog.ReflectionV1, Origin: "127.0.0.1:50051", Complete: complete, Files: files}
	for _, f := range files {
		s.Listed = append(s.Listed, "p."+f.GetService()[0].GetName())
	}
	return s
}

// text is what an entry says, in short.
func text(e *Entry) string {
	all := []string{fmt.Sprintf("complete=%v", e.Complete)}
	for _, s := range e.Services {
		all = append(all, s.Name+"/"+strings.Join(s.Methods, ","))
	}
	for _, r := range e.Refs {
		all = append(all, r.Path)
	}
	return strings.Join(all, " ")
}

// clock is a time that a test sets.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func TestPutAndRead(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()}
	s := New(t.TempDir(), Options{Now: c.now})
	if _, err := s.Entry(key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of an empty store: %v", err)
	}
	a, b := file("A", "Do", 10), file("B", "Do", 10)
	if err := s.Put(key, snapshot(true, b, a)); err != nil {
		t.Fatal(err)
	}
	e, err := s.Entry(key)
	if err != nil || text(e) != "complete=true p.A/Do p.B/Do A.proto B.proto" || e.Source != catalog.ReflectionV1 {
		t.Fatalf("%v, %v", e, err)
	}
	files, lost := s.Files(e)
	if lost != 0 || len(files) != 2 || !proto.Equal(files[0], a) || !proto.Equal(files[1], b) {
		t.Errorf("%d files, %d lost", len(files), lost)
	}
	for _, other := range []Key{{"tcp", "127.0.0.1:50051", "localhost", true}, {"tcp", "127.0.0.1:50051", "other", false}, {"unix", "127.0.0.1:50051", "localhost", false}} {
		if _, err := s.Entry(other); err == nil {
			t.Errorf("%v has the entry of another", other)
		}
	}
}

// What one call needed is added to what is known, and what the server does not
// offer any more goes.
func TestPutPart(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()}
	s := New(t.TempDir(), Options{Now: c.now})
	put := func(snap Snapshot, want string) {
		t.Helper()
		c.t = c.t.Add(time.Hour)
		if err := s.Put(key, snap); err != nil {
			t.Fatal(err)
		}
		if e, err := s.Entry(key); err != nil || text(e) != want || !e.Stored.Equal(c.t.UTC().Truncate(time.Second)) {
			t.Errorf("%s, %v, want %s", text(e), err, want)
		}
	}
	part := snapshot(false, file("A", "Do", 10))
	part.Listed = []string{"p.A", "p.B"}
	put(part, "complete=false p.A/Do p.B/ A.proto")
	put(snapshot(true, file("A", "Do", 10), file("B", "Do", 10)), "complete=true p.A/Do p.B/Do A.proto B.proto")
	changed := snapshot(false, file("B", "DoMore", 10))
	changed.Listed = []string{"p.A", "p.B"}
	put(changed, "complete=true p.A/Do p.B/DoMore A.proto B.proto")
	changed.Listed = []string{"p.A", "p.B", "p.C"}
	put(changed, "complete=false p.A/Do p.B/DoMore p.C/ A.proto B.proto")
	put(snapshot(true, file("B", "Do", 10)), "complete=true p.B/Do B.proto")
}

// Nothing is written when nothing is new, except the time once in a while.
func TestPutAgain(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()}
	s := New(t.TempDir(), Options{Now: c.now})
	snap := snapshot(true, file("A", "Do", 10))
	start := c.t.UTC().Truncate(time.Second)
	for _, step := range []struct {
		after time.Duration
		want  time.Time
	}{{0, start}, {fresh / 2, start}, {2 * fresh, start.Add(2 * fresh)}} {
		c.t = start.Add(step.after)
		if err := s.Put(key, snap); err != nil {
			t.Fatal(err)
		}
		if e, err := s.Entry(key); err != nil || !e.Stored.Equal(step.want) {
			t.Errorf("after %v: stored %v, want %v; %v", step.after, e.Stored, step.want, err)
		}
	}
}

// What is damaged is as good as not there, and is written again.
func TestDamage(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		"emptied":      func([]byte) []byte { return nil },
		"cut":          func(b []byte) []byte { return b[:len(b)/2] },
		"one bit":      func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"first bit":    func(b []byte) []byte { b[0] ^= 1; return b },
		"more of it":   func(b []byte) []byte { return append(b, b...) },
		"other format": func([]byte) []byte { return []byte(`{"files":[{"hash":"../../x"}]}`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := New(dir, Options{})
			snap := snapshot(true, file("A", "Do", 10), file("B", "Do", 10))
			if err := s.Put(key, snap); err != nil {
				t.Fatal(err)
			}
			e, err := s.Entry(key)
			if err != nil {
				t.Fatal(err)
			}
			change(t, s.pack(e.Refs[0].Pack), damage)
			if files, lost := s.Files(e); len(files)+lost != 2 || (lost == 0) != (name == "more of it") {
				t.Errorf("%d files, %d lost", len(files), lost)
			}
			if err := s.Put(key, snap); err != nil {
				t.Fatal(err)
			}
			if files, lost := s.Files(e); lost != 0 || len(files) != 2 {
				t.Errorf("written again: %d files, %d lost", len(files), lost)
			}
			change(t, s.index(key.id()), damage)
			if e, err := s.Entry(key); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a damaged index reads as %v, %v", e, err)
			}
			if len(s.Targets()) != 0 {
				t.Error("a damaged index is listed")
			}
			if err := s.Put(key, snap); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Entry(key); err != nil {
				t.Errorf("written again: %v", err)
			}
		})
	}
}

func change(t *testing.T, path string, damage func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, damage(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// The store stays below its limit; what was used last stays.
func TestEviction(t *testing.T) {
	t.Parallel()
	c := &clock{time.Now()}
	s := New(t.TempDir(), Options{MaxBytes: 100_000, Now: c.now})
	var keys []Key
	for i := range 10 {
		k := key
		k.Address = fmt.Sprintf("127.0.0.1:%d", i)
		keys = append(keys, k)
		c.t = c.t.Add(time.Hour)
		if err := s.Put(k, snapshot(true, file(fmt.Sprintf("S%d", i), "Do", 10_000), file("More", "Do", 20_000))); err != nil {
			t.Fatal(err)
		}
	}
	for i, k := range keys {
		if _, err := s.Entry(k); (err == nil) != (i >= 7) {
			t.Errorf("target %d: %v", i, err)
		}
	}
	e, err := s.Entry(keys[9])
	if err != nil {
		t.Fatal(err)
	}
	if _, lost := s.Files(e); lost > 0 {
		t.Errorf("%d files of the last target were evicted", lost)
	}
	var size int64
	for _, f := range walk(t, s.dir) {
		size += f.Size()
	}
	if size > 100_000 {
		t.Errorf("%d bytes are on disk", size)
	}
	if err := s.Put(key, snapshot(true, file("Huge", "Do", 60_000))); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a schema of more than half of the limit: %v", err)
	}
}

func walk(t *testing.T, dir string) (all []fs.FileInfo) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			all = append(all, info)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, fs.FileInfo.IsDir)
}

// Only the user can read what is stored, and no temporary files are left.
func TestModes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := New(dir, Options{}).Put(key, snapshot(true, file("A", "Do", 10))); err != nil {
		t.Fatal(err)
	}
	for _, f := range walk(t, dir) {
		if f.Mode().Perm() != 0o600 || strings.HasPrefix(f.Name(), tempPrefix) {
			t.Errorf("%s has mode %v", f.Name(), f.Mode())
		}
	}
	info, err := os.Stat(filepath.Join(dir, version))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, %v", info.Mode(), err)
	}
}

// Many write and read at once, with evictions; nobody sees half an entry.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			s := New(dir, Options{MaxBytes: 60_000})
			for i := range 25 {
				k := key
				k.Address = fmt.Sprint(i % 5)
				if err := s.Put(k, snapshot(true, file("A", fmt.Sprintf("Do%d", (w+i)%7), 5_000), file("Shared", "Do", 5_000))); err != nil {
					t.Error(err)
				}
				e, err := s.Entry(k)
				if errors.Is(err, fs.ErrNotExist) {
					continue // evicted
				}
				if err != nil {
					t.Error(err)
					continue
				}
				if len(e.Refs) != 2 || len(e.Services) != 2 {
					t.Errorf("entry %s", text(e))
				}
				if _, lost := s.Files(e); lost > 0 {
					t.Errorf("%d files are gone that were just written", lost)
				}
			}
		})
	}
	wg.Wait()
}

// A folder that cannot be written is an error of Put alone.
func TestFolderThatCannotBe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := New(path, Options{})
	if err := s.Put(key, snapshot(true, file("A", "Do", 1))); err == nil {
		t.Error("stored in a file")
	}
	if _, err := s.Entry(key); err == nil {
		t.Error("read from a file")
	}
	if s.Targets() != nil {
		t.Error("targets in a file")
	}
}

func TestDir(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/var/x")
	if d, err := Dir(); err != nil || d != "/var/x/wiregloss" {
		t.Errorf("%s, %v", d, err)
	}
	t.Setenv("XDG_CACHE_HOME", "relative")
	t.Setenv("HOME", "/home/x")
	if d, err := Dir(); err == nil && strings.Contains(d, "relative") {
		t.Errorf("%s, %v", d, err)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	s := New(t.TempDir(), Options{})
	if err := s.Put(key, snapshot(true, file("A", "Do", 1))); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Remove(), s.Remove()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Entry(key); err == nil {
		t.Error("it is still there")
	}
}

// Whatever an index holds, it is an entry whose files are looked for in the store
// alone, or nothing.
func FuzzEntry(f *testing.F) {
	f.Add([]byte(`{"target":"x","files":[{"path":"a.proto","hash":"","pack":"../../../etc/passwd","size":10}]}`))
	f.Add([]byte(`{"files":[{"hash":"` + strings.Repeat("0a", 32) + `","pack":"` + strings.Repeat("0A", 32) + `","off":9,"size":-1}]}`))
	f.Add([]byte(`{"services":[{"name":"a.S","methods":["Do"]}]}`))
	f.Add([]byte(`{"files":null,"stored":"not a time"}`))
	s := New(f.TempDir(), Options{})
	path := s.index(key.id())
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, rest []byte) {
		if err := os.WriteFile(path, append(firstLine(rest), rest...), 0o600); err != nil {
			t.Fatal(err)
		}
		e, err := s.Entry(key)
		if err != nil {
			return
		}
		for _, r := range e.Refs {
			if rel, err := filepath.Rel(s.dir, s.pack(r.Pack)); err != nil || !filepath.IsLocal(rel) {
				t.Errorf("a file at %s", s.pack(r.Pack))
			}
		}
		if files, _ := s.Files(e); len(files) > 0 {
			t.Error("files out of an empty store")
		}
	})
}

// BenchmarkPut stores a server of 5,000 files for the first time, and again.
func BenchmarkPut(b *testing.B) {
	var files []*descriptorpb.FileDescriptorProto
	for i := range 5000 {
		files = append(files, file(fmt.Sprintf("S%d", i), "Do", 500))
	}
	snap := snapshot(true, files...)
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			if err := New(b.TempDir(), Options{}).Put(key, snap); err != nil {
				b.Fatal(err)
			}
		}
	})
	s := New(b.TempDir(), Options{})
	if err := s.Put(key, snap); err != nil {
		b.Fatal(err)
	}
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			if err := s.Put(key, snap); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			e, err := s.Entry(key)
			if err != nil {
				b.Fatal(err)
			}
			if _, lost := s.Files(e); lost > 0 {
				b.Fatal("files are lost")
			}
		}
	})
}
