# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Roles run where Ansible runs, as the user who runs it."""

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.place import Place, not_here


@pytest.mark.parametrize(
    ("place", "said"),
    [
        (Place("localhost", "local", "me"), ""),
        (Place("localhost", "local", "root", become="root"), ""),
        (Place("web", "ssh", "me"), "web is reached by ssh. Run ansible-playbook there"),
        (
            Place("localhost", "local", "me", become="root"),
            "become would make it one of root",
        ),
    ],
)
def test_where_roles_run(place, said):
    told = not_here(place)
    assert said in told
    assert bool(told) == bool(said)


def test_a_container_may_be_of_another_user_s_engine():
    place = Place("localhost", "local", "root", become="ada")
    assert not_here(place, in_container=True) == ""
    assert "become" in not_here(place)
    assert not_here(Place("web", "ssh", "root", become="ada"), in_container=True)
