# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Files are read or missing, and replaced as a whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import (
    read_bytes,
    replacing_file,
    write_atomically,
)


def test_a_file_that_is_missing_has_no_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")

    assert read_bytes(str(tmp_path / "file")) == b"content"
    assert read_bytes(str(tmp_path / "other")) is None
    assert read_bytes(str(tmp_path / "file" / "below")) is None


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(LoopError, match=r"is a folder, where a file is expected\. Remove or rename it"):
        read_bytes(str(tmp_path))


def test_a_file_is_replaced_with_its_mode_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"

    write_atomically(str(path), b"old", mode=0o644)
    write_atomically(str(path), b"new", mode=0o600)

    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == ["file"]


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LoopError, match=r"cannot be written: .* \(flux_local_state_dir\)\."):
        write_atomically(str(tmp_path / "file" / "below"), b"", mode=0o600)


def test_a_file_stays_when_writing_its_successor_fails(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    with pytest.raises(OSError), replacing_file(str(path), mode=0o600) as stream:  # noqa: PT011 - any
        stream.writelines([b"half", os.fsencode(os.readlink(path))])

    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]
