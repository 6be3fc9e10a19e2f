# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A pinned tag that moves after it was first pulled is not trusted."""

from __future__ import annotations

import json

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import parse_image
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.digests import FirstPulls
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import (
    parse_program,
    with_digests,
)

ETCD = parse_image("registry.k8s.io/etcd:3.6.8-0")
FIRST, MOVED = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"
ENTRY = {
    "name": "etcd",
    "version": "3.6.8",
    "module": "etcd",
    "source": "go.etcd.io/etcd",
    "package": "go.etcd.io/etcd",
    "check_text": "{version}",
    "image": "registry.k8s.io/etcd:{version}-0",
}


def test_a_tag_that_moved_is_refused_with_both_digests_and_what_to_do(tmp_path):
    pulls = FirstPulls(tmp_path / "cache")
    pulls.verify(ETCD, "registry.k8s.io", {"linux-amd64": FIRST})
    pulls.record(ETCD, {"linux-amd64": FIRST})
    pulls.verify(ETCD, "mirror.example.com", {"linux-amd64": FIRST, "linux-arm64": MOVED})
    with pytest.raises(LoopError) as refused:
        pulls.verify(ETCD, "mirror.example.com", {"linux-amd64": MOVED})
    for part in (str(ETCD), "mirror.example.com", FIRST, MOVED, str(pulls.file), "binaries_digests"):
        assert part in refused.value.message


def test_the_first_digest_stays_and_other_images_are_not_lost(tmp_path):
    pulls = FirstPulls(tmp_path)
    pulls.record(ETCD, {"linux-amd64": FIRST})
    pulls.record(parse_image("ghcr.io/a/b:1"), {"linux-amd64": MOVED})
    pulls.record(ETCD, {"linux-amd64": MOVED, "linux-arm64": MOVED})
    assert json.loads(pulls.file.read_text()) == {
        "ghcr.io/a/b:1": {"linux-amd64": MOVED},
        "registry.k8s.io/etcd:3.6.8-0": {"linux-amd64": FIRST, "linux-arm64": MOVED},
    }


def test_an_image_that_is_pinned_by_the_user_needs_no_record(tmp_path):
    pulls = FirstPulls(tmp_path)
    pulls.record(ETCD, {"linux-amd64": FIRST})
    pinned = parse_image(f"{ETCD}@{MOVED}")
    pulls.verify(pinned, "registry.k8s.io", {"linux-amd64": MOVED})
    pulls.record(pinned, {"linux-amd64": MOVED})
    assert list(json.loads(pulls.file.read_text())) == [str(ETCD)]


@pytest.mark.parametrize("damage", ["", "[]", '{"a": 1}'])
def test_a_damaged_record_is_named_and_nothing_is_trusted(tmp_path, damage):
    pulls = FirstPulls(tmp_path)
    pulls.file.write_text(damage)
    with pytest.raises(LoopError, match=r"digests\.json.*is damaged"):
        pulls.verify(ETCD, "registry.k8s.io", {"linux-amd64": FIRST})


def test_a_digest_of_ones_own_pins_the_image_of_a_program():
    (entry,) = with_digests([ENTRY], {"etcd": FIRST})
    assert parse_program(entry).image == f"registry.k8s.io/etcd:3.6.8-0@{FIRST}"
    assert parse_program(*with_digests([ENTRY], {})).image == "registry.k8s.io/etcd:3.6.8-0"


@pytest.mark.parametrize(
    ("digests", "said"),
    [({"etdc": FIRST}, "has etdc. There are images of etcd"), ({"etcd": "sha256:1"}, "is no digest")],
)
def test_a_digest_that_cannot_be_one_is_refused(digests, said):
    with pytest.raises(LoopError, match=said):
        with_digests([ENTRY], digests)
