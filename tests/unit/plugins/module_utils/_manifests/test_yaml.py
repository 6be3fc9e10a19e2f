# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.gitops.flux_local.plugins.module_utils._manifests import yaml as reader
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.yaml import (
    BoundsError,
    UnreadableError,
    documents,
    dumped,
    may_repeat,
    read,
)


def nested(levels: int, width: int = 9) -> str:
    """Aliases of which each stands for ``width`` of the one before."""
    lines = [f"a0: &a0 [{', '.join('x' * width)}]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


@pytest.fixture(params=["libyaml", "PyYAML alone"], autouse=True)
def parser(request, monkeypatch):
    """Both parsers: not every platform has libyaml."""
    if request.param == "PyYAML alone":
        monkeypatch.setattr(reader, "Composer", reader.composer(yaml.BaseLoader))
    return request.param


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# nothing\n---\n---\na: 1\n", [{"a": 1}]),
        ("on: yes\n=: =\nlist: [=, <<]\n", [{"on": "yes", "=": "=", "list": ["=", "<<"]}]),
        ("a: !tag b\nc: !tag {d: 1}\ne: !!set {f}\n", [{"a": "b", "c": {"d": 1}, "e": {"f": None}}]),
        ("1: a\ntrue: b\n1.5: c\n", [{"1": "a", "true": "b", "1.5": "c"}]),
        ("x: &x {a: 1, b: 1}\ny: {b: 2, <<: *x}\n", [{"x": {"a": 1, "b": 1}, "y": {"b": 2, "a": 1}}]),
        ("x: {<<: [{a: 1}, {a: 2, b: 2}]}\n", [{"x": {"a": 1, "b": 2}}]),
        ("'<<': {a: 1}\n", [{"<<": {"a": 1}}]),
        ("a: 1\r\n---\r\nb: ü\r\n", [{"a": 1}, {"b": "ü"}]),
        ("\ufeffa: ü\n", [{"a": "ü"}]),
        ('{"a": "\\ud83d\\ude80 \\\\ud83d"}', [{"a": "🚀 \\ud83d"}]),
        ("a: |\n  {\"b\": \"\\ud83d\\ude80\"}\n", [{"a": '{"b": "\\ud83d\\ude80"}\n'}]),
    ],
)  # fmt: skip
def test_what_documents_say(text, expected):
    assert documents(text) == expected
    assert documents(text.encode()) == expected


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16(encoding):
    assert documents("\ufeffkind: Secret\nname: ü\n".encode(encoding)) == [{"kind": "Secret", "name": "ü"}]
    with pytest.raises(UnreadableError, match="is not UTF-16"):
        documents("\ufeffab".encode(encoding)[:-1])


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b"a: 1\nb: [\n", 3, "node content"),
        (b"a:\n\tb: 2\n", 2, "token"),
        (b"a: 1\nb: \xe4\n", 2, "UTF-8|invalid continuation"),
        (b"a: 1\nb: \x07\n", 2, "not allowed"),
        (b"a: *none\n", 1, "undefined alias"),
        (b"a: 1\nb: 2\na: 3\n", 3, "key 'a' is already there, in line 1"),
        (b"a: 1\n? [b]\n: 2\n", 2, "a key is not a text"),
        (b"~: 1\n", 1, "a key is not a text"),
        (b"a:\n  b: .inf\n", 2, "not a number"),
        (b"a: {<<: b}\n", 1, "merge key"),
        (b"a: {<<: {}, <<: {}}\n", 1, "second merge key"),
        (b'{"a": "\\ud83d"}', 1, "invalid Unicode|surrogate"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(content, line, said):
    with pytest.raises(UnreadableError, match=said) as error:
        documents(content)
    assert error.value.line == line
    assert str(error.value) == f"line {line}: {error.value.problem}"
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        nested(9),
        nested(40, width=2),
        "a: &a [*a]\n",
        "a: &a {b: {c: *a}}\n",
        "a: &a {<<: *a}\n",
        "[" * 201 + "]" * 201,
        "[" * 20_000 + "]" * 20_000,
        "- " * 300 + "a",
        '{"a":' * 5_000 + "1" + "}" * 5_000,
        # As deep only with the aliases.
        "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 250)),
    ],
)
def test_what_multiplies_is_refused_before_it_is_made(text):
    with pytest.raises((BoundsError, UnreadableError), match=r"aliases repeat|itself|nest"):
        documents(text)


def test_a_file_may_not_be_too_large(monkeypatch):
    monkeypatch.setattr(reader, "LARGEST", 1 << 20)
    with pytest.raises(BoundsError, match="it is larger than 1 MiB"):
        read(b"#" * ((1 << 20) + 1))


def test_aliases_within_bounds_are_one_object():
    [found] = documents(nested(5))
    assert found["a4"][0] is found["a4"][8] is found["a3"]


@pytest.mark.parametrize(
    ("text", "may"),
    [("a: &a b\nc: *a\n", True), ("a: a&b *c\n", False), ("a: '*'\nb: &b c\n", False), ("& *", True)],
)
def test_whether_aliases_may_repeat_anything(text, may):
    assert may_repeat(text.encode()) is may


def test_texts_and_lines():
    [first, second] = read("kind: A\nmetadata: {name: 1}\nspec:\n  ports:\n  - port: 1\n---\nkind: [B]\n")
    assert (first.text("kind"), first.text("metadata", "name"), first.text("spec")) == ("A", "1", "")
    assert second.text("kind") == second.text("kind", "name") == ""
    assert [first.line(path) for path in ("", "spec.ports[0].port", "spec.none")] == [1, 5, 4]
    assert second.line("kind[0]") == 7
    assert [first.has(path) for path in ("spec.ports[0].port", "spec.ports[1]", "kind.x.y")] == [
        True,
        False,
        False,
    ]


PRINTED = st.characters(exclude_categories=("Cc", "Cs", "Cn"), exclude_characters="\u2028\u2029\ufeff")
TEXTS = st.text(PRINTED)
KEYS = st.text(PRINTED, max_size=80)  # YAML's go to 1,024 characters, JSON's escapes among them
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_json_and_what_is_dumped_are_read_as_they_were(value):
    assert documents(json.dumps(value)) == [value]
    assert documents(json.dumps(value, ensure_ascii=False, indent=1)) == [value]


@given(st.text())
def test_any_text_is_read_or_unreadable(text):
    try:
        documents(text)
    except UnreadableError:
        return


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.booleans() | st.integers(-9, 99)))
def test_what_is_dumped_is_read_again(value):
    assert documents(dumped(value)) == [value]
