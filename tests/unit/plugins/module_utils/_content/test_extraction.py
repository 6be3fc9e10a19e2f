# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import contextlib
import gzip
import io
import os
import tarfile
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import compressed
from ansible_collections.gitops.flux_local.plugins.module_utils._content.extraction import (
    Limits,
    entries,
    patterns,
    write_tree,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.names import (
    CONTROLS,
    DEEP,
    OF_VERSION_CONTROL,
    SAME,
    Names,
    folds_case,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import pack
from ansible_collections.gitops.flux_local.plugins.module_utils._content.tree import (
    archive_tree,
    folder_digest,
    folder_entries,
    folder_tree,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import is_obeyed, printable

LIMITS = Limits(10_000_000, 1000)


def member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, **fields: Any) -> Any:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def layer(*members: Any, form: int = tarfile.PAX_FORMAT, **options: Any) -> io.BytesIO:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=form, **options) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return io.BytesIO(gzip.compress(archive.getvalue(), mtime=0))


def extracted(blob: io.BytesIO, folder: Path, limits: Limits = LIMITS, **options: Any) -> dict[str, bytes]:
    folder.mkdir(exist_ok=True)
    write_tree(entries(blob, limits, **options), str(folder))
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_what_any_producer_archives_is_extracted(tmp_path, form):
    long = "/".join(["d" * 200] * 3) + "/" + "ü" * 100
    blob = layer(
        member("./", kind=tarfile.DIRTYPE),
        member("./a.yaml", b"a", mode=0o600),
        member("run.sh", b"run", mode=0o750),
        member("empty", b""),
        member("folder//with/./dots", b"x" * 512),
        member("folder with space/", kind=tarfile.DIRTYPE, mode=0),
        member(long, b"long" * 1000),
        form=form,
        pax_headers={"comment": "global"} if form == tarfile.PAX_FORMAT else None,
    )
    files = extracted(blob, tmp_path / "out")
    assert files == {
        "a.yaml": b"a",
        "run.sh": b"run",
        "empty": b"",
        "folder/with/dots": b"x" * 512,
        long: b"long" * 1000,
    }
    modes = {name: (tmp_path / "out" / name).stat().st_mode & 0o777 for name in ("a.yaml", "run.sh")}
    assert modes == {"a.yaml": 0o644, "run.sh": 0o755}
    assert (tmp_path / "out/folder with space").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (member("/etc/passwd", b"x"), "absolute name"),
        (member("../escape", b"x"), "name with '..'"),
        (member("a/../../escape", b"x"), "name with '..'"),
        (member("a/..", kind=tarfile.DIRTYPE), "name with '..'"),
        (member("a\\b", b"x"), "backslash in its name"),
        (member("link", kind=tarfile.SYMTYPE, linkname="/etc"), "symlink"),
        (member("link", kind=tarfile.LNKTYPE, linkname="a.yaml"), "hard link"),
        (member("pipe", kind=tarfile.FIFOTYPE), "named pipe"),
        (member("null", kind=tarfile.CHRTYPE), "device"),
        (member("disk", kind=tarfile.BLKTYPE), "device"),
        (member("odd", kind=b"Z"), "entry of an unknown kind"),
        (member(".git/config", b"x"), OF_VERSION_CONTROL),
        (member("app/.GIT", b"x"), OF_VERSION_CONTROL),
        (member(".g\u200cit/config", b"x"), OF_VERSION_CONTROL),
        (member(".git. . /config", b"x"), OF_VERSION_CONTROL),
        (member(".git::$INDEX_ALLOCATION/config", b"x"), OF_VERSION_CONTROL),
        (member("GIT~1/config", b"x"), OF_VERSION_CONTROL),
        (member(".hg/hgrc", b"x"), OF_VERSION_CONTROL),
        (member("a\x1b[2K", b"x"), CONTROLS),
        (member("a\nTASK [x] ***", b"x"), CONTROLS),
        (member("a\x9b2K", b"x"), CONTROLS),
        (member("\u202elmay.a", b"x"), CONTROLS),
        (member("d/" * 1200 + "a", b"x"), DEEP),
        (member("d/" * 1200 + "d", kind=tarfile.DIRTYPE), DEEP),
    ],
)
def test_what_is_dangerous_is_refused_by_name(tmp_path, bad, reason):
    with pytest.raises(LoopError) as caught:
        extracted(layer(member("a.yaml", b"a"), bad, member("../other")), tmp_path / "out", names=Names())
    assert caught.value.details["refused"] == [
        {"name": printable(bad[0].name), "reason": reason},
        {"name": "../other", "reason": "name with '..'"},
    ]
    assert printable(bad[0].name) in caught.value.message
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("name", [".gitignore", ".github/a.yaml", "git/config", "HEAD", "d/" * 100 + "a"])
def test_what_only_looks_like_it_is_extracted(tmp_path, name):
    assert extracted(layer(member(name, b"x")), tmp_path / "out", names=Names()) == {name: b"x"}


