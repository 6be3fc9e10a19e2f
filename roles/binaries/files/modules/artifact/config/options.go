// SPDX-License-Identifier: Apache-2.0

// Package config holds the settings of the artifact storage and its file
// server, and the command line flags that set them.
package config

import (
	"fmt"
	"net"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/fluxcd/pkg/artifact/digest"
)

// Options are the settings of the artifact storage and its file server.
type Options struct {
	// StoragePath is the existing folder that holds the artifacts.
	StoragePath string

	// StorageAddress is the host:port the file server listens on. An empty
	// host stands for every interface.
	StorageAddress string

	// StorageAdvAddress is the host, host:port or URL under which clients
	// reach the file server. See AdvertisedAddress for its default.
	StorageAdvAddress string

	// ArtifactRetentionTTL is how long a superseded artifact may stay.
	ArtifactRetentionTTL time.Duration

	// ArtifactRetentionRecords is how many artifacts of one object may stay,
	// the current one included.
	ArtifactRetentionRecords int

	// ArtifactDigestAlgo names the algorithm of the artifacts' digests: sha256,
	// sha384, sha512 or blake3.
	ArtifactDigestAlgo string
}

// BindFlags adds the flag of each option to flags, and sets each option to its
// flag's default.
func (o *Options) BindFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.StoragePath, "storage-path", "",
		"The folder that holds the artifacts. It must exist.")
	flags.StringVar(&o.StorageAddress, "storage-addr", ":9090",
		"The address the artifact file server binds to.")
	flags.StringVar(&o.StorageAdvAddress, "storage-adv-addr", "",
		"The address advertised to the clients of the artifact file server. Derived from --storage-addr when empty.")
	flags.DurationVar(&o.ArtifactRetentionTTL, "artifact-retention-ttl", time.Minute,
		"How long a superseded artifact is kept before it is garbage collected.")
	flags.IntVar(&o.ArtifactRetentionRecords, "artifact-retention-records", 2,
		"The maximum number of artifacts kept per object by a garbage collection.")
	flags.StringVar(&o.ArtifactDigestAlgo, "artifact-digest-algo", digest.Canonical.String(),
		"The algorithm of the artifacts' digests: sha256, sha384, sha512 or blake3.")
}

// AdvertisedAddress returns StorageAdvAddress or, when that is empty,
// StorageAddress with the name of this machine in place of a host that stands
// for every interface. It fails when StorageAddress is not a host:port, or when
// this machine's name is unknown.
func (o *Options) AdvertisedAddress() (string, error) {
	if o.StorageAdvAddress != "" {
		return o.StorageAdvAddress, nil
	}
	host, port, err := net.SplitHostPort(o.StorageAddress)
	if err != nil {
		return "", fmt.Errorf("invalid storage address: %w", err)
	}
	if host == "" || net.ParseIP(host).IsUnspecified() {
		if host, err = os.Hostname(); err != nil {
			return "", fmt.Errorf("no storage address to advertise: %w", err)
		}
	}
	return net.JoinHostPort(host, port), nil
}
