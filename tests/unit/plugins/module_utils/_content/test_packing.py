# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import random
import socket
import tarfile
import tempfile
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils._content import packing
from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import (
    NotAnArchiveError,
    compressed,
    decompressed,
    read_tar,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import Pack, pack
from ansible_collections.gitops.flux_local.plugins.module_utils._content.tree import holds_same_content
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import printable

# Names no rule ignores: a trailing ".yaml" keeps "x.png" and ".git" out.
_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_names = st.text(
    st.characters(exclude_characters=f"/\\{_BIDI}", exclude_categories=["Cs", "Cc", "Zl", "Zp"]),
    min_size=1,
    max_size=40,
).map(lambda name: f"{name}.yaml")
_files = st.tuples(st.binary(max_size=600), st.booleans())
_trees: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.dictionaries(_names, _files, min_size=1, max_size=4),
    lambda tree: st.dictionaries(_names, st.one_of(_files, st.just({}), tree), min_size=1, max_size=4),
    max_leaves=12,
)


def write_tree(
    root: Path, tree: dict[str, Any], order: random.Random, umask: int = 0o022, mtime: int = 1
) -> None:
    root.mkdir(parents=True, exist_ok=True)
    names = list(tree)
    order.shuffle(names)
    for name in names:
        path, content = root / name, tree[name]
        if isinstance(content, dict):
            write_tree(path, content, order, umask, mtime)
            continue
        path.write_bytes(content[0])
        path.chmod((0o777 if content[1] else 0o666) & ~umask)
        os.utime(path, (mtime, mtime))


def read_tree(root: Path) -> dict[str, Any]:
    return {
        path.name: read_tree(path)
        if path.is_dir()
        else (path.read_bytes(), bool(path.stat().st_mode & 0o111))
        for path in root.iterdir()
    }


def has_files(tree: dict[str, Any]) -> bool:
    return any(not isinstance(content, dict) or has_files(content) for content in tree.values())


def is_portable(tree: dict[str, Any]) -> bool:
    """Whether no two names in a folder are the same on macOS."""
    folded = {unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold()) for name in tree}
    return len(folded) == len(tree) and all(
        is_portable(below) for below in tree.values() if isinstance(below, dict)
    )


def can_be_packed(tree: dict[str, Any]) -> bool:
    return has_files(tree) and is_portable(tree)


@given(tree=_trees.filter(can_be_packed), seed=st.integers(), umask=st.sampled_from([0o022, 0o077, 0o002]))
def test_same_content_has_the_same_digest_and_extraction_gives_it_back(tree, seed, umask):
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        write_tree(root / "one", tree, random.Random(seed))
        write_tree(root / "two", tree, random.Random(seed + 1), umask, mtime=seed % 2**31)
        with pack(str(root / "one")) as one, pack(str(root / "two")) as two:
            assert one.content_digest == two.content_digest
            with compressed(one.archive) as layer, compressed(two.archive) as other:
                assert layer.digest == other.digest
            one.extract(str(root / "back"))
        assert read_tree(root / "back") == tree


@given(tree=_trees.filter(can_be_packed), other=_trees.filter(can_be_packed))
def test_other_content_has_another_digest(tree, other):
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        write_tree(root / "one", tree, random.Random(0))
        write_tree(root / "two", other, random.Random(0))
        with pack(str(root / "one")) as one, pack(str(root / "two")) as two:
            assert (one.content_digest == two.content_digest) is (tree == other)
            assert holds_same_content(one.archive, two.archive) is (tree == other)


def members(packed: Pack) -> list[tarfile.TarInfo]:
    packed.archive.seek(0)
    with tarfile.open(fileobj=packed.archive) as tar:
        return tar.getmembers()


