# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import io
import tarfile

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import (
    Entry,
    FileDigest,
    read_tar,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.tree import (
    ForeignError,
    Tree,
    archive_tree,
    folder_entries,
)


def archive(*names: str) -> io.BytesIO:
    """Empty files, and folders where a name ends in a slash."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            tar.addfile(info)
    return written


@pytest.mark.parametrize(
    ("names", "folders", "empty"),
    [
        (["a/b/c"], {"a", "a/b"}, set()),
        (["a/", "a/b"], {"a"}, set()),
        (["a/", "b"], {"a"}, {"a"}),
        (["a/b/"], {"a", "a/b"}, {"a/b"}),
        (["/etc/passwd"], {"/etc"}, set()),
        (["/x"], set(), set()),
        (["../x"], {".."}, set()),
        ([], set(), set()),
    ],
)
def test_folders_are_known_by_what_is_in_them(names, folders, empty):
    tree = archive_tree(read_tar(archive(*names)))
    assert tree.folders == folders
    assert tree.empty_folders == empty


def test_the_last_of_two_files_of_a_name_counts():
    tree = Tree()
    for content in (b"first", b"second"):
        tree.add(Entry("a", is_folder=False), iter([content]))
    assert tree.sizes == [6]
    assert isinstance(tree.files["a"], FileDigest)


def test_a_folder_with_something_else_in_it(tmp_path):
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(ForeignError):
        folder_entries(str(tmp_path))
