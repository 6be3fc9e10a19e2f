# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.modules.loop_certificates import run

CA = {
    "name": "ca",
    "issuer": "ca",
    "common_name": "authority",
    "organization": "",
    "subject_alt_name": [],
    "usages": [],
}
SERVER = {**CA, "name": "server", "issuer": "ca", "common_name": "server", "usages": ["serverAuth"]}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "pki"


def call(folder, *, check_mode=False, **options):
    params = {
        "directory": str(folder),
        "certificates": [CA, SERVER],
        "keys": ["signing"],
        "valid_days": 365,
        "renew_before_days": 30,
        **options,
    }
    return run(params, check_mode=check_mode)


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def test_the_first_run_issues_everything_and_the_second_nothing(folder):
    assert call(folder)["due"].keys() == {"ca", "server", "signing"}
    before = files(folder)
    assert before.keys() == {"ca.crt", "ca.key", "server.crt", "server.key", "signing.key"}
    result = call(folder)
    assert (result["changed"], result["due"], files(folder)) == (False, {}, before)


def test_keys_are_private(folder):
    call(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_check_mode_writes_nothing(folder):
    assert call(folder, check_mode=True)["changed"]
    assert files(folder) == {}


def test_only_what_is_due_is_issued(folder):
    call(folder)
    before = files(folder)
    (folder / "server.key").unlink()
    assert call(folder)["due"].keys() == {"server"}
    after = files(folder)
    assert {name for name in after if after[name] != before[name]} == {"server.crt", "server.key"}


def test_with_its_authority_everything_it_signed_is_issued(folder):
    call(folder)
    signing = (folder / "signing.key").read_bytes()
    (folder / "ca.crt").unlink()
    assert call(folder)["due"].keys() == {"ca", "server"}
    assert (folder / "signing.key").read_bytes() == signing
    assert not call(folder)["changed"]


def test_an_interrupted_run_is_completed(folder):
    call(folder)
    (folder / "server.crt").write_bytes(b"")
    call(folder)
    assert not call(folder)["changed"]


def test_no_private_key_is_in_the_result(folder):
    assert "PRIVATE" not in str(call(folder))


def test_certificates_that_would_be_due_at_once_are_refused(folder):
    with pytest.raises(LoopError, match=r"renew_before_days is 30.*valid_days=30"):
        call(folder, valid_days=30)
    assert files(folder) == {}


def test_an_authority_that_stands_behind_is_named(folder):
    with pytest.raises(LoopError, match="server is to be signed by ca, which does not stand before it"):
        call(folder, certificates=[SERVER, CA])
