# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What each scalar is: the values that flux 2.9.5 makes of them (the integration tests ask it again)."""

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.scalars import TEXT, value_of

INT, FLOAT, BOOL, NULL, TIME, BINARY = (
    f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null", "timestamp", "binary")
)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ({"": None, "~": None, "null": None, "NULL": None}, "nULL none"),
        ({"true": True, "True": True, "FALSE": False}, "tRUE on off yes no y n Y"),
        ({"12": 12, "-0": 0, "+1": 1, "1_000": 1000, "1__0": 10}, "_1 1.2.3 - + -- 12:30:45 1,000"),
        ({"0123": 83, "0o17": 15, "0O7": 7, "-0o7": -7, "08": 8, "0_1": 1}, "0o8 0o"),
        ({"0x1F": 31, "-0x1F": -31, "0XF": 15, "0b11": 3, "-0b11": -3}, "0x 0b 0b2 0x1p3 0xG"),
        ({"1.": 1, ".5": 0.5, "-.5": -0.5, "+.5": 0.5, "1e3": 1000, ".0_1": 0.01}, ". ._1 .0x1 1e .1p3"),
        ({"1e400": "1e400", ".5e500": ".5e500", "1e-400": 0, "1" * 400: "1" * 400}, ""),
        ({"9223372036854775807": 2**63 - 1, "9223372036854775808": 2.0**63}, ""),
        ({"-9223372036854775808": -(2**63), "-9223372036854775809": -(2.0**63)}, ""),
        ({"0xFFFFFFFFFFFFFFFF": 2.0**64, "1e21": 1e21}, "0x1FFFFFFFFFFFFFFFF"),
        ({"2026-1-2": "2026-01-02T00:00:00Z", "0000-01-01": "0000-01-01T00:00:00Z"}, "2026-02-30 2026-13-01"),
        ({"2026-01-02 3:4:5.50": "2026-01-02T03:04:05.5Z"}, "2026-01-02T03:04:05 2026-01-02T24:00:00Z"),
        ({"2026-01-02t03:04:05,1234567891+02:00": "2026-01-02T03:04:05.123456789+02:00"}, "2026-001-02"),
        ({"2026-01-02T03:04:05-00:00": "2026-01-02T03:04:05Z"}, "2026-01-02T03:04:05+25:00"),
        ({}, "= << <<1 .infinity nan inf 0.0.0.0/0 1h"),
    ],
)  # fmt: skip
def test_plain_scalars(values, texts):
    wanted = values | {text: text for text in texts.split()}
    found = {text: value_of(text, "", is_plain=True) for text in wanted}
    assert found == wanted
    assert [type(value) for value in found.values()] == [type(value) for value in wanted.values()]


@pytest.mark.parametrize(
    ("text", "tag", "is_plain", "value"),
    [
        ("12", "", False, "12"),
        ("12", "!", True, 12),
        ("12", "!", False, "12"),
        ("12", TEXT, True, "12"),
        ("12", INT, False, 12),
        ("3", FLOAT, True, 3),
        ("", NULL, False, None),
        ("2026-01-02", TIME, False, "2026-01-02T00:00:00Z"),
        ("aGk\n=", BINARY, False, "hi"),
        ("//79", BINARY, True, "\ufffd\ufffd\ufffd"),
        ("12", "!unknown", True, "12"),
        ("=", "tag:yaml.org,2002:value", True, "="),
    ],
)
def test_tags(text, tag, is_plain, value):
    assert value_of(text, tag, is_plain=is_plain) == value


@pytest.mark.parametrize(
    ("text", "tag", "said"),
    [
        (".inf", "", "not a number that Kubernetes can store"),
        (".NaN", "", "not a number that Kubernetes can store"),
        ("x", INT, "'x' is not of the type int"),
        ("1.5", INT, "'1.5' is not of the type int"),
        ("1e400", FLOAT, "'1e400' is not of the type float"),
        ("on", BOOL, "'on' is not of the type bool"),
        ("x" * 30, NULL, "'xxxxxxxxxxxxxxxxx...' is not of the type null"),
        ("###", BINARY, "not base64"),
    ],
)
def test_what_has_no_value(text, tag, said):
    with pytest.raises(ValueError, match=said):
        value_of(text, tag, is_plain=True)
