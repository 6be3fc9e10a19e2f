# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64

from ansible_collections.gitops.flux_local.plugins.module_utils._flux.prediction.change import (
    Action,
    change_of,
    creation,
    pruning,
    recreation,
    refusal,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.masking import Mask


def config(data=None, **metadata):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "shop", "namespace": "default", **metadata},
        "data": data or {},
    }


def secret(**values):
    item = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key", "namespace": "default"}}
    return item | values


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def test_a_change_names_the_fields_that_differ_and_neither_status_nor_other_metadata():
    live = config({"a": "1"}, resourceVersion="1", labels={"x": "y"}) | {"status": {"a": 1}}
    assert change_of(live, config({"a": "1"}, resourceVersion="2", labels={"x": "y"}), Mask()) is None
    change = change_of(live, config({"a": "2"}, labels={"x": "z"}), Mask())
    assert change is not None
    assert sorted(change.sentences()) == [
        'ConfigMap default/shop: data.a: "1" -> "2"',
        'ConfigMap default/shop: metadata.labels.x: "y" -> "z"',
    ]
    assert change.as_dict()["fields"][0].keys() == {"field", "before", "after"}


def test_secrets_are_masked_in_all_that_is_said():
    mask = Mask()
    before, after = secret(data={"a": encoded("hidden")}), secret(data={"a": encoded("other"), "b": "eA=="})
    changes = [
        change_of(before, after, mask),
        creation(after),
        pruning(before),
        recreation(before, after, mask),
    ]
    for change in filter(None, changes):
        said = f"{change.as_dict()} {change.shown(mask)} {change.sentences()}"
        assert "***" in said or change.action in (Action.CREATED, Action.PRUNED)
        for hidden in ("hidden", "other", encoded("hidden"), encoded("other"), "eA=="):
            assert hidden not in said


def test_what_comes_and_goes_is_shown_whole():
    shown = creation(config({"a": "1"}, uid="u")).shown(Mask())
    assert (shown["before"], shown["after"].splitlines()[-2:]) == ("", ["data:", "  a: '1'"])
    assert "uid" not in shown["after"]
    assert shown["before_header"] == "ConfigMap default/shop in the cluster, none"
    assert shown["after_header"] == "ConfigMap default/shop in the cluster, created by Flux"
    gone = pruning(config({"a": "1"})).shown(Mask())
    assert (gone["before"] != "", gone["after"]) == (True, "")
    assert refusal(config(), "too big").shown(Mask())["after"] == "too big\n"
    assert refusal(config(), "too big").sentences() == ["ConfigMap default/shop: refused: too big"]
    assert not refusal(config(), "not allowed", is_final=False).is_certain
    assert pruning(config()).sentences() == ["ConfigMap default/shop: pruned"]