def names(packed: Pack) -> list[str]:
    return [member.name for member in members(packed)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.yaml").write_text("a: 1\n")
    return tmp_path / "in"


def test_the_archive_is_what_flux_reads(folder):
    long = "/".join(["d" * 60] * 5)
    for name in ("b/empty.yaml", f"{long}/{'f' * 255}", "-dash", "with space/ü.yaml", "b.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    (folder / "empty").mkdir()
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o700)
    with pack(str(folder)) as packed:
        found = {member.name: member for member in members(packed)}
        assert packed.files == 7
        assert packed.archive.seek(0, os.SEEK_END) % 512 == 0
    # Lexical in each folder, as filepath.WalkDir: b and what is in it come before b.yaml.
    assert [name for name in found if name.startswith("b")] == ["b", "b/empty.yaml", "b.yaml"]
    assert next(iter(found)) == "-dash"
    assert f"{long}/{'f' * 255}" in found
    assert {member.type for member in found.values()} == {tarfile.REGTYPE, tarfile.DIRTYPE}
    assert {(m.uid, m.gid, m.mtime, m.uname, m.gname) for m in found.values()} == {(0, 0, 0, "", "")}
    assert {m.mode for m in found.values() if m.isfile()} == {0o644, 0o755}
    assert found["run.sh"].mode == 0o755
    assert found["empty"].isdir()
    assert not any(member.pax_headers for member in found.values())


def test_the_layer_is_described_by_what_it_is(folder):
    with pack(str(folder)) as packed, compressed(packed.archive) as layer:
        blob = layer.content
        blob.seek(0)
        body = blob.read()
    assert layer.digest == f"sha256:{hashlib.sha256(body).hexdigest()}"
    assert layer.size == len(body)
    assert packed.content_digest == f"sha256:{hashlib.sha256(gzip.decompress(body)).hexdigest()}"
    assert body[4:8] == b"\0\0\0\0"  # no time
    assert not body[3] & 0x08  # no file name


def test_large_content_stays_out_of_memory(folder, monkeypatch):
    monkeypatch.setattr(packing, "KEPT_IN_MEMORY", 1024)
    (folder / "large").write_bytes(os.urandom(1_000_000))
    with pack(str(folder)) as packed:
        # Nothing public says where the bytes are.
        assert packed.archive._rolled  # type: ignore[attr-defined]  # noqa: SLF001
        assert packed.file_digests()["large"].size == 1_000_000


def test_a_single_file_is_packed_by_its_name(folder):
    with pack(str(folder / "a.yaml")) as packed:
        assert names(packed) == ["a.yaml"]


@pytest.mark.parametrize("suffix", ["", "/", "/.", "/../in"])
def test_how_the_folder_is_written_does_not_matter(folder, suffix):
    with pack(str(folder)) as one, pack(f"{folder}{suffix}") as other:
        assert one.content_digest == other.content_digest


def test_a_path_may_be_a_symlink(folder):
    (folder.parent / "link").symlink_to(folder)
    with pack(str(folder)) as one, pack(str(folder.parent / "link")) as other:
        assert one.content_digest == other.content_digest


def test_sourceignore_is_applied_and_packed(folder):
    (folder / ".sourceignore").write_text("/*\n!/app\n")
    (folder / "app").mkdir()
    (folder / "app" / "b.yaml").write_text("")
    with pack(str(folder)) as packed:
        assert names(packed) == [".sourceignore", "app", "app/b.yaml"]


def test_nested_sourceignore_holds_in_its_folder(folder):
    (folder / "app").mkdir()
    (folder / "app" / ".sourceignore").write_text("*.yaml\n")
    (folder / "app" / "b.yaml").write_text("")
    (folder / "app" / "c.json").write_text("")
    with pack(str(folder)) as packed:
        assert names(packed) == ["a.yaml", "app", "app/.sourceignore", "app/c.json"]


def test_sourceignore_of_an_ignored_folder_does_not_count(folder):
    (folder / "app").mkdir()
    (folder / "app" / ".sourceignore").write_text("!b.yaml\n")
    (folder / "app" / "b.yaml").write_text("")
    with pack(str(folder), ignore=["app/", "!other"]) as packed:
        assert names(packed) == ["a.yaml"]


def test_a_file_is_brought_back_out_of_an_ignored_folder(folder):
    (folder / "app").mkdir()
    for name in ("b.yaml", "c.yaml"):
        (folder / "app" / name).write_text("")
    with pack(str(folder), ignore=["app/", "!app/b.yaml"]) as packed:
        assert names(packed) == ["a.yaml", "app", "app/b.yaml"]


def test_a_warning_names_what_flux_will_leave_out(folder):
    (folder / "logo.png").write_text("")
    with pack(str(folder), ignore=["!*.png"]) as packed:
        assert names(packed) == ["a.yaml", "logo.png"]
        assert len(packed.warnings) == 1
        assert "logo.png" in packed.warnings[0]
    with pack(str(folder)) as packed:
        assert packed.warnings == []


def refusal(path: Path, **options: Any) -> LoopError:
    with pytest.raises(LoopError) as caught:
        pack(str(path), **options)
    return caught.value


def test_a_missing_path_is_refused(tmp_path):
    assert f"{tmp_path}/none does not exist" in refusal(tmp_path / "none").message


def test_a_path_that_points_to_nothing_is_refused(tmp_path):
    (tmp_path / "link").symlink_to("nowhere")
    assert "does not exist" in refusal(tmp_path / "link").message


def test_a_path_that_is_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").details["refused"] == [{"name": "pipe", "reason": "named pipe"}]


def test_an_error_of_the_file_system_is_said_in_a_sentence(folder, monkeypatch):
    def full(*_unused: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(packing, "write_tar", full)
    assert "cannot be packed: [Errno 28] No space left on device. " in refusal(folder).message


def test_an_empty_folder_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    assert "is empty" in refusal(tmp_path).message


@pytest.mark.parametrize("target", ["", "a.yaml"])
def test_nothing_left_is_refused(folder, target):
    error = refusal(folder / target, ignore=["*.yaml"])
    assert "nothing is left" in error.message
    assert "a.yaml" in error.message


def test_only_a_sourceignore_is_nothing(folder):
    (folder / ".sourceignore").write_text("*.yaml\n")
    assert "nothing is left" in refusal(folder).message


def make_socket(path: Path) -> None:
    server = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(path.parent)  # socket paths are short
    try:
        server.bind(path.name)
    finally:
        os.chdir(here)
        server.close()


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("link", lambda path: path.symlink_to("a.yaml"), "symlink"),
        ("link", lambda path: path.symlink_to("nowhere"), "symlink that points to nothing"),
        ("link", lambda path: path.symlink_to("link"), "symlink that points to nothing"),
        ("link", lambda path: path.symlink_to("/etc/hostname"), "symlink that leads out of the folder"),
        ("link", lambda path: path.symlink_to(".."), "symlink that leads out of the folder"),
        ("pipe", os.mkfifo, "named pipe"),
        ("socket", make_socket, "socket"),
        ("back\\slash", lambda path: path.write_text(""), "backslash in its name"),
        ("back\\slash", lambda path: path.mkdir(), "backslash in its name"),
        ("new\nline", lambda path: path.write_text(""), "newline in its name"),
        ("es\x1bcape", lambda path: path.mkdir(), "characters in its name that a terminal obeys"),
        ("dots..", lambda path: path.mkdir(), "folder name that ends in two dots"),
    ],
)
def test_what_flux_would_drop_or_reject_is_refused_by_name(folder, name, make, reason):
    make(folder / name)
    error = refusal(folder)
    shown = printable(name)
    assert error.details["refused"] == [{"name": shown, "reason": reason}]
    assert shown in error.message
    with pack(str(folder), ignore=[name.replace("\\", "\\\\").replace("\n", "?")]) as packed:
        assert names(packed) == ["a.yaml"]


