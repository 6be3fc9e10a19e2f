# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What is known of manifests without the flux program is what it says itself: which build, and to what."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import KUSTOMIZATION
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.certain_builds import identities_of
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.yaml import (
    UnreadableError,
    documents,
)
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


DEFINITION = {
    "apiVersion": KUSTOMIZATION.api_version,
    "kind": "Kustomization",
    "metadata": {"name": "plain", "namespace": "flux-system"},
    "spec": {"interval": "10m", "prune": True, "sourceRef": {"kind": "OCIRepository", "name": "plain"}},
}
LENIENT = 40  # how many values Flux may refuse that are read here


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
    rendered = FluxCli(binary("flux")).render(str(tmp_path), DEFINITION, str(tmp_path), is_strict=True)
    assert rendered.count("\n  name: name-") == len(plain)


def config(number: int, value: str) -> str:
    """A ConfigMap with an odd value, in a field and in a list."""
    head = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: name-{number}\n"
    return f"{head}data:\n  text: {value}\n  list:\n  - {value}\n  - key: {value}\n"


def is_readable(text: str) -> bool:
    try:
        return documents(text) != []
    except UnreadableError:
        return False


def built(flux: FluxCli, folder: Path, texts: dict[str, str]) -> dict[str, object]:
    """The data of the ConfigMaps that Flux builds, by name; those that it names as broken are left out."""
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    for _attempt in range(LENIENT):
        try:
            rendered = flux.render(str(folder), DEFINITION, str(folder), is_strict=True)
        except LoopError as error:
            (folder / f"{broken_in(error)}.yaml").unlink()
        else:
            return {item["metadata"]["name"]: item["data"] for item in documents(rendered)}
    raise AssertionError(f"more than {LENIENT} are read here and not by Flux")


def broken_in(error: LoopError) -> str:
    """Which one an error names."""
    found = re.search(r"name-\d+", error.message)
    assert found, error.message
    return found[0]


def test_what_flux_builds_is_read_to_the_same_values(binary, tmp_path):
    rng = random.Random(11)
    texts = {f"name-{number}": config(number, odd(rng)) for number in range(1000)}
    readable = {name: text for name, text in texts.items() if is_readable(text)}
    assert 500 < len(readable) < 950
    flux = FluxCli(binary("flux"))
    found = built(flux, tmp_path, readable)
    assert len(found) > len(readable) - LENIENT
    read = {name: documents(readable[name])[0]["data"] for name in found}
    assert {
        name: (readable[name], data, read[name]) for name, data in found.items() if data != read[name]
    } == {}
    # Nothing that Flux builds is unreadable.
    for name in rng.sample(sorted(texts.keys() - readable.keys()), 8):
        (alone := tmp_path / "alone" / name).mkdir(parents=True)
        (alone / "a.yaml").write_text(texts[name], encoding="utf-8")
        with pytest.raises(LoopError):
            flux.render(str(alone), DEFINITION, str(alone), is_strict=True)
