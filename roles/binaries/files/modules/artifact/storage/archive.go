// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"archive/tar"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/fluxcd/pkg/sourceignore"
	"github.com/fluxcd/pkg/sourceignore/gitignore"
)

// The modes of an archive's entries.
const (
	folderEntryMode     = 0o750
	fileEntryMode       = 0o600
	executableEntryMode = 0o700
)

// ArchiveFileFilter reports whether the file or folder at path, which starts
// with the archived folder, stays out of the archive. What is in an excluded
// folder is asked about too.
type ArchiveFileFilter func(path string, info os.FileInfo) bool

// SourceIgnoreFilter returns a filter that excludes what the patterns, or
// Flux's default ones, ignore. The domain is the archived folder, split into
// its elements.
func SourceIgnoreFilter(patterns []gitignore.Pattern, domain []string) ArchiveFileFilter {
	matcher := sourceignore.NewDefaultMatcher(patterns, domain)
	return func(path string, info os.FileInfo) bool {
		return matcher.Match(strings.Split(path, string(filepath.Separator)), info.IsDir())
	}
}

// writeArchive writes the archive that Storage.Archive describes.
func writeArchive(w io.Writer, dir string, exclude ArchiveFileFilter) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()

	compressed := gzip.NewWriter(w)
	archive := tar.NewWriter(compressed)
	if err := fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !entry.IsDir() && !entry.Type().IsRegular() {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if exclude != nil && exclude(filepath.Join(dir, filepath.FromSlash(name)), info) {
			return nil
		}
		if err := archive.WriteHeader(entryHeader(entryName(dir, name), info)); err != nil {
			return err
		}
		if entry.IsDir() {
			return nil
		}
		return copyFile(archive, root, name)
	}); err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return compressed.Close()
}

// entryName returns the name in the archive of dir for what is at name, a
// slash-separated path below dir.
func entryName(dir, name string) string {
	if filepath.IsAbs(dir) {
		return name
	}
	return path.Join(filepath.ToSlash(dir), name)
}

// entryHeader returns the header of a regular file or a folder.
func entryHeader(name string, info fs.FileInfo) *tar.Header {
	switch {
	case info.IsDir():
		return &tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: folderEntryMode}
	case info.Mode()&0o111 != 0:
		return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: executableEntryMode, Size: info.Size()}
	default:
		return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: fileEntryMode, Size: info.Size()}
	}
}

// copyFile writes the content of the file called name in root to w.
func copyFile(w io.Writer, root *os.Root, name string) error {
	file, err := root.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(w, file)
	return err
}
