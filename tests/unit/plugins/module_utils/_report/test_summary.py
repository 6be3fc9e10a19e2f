# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._report.summary import (
    MOST_CHANGES,
    WIDTH,
    change_lines,
    short_revision,
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


def change(action="changed", fields=(), message=""):
    named = {"kind": "Deployment", "namespace": "shop", "name": "web"}
    return {"action": action, **named, "fields": list(fields), "message": message}


def test_a_line_for_each_field_that_flux_would_change():
    fields = [
        {"field": "spec.replicas", "before": "2", "after": "5"},
        {"field": "metadata.labels.a", "before": None, "after": '"b"'},
    ]
    changes = [
        change(fields=fields),
        change("pruned") | {"namespace": None},
        change("refused", message="no\nway"),
    ]
    assert change_lines([receipt(changes=changes), receipt()]) == [
        "",
        "WORKLOAD  BY FLUX  OBJECT               FIELD",
        "shop      changed  Deployment shop/web  spec.replicas: 2 -> 5",
        'shop      changed  Deployment shop/web  metadata.labels.a: (none) -> "b"',
        "shop      pruned   Deployment web",
        "shop      refused  Deployment shop/web  no way",
    ]
    assert change_lines([receipt()]) == change_lines([]) == []


def test_many_changes_are_bounded_and_long_ones_cut():
    long = {"field": "data.text", "before": None, "after": "x" * 500}
    lines = change_lines([receipt(changes=[change(fields=[long])] * 50)])
    assert len(lines) == MOST_CHANGES + 3
    assert max(map(len, lines)) == WIDTH
    assert lines[-1] == "and 10 more; --diff shows them all"


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