@pytest.mark.parametrize(
    "names",
    [
        ["charts/HEAD", "charts/config", "charts/objects/pack/a", "charts/refs/heads/main"],
        ["HEAD", "commondir", "config"],
        ["a/head", "a/Objects/a", "a/REFS/a"],
    ],
)
def test_a_folder_that_git_takes_for_a_repository_is_refused(tmp_path, names):
    with pytest.raises(LoopError) as caught:
        extracted(layer(*(member(name, b"x") for name in names)), tmp_path / "out", names=Names())
    assert caught.value.details["refused"] == [{"name": names[0], "reason": OF_VERSION_CONTROL}]


def test_what_is_refused_can_be_left_out(tmp_path):
    blob = layer(member(".git/config", b"x"), member("a", b"a"))
    wanted = patterns([], [".git"])
    assert extracted(blob, tmp_path / "out", names=Names(), is_wanted=wanted) == {"a": b"a"}


TWINS = [("a.yaml", "A.yaml"), ("App/a.yaml", "app/b.yaml"), ("\u00e9", "e\u0301"), ("ß", "SS")]


@pytest.mark.parametrize(("one", "other"), TWINS)
def test_names_that_only_differ_in_case_are_told_before_anything_is_lost(tmp_path, one, other):
    blob = layer(member(one, b"1"), member(other, b"2"))
    with pytest.raises(LoopError) as caught:
        extracted(blob, tmp_path / "out", names=Names(folds_case=True))
    assert caught.value.details["refused"] == [{"name": other, "reason": SAME}]
    assert extracted(blob, tmp_path / "other", names=Names()) == {one: b"1", other: b"2"}


@pytest.mark.parametrize("name", ["Dest", "Missing/too", "123/456"])
def test_a_file_system_that_folds_case_is_known_by_the_names_above(tmp_path, monkeypatch, name):
    (tmp_path / "Dest").mkdir()
    assert not folds_case(str(tmp_path / name))
    real = os.lstat
    monkeypatch.setattr(os, "lstat", lambda path, **more: real(str(path).lower(), **more))
    missing = ("Missing", "too", "123", "456")
    monkeypatch.setattr(os.path, "lexists", lambda path: not str(path).endswith(missing))
    (tmp_path / "dest").mkdir()
    assert folds_case(str(tmp_path / name))


def test_symbolic_links_can_be_left_out(tmp_path):
    blob = layer(member("link", kind=tarfile.SYMTYPE, linkname=".."), member("a", b"a"))
    assert extracted(blob, tmp_path / "out", symlinks="skip") == {"a": b"a"}
    through = layer(member("link", kind=tarfile.SYMTYPE, linkname=".."), member("link/a", b"a"))
    assert extracted(through, tmp_path / "other", symlinks="skip") == {"link/a": b"a"}
    assert sorted(os.listdir(tmp_path)) == ["other", "out"]


def test_the_last_of_two_wins_as_for_flux(tmp_path):
    blob = layer(member("a", b"first", mode=0o755), member("a", b"last", mode=0o644))
    assert extracted(blob, tmp_path / "out") == {"a": b"last"}
    assert (tmp_path / "out/a").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize(
    "members",
    [
        [member("a", b"file"), member("a/b", b"below")],
        [member("a/b", b"below"), member("a", b"file")],
        [member("a", b"file"), member("a", kind=tarfile.DIRTYPE)],
    ],
)
def test_a_name_cannot_be_a_file_and_a_folder(tmp_path, members):
    with pytest.raises(LoopError, match="name of another file or folder"):
        extracted(layer(*members), tmp_path / "out")