def test_a_name_that_is_not_utf8_is_refused(folder):
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.yaml")).write_text("")
    assert refusal(folder).details["refused"] == [
        {"name": "\\udcff.yaml", "reason": "name that is not UTF-8"}
    ]


@pytest.mark.parametrize(("levels", "is_refused"), [(100, False), (101, True), (600, True)])
def test_more_levels_than_a_pull_takes_are_refused(folder, levels, is_refused):
    deep = "d/" * levels
    (folder / deep).mkdir(parents=True)
    (folder / deep / "a.yaml").write_text("")
    if not is_refused:
        assert f"{deep}a.yaml" in names(pack(str(folder)))
        return
    told = {"name": "d/" * 101, "reason": "more than 100 levels deep"}
    assert refusal(folder).details["refused"] == [told]


def test_what_editors_leave_stops_no_push(folder):
    with pack(str(folder)) as packed:
        before = packed.content_digest
    (folder / ".sourceignore").write_text("/*\n!/*.yaml\n!/.*\n")
    with pack(str(folder)) as packed:
        kept = packed.content_digest
    (folder / ".#a.yaml").symlink_to("me@host.123:456")
    (folder / ".a.yaml.swp").write_bytes(b"b0VIM")
    (folder / "a.yaml~").write_text("before")
    with pack(str(folder)) as packed:
        assert packed.content_digest == kept != before
        assert {".#a.yaml", ".a.yaml.swp", "a.yaml~"} <= set(packed.ignored)


def test_everything_refused_is_named_at_once(folder):
    (folder / "one").symlink_to("a.yaml")
    (folder / "two").symlink_to("a.yaml")
    os.mkfifo(folder / "pipe")
    error = refusal(folder)
    assert [entry["name"] for entry in error.details["refused"]] == ["one", "pipe", "two"]
    assert "one, two (symlink)" in error.message


def test_unreadable_is_refused(folder, monkeypatch):
    # As root every file is readable, whatever its mode.
    monkeypatch.setattr(os, "access", lambda path, _mode: not str(path).endswith("a.yaml"))
    assert refusal(folder).details["refused"] == [{"name": "a.yaml", "reason": "unreadable"}]


def test_symlinks_are_followed_within_the_folder(folder):
    (folder / "app").mkdir()
    (folder / "app" / "b.yaml").write_text("b")
    (folder / "file").symlink_to("a.yaml")
    (folder / "same").symlink_to("app")
    with pack(str(folder), symlinks="follow") as packed:
        assert names(packed) == ["a.yaml", "app", "app/b.yaml", "file", "same", "same/b.yaml"]
        assert packed.file_digests()["file"] == packed.file_digests()["a.yaml"]
        assert {member.type for member in members(packed)} == {tarfile.REGTYPE, tarfile.DIRTYPE}


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("..", "symlink into one of its own parents"),
        (".", "symlink into one of its own parents"),
        ("../..", "symlink that leads out of the folder"),
        ("/etc/hostname", "symlink that leads out of the folder"),
    ],
)
def test_following_ends(folder, target, reason):
    (folder / "app").mkdir()
    (folder / "app" / "link").symlink_to(target)
    error = refusal(folder, symlinks="follow")
    assert error.details["refused"] == [{"name": "app/link", "reason": reason}]


