// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/pkg/artifact/config"
)

// newFolder returns the handler of a folder with an artifact, a link to it, and
// links that lead out of the folder.
func newFolder(t *testing.T) *folder {
	t.Helper()
	outside := t.TempDir()
	write(t, filepath.Join(outside, "secret"), "secret")
	base := filepath.Join(outside, "storage")
	write(t, filepath.Join(base, "ns/app/1.tar.gz"), "content")
	write(t, filepath.Join(base, "ns/app/index.html"), "page")
	for link, target := range map[string]string{
		"ns/app/latest.tar.gz": filepath.Join(base, "ns/app/1.tar.gz"),
		"ns/app/relative":      "1.tar.gz",
		"ns/linked":            filepath.Join(base, "ns/app"),
		"ns/app/absolute":      filepath.Join(outside, "secret"),
		"ns/app/ascending":     "../../../secret",
		"ns/outside":           outside,
		"ns/broken":            "missing",
	} {
		if err := os.Symlink(target, filepath.Join(base, link)); err != nil {
			t.Fatal(err)
		}
	}
	return open(t, base)
}

func open(t *testing.T, path string) *folder {
	t.Helper()
	f, err := openFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.root.Close() })
	return f
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestServeHTTP(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	tests := []struct {
		name   string
		method string
		path   string
		header http.Header
		status int
		body   string
	}{
		{name: "file", path: "/ns/app/1.tar.gz", status: 200, body: "content"},
		{name: "head", method: "HEAD", path: "/ns/app/1.tar.gz", status: 200},
		{name: "range", path: "/ns/app/1.tar.gz", header: http.Header{"Range": {"bytes=3-"}}, status: 206, body: "tent"},
		{name: "absolute link inside", path: "/ns/app/latest.tar.gz", status: 200, body: "content"},
		{name: "relative link inside", path: "/ns/app/relative", status: 200, body: "content"},
		{name: "linked folder inside", path: "/ns/linked/1.tar.gz", status: 200, body: "content"},
		{name: "index page is but a file", path: "/ns/app/index.html", status: 200, body: "page"},
		{name: "missing", path: "/ns/app/2.tar.gz", status: 404},
		{name: "below a file", path: "/ns/app/1.tar.gz/x", status: 404},
		{name: "root, as a probe asks", path: "/", status: 200, body: ""},
		{name: "folder", path: "/ns/app", status: 404},
		{name: "folder with slash", path: "/ns/app/", status: 404},
		{name: "linked folder", path: "/ns/linked", status: 404},
		{name: "ascending", path: "/../secret", status: 404},
		{name: "ascending further on", path: "/ns/../../secret", status: 404},
		{name: "ascending but inside", path: "/ns/../ns/app/1.tar.gz", status: 404},
		{name: "double slash", path: "//ns/app/1.tar.gz", status: 404},
		{name: "null byte", path: "/ns/app/1.tar.gz\x00", status: 404},
		{name: "absolute link outside", path: "/ns/app/absolute", status: 404},
		{name: "ascending link", path: "/ns/app/ascending", status: 404},
		{name: "folder outside", path: "/ns/outside/secret", status: 404},
		{name: "back in from outside", path: "/ns/outside/storage/ns/app/1.tar.gz", status: 200, body: "content"},
		{name: "broken link", path: "/ns/broken", status: 404},
		{name: "post", method: "POST", path: "/ns/app/1.tar.gz", status: 405},
		{name: "put", method: "PUT", path: "/ns/app/new", status: 405},
		{name: "delete", method: "DELETE", path: "/ns/app/1.tar.gz", status: 405},
		{name: "options", method: "OPTIONS", path: "/", status: 405},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			request := &http.Request{Method: tt.method, URL: &url.URL{Path: tt.path}, Header: tt.header}
			if tt.method == "" {
				request.Method = http.MethodGet
			}
			recorder := httptest.NewRecorder()
			f.ServeHTTP(recorder, request)
			if recorder.Code != tt.status {
				t.Fatalf("got status %d, want %d: %s", recorder.Code, tt.status, recorder.Body)
			}
			switch {
			case tt.status < 300 && recorder.Body.String() != tt.body:
				t.Errorf("got %q, want %q", recorder.Body, tt.body)
			case tt.status >= 300 && strings.Contains(recorder.Body.String(), "secret"):
				t.Errorf("got %q", recorder.Body)
			case tt.status == 405 && recorder.Header().Get("Allow") != "GET, HEAD":
				t.Errorf("got Allow %q", recorder.Header().Get("Allow"))
			}
		})
	}
}

// The folder may itself be reached through a link.
func TestServeLinkedFolder(t *testing.T) {
	t.Parallel()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(newFolder(t).path, link); err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	open(t, link).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/ns/app/latest.tar.gz", nil))
	if recorder.Code != 200 || recorder.Body.String() != "content" {
		t.Errorf("got %d %q", recorder.Code, recorder.Body)
	}
}

func TestStart(t *testing.T) {
	t.Parallel()
	taken := listen(t)
	defer taken.Close()
	tests := []struct {
		name string
		opts config.Options
		want string
	}{
		{"no folder", config.Options{StoragePath: "missing", StorageAddress: "127.0.0.1:0"}, "failed to open artifact storage"},
		{"a file", config.Options{StoragePath: "server_test.go", StorageAddress: "127.0.0.1:0"}, "failed to open artifact storage"},
		{"a taken address", config.Options{StoragePath: t.TempDir(), StorageAddress: taken.Addr().String()}, "failed to start artifact server"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := Start(t.Context(), &tt.opts); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one that contains %q", err, tt.want)
			}
		})
	}
}

func TestStartStopsWithContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() {
		stopped <- Start(ctx, &config.Options{StoragePath: t.TempDir(), StorageAddress: "127.0.0.1:0"})
	}()
	cancel()
	select {
	case err := <-stopped:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(drainTimeout):
		t.Fatal("the server did not stop")
	}
}

// A response under way when the server is told to stop is completed.
func TestServeDrains(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	underWay, finish := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(underWay)
		<-finish
		io.WriteString(w, "complete")
	})
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- serve(ctx, listener, handler) }()

	body := make(chan string)
	address := "http://" + listener.Addr().String()
	go func() {
		response, err := http.Get(address)
		if err != nil {
			body <- err.Error()
			return
		}
		defer response.Body.Close()
		content, err := io.ReadAll(response.Body)
		if err != nil {
			body <- err.Error()
			return
		}
		body <- string(content)
	}()
	<-underWay
	cancel()
	select {
	case err := <-stopped:
		t.Fatalf("the server did not wait: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	close(finish)
	if got := <-body; got != "complete" {
		t.Errorf("got %q", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if _, err := http.Get(address); err == nil {
		t.Error("the server still answers")
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}
