// SPDX-License-Identifier: Apache-2.0

package config

import (
	"os"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func TestBindFlags(t *testing.T) {
	t.Parallel()
	defaults := Options{
		StorageAddress:           ":9090",
		ArtifactRetentionTTL:     60 * time.Second,
		ArtifactRetentionRecords: 2,
		ArtifactDigestAlgo:       "sha256",
	}
	tests := []struct {
		name string
		args []string
		want Options
	}{
		{name: "defaults", want: defaults},
		{
			name: "every flag",
			args: []string{
				"--storage-path=/data",
				"--storage-addr=127.0.0.1:9790",
				"--storage-adv-addr=source.test",
				"--artifact-retention-ttl=5m",
				"--artifact-retention-records=7",
				"--artifact-digest-algo=blake3",
			},
			want: Options{
				StoragePath:              "/data",
				StorageAddress:           "127.0.0.1:9790",
				StorageAdvAddress:        "source.test",
				ArtifactRetentionTTL:     5 * time.Minute,
				ArtifactRetentionRecords: 7,
				ArtifactDigestAlgo:       "blake3",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got Options
			flags := pflag.NewFlagSet("test", pflag.ContinueOnError)
			got.BindFlags(flags)
			if err := flags.Parse(tt.args); err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestAdvertisedAddress(t *testing.T) {
	t.Parallel()
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		options Options
		want    string
		wantErr bool
	}{
		{
			name:    "as set",
			options: Options{StorageAddress: ":9090", StorageAdvAddress: "source.test."},
			want:    "source.test.",
		},
		{name: "loopback", options: Options{StorageAddress: "127.0.0.1:9790"}, want: "127.0.0.1:9790"},
		{name: "every interface", options: Options{StorageAddress: ":9090"}, want: machine + ":9090"},
		{name: "every IPv4 interface", options: Options{StorageAddress: "0.0.0.0:80"}, want: machine + ":80"},
		{name: "every IPv6 interface", options: Options{StorageAddress: "[::]:80"}, want: machine + ":80"},
		{name: "no port", options: Options{StorageAddress: "localhost"}, wantErr: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.options.AdvertisedAddress()
			if (err != nil) != tt.wantErr {
				t.Fatalf("error: %v, want one: %v", err, tt.wantErr)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
