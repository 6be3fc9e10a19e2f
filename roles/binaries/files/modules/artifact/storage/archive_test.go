// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/sourceignore"
)

// archived is an entry of an archive.
type archived struct {
	header  tar.Header
	content string
}

// readArchive returns the entries of a gzipped tar archive.
func readArchive(t *testing.T, r io.Reader) []archived {
	t.Helper()
	uncompressed, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	archive := tar.NewReader(uncompressed)
	var entries []archived
	for {
		header, err := archive.Next()
		if err == io.EOF {
			return entries
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, archived{*header, string(content)})
	}
}

// entryNames returns the names in the archive of dir.
func entryNames(t *testing.T, dir string, exclude ArchiveFileFilter) []string {
	t.Helper()
	var buffer bytes.Buffer
	if err := writeArchive(&buffer, dir, exclude); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range readArchive(t, &buffer) {
		names = append(names, entry.header.Name)
	}
	return names
}

func TestArchiveRoundTrip(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := map[string]string{"a.yaml": "a", "b/c.yaml": "c", "b/d/e.yaml": strings.Repeat("e", 1<<20), "empty/": ""}
	writeTree(t, dir, files)
	var buffer bytes.Buffer
	if err := writeArchive(&buffer, dir, nil); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, entry := range readArchive(t, &buffer) {
		if entry.header.Typeflag == tar.TypeDir {
			entry.header.Name += "/"
		}
		got[entry.header.Name] = entry.content
	}
	want := maps.Clone(files)
	for _, folder := range []string{"./", "b/", "b/d/"} {
		want[folder] = ""
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

func TestArchiveHeaders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"a.yaml": "a", "run.sh": "#!/bin/sh"})
	if err := os.Chmod(filepath.Join(dir, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	var buffer bytes.Buffer
	if err := writeArchive(&buffer, dir, nil); err != nil {
		t.Fatal(err)
	}
	wantModes := map[string]int64{".": 0o750, "a.yaml": 0o600, "run.sh": 0o700}
	entries := readArchive(t, &buffer)
	if len(entries) != len(wantModes) {
		t.Errorf("got %d entries", len(entries))
	}
	for _, entry := range entries {
		h := entry.header
		if h.Mode != wantModes[h.Name] {
			t.Errorf("%s: got mode %o, want %o", h.Name, h.Mode, wantModes[h.Name])
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" {
			t.Errorf("%s: has an owner: %+v", h.Name, h)
		}
		if h.ModTime.Unix() != 0 || !h.AccessTime.IsZero() || !h.ChangeTime.IsZero() {
			t.Errorf("%s: has a time: %+v", h.Name, h)
		}
	}
}

// What differs between two checkouts of the same commit must not show.
func TestArchiveIsDeterministic(t *testing.T) {
	t.Parallel()
	files := map[string]string{"z.yaml": "z", "a.yaml": "a", "m/n.yaml": "n", "m/b.yaml": "b"}
	write := func(order []string, fileMode, folderMode fs.FileMode, modified time.Time) []byte {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "m"), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range order {
			file := filepath.Join(dir, name)
			if err := os.WriteFile(file, []byte(files[name]), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, fileMode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(file, modified, modified); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(filepath.Join(dir, "m"), folderMode); err != nil {
			t.Fatal(err)
		}
		var buffer bytes.Buffer
		if err := writeArchive(&buffer, dir, nil); err != nil {
			t.Fatal(err)
		}
		return buffer.Bytes()
	}
	order := slices.Sorted(maps.Keys(files))
	want := write(order, 0o600, 0o700, time.Unix(1, 0))
	slices.Reverse(order)
	if got := write(order, 0o644, 0o755, time.Now()); !bytes.Equal(got, want) {
		t.Error("the same files made different archives")
	}
}

// The digests are those that source-controller's own tests expect of the same
// files.
func TestArchiveMatchesFlux(t *testing.T) {
	const manifest = "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: "
	repository := map[string]string{
		".sourceignore": "**.txt\n",
		"foo.txt":       "",
		"manifest.yaml": manifest + "dummy\n",
	}
	tests := []struct {
		name   string
		dir    string
		files  map[string]string
		ignore string
		want   string
	}{
		{
			name:  "a file",
			dir:   "testdata/oci/repository",
			files: map[string]string{"foo.txt": ""},
			want:  "sha256:6a5bd135a816ec0ad246c41cfdd87629e40ef6520001aeb2d0118a703abe9e7a",
		},
		{
			name:   "an ignored file",
			dir:    "testdata/oci/repository",
			files:  map[string]string{"foo.txt": ""},
			ignore: "foo.txt",
			want:   "sha256:9102e9c8626e48821a91a4963436f1673cd85f8fb3deb843c992f85b995c38ea",
		},
		{
			name:  "an ignore file",
			dir:   "testdata/git/repository",
			files: repository,
			want:  "sha256:34d9af1a2fcfaef3ee9487d67dc2d642bc7babdb9444a5f60d1f32df32e4de7d",
		},
		{
			name:   "an overruled ignore file",
			dir:    "testdata/git/repository",
			files:  repository,
			ignore: "!**.txt\n",
			want:   "sha256:a17037f96f541a47bdadcd12ab40b943c50a9ffd25dc8a30a5e9af52971fd94f",
		},
		{
			name: "all but two folders ignored",
			dir:  "testdata/git/repowithsubdirs",
			files: map[string]string{
				".sourceignore":          "# Exclude all\n/*\n\n# Include manifest directories\n!/apps/\n!/clusters/\n",
				"apps/manifest.yaml":     manifest + "apps\n",
				"clusters/manifest.yaml": manifest + "clusters\n",
				"foo.txt":                "",
			},
			want: "sha256:ad9943d761b30e943e2a770ea9083a40fc03f09846efd61f6c442cc48fefad11",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			writeTree(t, tt.dir, tt.files)
			domain := strings.Split(tt.dir, "/")
			patterns, err := sourceignore.LoadIgnorePatterns(tt.dir, domain)
			if err != nil {
				t.Fatal(err)
			}
			patterns = append(patterns, sourceignore.ReadPatterns(strings.NewReader(tt.ignore), domain)...)

			artifact := meta.Artifact{Path: "a.tar.gz"}
			if err := newStorage(t).Archive(&artifact, tt.dir, SourceIgnoreFilter(patterns, domain)); err != nil {
				t.Fatal(err)
			}
			if artifact.Digest != tt.want {
				t.Errorf("got %s, want %s", artifact.Digest, tt.want)
			}
		})
	}
}

func TestArchiveIgnores(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{
		".git/config":        "",
		".github/ci.yaml":    "",
		"README.md":          "",
		"deploy/app.yaml":    "",
		"deploy/diagram.png": "",
		"deploy/test.yaml":   "",
	})
	tests := []struct {
		name   string
		ignore string
		want   []string
	}{
		{
			name: "by default",
			want: []string{".", "README.md", "deploy", "deploy/app.yaml", "deploy/test.yaml"},
		},
		{
			name:   "a pattern",
			ignore: "*.md\ndeploy/test.*\n",
			want:   []string{".", "deploy", "deploy/app.yaml"},
		},
		{
			name:   "an exception to the defaults",
			ignore: "!*.png\n*.yaml\n",
			want:   []string{".", "README.md", "deploy", "deploy/diagram.png"},
		},
		{
			name:   "an exception within a folder",
			ignore: "/*\n!/deploy/app.yaml\n",
			want:   []string{".", "deploy/app.yaml"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			domain := strings.Split(dir, string(filepath.Separator))
			patterns := sourceignore.ReadPatterns(strings.NewReader(tt.ignore), domain)
			if got := entryNames(t, dir, SourceIgnoreFilter(patterns, domain)); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestArchiveFollowsNoLink(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	writeTree(t, outside, map[string]string{"secret": "s"})
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"a.yaml": "a"})
	for link, target := range map[string]string{
		"file":   filepath.Join(outside, "secret"),
		"folder": outside,
		"up":     "..",
		"inside": "a.yaml",
		"broken": "missing",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := entryNames(t, dir, nil), []string{".", "a.yaml"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A file that becomes a link to the outside once it was seen to be regular.
func TestArchiveRefusesSwappedFile(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	writeTree(t, outside, map[string]string{"secret": "s"})
	dir := t.TempDir()
	writeTree(t, dir, map[string]string{"a.yaml": "a"})
	swap := func(path string, info os.FileInfo) bool {
		if info.Mode().IsRegular() {
			if err := os.Remove(path); err != nil {
				t.Error(err)
			}
			if err := os.Symlink(filepath.Join(outside, "secret"), path); err != nil {
				t.Error(err)
			}
		}
		return false
	}
	if err := writeArchive(io.Discard, dir, swap); err == nil {
		t.Error("the link was followed")
	}
}

func TestArchiveNames(t *testing.T) {
	t.Chdir(t.TempDir())
	writeTree(t, "charts/app", map[string]string{"Chart.yaml": ""})
	absolute, err := filepath.Abs("charts")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		dir  string
		want []string
	}{
		{absolute, []string{".", "app", "app/Chart.yaml"}},
		{"charts", []string{"charts", "charts/app", "charts/app/Chart.yaml"}},
		{"charts/app", []string{"charts/app", "charts/app/Chart.yaml"}},
	}
	for _, tt := range tests {
		if got := entryNames(t, tt.dir, nil); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.dir, got, tt.want)
		}
	}
}
