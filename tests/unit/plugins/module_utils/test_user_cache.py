# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from ansible_collections.gitops.flux_local.plugins.module_utils.user_cache import user_cache


def test_it_is_where_the_user_s_programs_keep_theirs(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert user_cache("locks") == "/somewhere/flux-local/locks"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/me")
    assert user_cache("locks") == "/home/me/.cache/flux-local/locks"
