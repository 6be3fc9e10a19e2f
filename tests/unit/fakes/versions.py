# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Versions of an artifact, an hour apart, and a repository that holds them."""

from __future__ import annotations

from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    Descriptor,
    Manifest,
    manifest_bytes,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference
from ansible_collections.gitops.flux_local.tests.unit.fakes.repository import MemoryRepository

BLOB = Descriptor("application/vnd.cncf.flux.content.v1.tar+gzip", "sha256:" + "0" * 64, 3)


def version(hour):
    created = {"org.opencontainers.image.created": f"2026-11-24T{hour:02d}:00:00Z"}
    return Manifest(manifest_bytes(BLOB, BLOB, created))


OLD, MIDDLE, NEW = version(10), version(11), version(12)


def repository(**tags):
    return MemoryRepository(Reference("127.0.0.1:5001", "shop"), dict(tags))
