# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import stat
from typing import Any

import pytest
import yaml

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster import kubeconfig_merge
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.kubeconfig_merge import run
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError


def kubeconfig(*names: str, username: str = "me") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {"colors": True},
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}:6443"}} for name in names],
        "users": [{"name": name, "user": {"username": username}} for name in names],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in names],
        "current-context": names[0],
    }


class Files:
    """The user's kubeconfig and the loop's own one."""

    def __init__(self, folder):
        self.theirs, self.own = folder / ".kube" / "config", folder / "kubeconfig"

    def put(self, content: dict[str, Any], mode: int = 0o600) -> None:
        self.theirs.parent.mkdir(exist_ok=True)
        self.theirs.write_text(yaml.safe_dump(content))
        self.theirs.chmod(mode)

    @property
    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load(self.theirs.read_text())
        return found

    def merge(self, *names: str, state: str = "present", check_mode: bool = False, **options: str):
        self.own.write_text(yaml.safe_dump(kubeconfig(*(names or ("kind-shop",)), **options)))
        params = {"path": str(self.theirs), "source": str(self.own), "loop": "shop", "state": state}
        return run(params, check_mode=check_mode)


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def test_the_loops_entries_come_and_go_and_all_else_stays(files):
    before = kubeconfig("work", "home") | {"extensions": [{"name": "x", "extension": {}}]}
    files.put(before)
    assert files.merge()["contexts"] == ["work", "home", "kind-shop"]
    assert files.content["current-context"] == "work"
    assert files.content["clusters"][2]["cluster"]["server"] == "https://kind-shop:6443"
    assert not files.merge()["changed"]

    assert files.merge(username="renewed")["changed"]
    assert [user["user"]["username"] for user in files.content["users"]] == ["me", "me", "renewed"]

    assert files.merge(state="absent") == {
        "changed": True,
        "path": str(files.theirs),
        "contexts": ["work", "home"],
        "diff": {
            "before_header": str(files.theirs),
            "after_header": str(files.theirs),
            "before": "work\nhome\nkind-shop\n",
            "after": "work\nhome\n",
        },
    }
    assert files.content == before
    assert not files.merge(state="absent")["changed"]


def test_a_context_that_the_loop_does_not_have_any_more_goes(files):
    files.merge("kind-shop", "old")
    assert files.merge("kind-shop")["contexts"] == ["kind-shop"]


def test_where_there_is_no_kubeconfig_the_loops_context_is_the_current_one(files):
    files.merge()
    assert files.content["current-context"] == "kind-shop"
    assert stat.S_IMODE(files.theirs.stat().st_mode) == 0o600
    files.merge(state="absent")
    assert files.content["current-context"] == ""


def test_two_loops_do_not_touch_each_other(files):
    files.merge()
    files.own.write_text(yaml.safe_dump(kubeconfig("kind-other")))
    params = {"path": str(files.theirs), "source": str(files.own), "loop": "other", "state": "present"}
    run(params, check_mode=False)
    assert files.merge(state="absent")["contexts"] == ["kind-other"]


def test_an_entry_of_that_name_that_is_somebody_elses_is_refused(files):
    before = kubeconfig("kind-shop")
    files.put(before)
    with pytest.raises(LoopError, match="entries in clusters already that this loop has not made: kind-shop"):
        files.merge()
    assert files.content == before


def test_check_mode_foretells_and_writes_nothing(files):
    assert files.merge(check_mode=True)["changed"]
    assert not files.theirs.parent.exists()
    files.merge()
    assert not files.merge(check_mode=True)["changed"]


def test_a_file_that_others_may_read_is_closed(files):
    files.put(kubeconfig("work"), mode=0o644)
    files.merge()
    assert stat.S_IMODE(files.theirs.stat().st_mode) == 0o600
    files.theirs.chmod(0o640)
    assert files.merge()["changed"]
    assert stat.S_IMODE(files.theirs.stat().st_mode) == 0o600


def test_a_link_stays_one(files, tmp_path):
    files.put(kubeconfig("work"))
    place = tmp_path / "elsewhere"
    files.theirs.rename(place)
    files.theirs.symlink_to(place)
    assert files.merge()["path"] == str(place)
    assert files.theirs.is_symlink()
    assert [entry["name"] for entry in files.content["contexts"]] == ["work", "kind-shop"]


def test_the_lock_of_kubectl_is_respected_and_given_back(files, monkeypatch):
    monkeypatch.setattr(kubeconfig_merge, "LOCK_SECONDS", 0.2)
    files.put(kubeconfig("work"))
    lock = files.theirs.with_name("config.lock")
    lock.write_text("")
    with pytest.raises(LoopError, match=r"config\.lock is there since another program writes"):
        files.merge()
    assert lock.exists()
    lock.unlink()
    files.merge()
    assert not lock.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [("- a", "is no kubeconfig"), ("{", "it is no YAML"), ("[" * 5_000 + "]" * 5_000, "it is no YAML")],
)
def test_what_is_no_kubeconfig_is_left_as_it_is(files, content, said):
    files.theirs.parent.mkdir()
    files.theirs.write_text(content)
    with pytest.raises(LoopError, match=said):
        files.merge()
    assert files.theirs.read_text() == content
    assert not files.theirs.with_name("config.lock").exists()
