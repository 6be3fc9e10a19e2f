// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
)

// GarbageCollect deletes the files in the folder of the artifact that are older
// than the retention time, or that exceed the retained number, oldest first.
// The artifact itself counts, but always stays. It returns the paths of the
// files it deleted, also when it fails, as it does once timeout has passed.
func (s *Storage) GarbageCollect(ctx context.Context, artifact meta.Artifact, timeout time.Duration) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	current, err := s.locate(artifact)
	if err != nil {
		return nil, err
	}
	superseded, err := supersededBy(current)
	if err != nil {
		return nil, err
	}
	var deleted []string
	for _, path := range garbage(superseded, time.Now().Add(-s.ttl), s.records-1) {
		if err := ctx.Err(); err != nil {
			return deleted, err
		}
		if err := os.Remove(path); err != nil {
			return deleted, err
		}
		deleted = append(deleted, path)
		if err := os.Remove(path + lockSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return deleted, err
		}
	}
	return deleted, nil
}

// storedFile is a file in the folder of an artifact.
type storedFile struct {
	path     string
	modified time.Time
}

// supersededBy returns the regular files next to the file at current, locks
// excepted. There are none when there is no folder.
func supersededBy(current string) ([]storedFile, error) {
	folder := filepath.Dir(current)
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var files []storedFile
	for _, entry := range entries {
		path := filepath.Join(folder, entry.Name())
		if path == current || !entry.Type().IsRegular() || strings.HasSuffix(path, lockSuffix) {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return nil, err
		}
		files = append(files, storedFile{path: path, modified: info.ModTime()})
	}
	return files, nil
}

// garbage returns the paths of all but the newest records of those files that
// were modified after oldest, the oldest file first.
func garbage(files []storedFile, oldest time.Time, records int) []string {
	slices.SortFunc(files, func(a, b storedFile) int {
		return cmp.Or(a.modified.Compare(b.modified), strings.Compare(a.path, b.path))
	})
	var paths []string
	for i, file := range files {
		if newer := len(files) - 1 - i; newer >= records || file.modified.Before(oldest) {
			paths = append(paths, file.path)
		}
	}
	return paths
}
