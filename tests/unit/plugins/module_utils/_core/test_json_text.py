# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.json_text import from_json


@pytest.mark.parametrize(("text", "value"), [('{"a": [1]}', {"a": [1]}), (b"1.5", 1.5)])
def test_json_is_read(text, value):
    assert from_json(text) == value


@pytest.mark.parametrize("text", ["", "{", b"\xff", "[" * 100_000, '{"a":' * 100_000 + "1" + "}" * 100_000])
def test_what_cannot_be_read_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        from_json(text)
