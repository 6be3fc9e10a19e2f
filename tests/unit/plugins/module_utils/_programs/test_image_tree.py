# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import gzip
import io
import os
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._programs.image_tree import (
    Content,
    Member,
    Tree,
    copy_content,
    members,
    uncompress,
)

NAMES = ["a", "b", "c"]


def file(name: str, number: int = 0) -> Member:
    return Member(name, "file", content=Content(0, number, 1))


def folder(name: str) -> Member:
    return Member(name, "folder")


def symlink(name: str, target: str) -> Member:
    return Member(name, "symlink", target)


def hardlink(name: str, target: str) -> Member:
    return Member(name, "hardlink", target)


def tree(*layers: list[Member]) -> Tree:
    whole = Tree()
    for layer in layers:
        whole.add(layer)
    return whole


def number_of(whole: Tree, path: str) -> int | None:
    content = whole.find(path)
    return content.offset if content else None


@pytest.mark.parametrize(
    ("layers", "path", "number"),
    [
        pytest.param([[file("bin/etcd", 1)]], "/bin/etcd", 1, id="one static layer"),
        pytest.param([[file("./bin/etcd", 1)]], "/bin/etcd", 1, id="names may begin with ./"),
        pytest.param([[file("/bin/etcd", 1)]], "/bin/etcd", 1, id="and with /"),
        pytest.param([[file("bin/sh", 1)], [file("bin/etcd", 2)]], "/bin/etcd", 2, id="layers add up"),
        pytest.param([[file("bin/etcd", 1)], [file("bin/etcd", 2)]], "/bin/etcd", 2, id="the upper wins"),
        pytest.param(
            [[file("bin/etcd", 1)], [file("bin/.wh.etcd")]], "/bin/etcd", None, id="a whiteout hides"
        ),
        pytest.param(
            [[file("bin/etcd", 1)], [file("bin/.wh.etcd"), file("bin/etcd", 2)]],
            "/bin/etcd",
            2,
            id="what is in the whiteout's own layer stays",
        ),
        pytest.param(
            [[file("bin/etcd", 1)], [file("bin/etcd", 2), file("bin/.wh.etcd")]],
            "/bin/etcd",
            2,
            id="in whatever order",
        ),
        pytest.param([[file("bin/etcd", 1)], [file(".wh.bin")]], "/bin/etcd", None, id="of a whole folder"),
        pytest.param(
            [[file("bin/etcd", 1)], [file("bin/sh", 2), file("bin/.wh..wh..opq")]],
            "/bin/etcd",
            None,
            id="an opaque folder hides all below it",
        ),
        pytest.param(
            [[file("bin/etcd", 1)], [file("bin/sh", 2), file("bin/.wh..wh..opq")]],
            "/bin/sh",
            2,
            id="and nothing in it",
        ),
        pytest.param([[file("bin/etcd", 1)], [file("bin", 2)]], "/bin/etcd", None, id="a file for a folder"),
        pytest.param([[file("bin", 1)], [file("bin/etcd", 2)]], "/bin/etcd", 2, id="a folder for a file"),
        pytest.param([[file("bin/etcd", 1)], [folder("bin")]], "/bin/etcd", 1, id="a folder for a folder"),
        pytest.param(
            [[folder("usr/bin"), symlink("bin", "usr/bin")], [file("usr/bin/registry", 1)]],
            "/bin/registry",
            1,
            id="behind a link of a folder",
        ),
        pytest.param(
            [[folder("usr/bin"), symlink("bin", "/usr/bin")], [file("bin/registry", 1)]],
            "/usr/bin/registry",
            1,
            id="put through a link of a folder",
        ),
        pytest.param(
            [[symlink("bin", "usr/bin"), file("usr/bin/registry", 1)], [file("bin/.wh.registry")]],
            "/usr/bin/registry",
            None,
            id="a whiteout through a link",
        ),
        pytest.param(
            [[symlink("bin", "usr/bin"), file("usr/bin/sh", 1)], [folder("bin"), file("bin/sh", 2)]],
            "/usr/bin/sh",
            1,
            id="a folder takes the place of a link",
        ),
        pytest.param(
            [[file("usr/bin/etcd-3.6", 1), symlink("bin/etcd", "../usr/bin/etcd-3.6")]],
            "/bin/etcd",
            1,
            id="a relative link",
        ),
        pytest.param(
            [[file("etcd-3.6", 1), symlink("a", "b"), symlink("b", "/etcd-3.6")]],
            "/a",
            1,
            id="links in a row",
        ),
        pytest.param([[symlink("a", "b"), symlink("b", "a")]], "/a", None, id="links in circles"),
        pytest.param([[symlink("a", "nowhere")]], "/a", None, id="a link to nothing"),
        pytest.param([[file("etcd", 1), symlink("a", "../../../etcd")]], "/a", 1, id="no link leads out"),
        pytest.param([[file("../../etcd", 1)]], "/etcd", 1, id="no name leads out"),
        pytest.param([[file("x", 1), hardlink("bin/etcd", "x")]], "/bin/etcd", 1, id="a hard link"),
        pytest.param([[file("x", 1)], [hardlink("y", "x")]], "/y", 1, id="to a file of a lower layer"),
        pytest.param(
            [[file("x", 1), hardlink("y", "x")], [file(".wh.x")]],
            "/y",
            1,
            id="which outlives what it links to",
        ),
        pytest.param([[file("x", 1)], [Member("x", "other")]], "/x", None, id="a device is no program"),
        pytest.param([[folder("bin/etcd")]], "/bin/etcd", None, id="nor is a folder"),
        pytest.param([[folder("./"), folder("/")]], "/bin/etcd", None, id="the root is a folder"),
    ],
)
def test_a_program_is_found_as_a_container_would_see_it(layers, path, number):
    assert number_of(tree(*layers), path) == number


