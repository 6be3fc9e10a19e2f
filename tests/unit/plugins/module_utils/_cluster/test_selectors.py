# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.selectors import selects
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

LABELS = {"app": "shop", "app.kubernetes.io/part-of": "all", "number": "5"}


@pytest.mark.parametrize(
    ("selector", "is_selected"),
    [
        ("app", True),
        ("none", False),
        ("!none", True),
        ("! app", False),
        ("app=shop", True),
        ("app == blog", False),
        ("app!=blog,none!=x", True),
        ("app in (blog, shop), app.kubernetes.io/part-of=all", True),
        ("app in (blog)", False),
        ("none notin (a)", True),
        ("app notin (shop,blog)", False),
        ("number>4,number<6", True),
        ("number>5", False),
        ("app<5", False),
        ("none=", False),
    ],
)
def test_labels_are_selected_as_kubernetes_does(selector, is_selected):
    assert selects(selector, LABELS) is is_selected


@pytest.mark.parametrize("selector", ["", "a=b=c", "a in b", "!a=b", "a,,b", "-a", "a in (b"])
def test_what_is_no_selector_is_an_error(selector):
    with pytest.raises(LoopError, match="is not a requirement of a label selector"):
        selects(selector, LABELS)
