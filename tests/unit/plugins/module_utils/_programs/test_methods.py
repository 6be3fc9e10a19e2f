# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import io
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.methods import (
    FolderMethod,
    copy_manifests,
    find_in_folder,
    lacking,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import (
    ManifestFolder,
    Place,
    Program,
    cached,
    flat,
)

KWOK = Program(
    name="kwok",
    version="0.8.0",
    module="kwok",
    source="sigs.k8s.io/kwok",
    package="sigs.k8s.io/kwok/cmd/kwok",
    check_text="kwok version v0.8.0",
    manifests=(ManifestFolder("stage/node", "stages"), ManifestFolder("stage/pod", "stages")),
)
PLATFORM = "linux-amd64"


def put(place: Place) -> None:
    place.program.parent.mkdir(parents=True, exist_ok=True)
    place.program.write_text("#!/bin/sh\n")
    place.program.chmod(0o755)
    if place.manifests:
        (place.manifests / "stages").mkdir(parents=True)
        (place.manifests / "stages/ready.yaml").write_text("kind: Stage\n")


def into(tmp_path: Path) -> Place:
    (tmp_path / "whole").mkdir()
    return Place(tmp_path / "whole/kwok", tmp_path / "whole/manifests")


@pytest.mark.parametrize("layout", [flat, lambda folder, program: cached(folder, program, PLATFORM)])
def test_a_folder_has_a_program_in_either_layout(tmp_path, layout):
    place = layout(tmp_path, KWOK)
    put(place)
    assert find_in_folder(tmp_path, KWOK, PLATFORM) == (place, [])


def test_what_a_folder_lacks_is_named_as_a_flat_one_would_have_it(tmp_path):
    assert find_in_folder(tmp_path, KWOK, PLATFORM) == (
        None,
        [tmp_path / "kwok", tmp_path / "manifests/kwok/stages"],
    )
    (tmp_path / "manifests/kwok/stages").mkdir(parents=True)
    (tmp_path / "kwok").write_text("not executable")
    assert find_in_folder(tmp_path, KWOK, PLATFORM) == (None, [tmp_path / "kwok"])


def test_a_folder_of_a_programs_name_is_no_program(tmp_path):
    (tmp_path / "kwok").mkdir()
    assert tmp_path / "kwok" in lacking(flat(tmp_path, KWOK), KWOK)


def test_copying_from_a_folder(tmp_path):
    put(flat(tmp_path / "folder", KWOK))
    target = into(tmp_path)
    log = io.StringIO()
    FolderMethod(tmp_path / "folder", PLATFORM).obtain(KWOK, target, tmp_path, log)
    assert target.program.read_text() == "#!/bin/sh\n"
    assert (tmp_path / "whole/manifests/stages/ready.yaml").read_text() == "kind: Stage\n"
    assert str(tmp_path / "folder/kwok") in log.getvalue()


def test_copying_what_has_vanished_is_an_error(tmp_path):
    with pytest.raises(LoopError, match=r"lacks .*/kwok, "):
        FolderMethod(tmp_path, PLATFORM).obtain(KWOK, into(tmp_path), tmp_path, io.StringIO())


def test_manifests_that_a_module_does_not_have_are_an_error(tmp_path):
    with pytest.raises(LoopError, match="nowhere is no folder"):
        copy_manifests(tmp_path / "nowhere", tmp_path / "target")
