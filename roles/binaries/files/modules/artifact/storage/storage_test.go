// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/artifact/config"
)

// newStorage returns a storage in an empty folder, after any changes to its
// options. The folder lies deep enough in the test's own for a path that
// ascends, and that the code under test fails to stop, to end in there too.
func newStorage(t *testing.T, changes ...func(*config.Options)) *Storage {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "1/2/3/4/storage")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	opts := &config.Options{
		StoragePath:              folder,
		StorageAdvAddress:        "source.test",
		ArtifactRetentionTTL:     time.Minute,
		ArtifactRetentionRecords: 2,
		ArtifactDigestAlgo:       "sha256",
	}
	for _, change := range changes {
		change(opts)
	}
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stored returns an artifact at path with the given content.
func stored(t *testing.T, s *Storage, path, content string) meta.Artifact {
	t.Helper()
	artifact := meta.Artifact{Path: path}
	if err := s.MkdirAll(artifact); err != nil {
		t.Fatal(err)
	}
	if err := s.Copy(&artifact, strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	return artifact
}

// writeTree writes files, by their slash-separated paths below dir. A path that
// ends in a slash is that of a folder.
func writeTree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(file, 0o755); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(files[name]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// names returns what a folder holds.
func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	writeTree(t, filepath.Dir(file), map[string]string{"file": ""})
	tests := []struct {
		name   string
		change func(*config.Options)
		want   string
	}{
		{"no path", func(o *config.Options) { o.StoragePath = "" }, "invalid storage path"},
		{"a missing folder", func(o *config.Options) { o.StoragePath = file + "s" }, "invalid storage path"},
		{"a file", func(o *config.Options) { o.StoragePath = file }, "is not a folder"},
		{"no address", func(o *config.Options) { o.StorageAdvAddress = "" }, "invalid storage address"},
		{"an impossible address", func(o *config.Options) { o.StorageAdvAddress = "a host" }, "invalid advertised storage address"},
		{"an unknown algorithm", func(o *config.Options) { o.ArtifactDigestAlgo = "md5" }, "md5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			opts := &config.Options{
				StoragePath:        t.TempDir(),
				StorageAdvAddress:  "source.test",
				ArtifactDigestAlgo: "sha256",
			}
			tt.change(opts)
			if _, err := New(opts); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one that contains %q", err, tt.want)
			}
		})
	}
}

func TestNewArtifactFor(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		address  string
		metadata metav1.ObjectMeta
		wantPath string
		wantURL  string
	}{
		{
			name:     "host",
			address:  "source.test.",
			metadata: metav1.ObjectMeta{Namespace: "flux-system", Name: "apps"},
			wantPath: "ocirepository/flux-system/apps/1.tar.gz",
			wantURL:  "http://source.test./ocirepository/flux-system/apps/1.tar.gz",
		},
		{
			name:     "URL",
			address:  "https://127.0.0.1:9790",
			metadata: metav1.ObjectMeta{Namespace: "flux-system", Name: "apps"},
			wantPath: "ocirepository/flux-system/apps/1.tar.gz",
			wantURL:  "https://127.0.0.1:9790/ocirepository/flux-system/apps/1.tar.gz",
		},
		{
			name:     "port without host",
			address:  ":0",
			metadata: metav1.ObjectMeta{Name: "apps"},
			wantPath: "ocirepository/apps/1.tar.gz",
			wantURL:  "http://:0/ocirepository/apps/1.tar.gz",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStorage(t, func(o *config.Options) { o.StorageAdvAddress = tt.address })
			got := s.NewArtifactFor("OCIRepository", &tt.metadata, "1@sha256:ab", "1.tar.gz")
			if got.Path != tt.wantPath || got.URL != tt.wantURL || got.Revision != "1@sha256:ab" {
				t.Errorf("got %+v, want path %s and URL %s", got, tt.wantPath, tt.wantURL)
			}
			if s.Hostname != tt.address {
				t.Errorf("got host name %q, want %q", s.Hostname, tt.address)
			}
			if entries := names(t, s.BasePath); len(entries) != 0 {
				t.Errorf("the storage holds %v", entries)
			}
		})
	}
}

