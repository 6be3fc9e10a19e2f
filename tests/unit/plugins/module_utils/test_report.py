# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils.report import (
    WIDTH,
    short_revision,
    standings,
    summary,
    workload_lines,
)

DIGEST = "sha256:" + "0123456789ab" + "0" * 52


@pytest.mark.parametrize(
    ("revision", "short"),
    [
        (f"latest@{DIGEST}", "latest@0123456789ab"),
        (DIGEST, "0123456789ab"),
        ("", "-"),
        (None, "-"),
    ],
)
def test_revisions_are_short(revision, short):
    assert short_revision(revision) == short


def receipt(**values):
    return {
        "name": "shop",
        "tag": "latest",
        "pushed_digest": DIGEST,
        "applied_revision": f"latest@{DIGEST}",
        "ready": True,
        "verdict": "ready",
        "reason": "ReconciliationSucceeded",
        "message": "Applied",
        **values,
    }


def test_a_row_for_each_workload():
    assert workload_lines([receipt(), receipt(name="a-longer-name", pushed_digest=None)]) == [
        "WORKLOAD       VERSION  PUSHED        APPLIED              READY",
        "shop           latest   0123456789ab  latest@0123456789ab  yes",
        "a-longer-name  latest   -             latest@0123456789ab  yes",
    ]


def test_why_one_is_not_ready_stands_below_in_lines_that_fit():
    broken = receipt(ready=False, verdict="in_progress", reason="BuildFailed", message="very " * 60 + "wrong")
    lines = workload_lines([broken])
    assert lines[1].endswith("in progress")
    assert lines[2].startswith("shop: BuildFailed: very")
    assert lines[-1].endswith("wrong")
    assert max(map(len, lines)) <= WIDTH


def test_simulated_pods_are_said_to_be_simulated():
    lines = summary([], {"provider": "embedded", "context": "c", "kubeconfig": "k"}, {"host": "h"}, {})
    assert any("simulated" in line for line in lines)
    lines = summary([], {"provider": "existing", "context": "c", "kubeconfig": "k"}, {"host": "h"}, {})
    assert not any("simulated" in line for line in lines)


def test_a_failing_source_is_told_before_its_kustomization():
    answer = {
        "sources": [
            {
                "name": "shop",
                "namespace": "flux-system",
                "ready": False,
                "ref": {"tag": "v1"},
                "revision": None,
                "reason": "OCIArtifactPullFailed",
                "message": "no such tag",
            }
        ],
        "kustomizations": [
            {
                "name": "shop",
                "namespace": "flux-system",
                "source": {"kind": "OCIRepository", "namespace": "flux-system", "name": "shop"},
                "ready": False,
                "state": "in_progress",
                "applied_revision": None,
                "reason": "ArtifactFailed",
                "message": "Source is not ready",
            }
        ],
    }
    row = standings(answer)[0]
    assert (row["tag"], row["reason"], row["message"]) == ("v1", "OCIArtifactPullFailed", "no such tag")
    assert not row["pushed_digest"]


def test_why_a_provider_was_chosen_is_said_unless_it_was_asked_for():
    connection = {"provider": "kind", "context": "kind-c", "kubeconfig": "k"}
    assert summary([], connection, {"host": "h"}, {})[1:3] == [
        "cluster     kind, context kind-c",
        "registry    h",
    ]
    lines = summary([], connection | {"why": "Docker 28.0 answers"}, {"host": "h"}, {})
    assert lines[1:3] == [
        "cluster     kind, context kind-c",
        "            chosen because Docker 28.0 answers",
    ]