def test_names_that_only_differ_in_case_are_refused_where_they_are_one(tmp_path, monkeypatch):
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, *rest: real(path.lower(), *rest))
    with pytest.raises(LoopError, match=r"A\.yaml \(name of another file or folder\)"):
        extracted(layer(member("a.yaml", b"a"), member("A.yaml", b"b")), tmp_path / "out")


def bomb(size: int) -> io.BytesIO:
    return layer(member("zeros", b"\0" * size))


def test_a_bomb_is_stopped_while_it_is_decompressed(tmp_path):
    with pytest.raises(LoopError, match="max_size: the artifact's files have more than 1000000 bytes"):
        extracted(bomb(50_000_000), tmp_path / "out", Limits(1_000_000, 10))
    assert (tmp_path / "out/zeros").stat().st_size <= 1_000_000


def test_a_bomb_of_many_files_is_stopped(tmp_path):
    many = layer(*(member(f"{number}", b"x") for number in range(30)))
    with pytest.raises(LoopError, match="max_files: the artifact holds more than 20"):
        extracted(many, tmp_path / "out", Limits(1_000_000, 20))
    with pytest.raises(LoopError, match="max_size"):
        extracted(many, tmp_path / "other", Limits(10, 50))


def test_a_bomb_of_unwanted_files_is_stopped():
    with pytest.raises(LoopError, match="max_size"):
        list(entries(bomb(50_000_000), Limits(1000, 10), is_wanted=lambda name: False))


def tampered(change: Callable[[bytearray], None]) -> io.BytesIO:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for info, content in (member("a", b"a" * 700), member("b", b"b" * 700)):
            tar.addfile(info, io.BytesIO(content))
    raw = bytearray(archive.getvalue())
    change(raw)
    return io.BytesIO(gzip.compress(bytes(raw)))


def sized(size: int) -> Callable[[bytearray], None]:
    """The first header says another size, with a checksum that fits."""

    def change(raw: bytearray) -> None:
        raw[124:136] = b"%011o\0" % size
        raw[148:156] = b" " * 8
        raw[148:156] = b"%06o\0 " % sum(raw[:512])

    return change


@pytest.mark.parametrize(
    "change",
    [
        sized(8**11 - 1),
        sized(1),
        sized(100_000),
        lambda raw: raw.__setitem__(1536 + 3, 7),  # the second header is damaged
        lambda raw: raw.__delitem__(slice(1600, None)),
        lambda raw: raw.__delitem__(slice(600, None)),
        lambda raw: raw.__delitem__(slice(100, None)),
        lambda raw: raw.__setitem__(slice(0, 512), b"not a header".ljust(512)),
    ],
)
def test_an_archive_that_lies_is_none(tmp_path, change):
    with pytest.raises(LoopError, match="no tar archive that can be read"):
        extracted(tampered(change), tmp_path / "out")


def test_an_archive_without_its_end_is_read_as_by_flux(tmp_path):
    blob = tampered(lambda raw: raw.__delitem__(slice(3072, None)))
    assert set(extracted(blob, tmp_path / "out")) == {"a", "b"}


@pytest.mark.parametrize(
    "content", [b"", b"plain", gzip.compress(b"text", mtime=0), gzip.compress(b"x" * 600, mtime=0)[:-9]]
)
def test_what_is_no_archive(tmp_path, content):
    with pytest.raises(LoopError, match=r"no (gzip|tar) archive"):
        extracted(io.BytesIO(content), tmp_path / "out")


def test_a_header_that_would_fill_the_memory():
    huge = tarfile.TarInfo("././@PaxHeader")
    huge.type = tarfile.XHDTYPE
    huge.size = 200_000_000
    raw = huge.tobuf(tarfile.USTAR_FORMAT) + b"\0" * 200_000_000
    with pytest.raises(LoopError, match="a header that is far too long"):
        list(entries(io.BytesIO(gzip.compress(raw, 1)), Limits(10**9, 1000)))


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ([], [], {"a.yaml", "b.md", "docs/c.yaml", "docs/d.md"}),
        (["*.yaml"], [], {"a.yaml", "docs/c.yaml"}),
        (["/*.yaml"], [], {"a.yaml"}),
        (["docs/"], ["*.md"], {"docs/c.yaml"}),
        ([], ["docs/", "*.md"], {"a.yaml"}),
        (["*", "!*.md"], [], {"a.yaml", "docs/c.yaml"}),
    ],
)
def test_patterns_choose(tmp_path, include, exclude, expected):
    blob = layer(*(member(name, b"x") for name in ("a.yaml", "b.md", "docs/c.yaml", "docs/d.md")))
    assert set(extracted(blob, tmp_path / "out", is_wanted=patterns(include, exclude))) == expected


