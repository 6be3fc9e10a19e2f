# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._oci.endpoints import Endpoints
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference


@pytest.mark.parametrize(
    ("host", "repository", "base"),
    [
        ("ghcr.io", "team/shop", "ghcr.io/v2/team/shop"),
        ("localhost:5050", "shop", "localhost:5050/v2/shop"),
        ("[::1]:5050", "a/b/c", "[::1]:5050/v2/a/b/c"),
        # What oras-py's own parser takes for something else.
        ("localhost", "shop", "localhost/v2/shop"),
        ("localhost", "my.team/shop", "localhost/v2/my.team/shop"),
        ("registry", "shop", "registry/v2/shop"),
        ("docker.io", "library/etcd", "registry-1.docker.io/v2/library/etcd"),
    ],
)
def test_the_addresses_of_a_repository(host, repository, base):
    known = Endpoints(Reference(host, repository))
    assert known.base == f"{base.partition('/')[0]}/v2/"
    assert known.manifest("latest") == f"{base}/manifests/latest"
    assert known.manifest("") == f"{base}/manifests/"
    assert known.blob("sha256:0") == f"{base}/blobs/sha256:0"
    assert known.uploads == f"{base}/blobs/uploads/"
    assert known.tags == f"{base}/tags/list"
    assert known.paged_tags == f"{base}/tags/list?n=1000"


@pytest.mark.parametrize(
    ("host", "url", "are_there"),
    [
        ("localhost:5050", "http://localhost:5050/v2/", True),
        ("localhost:5050", "http://127.0.0.1:5050/v2/", False),
        ("localhost:5050", "http://localhost/v2/", False),
        ("ghcr.io", "https://ghcr.io:443/v2/", True),
        ("ghcr.io:443", "https://ghcr.io/v2/", True),
        ("ghcr.io", "http://ghcr.io:443/v2/", False),
        ("ghcr.io", "https://ghcr.io.example.com/v2/", False),
        ("docker.io", "https://registry-1.docker.io/v2/", True),
    ],
)
def test_whether_an_address_is_the_registrys(host, url, are_there):
    assert Endpoints(Reference(host, "shop")).are_at(url) is are_there
