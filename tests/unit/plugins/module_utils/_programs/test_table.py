# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.table import (
    ManifestFolder,
    Program,
    cached,
    flat,
    last_lines,
    log_file,
    parse_program,
    platform_name,
    proves_version,
    recorded_version,
    select,
)

ROLE = Path(__file__).parents[5] / "roles/binaries"
TABLE = yaml.safe_load((ROLE / "vars/main.yml").read_text())["__binaries_programs"]
NAMES = ["kube-apiserver", "etcd", "kwok"]


def entry(**changes):
    return {
        "name": "etcd",
        "version": "3.6.8",
        "module": "etcd",
        "source": "go.etcd.io/etcd/server/v3",
        "package": "go.etcd.io/etcd/server/v3",
        "check_text": "etcd Version: {version}",
        **changes,
    }


def named(name: str) -> Program:
    return parse_program(entry(name=name))


def test_an_entry_has_its_version_filled_in():
    program = parse_program(
        entry(ldflags="-X main.VERSION=v{version}", manifests=[{"from": "config/crd", "to": "crds"}])
    )
    assert program.ldflags == "-X main.VERSION=v3.6.8"
    assert program.check_text == "etcd Version: 3.6.8"
    assert program.check_arguments == ("--version",)
    assert program.manifests == (ManifestFolder("config/crd", "crds"),)


def test_an_entry_may_have_none_where_a_module_got_no_value():
    assert parse_program(entry(ldflags=None, embeds=None, manifests=None)) == parse_program(entry())


def test_an_entry_without_what_is_required_is_an_error_naming_it():
    with pytest.raises(LoopError, match="The program etcd lacks version, package"):
        parse_program(entry(version="", package=None))


@pytest.mark.parametrize(
    ("names", "selected"), [([], NAMES), (["kwok", "kube-apiserver"], ["kube-apiserver", "kwok"])]
)
def test_programs_are_selected_in_the_order_of_the_table(names, selected):
    assert [each.name for each in select([named(name) for name in NAMES], names)] == selected


def test_selecting_an_unknown_program_is_an_error_naming_the_known_ones():
    with pytest.raises(LoopError, match=r"no program etcdd, kubelet\. There are kube-apiserver, etcd, kwok"):
        select([named(name) for name in NAMES], ["kubelet", "etcd", "etcdd"])


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [
        ("Linux", "x86_64", "linux-amd64"),
        ("Linux", "aarch64", "linux-arm64"),
        ("Darwin", "arm64", "darwin-arm64"),
        ("Darwin", "x86_64", "darwin-amd64"),
    ],
)
def test_a_platform_has_the_name_that_go_gives_it(system, machine, name):
    assert platform_name(system, machine) == name


def test_manifests_without_a_program():
    alone = {
        "name": "crds",
        "version": "1",
        "module": "m",
        "source": "s",
        "manifests": [{"from": "a", "to": "b"}],
    }
    program = parse_program(alone)
    assert not program.has_program
    assert cached(Path("/c"), program, "linux-amd64").as_fact(program) == {
        "program": "",
        "version": "1",
        "manifests": "/c/crds/1/linux-amd64/manifests",
    }
    assert select([named("etcd"), program], []) == [named("etcd")]
    assert select([named("etcd"), program], ["crds"]) == [program]
    with pytest.raises(LoopError, match="lacks package, check_text"):
        parse_program({**alone, "manifests": []})


@pytest.mark.parametrize(("system", "machine"), [("Windows", "AMD64"), ("Linux", "riscv64"), ("", "")])
def test_another_platform_is_an_error(system, machine):
    with pytest.raises(LoopError, match="not supported"):
        platform_name(system, machine)


def test_places_in_the_cache_and_in_a_flat_folder():
    crds = parse_program(entry(manifests=[{"from": "a", "to": "crds"}, {"from": "b", "to": "crds"}]))
    assert crds.targets == ("crds",)
    assert cached(Path("/c"), crds, "linux-amd64").as_fact(crds) == {
        "program": "/c/etcd/3.6.8/linux-amd64/etcd",
        "version": "3.6.8",
        "manifests": "/c/etcd/3.6.8/linux-amd64/manifests",
    }
    assert flat(Path("/f"), crds).as_fact(crds) == {
        "program": "/f/etcd",
        "version": "3.6.8",
        "manifests": "/f/manifests/etcd",
    }
    assert cached(Path("/c"), named("etcd"), "linux-amd64").as_fact(named("etcd"))["manifests"] == ""
    again = parse_program(entry(build=2))
    assert cached(Path("/c"), again, "linux-amd64").as_fact(again) == {
        "program": "/c/etcd/3.6.8-2/linux-amd64/etcd",
        "version": "3.6.8",
        "manifests": "",
    }
    assert log_file(Path("/c"), crds) == Path("/c/logs/etcd-3.6.8.log")


@pytest.mark.parametrize(
    "output",
    ["etcd Version: 3.6.8\nGit SHA: Not provided\n", "etcd Version: 3.6.8", "etcd Version: 3.6.8. Enjoy"],
)
def test_a_program_that_prints_its_check_text_proves_its_version(output):
    assert proves_version(named("etcd"), output)


@pytest.mark.parametrize("suffix", ["0", ".1", "-rc.0", "+k3s1", "a"])
def test_a_longer_version_is_another_version(suffix):
    assert not proves_version(named("etcd"), f"etcd Version: 3.6.8{suffix}\n")


@pytest.mark.parametrize(
    ("record", "version"),
    [
        (b"path\tx/y\nmod\tx/y\tv1.9.5\th1:abc=\ndep\tx/y/api\tv1.0.0\th1:x=\n", "1.9.5"),
        (b"mod\tmine\t(devel)\t\ndep\tx/y\tv1.9.5\n", "1.9.5"),
        (b"mod\tx/y\t(devel)\t\n", ""),
        (b"mod\tx/yz\tv1.9.5\t\n", ""),
        (b"#!/bin/sh\n", ""),
    ],
)
def test_the_version_that_go_recorded_is_that_of_the_module_itself(record, version):
    assert recorded_version(b"\x7fELF\x00\xff" + record + b"\x00", "x/y") == version


@given(st.lists(st.text(alphabet="ab ", min_size=1).filter(str.strip), max_size=40), st.integers(1, 20))
def test_the_last_lines_are_the_end_of_the_log(lines, count):
    quoted = last_lines("\n".join(lines), count)
    assert len(quoted.splitlines()) == min(len(lines), count)
    assert quoted in "\n".join(lines)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["name"])
def test_the_table_names_the_version_that_its_go_mod_pins(row):
    program = parse_program(row)
    pins = ROLE / "files/modules" / program.module
    pinned = rf"{re.escape(program.source)} v{re.escape(program.version)}"
    assert re.search(rf"^(?:require )?\s*{pinned}\b", (pins / "go.mod").read_text(), re.MULTILINE)
    assert re.search(rf"^{pinned} h1:", (pins / "go.sum").read_text(), re.MULTILINE)


def test_the_kubernetes_programs_are_of_one_version():
    assert len({row["version"] for row in TABLE if row["module"] == "kubernetes"}) == 1