def test_a_pattern_that_is_none():
    with pytest.raises(LoopError, match="exclude: "):
        patterns([], ["!"])


NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\\\n\0"), min_size=1, max_size=20
).filter(
    lambda name: (
        name not in (".", "..", ".git", ".sourceignore")
        and not is_obeyed(name)
        and not name.endswith("..")
        and len(name.encode()) < 200
    )
)
FILES = st.tuples(st.binary(max_size=2000), st.booleans())


def without_twins(folder: dict[str, Any]) -> dict[str, Any]:
    """Without the names that macOS and Windows take for another one of the same folder: these are refused."""
    names = {unicodedata.normalize("NFD", name.casefold()).casefold(): name for name in folder}
    return {name: folder[name] for name in names.values()}


TREES = st.recursive(
    st.dictionaries(NAMES, FILES, max_size=4).map(without_twins),
    lambda below: st.dictionaries(NAMES, st.one_of(FILES, below), max_size=4).map(without_twins),
    max_leaves=12,
)


def build(folder: Path, tree: dict[str, Any]) -> None:
    folder.mkdir()
    for name, what in tree.items():
        if isinstance(what, dict):
            build(folder / name, what)
        else:
            (folder / name).write_bytes(what[0])
            (folder / name).chmod(0o755 if what[1] else 0o644)


@given(tree=TREES)
def test_extracting_what_was_packed_gives_the_same(tmp_path_factory, tree):
    root = tmp_path_factory.mktemp("tree")
    build(root / "source", tree)
    found = folder_entries(str(root / "source"))
    if not any(not entry.is_folder for entry in found):
        return
    with pack(str(root / "source"), ignore=["!*"]) as packed, compressed(packed.archive) as blob:
        assert folder_digest(found) == packed.content_digest
        (root / "out").mkdir()
        write_tree(entries(blob.content, LIMITS), str(root / "out"))
        assert archive_tree(entries(blob.content, LIMITS)) == folder_tree(found)
    assert folder_tree(folder_entries(str(root / "out"))) == folder_tree(found)


PARTS = st.sampled_from(["..", ".", "", "a", "b", "a\\b", "..a", "...", "/", "~", "C:", "-x", "ü"])
MEMBERS = st.builds(
    lambda parts, kind, target, content: member(
        "/".join(parts), content if kind == tarfile.REGTYPE else b"", kind, linkname=target
    ),
    st.lists(PARTS, min_size=1, max_size=5),
    st.sampled_from(
        [
            tarfile.REGTYPE,
            tarfile.DIRTYPE,
            tarfile.SYMTYPE,
            tarfile.LNKTYPE,
            tarfile.FIFOTYPE,
            tarfile.CHRTYPE,
        ]
    ),
    st.sampled_from(["..", "/etc", "a", "../../secret"]),
    st.binary(max_size=100),
)


@given(
    members=st.lists(MEMBERS, max_size=6),
    form=st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT]),
    symlinks=st.sampled_from(["refuse", "skip"]),
)
def test_no_archive_escapes(tmp_path_factory, members, form, symlinks):
    root = tmp_path_factory.mktemp("escape")
    (root / "deep/er/out").mkdir(parents=True)
    (root / "secret").write_text("untouched")
    with contextlib.suppress(LoopError):
        write_tree(entries(layer(*members, form=form), LIMITS, symlinks=symlinks), str(root / "deep/er/out"))
    outside = {
        str(path.relative_to(root))
        for path in root.rglob("*")
        if not path.is_relative_to(root / "deep/er/out")
    }
    assert outside == {"secret", "deep", "deep/er"}
    assert (root / "secret").read_text() == "untouched"
    for path in (root / "deep/er/out").rglob("*"):
        assert not path.is_symlink()
        assert path.is_file() or path.is_dir()
