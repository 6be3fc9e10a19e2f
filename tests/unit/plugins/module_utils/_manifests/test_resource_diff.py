# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.resource_diff import field_changes

# No key is "name": lists are then compared in order.
_keys = st.text(max_size=3)
_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(_keys, below, max_size=3),
    max_leaves=15,
)
_objects = st.dictionaries(_keys, _json, max_size=4)


@given(one=_objects, other=_objects)
def test_equal_objects_and_only_they_have_no_differing_field(one, other):
    assert field_changes(one, one) == ()
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (field_changes(one, other) == ()) is same
