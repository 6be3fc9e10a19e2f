// SPDX-License-Identifier: Apache-2.0

// Package digest names the digest algorithms an artifact may use. Importing it
// makes blake3 available to github.com/opencontainers/go-digest, next to
// sha256, sha384 and sha512.
package digest

import (
	"fmt"

	"github.com/opencontainers/go-digest"
	_ "github.com/opencontainers/go-digest/blake3"
)

// Canonical is the algorithm used where no other is asked for. A program may
// replace it once, before it computes any digest.
var Canonical = digest.SHA256

// AlgorithmForName returns the algorithm called name. It fails with
// digest.ErrDigestUnsupported when there is none.
func AlgorithmForName(name string) (digest.Algorithm, error) {
	algorithm := digest.Algorithm(name)
	if !algorithm.Available() {
		return "", fmt.Errorf("%w: %q", digest.ErrDigestUnsupported, name)
	}
	return algorithm, nil
}
