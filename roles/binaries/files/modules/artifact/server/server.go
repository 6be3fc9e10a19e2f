// SPDX-License-Identifier: Apache-2.0

// Package server offers the files of the artifact storage over HTTP.
package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fluxcd/pkg/artifact/config"
)

// How long a client may take, and how long responses under way may at the stop
// of the server.
const (
	headerTimeout   = 10 * time.Second
	requestTimeout  = 30 * time.Second
	responseTimeout = 10 * time.Minute
	idleTimeout     = 2 * time.Minute
	drainTimeout    = 10 * time.Second
)

// Start serves the files below opts.StoragePath at opts.StorageAddress until
// ctx ends, then completes the responses under way, and returns nil. It fails
// when the folder cannot be opened, when the address cannot be bound, and when
// responses take too long to complete.
func Start(ctx context.Context, opts *config.Options) error {
	files, err := openFolder(opts.StoragePath)
	if err != nil {
		return fmt.Errorf("failed to open artifact storage: %w", err)
	}
	defer files.root.Close()

	listener, err := net.Listen("tcp", opts.StorageAddress)
	if err != nil {
		return fmt.Errorf("failed to start artifact server: %w", err)
	}
	return serve(ctx, listener, files)
}

// serve answers the listener's connections with handler until ctx ends, and
// closes it.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      responseTimeout,
		IdleTimeout:       idleTimeout,
	}
	failure := make(chan error, 1)
	go func() { failure <- server.Serve(listener) }()

	select {
	case err := <-failure:
		return err
	case <-ctx.Done():
	}
	drainCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := server.Shutdown(drainCtx); err != nil {
		return errors.Join(err, server.Close())
	}
	return nil
}

// folder is an HTTP handler that offers the regular files of a folder to GET
// and HEAD. The folder itself is there, and empty: the readiness probe of
// source-controller's Deployment asks for it. Nothing outside the folder is reached: symbolic links are followed
// only to files inside it. Whatever is not offered is not found, so that
// nothing else is told about the file system.
type folder struct {
	path string // absolute, without symbolic links
	root *os.Root
}

// openFolder returns the handler of the folder at path.
func openFolder(path string) (*folder, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	if real, err = filepath.Abs(real); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(real)
	if err != nil {
		return nil, err
	}
	return &folder{path: real, root: root}, nil
}

func (f *folder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Path == "/" {
		w.Header().Set("Content-Length", "0")
		return
	}
	file, info, err := f.open(strings.TrimPrefix(r.URL.Path, "/"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer file.Close()
	http.ServeContent(w, r, info.Name(), info.ModTime(), file)
}

// open returns the regular file called name, a slash-separated path without
// empty, "." or ".." elements, and what is known about it.
//
// A link's target is resolved first, because os.Root follows no absolute link,
// not even one into itself. It is os.Root that vouches for what is opened then.
func (f *folder) open(name string) (*os.File, fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, nil, fs.ErrInvalid
	}
	target, err := filepath.EvalSymlinks(filepath.Join(f.path, filepath.FromSlash(name)))
	if err != nil {
		return nil, nil, err
	}
	if target, err = filepath.Rel(f.path, target); err != nil {
		return nil, nil, err
	}
	file, err := f.root.Open(target)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}
