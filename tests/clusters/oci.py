# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""As much of the OCI distribution protocol as leaves something in a registry and sees it again."""

from __future__ import annotations

import hashlib
import json

import requests

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def push(host: str, content: bytes = b"{}") -> str:
    """Push an artifact of one blob as kept:1, and return its digest."""
    blob = digest_of(content)
    session = requests.post(f"http://{host}/v2/kept/blobs/uploads/", timeout=10)
    session.raise_for_status()
    place = session.headers["Location"]
    place = place if place.startswith("http") else f"http://{host}{place}"
    requests.put(place, params={"digest": blob}, data=content, timeout=10).raise_for_status()
    described = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": blob, "size": len(content)}
    manifest = json.dumps(
        {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": described, "layers": [described]}
    ).encode()
    answer = requests.put(
        f"http://{host}/v2/kept/manifests/1",
        data=manifest,
        headers={"Content-Type": MANIFEST_TYPE},
        timeout=10,
    )
    answer.raise_for_status()
    return digest_of(manifest)


def holds(host: str, digest: str) -> bool:
    answer = requests.get(
        f"http://{host}/v2/kept/manifests/{digest}", headers={"Accept": MANIFEST_TYPE}, timeout=10
    )
    return answer.status_code == 200 and digest_of(answer.content) == digest


def delete(host: str, digest: str) -> None:
    """Delete a manifest, which leaves its blobs."""
    requests.delete(f"http://{host}/v2/kept/manifests/{digest}", timeout=10).raise_for_status()


def holds_blob(host: str, content: bytes) -> bool:
    return requests.head(f"http://{host}/v2/kept/blobs/{digest_of(content)}", timeout=10).status_code == 200


def answers(host: str) -> bool:
    try:
        return requests.get(f"http://{host}/v2/", timeout=2).status_code == 200
    except requests.ConnectionError:
        return False
