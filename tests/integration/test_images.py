# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Programs out of images: of a real registry, in the shapes of the official ones; and mirrors of them."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.layout import LayoutRepository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import parse_image
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.cache import run as install
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.mirror import run as mirror
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import cached, parse_program
from ansible_collections.gitops.flux_local.tests.integration import official_images as official

pytestmark = pytest.mark.skipif(
    (platform.system(), platform.machine()) != ("Linux", "x86_64"),
    reason="the images pushed are for linux-amd64",
)
TABLE = official.TABLE
ROWS = {row["name"]: row for row in TABLE}
ENTRIES = {row["name"]: row for row in [*TABLE, *official.MANIFESTS]}
OFFICIAL = ("registry.k8s.io", "ghcr.io", "docker.io")
WITH_MANIFESTS = [row["name"] for row in TABLE if row.get("manifests")]


def image_of(row: dict[str, Any]) -> str:
    return str(row["image"].replace("{version}", row["version"]))


def manifests_of(name: str, cache: Path, platform: str = official.PLATFORM) -> Path:
    """Where the cache keeps a program's manifests."""
    place = cached(cache, parse_program(ENTRIES[name]), platform)
    assert place.manifests
    return place.manifests


def own_manifests(cache: Path) -> None:
    """Have the cache hold manifests, as if the programs had been installed for another platform."""
    for row in [*TABLE, *official.MANIFESTS]:
        for each in row.get("manifests", []):
            folder = manifests_of(row["name"], cache, "linux-arm64") / each["to"]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "some.yaml").write_text(f"kind: {row['name']}\n")


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def host(binary: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry with the images of all programs, which are scripts that answer as these do."""
    with official.registry(binary("registry"), tmp_path_factory.mktemp("registry")) as address:
        for number, row in enumerate(TABLE):
            official.push_official(
                address, row, official.stand_in(row), official.SHAPES[number % len(official.SHAPES)]
            )
        yield address


@pytest.fixture
def empty_host(binary: Callable[[str], str], tmp_path: Path) -> Iterator[str]:
    with official.registry(binary("registry"), tmp_path / "registry") as address:
        yield address


class Machine:
    """A cache, and the modules and the role at work on it."""

    def __init__(self, root: Path):
        self.root, self.cache = root, root / "cache/flux-local"
        self.warnings: list[str] = []

    def install(self, row: dict[str, Any], **options: Any) -> dict[str, Any]:
        wanted = {
            "program": row,
            "method": "image",
            "cache_dir": str(self.cache),
            "modules_dir": str(official.ROLE / "files/modules"),
            **options,
        }
        return install(wanted, check_mode=False, warn=self.warnings.append)

    def mirror(
        self, target: str, *, check_mode: bool = False, names: list[str] | None = None, **options: Any
    ):
        wanted = {
            "target": target,
            "target_connection": None,
            "digests": {},
            "platforms": ["linux-amd64"],
            "programs": TABLE,
            "names": names or [],
            "cache_dir": str(self.cache),
            "modules_dir": str(official.ROLE / "files/modules"),
            **options,
        }
        return mirror(wanted, check_mode=check_mode)

    def role(self, *, path: str = "", module_proxy: str = "", tasks: str = "main.yml", **options: Any) -> str:
        """What a playbook with the role prints."""
        playbook = self.root / "playbook.yml"
        playbook.write_text(
            json.dumps(
                [
                    {
                        "hosts": "localhost",
                        "connection": "local",
                        "gather_facts": False,
                        "vars": {"ansible_python_interpreter": sys.executable},
                        "tasks": [
                            {
                                "ansible.builtin.include_role": {
                                    "name": "gitops.flux_local.binaries",
                                    "tasks_from": tasks,
                                }
                            }
                        ],
                    }
                ]
            )
        )
        extra = {f"binaries_{name}": value for name, value in options.items()} | {
            "binaries_cache_dir": str(self.cache)
        }
        return subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), playbook, "--extra-vars", json.dumps(extra)],
            env={**os.environ, "PATH": path or os.environ["PATH"], "GOPROXY": module_proxy},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=180,
            check=False,
        ).stdout


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def path_without_go(tmp_path: Path) -> str:
    tool = tmp_path / "bin/go"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nexit 1\n")
    tool.chmod(0o755)
    return f"{tool.parent}:{os.environ['PATH']}"


def recap(output: str) -> tuple[int, int]:
    """How many tasks changed something, and how many failed."""
    found = re.search(r"changed=(\d+) .*failed=(\d+)", output)
    assert found, output
    return int(found[1]), int(found[2])


def sentences(output: str) -> str:
    return " ".join(output.split())


@pytest.mark.parametrize("shape", official.SHAPES)
def test_a_real_program_is_taken_out_of_an_image_of_every_shape(binary, empty_host, machine, shape):
    row, program = ROWS["etcd"], Path(binary("etcd"))
    official.push_official(empty_host, row, program, shape)
    result = machine.install(row, mirror=empty_host)
    assert result["changed"]
    assert (
        hashlib.sha256(Path(result["program"]).read_bytes()).digest()
        == hashlib.sha256(program.read_bytes()).digest()
    )
    assert os.access(result["program"], os.X_OK)
    assert not machine.install(row, mirror=empty_host)["changed"]
    assert not list((machine.cache / ".partial").iterdir())


@pytest.mark.parametrize("compression", ["gzip", "none"])
@pytest.mark.parametrize("has_index", [True, False])
def test_layers_and_indexes_may_be_as_they_like(empty_host, machine, compression, has_index):
    row = ROWS["etcd"]
    image = parse_image(image_of(row))
    official.push_image(
        official.located(empty_host, image),
        image.tag,
        official.shape("static", row["path"], official.stand_in(row)),
        has_index=has_index,
        compression=compression,
    )
    assert machine.install(row, registries={"registry.k8s.io": empty_host})["changed"]


def test_an_image_may_be_pinned_to_its_digest(empty_host, machine):
    row = ROWS["etcd"]
    pushed = official.push_official(empty_host, row, official.stand_in(row))
    official.push_official(empty_host, row, official.stand_in(row, "9.9.9"))
    pinned = {**row, "image": f"{row['image']}@{pushed.digest}"}
    with pytest.raises(LoopError, match=r"/usr/local/bin/etcd of registry\.k8s\.io/etcd:3\.6\.8-0 answers"):
        machine.install(row, mirror=empty_host)
    assert machine.install(pinned, mirror=empty_host)["changed"]


def test_a_tag_that_moved_since_it_was_first_pulled_is_refused(empty_host, machine):
    row = ROWS["etcd"]
    official.push_official(empty_host, row, official.stand_in(row))
    installed = Path(machine.install(row, mirror=empty_host)["program"])
    pushed(empty_host, row, compression="none")
    installed.unlink()
    with pytest.raises(LoopError, match=r"somebody has moved the tag.*digests\.json.*binaries_digests"):
        machine.install(row, mirror=empty_host)
    assert not installed.exists()
    (machine.cache / "digests.json").unlink()
    assert machine.install(row, mirror=empty_host)["changed"]


# --- bad input


def pushed(host: str, row: dict[str, Any], **options: Any) -> None:
    image = parse_image(image_of(row))
    layers = options.pop("layers", official.shape("static", row["path"], official.stand_in(row)))
    official.push_image(official.located(host, image), image.tag, layers, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"platforms": ["linux-arm64", "linux-s390x"]},
            r"It is for linux-arm64, linux-s390x, not for linux-amd64",
        ),
        ({"platforms": ["linux-arm64"], "has_index": False}, r"It is for linux-arm64, not for linux-amd64"),
        ({"compression": "zstd"}, r"compressed with zstd, .* Install the Python library zstandard"),
        (
            {"layers": [[official.Member("opt/etcd", b"")]]},
            r"It has no file /usr/local/bin/etcd \(it has /opt/etcd\)",
        ),
        ({"layers": [[official.Member("etc/os", b"")]]}, r"no file .* \(none of its 1 layers has one\)"),
        (
            {
                "layers": official.shape(
                    "static", ROWS["etcd"]["path"], official.stand_in(ROWS["etcd"], "3.4.30")
                )
            },
            (
                r"of registry\.k8s\.io/etcd:3\.6\.8-0 answers --version with 'etcd Version: 3\.4\.30'.*"
                r"127\.0\.0\.1:\d+ holds another program under this name: have it hold etcd 3\.6\.8"
            ),
        ),
    ],
)
def test_an_image_that_does_not_have_the_program_is_an_error(empty_host, machine, options, message):
    pushed(empty_host, ROWS["etcd"], **options)
    with pytest.raises(LoopError, match=f"(?s){message}"):
        machine.install(ROWS["etcd"], mirror=empty_host)
    assert not (machine.cache / "etcd").exists()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("registry.k8s.io/etcd:9.9.9", "lacks registry.k8s.io/etcd:9.9.9"),
        (
            f"registry.k8s.io/etcd:3.6.8-0@sha256:{'0' * 64}",
            f"lacks registry.k8s.io/etcd:3.6.8-0@sha256:{'0' * 64}",
        ),
        ("registry.k8s.io/etcd", "'registry.k8s.io/etcd' is no image. It has to be host/repository:tag"),
        ("registry.k8s.io/etcd:3.6.8-0@sha256:abc", "is no image"),
    ],
)
def test_an_image_that_does_not_exist_is_an_error(host, machine, image, message):
    with pytest.raises(LoopError, match=re.escape(message)):
        machine.install({**ROWS["etcd"], "image": image}, mirror=host)


@pytest.mark.parametrize("what", ["blob", "manifest"])
def test_a_registry_that_lies_is_found_out(binary, machine, tmp_path, what):
    with official.registry(binary("registry"), tmp_path / "registry") as host:
        row = ROWS["etcd"]
        pushed(
            host, row, layers=official.shape("static", row["path"], official.stand_in(row)), has_index=False
        )
        manifest = official.located(host, image_of(row)).manifest("3.6.8-0")
        assert manifest is not None
        digest = manifest.digest if what == "manifest" else manifest.layers[0].digest
        stored = (
            tmp_path / "registry/store/docker/registry/v2/blobs/sha256" / digest[7:9] / digest[7:] / "data"
        )
        stored.write_bytes(stored.read_bytes()[:-1] + b"!")
        with pytest.raises(LoopError, match=r"should have the digest|damaged|refuses to read|fails"):
            machine.install(row, mirror=host, connection={"timeout": 1})
    assert not (machine.cache / "etcd").exists()


# --- the role


def test_a_mirror_that_lacks_programs_is_an_error_naming_them_all_and_nothing_is_installed(
    empty_host, machine
):
    official.push_official(empty_host, ROWS["etcd"], official.stand_in(ROWS["etcd"]))
    output = machine.role(
        source="image", mirror=empty_host, programs=["etcd", "flux", "kube-apiserver", "registry"]
    )
    assert recap(output) == (0, 1)
    said = sentences(output)
    for image in ("ghcr.io/fluxcd/flux-cli:v2.9.5", "registry.k8s.io/kube-apiserver:v1.36.3"):
        assert f"lacks {image}" in said
    assert "Fill the mirror (playbooks/mirror.yml)" in said
    assert not machine.cache.exists()


def connections(listener: socket.socket) -> int:
    """How many connections were made to somebody who has not looked."""
    listener.setblocking(False)
    made = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
            made += 1
    return made


def test_auto_takes_what_there_is_and_asks_a_dead_registry_once(host, machine, path_without_go):
    row = ROWS["etcd"]
    folder = machine.root / "folder"
    folder.mkdir()
    (folder / "etcd").write_bytes(official.stand_in(row))
    (folder / "etcd").chmod(0o755)
    with socket.socket() as silent:  # accepts connections, and never answers
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        dead = f"127.0.0.1:{silent.getsockname()[1]}"
        output = machine.role(
            path=path_without_go,
            folder=str(folder),
            programs=["etcd", "kube-apiserver", "kube-scheduler", "flux", "registry"],
            registries={"registry.k8s.io": dead, "ghcr.io": host, "docker.io": host},
        )
        times = connections(silent)
    said = sentences(output)
    assert recap(output) == (0, 1)
    assert "Not from images but with Go: kube-apiserver, kube-scheduler: the registry 127.0.0.1" in said
    assert "Go 1.26 or later is needed to build kube-apiserver, kube-scheduler, and" in said
    assert times == 1


def test_images_fill_the_cache_without_go(host, machine, path_without_go):
    registries = dict.fromkeys(OFFICIAL, host)
    programs = [row["name"] for row in TABLE if not row.get("manifests")]
    first = machine.role(path=path_without_go, source="image", registries=registries, programs=programs)
    assert recap(first) == (len(programs), 0)
    assert "Take out of its image kube-apiserver 1.36.3 (1 of 6), log in" in first
    again = machine.role(path=path_without_go, source="image", registries={}, programs=programs)
    assert recap(again) == (0, 0)


@pytest.fixture
def module_proxy() -> Iterator[str]:
    """A proxy with the modules that have manifests: Go keeps what it fetched laid out as one."""
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": ""}
    for name in WITH_MANIFESTS:
        subprocess.run(
            [
                "go",
                "mod",
                "download",
                "-C",
                official.ROLE / "files/modules" / ROWS[name]["module"],
                ROWS[name]["source"],
            ],
            env=environment,
            check=True,
        )
    kept = subprocess.run(["go", "env", "GOMODCACHE"], capture_output=True, text=True, check=True)
    answers = functools.partial(SimpleHTTPRequestHandler, directory=f"{kept.stdout.strip()}/cache/download")
    with ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_nothing_needs_go_where_a_module_proxy_has_the_manifests(
    host, machine, path_without_go, module_proxy
):
    registries = dict.fromkeys(OFFICIAL, host)
    output = machine.role(
        path=path_without_go, module_proxy=module_proxy, source="image", registries=registries
    )
    assert recap(output) == (len(TABLE), 0), output
    for name in WITH_MANIFESTS:
        kept = manifests_of(name, machine.cache)
        for manifests in ROWS[name]["manifests"]:
            kinds = [
                yaml.safe_load(file.read_text())["kind"] for file in (kept / manifests["to"]).glob("*.yaml")
            ]
            assert kinds
            assert "Kustomization" not in kinds


def test_manifests_that_neither_mirror_nor_go_has_are_named_before_anything_is_installed(
    host, machine, path_without_go
):
    output = machine.role(path=path_without_go, source="image", mirror=host)
    assert recap(output) == (0, 1)
    assert (
        "Go 1.26 or later is needed to fetch the manifests, which images do not have, of "
        f"{', '.join(WITH_MANIFESTS)}" in sentences(output)
    )
    assert not machine.cache.exists()


# --- mirrors


def test_a_folder_serves_a_machine_that_has_nothing(host, machine, path_without_go, tmp_path, empty_host):
    """Registry to folder, folder to registry; from both, everything is installed without Go."""
    own_manifests(machine.cache)
    folder = tmp_path / "carried"
    filled = machine.role(
        tasks="mirror.yml", path=path_without_go, registries=dict.fromkeys(OFFICIAL, host),
        mirror_target=str(folder),
    )  # fmt: skip
    assert recap(filled) == (1, 0)
    assert len(LayoutRepository(str(folder)).tags()) == len([*TABLE, *WITH_MANIFESTS, *official.MANIFESTS])

    shutil.rmtree(machine.cache)
    first = machine.role(path=path_without_go, source="image", mirror=str(folder))
    assert recap(first) == (len(TABLE), 0), first
    for name in WITH_MANIFESTS:
        kept = manifests_of(name, machine.cache)
        assert set(files(kept)) == {f"{each['to']}/some.yaml" for each in ROWS[name]["manifests"]}
    installed = files(machine.cache)

    shutil.rmtree(machine.cache)
    again = machine.role(
        tasks="mirror.yml", path=path_without_go, mirror=str(folder), mirror_target=f"{empty_host}/flux/local"
    )
    assert recap(again) == (1, 0)
    second = machine.role(path=path_without_go, source="image", mirror=f"{empty_host}/flux/local")
    assert recap(second) == (len(TABLE), 0)
    logs = re.compile(r"logs/")
    assert {k: v for k, v in files(machine.cache).items() if not logs.match(k)} == {
        k: v for k, v in installed.items() if not logs.match(k)
    }


@pytest.mark.parametrize("to", ["folder", "registry"])
def test_filling_a_mirror_again_sends_nothing(host, machine, tmp_path, empty_host, to):
    own_manifests(machine.cache)
    target = str(tmp_path / "carried") if to == "folder" else empty_host
    predicted = machine.mirror(target, check_mode=True, registries=dict.fromkeys(OFFICIAL, host))
    assert predicted["changed"]
    assert not (tmp_path / "carried").exists()
    first = machine.mirror(target, registries=dict.fromkeys(OFFICIAL, host))
    again = machine.mirror(target, registries=dict.fromkeys(OFFICIAL, host))
    assert first["changed"]
    assert not again["changed"]
    assert [each["digest"] for each in again["images"]] == [each["digest"] for each in first["images"]]
    assert all(each["copied_blobs"] == 0 for each in again["images"])


def test_what_a_mirror_lost_is_sent_again_and_nothing_else(host, machine, tmp_path):
    own_manifests(machine.cache)
    folder = tmp_path / "carried"
    options = {"registries": dict.fromkeys(OFFICIAL, host), "names": ["etcd"]}
    machine.mirror(str(folder), **options)
    layout = LayoutRepository(str(folder))
    index = layout.manifest(image_of(ROWS["etcd"]))
    assert index is not None
    held = layout.manifest(index.parts[0])
    assert held is not None
    lost = held.layers[0]
    path = folder / "blobs/sha256" / lost.digest.removeprefix("sha256:")
    path.unlink()
    healed = machine.mirror(str(folder), **options)
    assert [(each["copied_blobs"], each["copied_bytes"]) for each in healed["images"]] == [(1, lost.size)]
    assert path.exists()


def test_a_mirror_of_two_platforms_has_both_and_no_attestations(empty_host, machine, tmp_path):
    row = ROWS["etcd"]
    pushed(empty_host, row, platforms=["linux-s390x", "linux-arm64", "linux-amd64"])
    folder = str(tmp_path / "carried")
    machine.mirror(
        folder,
        names=["etcd"],
        registries={"registry.k8s.io": empty_host},
        platforms=["linux/amd64", "linux-arm64"],
    )
    held = LayoutRepository(folder).manifest("registry.k8s.io/etcd:3.6.8-0")
    assert held is not None
    assert len(held.parts) == 2
    everything = machine.mirror(
        folder, names=["etcd"], registries={"registry.k8s.io": empty_host}, platforms=["all"]
    )
    original = official.located(empty_host, image_of(row)).manifest("3.6.8-0")
    assert original is not None
    assert everything["images"][0]["digest"] == original.digest
    assert machine.install(row, mirror=folder)["changed"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"names": ["etcd"], "platforms": ["linux-arm64"]},
            r"etcd: .* is for linux-amd64, not for linux-arm64",
        ),
        ({"names": ["etcd"], "platforms": ["windows"]}, r"platforms: windows is no platform"),
        ({"names": ["etcd"], "platforms": []}, r"platforms: nothing is no platform"),
        (
            {"names": ["etcd"], "target": "https://example.com"},
            r"mirror: 'https://example.com' is no place for",
        ),
        ({"names": ["etcd"], "target": ""}, r"target: name the mirror to fill"),
        (
            {"registries": {"registry.k8s.io": "127.0.0.1:1"}, "names": ["etcd", "kube-scheduler"]},
            r"kube-scheduler, etcd: the registry 127\.0\.0\.1:1 cannot be reached",
        ),
    ],
)
def test_a_mirror_that_cannot_be_filled_is_an_error(host, machine, tmp_path, options, message):
    target = options.pop("target", str(tmp_path / "carried"))
    options = {"registries": {"registry.k8s.io": host}, **options}
    with pytest.raises(LoopError, match=message):
        machine.mirror(target, **options)
    assert not (tmp_path / "carried").exists()


def test_manifests_that_are_nowhere_are_named_when_a_mirror_is_filled(host, machine, tmp_path, monkeypatch):
    monkeypatch.delenv("GOPROXY", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(
        LoopError, match=f"The manifests of {', '.join(WITH_MANIFESTS)} are neither in a mirror"
    ):
        machine.mirror(str(tmp_path / "carried"), registries=dict.fromkeys(OFFICIAL, host))
    assert not (tmp_path / "carried").exists()
