// SPDX-License-Identifier: Apache-2.0

package digest

import (
	"errors"
	"testing"

	"github.com/opencontainers/go-digest"
)

func TestAlgorithmForName(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		want    digest.Algorithm
		size    int
		wantErr error
	}{
		{name: "sha256", want: digest.SHA256, size: 32},
		{name: "sha384", want: digest.SHA384, size: 48},
		{name: "sha512", want: digest.SHA512, size: 64},
		{name: "blake3", want: digest.BLAKE3, size: 32},
		{name: "md5", wantErr: digest.ErrDigestUnsupported},
		{name: "SHA256", wantErr: digest.ErrDigestUnsupported},
		{name: "", wantErr: digest.ErrDigestUnsupported},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := AlgorithmForName(tt.name)
			if !errors.Is(err, tt.wantErr) {
				t.Fatalf("error: %v, want %v", err, tt.wantErr)
			}
			if got != tt.want || got.Size() != tt.size {
				t.Errorf("got %q of %d bytes, want %q of %d", got, got.Size(), tt.want, tt.size)
			}
		})
	}
}

func TestBlake3OfNothing(t *testing.T) {
	t.Parallel()
	const want = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
	if got := digest.BLAKE3.FromString(""); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