func TestSetArtifactURL(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	tests := []struct{ path, url, want string }{
		{"/a/b.txt", "http://outdated.test/a/b.txt", "http://source.test/a/b.txt"},
		{"a/b.txt", "", "http://source.test/a/b.txt"},
		{"", "http://kept.test/", "http://kept.test/"},
	}
	for _, tt := range tests {
		artifact := meta.Artifact{Path: tt.path, URL: tt.url}
		if s.SetArtifactURL(&artifact); artifact.URL != tt.want {
			t.Errorf("%q: got %q, want %q", tt.path, artifact.URL, tt.want)
		}
	}
}

func TestSetHostname(t *testing.T) {
	t.Parallel()
	s := newStorage(t, func(o *config.Options) { o.StorageAdvAddress = "http://127.0.0.1:9790" })
	tests := []struct{ url, want string }{
		{"https://outdated.test/a/latest.tar.gz", "http://127.0.0.1:9790/a/latest.tar.gz"},
		{"http://outdated.test:80/a?b", "http://127.0.0.1:9790/a?b"},
		{"", ""},
		{"a/b", ""},
		{"http://a b/", ""},
	}
	for _, tt := range tests {
		if got := s.SetHostname(tt.url); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.url, got, tt.want)
		}
	}
}

func TestLocalPath(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(s.BasePath, "out")); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ path, want string }{
		{"a/b.txt", "a/b.txt"},
		{"/a/b.txt", "a/b.txt"},
		{"../../b.txt", "b.txt"},
		{"a/../../b.txt", "b.txt"},
		{"out/b.txt", filepath.Join(outside, "b.txt")}, // an absolute link starts at the storage
	}
	for _, tt := range tests {
		if got, want := s.LocalPath(meta.Artifact{Path: tt.path}), filepath.Join(s.BasePath, tt.want); got != want {
			t.Errorf("%q: got %q, want %q", tt.path, got, want)
		}
	}
}

func TestArtifactWithoutFile(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "/", ".", "..", "a/.."} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			s := newStorage(t)
			artifact := meta.Artifact{Path: path}
			if got := s.LocalPath(artifact); got != "" {
				t.Errorf("got local path %q", got)
			}
			if s.ArtifactExist(artifact) {
				t.Error("the artifact exists")
			}
			for operation, run := range map[string]func() error{
				"MkdirAll":       func() error { return s.MkdirAll(artifact) },
				"Lock":           func() error { _, err := s.Lock(artifact); return err },
				"Copy":           func() error { return s.Copy(&artifact, strings.NewReader("")) },
				"CopyToPath":     func() error { return s.CopyToPath(&artifact, "", filepath.Join(t.TempDir(), "to")) },
				"Symlink":        func() error { _, err := s.Symlink(artifact, "latest"); return err },
				"GarbageCollect": func() error { _, err := s.GarbageCollect(t.Context(), artifact, time.Minute); return err },
				"Remove":         func() error { return s.Remove(artifact) },
				"RemoveAll":      func() error { _, err := s.RemoveAll(artifact); return err },
			} {
				if err := run(); err == nil || !strings.Contains(err.Error(), "names no file") {
					t.Errorf("%s: got error %v", operation, err)
				}
			}
			if _, err := os.Stat(s.BasePath); err != nil {
				t.Errorf("the storage is gone: %v", err)
			}
		})
	}
}

