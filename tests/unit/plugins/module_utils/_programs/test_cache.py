# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.cache import Installer
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.commands import LocalCommands
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.methods import FolderMethod, Method
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import parse_program
from ansible_collections.gitops.flux_local.tests.unit.fakes.programs import ETCD, KWOK, PLATFORM, seen


class FakeMethod:
    """Obtains a shell script that prints ``text``, or raises what it is given in the middle of it."""

    def __init__(self, text="etcd Version: 3.6.8", *, breaks_with=None, shebang="#!/bin/sh"):
        self.text, self.breaks_with, self.shebang = text, breaks_with, shebang
        self.obtained = 0

    def obtain(self, program, into, scratch, log):
        self.obtained += 1
        log.write("compiling\n")
        into.program.write_text(f"{self.shebang}\necho '{self.text}'\n")
        if self.breaks_with:
            raise self.breaks_with
        if into.manifests:
            (into.manifests / "stages").mkdir(parents=True)

    def origin(self, program):
        return "the fake"

    def remedy(self, program):
        return "Mend it."


def installer(cache: Path, method: Method, warnings: list[str] | None = None) -> Installer:
    return Installer(
        cache, PLATFORM, method, LocalCommands(), (warnings if warnings is not None else []).append
    )


def files(cache: Path) -> set[str]:
    kept = ("logs", ".locks")
    return {
        str(path.relative_to(cache))
        for path in cache.rglob("*")
        if path.is_file() and path.relative_to(cache).parts[0] not in kept
    }


def test_installing_twice_changes_something_once(tmp_path):
    method = FakeMethod()
    first = installer(tmp_path / "cache", method).install(parse_program(ETCD), check_mode=False)
    second = installer(tmp_path / "cache", method).install(parse_program(ETCD), check_mode=False)
    assert (first["changed"], second["changed"], method.obtained) == (True, False, 1)
    assert {**first, "changed": False} == second
    assert files(tmp_path / "cache") == {"etcd/3.6.8/linux-amd64/etcd"}
    assert Path(first["log"]).read_text() == "compiling\n"


def test_check_mode_predicts_and_writes_nothing(tmp_path):
    predicted = installer(tmp_path / "cache", FakeMethod()).install(parse_program(KWOK), check_mode=True)
    assert predicted["changed"]
    assert predicted["manifests"].endswith("kwok/0.8.0/linux-amd64/manifests")
    assert not (tmp_path / "cache").exists()


def test_manifests_alone_are_installed_without_a_program(tmp_path):
    alone = {**KWOK, "name": "crds", "package": "", "check_text": ""}
    folder = tmp_path / "folder/manifests/crds/stages"
    folder.mkdir(parents=True)
    (folder / "one.yaml").write_text("a: 1\n")
    wanted = {"names": ["crds", "etcd"], "source": "auto", "folder": tmp_path / "folder"}
    [etcd, crds] = seen(tmp_path / "cache", [ETCD, alone], **wanted)["missing"]
    assert (etcd["method"], etcd["needs_module"]) == ("go", False)
    assert (crds["method"], crds["needs_module"]) == ("folder", False)
    [crds] = seen(tmp_path / "cache", [ETCD, alone], names=["crds"])["missing"]
    assert (crds["method"], crds["needs_module"]) == ("go", True)

    method = FolderMethod(tmp_path / "folder", PLATFORM)
    assert installer(tmp_path / "cache", method).install(parse_program(alone), check_mode=False)["changed"]
    assert files(tmp_path / "cache") == {"crds/0.8.0/linux-amd64/manifests/stages/one.yaml"}
    assert seen(tmp_path / "cache", [ETCD, alone], names=["crds"])["missing"] == []


@pytest.mark.parametrize(
    "error", [LoopError("No network."), KeyboardInterrupt(), OSError("No space left on device")]
)
def test_what_breaks_off_leaves_nothing_in_the_cache(tmp_path, error):
    with pytest.raises((LoopError, KeyboardInterrupt)):
        installer(tmp_path, FakeMethod(breaks_with=error)).install(parse_program(ETCD), check_mode=False)
    assert files(tmp_path) == set()
    assert installer(tmp_path, FakeMethod()).install(parse_program(ETCD), check_mode=False)["changed"]


