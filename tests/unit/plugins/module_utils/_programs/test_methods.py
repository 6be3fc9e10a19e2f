# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.methods import (
    FolderMethod,
    GoMethod,
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


class FakeGo:
    """Leaves a program where a build says, and answers where the module is."""

    def __init__(
        self, module: Path, *, version: str = "v0.8.0", build_status: int = 0, download_status: int = 0
    ):
        self.answers = json.dumps({"Version": version, "Dir": str(module)})
        self.build_status, self.download_status = build_status, download_status
        self.commands: list[list[str]] = []
        self.embedded = ""

    def logged(self, command, environment, log):
        self.commands.append(command)
        folder = Path(command[command.index("-C") + 1])
        if (folder / "embedded.yaml").exists():
            self.embedded = (folder / "embedded.yaml").read_text()
        if self.build_status:
            log.write("main.go:1: undefined: x\n")
        else:
            Path(command[command.index("-o") + 1]).write_text("built")
        return self.build_status

    def answer(self, command, environment, timeout=None):
        self.commands.append(command)
        return self.download_status, self.answers, ""


@pytest.fixture
def go_module(tmp_path):
    module = tmp_path / "gomod/kwok@v0.8.0"
    for name in ("stage/node/ready.yaml", "stage/node/kustomization.yaml", "stage/node/README.md"):
        (module / name).parent.mkdir(parents=True, exist_ok=True)
        (module / name).write_text(name)
    for name in ("stage/pod/delete.yaml", "stage/pod/testdata/input.yaml"):
        (module / name).parent.mkdir(parents=True, exist_ok=True)
        (module / name).write_text(name)
    return module


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


def test_building_with_go_takes_the_manifests_from_the_same_module(tmp_path, go_module):
    go, target = FakeGo(go_module), into(tmp_path)
    GoMethod(tmp_path / "modules", PLATFORM, go).obtain(KWOK, target, tmp_path, io.StringIO())
    assert target.program.read_text() == "built"
    # The two folders end up in one; what is below them or belongs to kustomize does not.
    assert {path.name for path in (tmp_path / "whole/manifests").rglob("*")} == {
        "stages",
        "ready.yaml",
        "delete.yaml",
    }
    assert [command[:5] for command in go.commands] == [
        ["go", "build", "-C", str(tmp_path / "modules/kwok"), "-v"],
        ["go", "mod", "download", "-C", str(tmp_path / "modules/kwok")],
    ]


def test_a_program_that_embeds_a_file_is_built_in_a_copy_of_its_module_that_has_it(tmp_path, go_module):
    flux = Program(
        name="flux",
        version="0.8.0",
        module="flux",
        source="github.com/fluxcd/flux2/v2",
        package="./cmd/flux",
        check_text="flux version 0.8.0",
        embeds="embedded.yaml",
    )
    go_module.chmod(0o555)
    scratch = tmp_path / "scratch"
    (tmp_path / "whole").mkdir()
    go = FakeGo(go_module)
    GoMethod(tmp_path / "modules", PLATFORM, go).obtain(
        flux, Place(tmp_path / "whole/flux", None), scratch, io.StringIO()
    )
    go_module.chmod(0o755)
    assert go.embedded
    assert go.commands[-1][go.commands[-1].index("-C") + 1] == str(scratch / "module")
    assert not (go_module / "embedded.yaml").exists()


@pytest.mark.parametrize(
    ("go", "message"),
    [
        ({"build_status": 1}, "kwok 0.8.0 could not be built"),
        ({"download_status": 1}, "The Go module sigs.k8s.io/kwok could not be downloaded"),
        ({"version": "v0.7.0"}, "go.mod pins sigs.k8s.io/kwok v0.7.0, not v0.8.0"),
    ],
)
def test_a_build_that_fails_says_what_failed(tmp_path, go_module, go, message):
    method = GoMethod(tmp_path / "modules", PLATFORM, FakeGo(go_module, **go))
    with pytest.raises(LoopError, match=message):
        method.obtain(KWOK, into(tmp_path), tmp_path, io.StringIO())


def test_manifests_that_a_module_does_not_have_are_an_error(tmp_path):
    with pytest.raises(LoopError, match="nowhere is no folder"):
        copy_manifests(tmp_path / "nowhere", tmp_path / "target")