func TestArtifactExist(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	artifact := stored(t, s, "a/b.txt", "b")
	if _, err := s.Symlink(artifact, "latest"); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		path string
		want bool
	}{
		{"a/b.txt", true},
		{"a", false},
		{"a/latest", false},
		{"a/c.txt", false},
	}
	for _, tt := range tests {
		if got := s.ArtifactExist(meta.Artifact{Path: tt.path}); got != tt.want {
			t.Errorf("%s: got %v", tt.path, got)
		}
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	artifact := stored(t, s, "a/b.txt", "b")
	kept := stored(t, s, "a/c.txt", "c")
	if err := s.Remove(artifact); err != nil {
		t.Fatal(err)
	}
	if s.ArtifactExist(artifact) || !s.ArtifactExist(kept) {
		t.Errorf("the folder holds %v", names(t, filepath.Join(s.BasePath, "a")))
	}
	if err := s.Remove(artifact); err == nil {
		t.Error("removed twice")
	}
}

func TestRemoveAll(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	object := &metav1.ObjectMeta{Namespace: "ns", Name: "gone"}
	stored(t, s, "bucket/ns/gone/1.tar.gz", "1")
	stored(t, s, "bucket/ns/gone/2.tar.gz", "2")
	kept := stored(t, s, "bucket/ns/kept/1.tar.gz", "1")
	all := s.NewArtifactFor("Bucket", object, "", "*")

	got, err := s.RemoveAll(all)
	if want := filepath.Join(s.BasePath, "bucket/ns/gone"); err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if got := names(t, filepath.Join(s.BasePath, "bucket/ns")); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("left %v", got)
	}
	if !s.ArtifactExist(kept) {
		t.Error("another object's artifact is gone")
	}
	if got, err := s.RemoveAll(all); got != "" || err != nil {
		t.Errorf("the second time: got %q, %v", got, err)
	}
	if _, err := s.RemoveAll(meta.Artifact{Path: "file.txt"}); err == nil || !strings.Contains(err.Error(), "no folder of its own") {
		t.Errorf("the storage itself: got error %v", err)
	}
}

func TestSymlink(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	for _, content := range []string{"1", "2"} {
		artifact := stored(t, s, "a/"+content+".txt", content)
		got, err := s.Symlink(artifact, "latest.txt")
		if want := "http://source.test/a/latest.txt"; err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
		link := filepath.Join(s.BasePath, "a/latest.txt")
		if target, err := os.Readlink(link); err != nil || target != s.LocalPath(artifact) {
			t.Errorf("the link leads to %q, %v", target, err)
		}
	}
	if got, want := names(t, filepath.Join(s.BasePath, "a")), []string{"1.txt", "2.txt", "latest.txt"}; !slices.Equal(got, want) {
		t.Errorf("the folder holds %v, want %v", got, want)
	}
}

func TestLockExcludes(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	artifact := stored(t, s, "a/b.txt", "")
	unlock, err := s.Lock(artifact)
	if err != nil {
		t.Fatal(err)
	}

	other, err := s.Lock(meta.Artifact{Path: "a/c.txt"})
	if err != nil {
		t.Fatalf("another artifact is locked too: %v", err)
	}
	other()

	acquired := make(chan func())
	go func() {
		unlock, err := s.Lock(artifact)
		if err != nil {
			t.Error(err)
		}
		acquired <- unlock
	}()
	select {
	case <-acquired:
		t.Fatal("the lock was taken twice")
	case <-time.After(100 * time.Millisecond):
	}
	unlock()
	select {
	case unlock := <-acquired:
		unlock()
	case <-time.After(10 * time.Second):
		t.Fatal("the lock was not given back")
	}
}

func TestLockNeedsFolder(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	artifact := meta.Artifact{Path: "a/b.txt"}
	if _, err := s.Lock(artifact); err == nil {
		t.Error("locked without a folder")
	}
	if err := s.MkdirAll(artifact); err != nil {
		t.Fatal(err)
	}
	unlock, err := s.Lock(artifact)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	info, err := os.Stat(filepath.Join(s.BasePath, "a"))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != fs.FileMode(0o700) {
		t.Errorf("the folder has mode %o", got)
	}
}
