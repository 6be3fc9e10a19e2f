# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

from ansible_collections.gitops.flux_local.plugins.module_utils._oci.layout import LayoutRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.images import Found
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.manifests_artifact import (
    manifests_artifact,
    pack_manifests,
    unpack_manifests,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import Place, parse_program
from ansible_collections.gitops.flux_local.tests.unit.fakes.programs import KWOK

PROGRAM = parse_program(
    {**KWOK, "manifests": [{"from": "a", "to": "stages"}, {"from": "b", "to": "crds"}]},
)


def manifests(folder: Path) -> Path:
    for name in (
        "stages/pod.yaml",
        "stages/node.yaml",
        "crds/stage.yaml",
        "stages/notes.txt",
        "other/x.yaml",
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")
    return folder


def test_manifests_arrive_as_they_were_packed_and_nothing_beside_them(tmp_path):
    repository = LayoutRepository(str(tmp_path / "layout"))
    manifest = pack_manifests(manifests(tmp_path / "folder"), PROGRAM, repository)
    place = Place(tmp_path / "kwok", tmp_path / "unpacked")
    unpack_manifests(Found(repository, PROGRAM.version, manifest), PROGRAM, place)
    arrived = {path.read_text() for path in (tmp_path / "unpacked").glob("*/*")}
    assert arrived == {"# crds/stage.yaml\n", "# stages/node.yaml\n", "# stages/pod.yaml\n"}


def test_a_program_takes_only_its_own_folders_out_of_an_artifact(tmp_path):
    repository = LayoutRepository(str(tmp_path / "layout"))
    manifest = pack_manifests(manifests(tmp_path / "folder"), PROGRAM, repository)
    place = Place(tmp_path / "kwok", tmp_path / "unpacked")
    unpack_manifests(Found(repository, PROGRAM.version, manifest), parse_program(KWOK), place)
    assert [path.name for path in (tmp_path / "unpacked").iterdir()] == ["stages"]


def test_the_same_files_are_the_same_artifact(tmp_path):
    digests = {
        pack_manifests(
            manifests(tmp_path / name), PROGRAM, LayoutRepository(str(tmp_path / f"{name}.oci"))
        ).digest
        for name in ("one", "other")
    }
    assert len(digests) == 1
    assert str(manifests_artifact(PROGRAM)) == "flux-local/manifests/kwok:0.8.0"