def test_links_in_a_circle_end(folder):
    for name, target in (("one", "two"), ("two", "one")):
        (folder / name).mkdir()
        (folder / name / "link").symlink_to(f"../{target}")
    reasons = {entry["reason"] for entry in refusal(folder, symlinks="follow").details["refused"]}
    assert reasons == {"symlink into one of its own parents"}


def test_a_file_that_shrinks_meanwhile_is_an_error(folder, monkeypatch):
    real = os.fstat
    monkeypatch.setattr(
        os, "fstat", lambda fd: os.stat_result((*real(fd)[:6], real(fd).st_size + 1, *real(fd)[7:]))
    )
    assert "a.yaml became shorter" in refusal(folder).message


def test_archives_of_other_producers_are_compared_by_content(folder):
    (folder / "app").mkdir()
    (folder / "app" / "b.yaml").write_text("b")
    with pack(str(folder)) as packed:
        for mode in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            foreign = io.BytesIO()
            with tarfile.open(fileobj=foreign, mode="w", format=mode) as tar:
                tar.add(folder, arcname=".")
            assert holds_same_content(foreign, packed.archive)
        without_folders = io.BytesIO()
        with tarfile.open(fileobj=without_folders, mode="w") as tar:
            tar.add(folder / "app" / "b.yaml", arcname="app/b.yaml")
            tar.add(folder / "a.yaml", arcname="a.yaml")
        assert holds_same_content(without_folders, packed.archive)
        (folder / "a.yaml").chmod(0o755)
        with pack(str(folder)) as executable:
            assert not holds_same_content(without_folders, executable.archive)


@pytest.mark.parametrize("body", [b"", b"no gzip", gzip.compress(b"x", mtime=0)[:-4]])
def test_what_is_no_archive_is_said_to_be_none(body):
    with pytest.raises(NotAnArchiveError), decompressed(io.BytesIO(body)) as archive:
        list(read_tar(archive))


def test_a_hard_link_within_the_folder_is_refused(folder):
    os.link(folder / "a.yaml", folder / "b.yaml")
    with pytest.raises(
        LoopError, match=r"b.yaml .hard link to another file of the folder.: replace it by a copy"
    ):
        pack(str(folder))
    (folder / "a.yaml").rename(folder.parent / "elsewhere")
    with pack(str(folder)) as packed:  # what has its other names elsewhere is a file like any other
        assert names(packed) == ["b.yaml"]


def test_a_link_that_is_ignored_or_followed_is_no_hard_link(folder):
    os.link(folder / "a.yaml", folder / "b.md")
    (folder / "c.yaml").symlink_to("a.yaml")
    with pack(str(folder), ignore=["*.md"], symlinks="follow") as packed:
        assert names(packed) == ["a.yaml", "c.yaml"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Shop.yaml", "shop.yaml"),
        ("\u00fc.yaml", "u\u0308.yaml"),
        ("stra\u00dfe", "STRASSE"),
        ("App/x", "app/y"),
    ],
)
def test_names_that_are_the_same_on_macos_are_refused(folder, one, other):
    for name in (one, other):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")
    if len(list(folder.rglob("*"))) < 3:
        pytest.skip("this file system takes both for the same")
    with pytest.raises(LoopError, match="only in case or Unicode form") as caught:
        pack(str(folder))
    assert len(caught.value.details["refused"]) == 1
    with pack(str(folder), ignore=[one.split("/", maxsplit=1)[0]]):
        pass


def test_names_in_different_folders_do_not_collide(folder):
    for name in ("x/a", "y/A"):
        (folder / name).parent.mkdir()
        (folder / name).write_text("")
    with pack(str(folder)) as packed:
        assert packed.files == 3


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"max_files": 1}, "max_files: .* has 2 files, and 1 are"),
        ({"max_size": 7}, "max_size: .* has 8 bytes"),
    ],
)
def test_more_than_is_allowed_is_refused(folder, limits, said):
    (folder / "b.yaml").write_text("b:\n")
    (folder / "a.md").write_text("ignored")
    with pytest.raises(LoopError, match=said):
        pack(str(folder), ignore=["*.md"], **limits)
    with pack(str(folder), ignore=["*.md"], max_files=2, max_size=8) as packed:
        assert packed.ignored == ["a.md"]
