# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.go_method import (
    GoMethod,
    build_command,
    go_environment,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import (
    ManifestFolder,
    Place,
    Program,
    parse_program,
)
from ansible_collections.gitops.flux_local.tests.unit.fakes.programs import ETCD

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
        if self.build_status < 0:
            raise subprocess.TimeoutExpired(command, -self.build_status)
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
        ({"build_status": -9}, r"kwok 0\.8\.0: Go was ended after 9 s\. Mend what the log names"),
        ({"version": "v0.7.0"}, "go.mod pins sigs.k8s.io/kwok v0.7.0, not v0.8.0"),
    ],
)
def test_a_build_that_fails_says_what_failed(tmp_path, go_module, go, message):
    method = GoMethod(tmp_path / "modules", PLATFORM, FakeGo(go_module, **go))
    with pytest.raises(LoopError, match=message):
        method.obtain(KWOK, into(tmp_path), tmp_path, io.StringIO())


def test_go_keeps_the_users_network_and_caches_and_nothing_that_changes_what_is_built():
    inherited = {
        "GOPROXY": "https://proxy.example.org",
        "GOMODCACHE": "/m",
        "GOFLAGS": "-race",
        "GOOS": "plan9",
        "GOWORK": "/w/go.work",
        "GOEXPERIMENT": "nodwarf5",
        "GOSUMDB": "off",
        "GODEBUG": "x509sha1=1",
        "CGO_ENABLED": "1",
        "HTTPS_PROXY": "http://proxy.example.org:3128",
        "PYTHONPATH": "/p",
    }
    environment = go_environment(inherited, "linux-arm64", Path("/s"))
    assert environment.pop("NO_PROXY") == environment.pop("no_proxy")
    assert environment == {
        "CGO_ENABLED": "0",
        "GOARCH": "arm64",
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOMODCACHE": "/m",
        "GOOS": "linux",
        "GOPROXY": "https://proxy.example.org",
        "GOSUMDB": "off",
        "GOTMPDIR": "/s",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "HTTPS_PROXY": "http://proxy.example.org:3128",
    }


def test_a_build_has_the_flags_that_let_programs_share_their_compiled_packages():
    program = parse_program({**ETCD, "ldflags": "-X main.VERSION={version}"})
    assert build_command(program, Path("/m/etcd"), Path("/o/etcd")) == [
        "go",
        "build",
        "-C",
        "/m/etcd",
        "-v",
        "-trimpath",
        "-ldflags",
        "-s -w -X main.VERSION=3.6.8",
        "-o",
        "/o/etcd",
        "go.etcd.io/etcd/server/v3",
    ]
    assert "-s -w" in build_command(parse_program(ETCD), Path("/m"), Path("/o"))
