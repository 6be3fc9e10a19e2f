# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact import content_checks
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.content_checks import (
    Findings,
    examine,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import pack

Examine = Callable[[Mapping[str, str]], Findings]


@pytest.fixture
def examined(tmp_path: Path) -> Examine:
    def found(files: Mapping[str, str]) -> Findings:
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content)
        with pack(str(tmp_path)) as packed:
            return examine(packed.archive, packed.ignored, parses=True)

    return found


def test_a_secret_is_found_wherever_blocks_end(tmp_path, monkeypatch):
    (tmp_path / "a.yaml").write_text(PLAIN)
    with pack(str(tmp_path)) as packed:
        for size in range(1, 40):
            monkeypatch.setattr(content_checks, "CHUNK", size)
            assert examine(packed.archive, (), parses=False).secrets == ["a.yaml"]


def secret(**fields: object) -> str:
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}} | fields)


PLAIN = secret(stringData={"password": "hunter2"})
SOPS = secret(data={"password": "ENC[AES256_GCM,data:abc,type:str]"}, sops={"mac": "ENC[x]"})


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.yaml": PLAIN}, ["a.yaml"]),
        ({"a.json": '{"kind": "Secret", "apiVersion": "v1", "data": {"p": "aHVudGVyMg=="}}'}, ["a.json"]),
        ({"a.yml": "a: 1\n---\n" + PLAIN}, ["a.yml"]),
        ({"a.yaml": yaml.safe_dump({"kind": "List", "items": [yaml.safe_load(PLAIN)]})}, ["a.yaml"]),
        ({"a.yaml": SOPS}, []),
        ({"a.yaml": secret(data={"a": "ENC[x]", "b": "plain"}, sops={})}, ["a.yaml"]),
        ({"a.yaml": secret(type="kubernetes.io/service-account-token")}, []),
        ({"a.yaml": secret(data={"later": ""})}, []),
        ({"a.yaml": "kind: ConfigMap\ndata: {kind: Secret}\n"}, []),
        ({"a.txt": PLAIN}, []),
        (
            {"k/kustomization.yaml": "secretGenerator: [{name: x, literals: [a=b]}]"},
            ["k/kustomization.yaml"],
        ),
        (
            {
                "k/kustomization.yaml": "secretGenerator: [{name: x, files: [p=../x], envs: [e.env]}]",
                "x": "1",
                "k/e.env": "",
            },
            ["x"],
        ),
        (
            {
                "kustomization.yaml": "secretGenerator: [{name: x, envs: [e.env]}]",
                "e.env": "a=ENC[x]\nsops_mac=1",
            },
            [],
        ),
    ],
)
def test_secrets_in_plain_text_are_found(examined, files, expected):
    assert examined({"other.yaml": "a: 1"} | files).secrets == expected


@pytest.mark.parametrize(
    "content",
    [
        PLAIN + "list:\n- =\n",
        PLAIN + "tagged: !unknown {a: b}\n",
        PLAIN.replace("kind: Secret", "kind: !!str Secret"),
        PLAIN.replace("kind: Secret", "kind: &kind Secret"),
        PLAIN.replace("kind: Secret", "? kind\n: Secret"),
        PLAIN.replace("kind: Secret", '"kind" : "Secret"'),
        PLAIN + "day: 2026-02-30\n1: 2\n",
        '{"kind": "Secret", "stringData": {"p": "\\ud83d\\ude80"}}',
        ("\ufeff" + PLAIN).encode(),
        ("\ufeff" + PLAIN).encode("utf-16-le"),
        ("\ufeffa: 1\n---\n" + PLAIN).encode("utf-16-be"),
    ],
)
def test_a_secret_is_found_however_it_is_written(tmp_path, content):
    (tmp_path / "a.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pack(str(tmp_path)) as packed:
        found = [examine(packed.archive, (), parses=parses) for parses in (False, True)]
    assert [(each.secrets, each.broken) for each in found] == [(["a.yaml"], [])] * 2


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (PLAIN + "list:\n\t- 1\n", 8),
        (PLAIN + "name: {{ name }}\n", 7),
        (PLAIN.encode() + b"name: \xe4\n", 7),
        (PLAIN + "a: &a [*a]\n", 7),
        (("\ufeff" + PLAIN).encode("utf-16-le")[:-1], None),
    ],
)
def test_what_may_hold_a_secret_and_cannot_be_read_is_told(tmp_path, content, line):
    (tmp_path / "a.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pack(str(tmp_path)) as packed:
        for parses in (False, True):
            [told] = examine(packed.archive, (), parses=parses).broken
            assert told.startswith(f"a.yaml (line {line}: " if line else "a.yaml (")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a: 1\nb: [\n", "line 3: did not find expected node content"),
        ("a: 1\n b: 2\n", "line 2: mapping values are not allowed in this context"),
        ("\ta: 1\n", "line 1: found character that cannot start any token"),
        ("a: \x07\n", "control characters are not allowed"),
        ("a: *none\n", "line 1: "),
        ("a: 1\nb: 2\na: 3\n", "line 3: key 'a' is already there, in line 1"),
        ("# nothing\n", None),
        ("", None),
        ("a: 1\r\n---\r\nb: ü\r\n", None),
    ],
)
def test_broken_yaml_is_found_with_its_line(examined, content, problem):
    found = examined({"a.yaml": content, "b.txt": content}).broken
    assert found == [] if problem is None else problem in found[0]
    assert len(found) <= 1


def test_references_to_what_is_ignored_are_found(examined):
    kustomization = """
        resources: [used.yaml, hidden.yaml, ../shared, https://example.com/x.yaml]
        patches: [{path: patches/one.yaml}, {patch: "inline"}]
        configMapGenerator: [{name: x, files: [logo=img/logo.png]}]
        components: not a list
    """
    found = examined(
        {
            "app/kustomization.yaml": kustomization,
            "app/used.yaml": "",
            "app/hidden.yaml": "",
            "app/patches/one.yaml": "",
            "app/img/logo.png": "",
            "shared/kustomization.yaml": "[]",
            ".sourceignore": "hidden.yaml\npatches/\n/shared\n",
        }
    )
    assert [each.split(" ")[0] for each in found.hidden] == [
        "app/hidden.yaml",
        "shared",
        "app/patches/one.yaml",
        "app/img/logo.png",
    ]
    assert "app/hidden.yaml (app/kustomization.yaml refers to it)" in found.warnings[0]
    assert " and " not in found.warnings[0].split(". ")[0]


def test_nothing_is_said_of_what_is_well(examined):
    assert examined({"kustomization.yaml": "resources: [a.yaml]", "a.yaml": "a: 1"}) == Findings()
