// SPDX-License-Identifier: Apache-2.0

// Package storage keeps artifacts as files below one folder, and knows the
// URLs under which a file server offers them.
package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	securejoin "github.com/cyphar/filepath-securejoin"
	godigest "github.com/opencontainers/go-digest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/artifact/config"
	"github.com/fluxcd/pkg/artifact/digest"
	"github.com/fluxcd/pkg/lockedfile"
)

const (
	folderMode fs.FileMode = 0o700
	fileMode   fs.FileMode = 0o600

	// lockSuffix turns the path of an artifact into that of its lock.
	lockSuffix = ".lock"
)

// Storage keeps artifacts as files below one folder. Writers of the same
// artifact exclude each other with Lock.
type Storage struct {
	// BasePath is the absolute path of the folder.
	BasePath string

	// Hostname is the advertised address of the file server: a host, a
	// host:port, or a URL.
	Hostname string

	baseURL   *url.URL
	algorithm godigest.Algorithm
	ttl       time.Duration
	records   int
}

// New returns the storage in opts.StoragePath. It fails when that is not an
// existing folder, when no address can be advertised, or when the digest
// algorithm is unknown.
func New(opts *config.Options) (*Storage, error) {
	info, err := os.Stat(opts.StoragePath)
	if err != nil {
		return nil, fmt.Errorf("invalid storage path: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("invalid storage path: %s is not a folder", opts.StoragePath)
	}
	basePath, err := filepath.Abs(opts.StoragePath)
	if err != nil {
		return nil, fmt.Errorf("invalid storage path: %w", err)
	}
	address, err := opts.AdvertisedAddress()
	if err != nil {
		return nil, err
	}
	baseURL, err := parseAddress(address)
	if err != nil {
		return nil, fmt.Errorf("invalid advertised storage address: %w", err)
	}
	algorithm, err := digest.AlgorithmForName(opts.ArtifactDigestAlgo)
	if err != nil {
		return nil, err
	}
	return &Storage{
		BasePath:  basePath,
		Hostname:  address,
		baseURL:   baseURL,
		algorithm: algorithm,
		ttl:       opts.ArtifactRetentionTTL,
		records:   opts.ArtifactRetentionRecords,
	}, nil
}

// parseAddress returns the URL of address, which is one already or lacks but
// the scheme, then http.
func parseAddress(address string) (*url.URL, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	return url.Parse(address)
}

// NewArtifactFor returns an artifact of the given revision whose path is
// <kind in lower case>/<namespace>/<name>/<fileName>, with its URL. Nothing is
// written.
func (s *Storage) NewArtifactFor(kind string, metadata metav1.Object, revision, fileName string) meta.Artifact {
	artifact := meta.Artifact{
		Path:     path.Join(strings.ToLower(kind), metadata.GetNamespace(), metadata.GetName(), fileName),
		Revision: revision,
	}
	s.SetArtifactURL(&artifact)
	return artifact
}

// SetArtifactURL sets the artifact's URL to its path at the advertised address.
// An artifact without a path is left alone.
func (s *Storage) SetArtifactURL(artifact *meta.Artifact) {
	if artifact.Path != "" {
		artifact.URL = s.urlOf(artifact.Path)
	}
}

// urlOf returns the URL of the file at a path relative to the storage.
func (s *Storage) urlOf(artifactPath string) string {
	return s.baseURL.JoinPath(artifactPath).String()
}

// SetHostname returns rawURL with its scheme and host replaced by the
// advertised ones, and an empty string for what is not a URL with a host.
func (s *Storage) SetHostname(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return ""
	}
	u.Scheme, u.Host = s.baseURL.Scheme, s.baseURL.Host
	return u.String()
}

// LocalPath returns the absolute path of the artifact's file, which never lies
// outside the storage, whatever symbolic links there are on the way. It is
// empty for an artifact whose path names no file.
func (s *Storage) LocalPath(artifact meta.Artifact) string {
	file, err := s.locate(artifact)
	if err != nil {
		return ""
	}
	return file
}

// locate is LocalPath with the reason why there is none.
func (s *Storage) locate(artifact meta.Artifact) (string, error) {
	file, err := securejoin.SecureJoin(s.BasePath, artifact.Path)
	if err != nil {
		return "", fmt.Errorf("invalid artifact path %q: %w", artifact.Path, err)
	}
	if file == s.BasePath {
		return "", fmt.Errorf("invalid artifact path %q: it names no file", artifact.Path)
	}
	return file, nil
}

// MkdirAll creates the folder of the artifact's file.
func (s *Storage) MkdirAll(artifact meta.Artifact) error {
	file, err := s.locate(artifact)
	if err != nil {
		return err
	}
	return os.MkdirAll(filepath.Dir(file), folderMode)
}

// Lock waits until no other goroutine or process holds the artifact's lock,
// takes it, and returns the function that gives it back. It fails when the
// artifact's folder does not exist or is not writable.
func (s *Storage) Lock(artifact meta.Artifact) (unlock func(), err error) {
	file, err := s.locate(artifact)
	if err != nil {
		return nil, err
	}
	return lockedfile.MutexAt(file + lockSuffix).Lock()
}

// ArtifactExist reports whether the artifact's file is there and regular.
func (s *Storage) ArtifactExist(artifact meta.Artifact) bool {
	info, err := os.Lstat(s.LocalPath(artifact))
	return err == nil && info.Mode().IsRegular()
}

// Remove deletes the artifact's file. It fails when there is none.
func (s *Storage) Remove(artifact meta.Artifact) error {
	file, err := s.locate(artifact)
	if err != nil {
		return err
	}
	return os.Remove(file)
}

// RemoveAll deletes the folder of the artifact's file with all it holds, and
// returns its path, or an empty string when there was no such folder. It
// refuses to delete the storage itself, and can delete nothing outside it.
func (s *Storage) RemoveAll(artifact meta.Artifact) (string, error) {
	file, err := s.locate(artifact)
	if err != nil {
		return "", err
	}
	folder, err := filepath.Rel(s.BasePath, filepath.Dir(file))
	if err != nil {
		return "", err
	}
	if folder == "." {
		return "", fmt.Errorf("invalid artifact path %q: it has no folder of its own", artifact.Path)
	}
	root, err := os.OpenRoot(s.BasePath)
	if err != nil {
		return "", err
	}
	defer root.Close()
	switch _, err := root.Lstat(folder); {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	}
	return filepath.Join(s.BasePath, folder), root.RemoveAll(folder)
}

// Symlink points the symbolic link called linkName, next to the artifact's
// file, to that file, and returns the URL of the link. A link of that name is
// replaced in one step.
func (s *Storage) Symlink(artifact meta.Artifact, linkName string) (string, error) {
	file, err := s.locate(artifact)
	if err != nil {
		return "", err
	}
	link := filepath.Join(filepath.Dir(file), linkName)
	next := link + ".next"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err := os.Symlink(file, next); err != nil {
		return "", err
	}
	if err := os.Rename(next, link); err != nil {
		return "", err
	}
	return s.urlOf(path.Join(path.Dir(artifact.Path), linkName)), nil
}
