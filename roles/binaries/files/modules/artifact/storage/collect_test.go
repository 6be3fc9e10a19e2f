// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/fluxcd/pkg/apis/meta"
	"github.com/fluxcd/pkg/artifact/config"
)

func TestGarbageCollect(t *testing.T) {
	t.Parallel()
	const current = "current"
	tests := []struct {
		name    string
		ttl     time.Duration
		records int
		ages    map[string]time.Duration // of the artifacts, by name
		want    []string                 // deleted, in this order
	}{
		{
			name: "nothing to do", ttl: time.Hour, records: 3,
			ages: map[string]time.Duration{current: 0, "a": time.Minute, "b": 2 * time.Minute},
		},
		{
			name: "by age", ttl: time.Minute, records: 10,
			ages: map[string]time.Duration{current: 0, "a": 2 * time.Second, "b": 2 * time.Hour, "c": time.Hour},
			want: []string{"b", "c"},
		},
		{
			name: "by number", ttl: time.Hour, records: 2,
			ages: map[string]time.Duration{current: 0, "a": 1 * time.Second, "b": 2 * time.Second, "c": 3 * time.Second},
			want: []string{"c", "b"},
		},
		{
			name: "by both", ttl: time.Minute, records: 3,
			ages: map[string]time.Duration{current: 0, "a": 1 * time.Second, "b": 2 * time.Hour, "c": 3 * time.Hour},
			want: []string{"c", "b"},
		},
		{
			name: "never the current one, though it is the oldest", ttl: time.Minute, records: 1,
			ages: map[string]time.Duration{current: 24 * time.Hour, "a": 0},
			want: []string{"a"},
		},
		{
			name: "never the current one, though nothing may stay", ttl: 0, records: 0,
			ages: map[string]time.Duration{current: time.Hour, "a": 2 * time.Hour},
			want: []string{"a"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newStorage(t, func(o *config.Options) {
				o.ArtifactRetentionTTL = tt.ttl
				o.ArtifactRetentionRecords = tt.records
			})
			other := stored(t, s, "bucket/ns/other/1.tar.gz", "")
			setAge(t, s.LocalPath(other), 24*time.Hour)
			var artifact meta.Artifact
			for name, age := range tt.ages {
				a := stored(t, s, "bucket/ns/app/"+name, "")
				setAge(t, s.LocalPath(a), age)
				unlock, err := s.Lock(a)
				if err != nil {
					t.Fatal(err)
				}
				unlock()
				setAge(t, s.LocalPath(a)+lockSuffix, age)
				if name == current {
					artifact = a
				}
			}
			if _, err := s.Symlink(artifact, "latest"); err != nil {
				t.Fatal(err)
			}

			deleted, err := s.GarbageCollect(t.Context(), artifact, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, path := range deleted {
				got = append(got, filepath.Base(path))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("deleted %v, want %v", got, tt.want)
			}
			want := []string{"latest"}
			for name := range tt.ages {
				if !slices.Contains(tt.want, name) {
					want = append(want, name, name+lockSuffix)
				}
			}
			slices.Sort(want)
			if left := names(t, filepath.Dir(s.LocalPath(artifact))); !slices.Equal(left, want) {
				t.Errorf("left %v, want %v", left, want)
			}
			if !s.ArtifactExist(artifact) || !s.ArtifactExist(other) {
				t.Error("the current artifact, or another object's, is gone")
			}
		})
	}
}

// What a writer left behind that was killed.
func TestGarbageCollectPartialFile(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	artifact := stored(t, s, "bucket/ns/app/1.tar.gz", "1")
	partial, err := os.CreateTemp(filepath.Dir(s.LocalPath(artifact)), ".partial-*")
	if err != nil {
		t.Fatal(err)
	}
	if err := partial.Close(); err != nil {
		t.Fatal(err)
	}
	setAge(t, partial.Name(), time.Hour)
	deleted, err := s.GarbageCollect(t.Context(), artifact, time.Minute)
	if err != nil || !slices.Equal(deleted, []string{partial.Name()}) {
		t.Errorf("deleted %v, %v", deleted, err)
	}
}

func TestGarbageCollectWithoutFolder(t *testing.T) {
	t.Parallel()
	deleted, err := newStorage(t).GarbageCollect(t.Context(), meta.Artifact{Path: "a/b"}, time.Minute)
	if len(deleted) != 0 || err != nil {
		t.Errorf("got %v, %v", deleted, err)
	}
}

func TestGarbageCollectInTime(t *testing.T) {
	t.Parallel()
	s := newStorage(t)
	artifact := stored(t, s, "a/current", "")
	old := stored(t, s, "a/old", "")
	setAge(t, s.LocalPath(old), time.Hour)
	deleted, err := s.GarbageCollect(t.Context(), artifact, -time.Second)
	if len(deleted) != 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, %v", deleted, err)
	}
	if !s.ArtifactExist(old) {
		t.Error("deleted after the timeout")
	}
}

// setAge makes the file's last modification that long ago.
func setAge(t *testing.T, path string, age time.Duration) {
	t.Helper()
	modified := time.Now().Add(-age)
	if err := os.Chtimes(path, modified, modified); err != nil {
		t.Fatal(err)
	}
}
