// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	godigest "github.com/opencontainers/go-digest"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/artifact/config"
)

// The digests of "hello".
var helloDigests = map[string]string{
	"sha256": "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
	"blake3": "blake3:ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f",
}

func TestAtomicWriteFile(t *testing.T) {
	t.Parallel()
	for algorithm, want := range helloDigests {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			s := newStorage(t, func(o *config.Options) { o.ArtifactDigestAlgo = algorithm })
			artifact := meta.Artifact{Path: "hello.txt"}
			if err := s.AtomicWriteFile(&artifact, strings.NewReader("hello"), 0o640); err != nil {
				t.Fatal(err)
			}
			if artifact.Digest != want {
				t.Errorf("got digest %s, want %s", artifact.Digest, want)
			}
			if artifact.Size == nil || *artifact.Size != 5 {
				t.Errorf("got size %v", artifact.Size)
			}
			if artifact.LastUpdateTime.IsZero() {
				t.Error("no time of last update")
			}
			if content, err := os.ReadFile(s.LocalPath(artifact)); err != nil || string(content) != "hello" {
				t.Errorf("stored %q, %v", content, err)
			}
			info, err := os.Stat(s.LocalPath(artifact))
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != 0o640 {
				t.Errorf("got mode %o", got)
			}
			if err := s.VerifyArtifact(artifact); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFailedWriteLeavesNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	reader := func() io.Reader {
		return io.MultiReader(strings.NewReader("half of it"), iotest.ErrReader(broken))
	}
	tests := []struct {
		name  string
		write func(*Storage, *meta.Artifact) error
	}{
		{"AtomicWriteFile", func(s *Storage, a *meta.Artifact) error { return s.AtomicWriteFile(a, reader(), 0o600) }},
		{"Copy", func(s *Storage, a *meta.Artifact) error { return s.Copy(a, reader()) }},
		{"CopyFromPath, no file", func(s *Storage, a *meta.Artifact) error { return s.CopyFromPath(a, "missing") }},
		{"CopyFromPath, a folder", func(s *Storage, a *meta.Artifact) error { return s.CopyFromPath(a, s.BasePath) }},
		{"Archive, no folder", func(s *Storage, a *meta.Artifact) error { return s.Archive(a, "missing", nil) }},
		{"Archive, a file", func(s *Storage, a *meta.Artifact) error { return s.Archive(a, "write_test.go", nil) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStorage(t)
			artifact := meta.Artifact{Path: "new.txt", Revision: "1"}
			before := artifact
			if err := tt.write(s, &artifact); err == nil {
				t.Fatal("no error")
			}
			if entries := names(t, s.BasePath); len(entries) != 0 {
				t.Errorf("the storage holds %v", entries)
			}
			if artifact.Digest != "" || artifact.Size != nil || artifact.LastUpdateTime != before.LastUpdateTime {
				t.Errorf("the artifact changed: %+v", artifact)
			}

			artifact = stored(t, s, "old.txt", "hello")
			if err := tt.write(s, &artifact); err == nil {
				t.Fatal("no error")
			}
			if entries := names(t, s.BasePath); !slices.Equal(entries, []string{"old.txt"}) {
				t.Errorf("the storage holds %v", entries)
			}
			if err := s.VerifyArtifact(artifact); err != nil || artifact.Digest != helloDigests["sha256"] {
				t.Errorf("the old artifact changed: %+v, %v", artifact, err)
			}
		})
	}
}

func TestWriteShowsNothingPartial(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	artifact := stored(t, s, "a.txt", "hello")
	if err := s.write(&artifact, fileMode, func(w io.Writer) error {
		if _, err := io.WriteString(w, "half of it"); err != nil {
			return err
		}
		return s.VerifyArtifact(artifact)
	}); err != nil {
		t.Errorf("the old artifact was gone before the new one was complete: %v", err)
	}
}

func TestCopyFromPath(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	from := filepath.Join(t.TempDir(), "chart.tgz")
	if err := os.WriteFile(from, []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	artifact := meta.Artifact{Path: "chart.tgz"}
	if err := s.CopyFromPath(&artifact, from); err != nil {
		t.Fatal(err)
	}
	if artifact.Digest != helloDigests["sha256"] {
		t.Errorf("got digest %s", artifact.Digest)
	}
	info, err := os.Stat(s.LocalPath(artifact))
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("got mode %o", got)
	}
}

func TestVerifyArtifact(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	stored(t, s, "hello.txt", "hello")
	tests := []struct {
		name    string
		path    string
		digest  string
		wantErr string
	}{
		{"same algorithm", "hello.txt", helloDigests["sha256"], ""},
		{"other algorithm", "hello.txt", helloDigests["blake3"], ""},
		{"mismatch", "hello.txt", godigest.FromString("bye").String(), "expected sha256:"},
		{"empty digest", "hello.txt", "", "invalid artifact digest"},
		{"malformed digest", "hello.txt", "sha256:ab", "invalid artifact digest"},
		{"unknown algorithm", "hello.txt", "md5:5d41402abc4b2a76b9719d911017c592", "invalid artifact digest"},
		{"no file", "bye.txt", helloDigests["sha256"], "no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := s.VerifyArtifact(meta.Artifact{Path: tt.path, Digest: tt.digest})
			switch {
			case tt.wantErr == "" && err != nil:
				t.Error(err)
			case tt.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tt.wantErr)):
				t.Errorf("got error %v, want one that contains %q", err, tt.wantErr)
			}
		})
	}
}

func TestCopyToPath(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	source := t.TempDir()
	writeTree(t, source, map[string]string{"deploy/app/a.yaml": "a", "README.md": "r"})
	artifact := meta.Artifact{Path: "source.tar.gz"}
	if err := s.Archive(&artifact, source, nil); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		subPath string
		toPath  string
		want    map[string]string
		wantErr string
	}{
		{name: "all", subPath: "", toPath: "base/app", want: map[string]string{
			"base/app/deploy/app/a.yaml": "a", "base/app/README.md": "r",
		}},
		{name: "a folder", subPath: "deploy/app", toPath: "app", want: map[string]string{"app/a.yaml": "a"}},
		{name: "a file", subPath: "README.md", toPath: "b.md", want: map[string]string{"b.md": "r"}},
		{name: "ascending", subPath: "../../path", toPath: "app", wantErr: "unpack/path: no such file or directory"},
		{name: "onto files", subPath: "deploy", toPath: "taken", wantErr: "rename"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			work := t.TempDir()
			writeTree(t, work, map[string]string{"taken/file": "f"})
			err := s.CopyToPath(&artifact, tt.subPath, filepath.Join(work, tt.toPath))
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("got error %v, want one that contains %q", err, tt.wantErr)
				}
			} else if err != nil {
				t.Error(err)
			}
			for name, want := range tt.want {
				if got, err := os.ReadFile(filepath.Join(work, name)); err != nil || string(got) != want {
					t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
				}
			}
			for _, name := range names(t, filepath.Dir(filepath.Join(work, tt.toPath))) {
				if strings.HasPrefix(name, ".") {
					t.Errorf("left %s", name)
				}
			}
		})
	}
}

func TestCopyToPathNeedsArchive(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	artifact := stored(t, s, "a.tar.gz", "not an archive")
	work := t.TempDir()
	if err := s.CopyToPath(&artifact, "", filepath.Join(work, "to")); err == nil {
		t.Error("no error")
	}
	if entries := names(t, work); len(entries) != 0 {
		t.Errorf("left %v", entries)
	}
}
