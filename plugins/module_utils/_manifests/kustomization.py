# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which files a kustomization.yaml refers to."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from typing import Any

# Whatever kustomize looks for in a folder.
NAMES = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
# https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
_LISTS = (
    "resources",
    "components",
    "bases",
    "crds",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "patchesStrategicMerge",
)
_WITH_PATH = ("patches", "patchesJson6902", "replacements")


def is_kustomization(name: str) -> bool:
    """Whether a file of an artifact is one that kustomize begins with."""
    return posixpath.basename(name) in NAMES


def referenced_files(name: str, document: Any) -> list[str]:
    """What the kustomization ``name`` refers to, relative to the root: files, folders, and even URLs."""
    if not isinstance(document, dict):
        return []
    found = [each for key in _LISTS for each in _listed(document, key) if isinstance(each, str)]
    found += [
        each["path"]
        for key in _WITH_PATH
        for each in _listed(document, key)
        if isinstance(each, dict) and "path" in each
    ]
    for key in ("configMapGenerator", "secretGenerator"):
        for generator in _listed(document, key):
            found += generator_files(generator)
    return resolved(name, found)


def secret_files(name: str, document: Any) -> list[str]:
    """The files out of which the kustomization ``name`` makes Secrets, relative to the root."""
    generators = _listed(document, "secretGenerator") if isinstance(document, dict) else []
    return resolved(name, [file for generator in generators for file in generator_files(generator)])


def generator_files(generator: Any) -> list[str]:
    """The files of a generator, of which ``key=file`` gives one another name."""
    if not isinstance(generator, dict):
        return []
    named = [each for key in ("files", "envs") for each in _listed(generator, key)]
    return [str(each).rpartition("=")[2] for each in [*named, generator.get("env")] if each]


def resolved(name: str, files: Iterable[Any]) -> list[str]:
    """``files`` as they are called from the root, seen from the folder of ``name``."""
    folder = posixpath.dirname(name)
    return [posixpath.normpath(posixpath.join(folder, str(file))) for file in files]


def _listed(document: Any, key: str) -> Iterator[Any]:
    value = document.get(key)
    return iter(value if isinstance(value, list) else [])
