# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Folders that are taken to build without rendering them are given to the program that knows."""

from __future__ import annotations

import random

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import KUSTOMIZATION
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.certain_builds import identities_of
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rendering import FluxCli

WORDS = (
    *("on", "y", "no", "NULL", "~", "1e3", "0o14", "0x1F", "1_000", "08", "2026-01-01", "12:30:45", ".inf"),
    *("-", "=", "a: b", "a #b", "'", '"', "\\", "@", "`", "|", ">", "{", "]", ",", "*", "&a", "!x", "%", "?"),
    *(
        "\t",
        "\u00a0",
        "\u2028",
        "\x85",
        "\ufeff",
        "größer",
        "",
        " ",
        "null",
        "true",
        "a-b",
        "x.y",
        "-1",
        "+1",
    ),
    *("1.", ".", "App", "v1", "\n", "\n  ", "- ", ": ", " #", "0b1", "0123", "1:2", "<<", "==", "---", "..."),
)


def odd(rng: random.Random) -> str:
    """A scalar that one parser of YAML may read in another way than the next one."""
    text = "".join(rng.choices(WORDS, k=rng.choice((1, 1, 1, 2, 3))))
    quote = rng.choice(("", "", "'", '"'))
    return f"{quote}{text}{quote}"


def manifest(rng: random.Random, name: str) -> str:
    """Something like a manifest."""

    def mostly(*usual: str) -> str:
        return odd(rng) if rng.random() < 0.08 else rng.choice(usual)

    lines = [
        f"apiVersion: {mostly('v1', 'apps/v1', 'a.b/v1beta1')}",
        f"kind: {mostly('ConfigMap', 'Secret', 'Deployment', 'Gadget')}",
        "metadata:",
        f"  name: {name}",
        f"  namespace: {mostly('default', 'shop')}",
        "  labels:",
        f"    {mostly('app', 'example.org/part')}: {mostly('shop', 'x-y')}",
        f"{mostly('data', 'spec', 'items', 'metadata')}:",
        f"  {mostly('text', 'a.b')}: {odd(rng)}",
        f"  more: [{mostly('1', 'three')}, {mostly('1', 'two')}]",
        f"  list:{odd(rng) if rng.random() < 0.1 else ''}",
        f"  - {mostly('one', 'two')}: {mostly('1', 'two', '[]', '{}')}",
        f"    {mostly('below', 'beside')}: {mostly('|', '>-', '|+')}",
        f"{' ' * rng.choice((5, 6, 6, 6, 8))}{mostly('a text')}",
        f"  - {mostly('a', 'b')}",
    ]
    if rng.random() < 0.1:
        lines.insert(rng.randrange(len(lines)), odd(rng))
    if rng.random() < 0.1:
        lines.insert(rng.randrange(len(lines)), f"{' ' * rng.randrange(6)}# {odd(rng)}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("seed", range(4))
def test_what_certainly_builds_is_built_by_flux(binary, tmp_path, seed):
    rng = random.Random(seed)
    found = [manifest(rng, f"name-{number}") for number in range(2000)]
    plain = [text for text in found if identities_of(text.encode())]
    assert 200 < len(plain) < 1800
    for number, text in enumerate(plain):
        (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
    definition = {
        "apiVersion": KUSTOMIZATION.api_version,
        "kind": "Kustomization",
        "metadata": {"name": "plain", "namespace": "flux-system"},
        "spec": {"interval": "10m", "prune": True, "sourceRef": {"kind": "OCIRepository", "name": "plain"}},
    }
    rendered = FluxCli(binary("flux")).render(str(tmp_path), definition, str(tmp_path), is_strict=True)
    assert rendered.count("\n  name: name-") == len(plain)