def test_a_hard_link_to_nothing_is_an_error():
    with pytest.raises(LoopError, match="bin/etcd is a hard link to nowhere, which is not there"):
        tree([hardlink("bin/etcd", "nowhere")])


def test_files_of_a_name_are_named():
    whole = tree([file("usr/bin/etcd"), file("opt/etcd"), folder("etc/etcd")])
    assert whole.named("etcd") == ["/opt/etcd", "/usr/bin/etcd"]


# --- against the simplest model there is: layers as nested dictionaries, laid over each other

Nested = dict[str, Any]  # a number for a file, or a dictionary for a folder

trees = st.recursive(
    st.dictionaries(st.sampled_from(NAMES), st.integers(0, 99), max_size=3),
    lambda below: st.dictionaries(st.sampled_from(NAMES), st.one_of(st.integers(0, 99), below), max_size=3),
    max_leaves=12,
)
layers_of_a_model = st.lists(
    st.tuples(
        trees,
        st.sets(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(tuple), max_size=3),
        st.sets(st.lists(st.sampled_from(NAMES), max_size=2).map(tuple), max_size=2),
    ),
    max_size=4,
)


def at(nested: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        if not isinstance(nested, dict) or part not in nested:
            return None
        nested = nested[part]
    return nested


def overlaid(below: Nested, above: Nested) -> Nested:
    whole = dict(below)
    for name, node in above.items():
        both = isinstance(node, dict) and isinstance(whole.get(name), dict)
        whole[name] = overlaid(whole[name], node) if both else node
    return whole


def modelled(layers) -> Nested:
    whole: Nested = {}
    for added, whiteouts, opaques in layers:
        for path in opaques:
            if isinstance(hidden := at(whole, path), dict):
                hidden.clear()
        for path in whiteouts:
            if isinstance(parent := at(whole, path[:-1]), dict):
                parent.pop(path[-1], None)
        whole = overlaid(whole, added)
    return whole


def files_of(nested: Nested, path: str = "") -> dict[str, int]:
    found: dict[str, int] = {}
    for name, node in nested.items():
        found |= files_of(node, f"{path}/{name}") if isinstance(node, dict) else {f"{path}/{name}": node}
    return found


def members_of(nested: Nested, path: str = "") -> list[Member]:
    found: list[Member] = []
    for name, node in nested.items():
        if isinstance(node, dict):
            found += [folder(f"{path}{name}/"), *members_of(node, f"{path}{name}/")]
        else:
            found.append(file(f"{path}{name}", node))
    return found


@given(layers_of_a_model, st.randoms(use_true_random=False))
def test_layers_make_the_tree_that_a_naive_overlay_makes(layers, random):
    whole = Tree()
    for added, whiteouts, opaques in layers:
        hiding = [file("/".join([*path[:-1], f".wh.{path[-1]}"])) for path in whiteouts]
        hiding += [file("/".join([*path, ".wh..wh..opq"])) for path in opaques]
        # Where whiteouts are in the archive does not matter.
        archive = members_of(added)
        for each in hiding:
            archive.insert(random.randint(0, len(archive)), each)
        whole.add(archive)
    numbers = {path: number_of(whole, path) for path in whole.nodes()}
    assert numbers == files_of(modelled(layers))


# --- links against a real file system

targets = st.lists(st.sampled_from([*NAMES, "..", "."]), min_size=1, max_size=4).map("/".join)
link_trees = st.lists(
    st.tuples(
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join), st.one_of(st.none(), targets)
    ),
    max_size=8,
)


