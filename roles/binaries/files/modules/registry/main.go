// Copyright (c) 2026, the gitops.flux_local authors
// SPDX-License-Identifier: Apache-2.0

// The registry program of distribution, which can refuse whoever calls it by a name that is not this machine's.
//
// A web page can have its own name lead to a loopback address (DNS rebinding): its browser then lets it talk to
// what listens there. What gives it away is the name, in the header Host.
package main

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/distribution/distribution/v3/registry"
	"github.com/distribution/distribution/v3/registry/auth"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/auth/token"
	_ "github.com/distribution/distribution/v3/registry/proxy"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/inmemory"
)

// With this variable in its environment, the program knows no other names, and no authentication.
const loopbackOnly = "FLUX_LOCAL_LOOPBACK_ONLY"

const controllerName = "loopback"

// loopbackNames grants everything to who calls the registry by a name of this machine, and nothing to others.
type loopbackNames struct{}

func (loopbackNames) Authorized(request *http.Request, _ ...auth.Access) (*auth.Grant, error) {
	if !isThisMachine(request.Host) {
		return nil, fmt.Errorf("called by the name %q", request.Host)
	}
	// Only browsers send it: the page that a request comes from.
	if origin := request.Header.Get("Origin"); origin != "" {
		page, err := url.Parse(origin)
		if err != nil || !isThisMachine(page.Host) {
			return nil, fmt.Errorf("asked by the page %q", origin)
		}
	}
	return &auth.Grant{}, nil
}

// isThisMachine says whether a host, with or without a port, is localhost, a name below it, or a loopback address.
func isThisMachine(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	address := net.ParseIP(name)
	return address != nil && address.IsLoopback()
}

func main() {
	if os.Getenv(loopbackOnly) != "" {
		create := func(map[string]any) (auth.AccessController, error) { return loopbackNames{}, nil }
		if err := auth.Register(controllerName, create); err != nil {
			panic(err)
		}
		os.Setenv("REGISTRY_AUTH", controllerName)
	}
	if err := registry.RootCmd.Execute(); err != nil {
		os.Exit(1)
	}
}