def test_a_failure_quotes_the_log_and_names_it(tmp_path):
    with pytest.raises(
        LoopError, match=r"No network\. The log is .*/logs/etcd-3\.6\.8\.log; it ends with:\n  compiling"
    ):
        installer(tmp_path, FakeMethod(breaks_with=LoopError("No network."))).install(
            parse_program(ETCD), check_mode=False
        )


def test_a_full_or_unwritable_cache_is_an_error_naming_it(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        LoopError, match=r"etcd could not be put into the cache .*/file/cache: .* choose another folder"
    ):
        installer(tmp_path / "file/cache", FakeMethod()).install(parse_program(ETCD), check_mode=False)


def test_what_a_killed_run_left_behind_is_removed(tmp_path):
    (tmp_path / ".partial/etcd-3.6.8-linux-amd64-dead/whole").mkdir(parents=True)
    (tmp_path / ".partial/kwok-0.8.0-linux-amd64-alive").mkdir()
    installer(tmp_path, FakeMethod()).install(parse_program(ETCD), check_mode=False)
    assert [path.name for path in (tmp_path / ".partial").iterdir()] == ["kwok-0.8.0-linux-amd64-alive"]


def test_an_incomplete_program_is_replaced(tmp_path):
    installer(tmp_path, FakeMethod("kwok version v0.8.0")).install(parse_program(KWOK), check_mode=False)
    (tmp_path / "kwok/0.8.0/linux-amd64/manifests/stages").rmdir()
    assert installer(tmp_path, FakeMethod("kwok version v0.8.0")).install(
        parse_program(KWOK), check_mode=False
    )["changed"]
    assert (tmp_path / "kwok/0.8.0/linux-amd64/manifests/stages").is_dir()


def test_of_many_at_once_one_installs_and_the_others_wait(tmp_path):
    methods = [FakeMethod() for _number in range(8)]
    changed = []
    threads = [
        threading.Thread(
            target=lambda method=method: changed.append(
                installer(tmp_path, method).install(parse_program(ETCD), check_mode=False)["changed"]
            )
        )
        for method in methods
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(changed) == [False] * 7 + [True]
    assert sum(method.obtained for method in methods) == 1


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (
            FakeMethod("etcd Version: 3.4.0"),
            "the fake answers --version with 'etcd Version: 3.4.0', not with 'etcd Version: 3.6.8'",
        ),
        (FakeMethod(shebang="#!/no/such/interpreter"), "the fake does not run here: .* Mend it"),
    ],
)
def test_a_program_of_another_version_or_that_does_not_run_is_refused(tmp_path, method, message):
    with pytest.raises(LoopError, match=message):
        installer(tmp_path, method).install(parse_program(ETCD), check_mode=False)
    assert files(tmp_path) == set()


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("etcd Version: 3.6.8", ["the fake does not say its version. That it is 3.6.8 is taken on trust."]),
        ("etcd Version: 3.6.8\nmod\tgo.etcd.io/etcd/server/v3\tv3.6.8\th1:x", []),
    ],
)
def test_a_version_that_can_be_read_nowhere_is_a_warning(tmp_path, text, warned):
    warnings: list[str] = []
    installer(tmp_path, FakeMethod(text), warnings).install(
        parse_program({**ETCD, "check_build_info": True}), check_mode=False
    )
    assert warnings == warned


def test_another_version_that_go_recorded_is_refused(tmp_path):
    method = FakeMethod("etcd Version: 3.6.8\nmod\tgo.etcd.io/etcd/server/v3\tv3.5.0\th1:x")
    with pytest.raises(LoopError, match=r"the fake is version 3\.5\.0, not 3\.6\.8\. Mend it"):
        installer(tmp_path, method).install(
            parse_program({**ETCD, "check_build_info": True}), check_mode=False
        )