@given(link_trees, st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map("/".join))
def test_links_lead_where_the_system_leads_them(entries, asked):
    with tempfile.TemporaryDirectory() as temporary:
        # An image ends at its root, this folder does not: links that climb out of it are left out below.
        root = Path(temporary)
        whole, number = Tree(), 0
        for name, target in entries:
            path = root / name
            # Only what needs no file system's opinion on replacing: fresh names in folders that are folders.
            if any(parent.is_symlink() or parent.is_file() for parent in path.parents) or os.path.lexists(
                path
            ):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            number += 1
            if target is None:
                path.write_text(str(number))
                whole.add([file(name, number)])
            elif target.split("/").count("..") <= name.count("/"):
                path.symlink_to(target)
                whole.add([symlink(name, target)])
        here = root / asked
        expected = int(here.read_text()) if here.is_file() else None
    assert number_of(whole, asked) == expected


# --- archives


def archive_of(add) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        add(tar)
    buffer.seek(0)
    return buffer


def one_of_each(tar: tarfile.TarFile) -> None:
    for name, kind, target in [
        ("bin", tarfile.DIRTYPE, ""),
        ("bin/etcd", tarfile.REGTYPE, ""),
        ("bin/link", tarfile.SYMTYPE, "etcd"),
        ("bin/hard", tarfile.LNKTYPE, "bin/etcd"),
        ("bin/pipe", tarfile.FIFOTYPE, ""),
    ]:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        content = b"program" if kind == tarfile.REGTYPE else b""
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))


def test_the_members_of_an_archive_say_where_their_content_is():
    archive = archive_of(one_of_each)
    found = list(members(archive, 3))
    assert [(member.name, member.kind, member.target) for member in found] == [
        ("bin", "folder", ""),
        ("bin/etcd", "file", ""),
        ("bin/link", "symlink", "etcd"),
        ("bin/hard", "hardlink", "bin/etcd"),
        ("bin/pipe", "other", ""),
    ]
    content = found[1].content
    assert content is not None
    assert content.layer == 3
    into = io.BytesIO()
    copy_content(archive, content, into)
    assert into.getvalue() == b"program"


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_layer_is_what_it_begins_with(compress):
    into = io.BytesIO()
    uncompress(io.BytesIO(compress(archive_of(one_of_each).getvalue())), into)
    assert [member.name for member in members(into, 0)][1] == "bin/etcd"


def test_a_layer_that_python_cannot_read_is_an_error_that_says_what_to_do(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "zstandard", None)
    monkeypatch.setitem(__import__("sys").modules, "compression.zstd", None)
    with pytest.raises(LoopError, match=r"compressed with zstd, .* Install the Python library zstandard"):
        uncompress(io.BytesIO(b"\x28\xb5\x2f\xfd\0\0\0\0"), io.BytesIO())


@pytest.mark.parametrize(
    ("blob", "message"),
    [
        (gzip.compress(b"x" * 1000, mtime=0)[:-9], "cannot be decompressed"),
        (b"\x1f\x8bnonsense", "cannot be decompressed"),
        (b"x" * 1024, "no tar archive"),
    ],
)
def test_a_damaged_layer_is_an_error(blob, message):
    def read() -> list[Member]:
        archive = io.BytesIO()
        uncompress(io.BytesIO(blob), archive)
        return list(members(archive, 0))

    with pytest.raises(LoopError, match=message):
        read()


def test_an_archive_that_ends_too_early_is_an_error():
    with pytest.raises(LoopError, match="ends in the middle"):
        copy_content(io.BytesIO(b"pro"), Content(0, 0, 7), io.BytesIO())
