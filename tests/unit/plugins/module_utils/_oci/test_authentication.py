# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.authentication import (
    Authentication,
    Challenge,
    Shown,
    parse_challenge,
    scopes,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.deadline import Deadline
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.docker_config import Credentials
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.request import PULL, PUSH


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Basic realm="x"', Challenge("basic", {"realm": "x"})),
        ("basic", Challenge("basic", {})),
        (
            'Bearer realm="https://a/token",service="s",scope="repository:a:pull,push"',
            Challenge(
                "bearer", {"realm": "https://a/token", "service": "s", "scope": "repository:a:pull,push"}
            ),
        ),
        (
            'BEARER Realm = "https://a/?x=1&y=\\"q\\"" , service=s',
            Challenge("bearer", {"realm": 'https://a/?x=1&y="q"', "service": "s"}),
        ),
        (
            'Negotiate, Bearer realm="https://a"',
            Challenge("bearer", {"realm": "https://a"}),
        ),
        ('Bearer service="s"', None),
        ("Negotiate", None),
        ("", None),
    ],
)
def test_challenges(header, expected):
    assert parse_challenge(header) == expected


@pytest.mark.parametrize(
    ("asked", "actions", "expected"),
    [
        ("", PULL, ["repository:shop:pull"]),
        ("repository:shop:pull", PUSH, ["repository:shop:pull,push"]),
        ("repository:shop:delete", PUSH, ["repository:shop:delete,pull,push"]),
        ("repository:shop:pull repository:base:pull", PULL, ["repository:shop:pull", "repository:base:pull"]),
    ],
)
def test_scopes(asked, actions, expected):
    assert scopes(asked, "shop", actions) == expected


class Answered:
    """A response of a registry, or of a token server."""

    def __init__(
        self, status: int, body: Any = None, challenge: str = "", url: str = "https://r/v2/"
    ) -> None:
        self.status_code, self._body, self.url = status, body, url
        self.headers = {"Www-Authenticate": challenge}

    def json(self) -> Any:
        return self._body


BEARER = 'Bearer realm="https://t/token"'


SOON = Deadline.after(10)


def authentication(
    known: Credentials | None, *answers: Answered, insecure: bool = False
) -> tuple[Authentication, list[Any]]:
    left, asked = list(answers), []

    def send(*question: Any, **_named: Any) -> Answered:
        asked.append(question)
        return left.pop(0)

    return Authentication("shop", lambda: known, send, insecure=insecure), asked


def test_a_token_is_used_until_it_is_old(monkeypatch):
    answers = [Answered(200, {"token": name, "expires_in": 100}) for name in ("one", "two")]
    known, asked = authentication(None, *answers)
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    assert known.answer(Answered(401, challenge=BEARER), PULL, Shown(None), SOON) == (True, None)
    assert known.shown(PULL).headers == {"Authorization": "Bearer one"}
    assert known.shown(PUSH).headers == {}
    now = 1091.0
    assert known.shown(PULL).headers == {}
    assert known.fetch_token(PULL, SOON) is None
    assert known.shown(PULL).headers == {"Authorization": "Bearer two"}
    assert len(asked) == 2


def test_another_threads_token_is_used():
    known, asked = authentication(None, Answered(200, {"token": "one"}))
    for _thread in range(2):
        assert known.answer(Answered(401, challenge=BEARER), PULL, Shown(None), SOON) == (True, None)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "answer",
    [Answered(401), Answered(503), Answered(200, {}), Answered(200, []), Answered(200, {"token": 1})],
)
def test_a_token_server_without_a_token(answer):
    known, _asked = authentication(None, answer)
    is_answered, _failed = known.answer(Answered(401, challenge=BEARER), PULL, Shown(None), SOON)
    assert not is_answered


@pytest.mark.parametrize(
    ("credentials", "insecure"),
    [(Credentials("ci", "s3cret"), False), (Credentials("ci", "s3cret"), True), (None, False)],
)
def test_credentials_do_not_leave_unencrypted(credentials, insecure):
    known, asked = authentication(credentials, insecure=insecure)
    challenge = 'Bearer realm="http://t/token"'
    with pytest.raises(LoopError, match="without encryption"):
        known.answer(Answered(401, challenge=challenge), PULL, Shown(None), SOON)
    assert asked == []


def test_without_credentials_a_token_may_come_unencrypted_where_that_is_allowed():
    known, _asked = authentication(None, Answered(200, {"token": "one"}), insecure=True)
    challenge = 'Bearer realm="http://t/token"'
    assert known.answer(Answered(401, challenge=challenge), PULL, Shown(None), SOON)[0]


def test_a_password_that_was_refused_is_not_shown_again():
    known, _asked = authentication(Credentials("ci", "wrong"))
    assert known.answer(Answered(401, challenge="Basic"), PULL, Shown(None), SOON)[0]
    shown = known.shown(PULL)
    assert not known.answer(Answered(401, challenge="Basic"), PULL, shown, SOON)[0]


def test_a_token_that_was_given_is_shown():
    known, asked = authentication(Credentials(registry_token="given"))
    assert known.answer(Answered(401, challenge=BEARER), PULL, Shown(None), SOON)[0]
    assert known.shown(PULL).headers == {"Authorization": "Bearer given"}
    assert asked == []
