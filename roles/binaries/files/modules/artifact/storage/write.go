// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	securejoin "github.com/cyphar/filepath-securejoin"
	godigest "github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/tar"
)

// AtomicWriteFile makes what reader yields the content of the artifact's file,
// with the given mode, and sets the artifact's digest, size and time of last
// update. When it fails, artifact and file are as before.
func (s *Storage) AtomicWriteFile(artifact *meta.Artifact, reader io.Reader, mode os.FileMode) error {
	return s.write(artifact, mode, func(w io.Writer) error {
		_, err := io.Copy(w, reader)
		return err
	})
}

// Copy is AtomicWriteFile with a mode that lets but the owner read the file.
func (s *Storage) Copy(artifact *meta.Artifact, reader io.Reader) error {
	return s.AtomicWriteFile(artifact, reader, fileMode)
}

// CopyFromPath is Copy from the file at path.
func (s *Storage) CopyFromPath(artifact *meta.Artifact, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return s.Copy(artifact, file)
}

// Archive makes a gzipped tar archive of the folder dir the content of the
// artifact's file, like Copy. The archive holds the regular files and folders
// that exclude, if not nil, does not match; nothing else, and no symbolic link
// is followed. The same files make the same bytes: entries are sorted, and keep
// neither times nor owners, and of the mode but whether a file is executable.
//
// An entry is named after its path below dir when dir is absolute, and after
// that path joined to dir when dir is relative.
func (s *Storage) Archive(artifact *meta.Artifact, dir string, exclude ArchiveFileFilter) error {
	return s.write(artifact, fileMode, func(w io.Writer) error {
		return writeArchive(w, dir, exclude)
	})
}

// CopyToPath unpacks the artifact, a gzipped tar archive, and moves what it
// holds at subPath, a file or a folder, to toPath. A subPath that ascends ends
// at the root of the archive. It fails when there is nothing at subPath, when
// the archive holds symbolic links, and when toPath is a folder that is not
// empty.
func (s *Storage) CopyToPath(artifact *meta.Artifact, subPath, toPath string) error {
	file, err := s.locate(*artifact)
	if err != nil {
		return err
	}
	archive, err := os.Open(file)
	if err != nil {
		return err
	}
	defer archive.Close()

	// Next to toPath, so that it can be moved there.
	parent := filepath.Dir(toPath)
	if err := os.MkdirAll(parent, folderMode); err != nil {
		return err
	}
	workspace, err := os.MkdirTemp(parent, ".include-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(workspace)

	unpacked := filepath.Join(workspace, "unpack")
	if err := tar.Untar(archive, unpacked, tar.WithMaxUntarSize(tar.UnlimitedUntarSize)); err != nil {
		return fmt.Errorf("failed to unpack %s: %w", artifact.Path, err)
	}
	content, err := securejoin.SecureJoin(unpacked, subPath)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(content); err != nil {
		return err
	}
	return os.Rename(content, toPath)
}

// VerifyArtifact fails when the artifact's file cannot be read, when its digest
// is empty or malformed, and when it is not that of the file.
func (s *Storage) VerifyArtifact(artifact meta.Artifact) error {
	want, err := godigest.Parse(artifact.Digest)
	if err != nil {
		return fmt.Errorf("invalid artifact digest %q: %w", artifact.Digest, err)
	}
	path, err := s.locate(artifact)
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()

	got, err := want.Algorithm().FromReader(file)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("artifact %s has digest %s, expected %s", artifact.Path, got, want)
	}
	return nil
}

// write makes what content writes the content of the artifact's file, and sets
// the artifact's digest, size and time of last update.
func (s *Storage) write(artifact *meta.Artifact, mode fs.FileMode, content func(io.Writer) error) error {
	file, err := s.locate(*artifact)
	if err != nil {
		return err
	}
	digester := s.algorithm.Digester()
	var size byteCount
	if err := writeFile(file, mode, func(w io.Writer) error {
		return content(io.MultiWriter(w, digester.Hash(), &size))
	}); err != nil {
		return err
	}
	artifact.Digest = digester.Digest().String()
	artifact.Size = (*int64)(&size)
	artifact.LastUpdateTime = metav1.Now()
	return nil
}

// writeFile gives the file at path its content in one step: until all of it is
// on disk, it is under another name in the same folder. When it fails, the file
// is as before, and the other name is gone.
func writeFile(path string, mode fs.FileMode, content func(io.Writer) error) (err error) {
	partial, err := os.CreateTemp(filepath.Dir(path), ".partial-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			partial.Close()
			os.Remove(partial.Name())
		}
	}()
	if err := content(partial); err != nil {
		return err
	}
	if err := partial.Chmod(mode); err != nil {
		return err
	}
	if err := partial.Sync(); err != nil {
		return err
	}
	if err := partial.Close(); err != nil {
		return err
	}
	return os.Rename(partial.Name(), path)
}

// byteCount is a writer that counts what is written to it.
type byteCount int64

func (c *byteCount) Write(p []byte) (int, error) {
	*c += byteCount(len(p))
	return len(p), nil
}
