# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What Flux's API and controllers would refuse of an object, told by the option that gives it.

The rules are those of the schemas in Flux's CustomResourceDefinitions, and of what its controllers read
themselves: addresses of artifacts, variables and selectors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.selectors import selects
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import (
    FLUX_URL,
    is_digest,
    is_tag,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.semver_ranges import (
    parse_range,
    tag_filter,
)

# https://github.com/google/go-containerregistry, which reads addresses for source-controller
_REPOSITORY = re.compile(r"[a-z0-9_\-./]{2,255}")
_VARIABLE = re.compile(r"[_A-Za-z][_A-Za-z0-9]*")
_PATTERNS = ("group", "version", "kind", "name", "namespace")
_SELECTORS = ("label_selector", "annotation_selector")


def check_artifact(options: Mapping[str, Any]) -> None:
    """Raise LoopError for what source-controller would not take of an OCIRepository."""
    url = options["url"]
    parts = FLUX_URL.fullmatch(url)
    if not parts:
        raise LoopError(f"url is {url!r}, but an artifact's url looks like oci://host[:port]/repository.")
    repository = parts["repository"]
    if ":" in repository or "@" in repository:
        raise LoopError(f"url is {url!r}: give what follows the repository with tag, digest or semver.")
    check_repository(repository, f"url is {url!r}: its repository")
    if options.get("tag") is not None and not is_tag(options["tag"]):
        raise LoopError(
            f"tag is {options['tag']!r}, which cannot be a tag: use at most 128 letters, digits, '_', '.' and"
            " '-', not beginning with '.' or '-'."
        )
    if options.get("digest") is not None:
        check_digest(options["digest"], "digest")
    if options.get("semver") is not None:
        parse_range(options["semver"])
    tag_filter(options.get("semver_filter"))
    if "h" in (options.get("timeout") or ""):
        raise LoopError(f"timeout is {options['timeout']!r}, but here Flux knows no hours: write 60m for 1h.")


def check_repository(repository: str, called: str) -> None:
    """Raise LoopError unless source-controller takes the path of a repository, without its registry."""
    if not _REPOSITORY.fullmatch(repository):
        raise LoopError(
            f"{called} is {repository!r}, but Flux takes 2 to 255 characters, which are lower-case letters,"
            " digits, '_', '-', '.' and '/'. Give it another name."
        )


def check_digest(digest: str, option: str) -> None:
    """Raise LoopError unless ``digest`` looks like ``sha256:…``."""
    if not is_digest(digest):
        raise LoopError(f"{option} is {digest!r}, which is no digest: one looks like sha256:<64 hex digits>.")


def check_kustomization(options: Mapping[str, Any]) -> None:
    """Raise LoopError for what kustomize-controller would not take of a Kustomization."""
    for option in ("name_prefix", "name_suffix"):
        given = options.get(option)
        if given is not None and not 1 <= len(given) <= 200:
            raise LoopError(
                f"{option} has {len(given)} characters, but Flux takes 1 to 200. Leave it out, or shorten it."
            )
    kube_config = options.get("kube_config")
    if kube_config is not None and len([each for each in kube_config.values() if each is not None]) != 1:
        raise LoopError("kube_config needs either secret_ref or config_map_ref: give exactly one of them.")
    for name in (options.get("post_build") or {}).get("substitute") or {}:
        if not _VARIABLE.fullmatch(str(name)):
            raise LoopError(
                f"substitute has the variable {name!r}, but Flux takes letters, digits and '_' only, not"
                " beginning with a digit. Rename it."
            )
    # A workload has another name for it: its ignore is about files.
    option = "ignore_fields" if "ignore_fields" in options else "ignore"
    for index, rule in enumerate(options.get("ignore") or []):
        _check_ignored(rule, f"{option}[{index}]")


def _check_ignored(rule: Mapping[str, Any], option: str) -> None:
    for path in rule["paths"]:
        if not path.startswith("/"):
            raise LoopError(
                f"{option}: the path {path!r} is not a JSON pointer: write it like /spec/replicas."
            )
    target = rule.get("target") or {}
    for name, said in _unreadable(target):
        raise LoopError(f"{option}: {name} is {target[name]!r}, which Flux cannot read: {said}. Correct it.")


def _unreadable(target: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in _PATTERNS:
        try:
            re.compile(target.get(name) or "")
        except re.error as error:
            yield name, str(error)
    for name in _SELECTORS:
        try:
            selects(target.get(name) or "any", {})
        except LoopError as error:
            yield name, error.message.rstrip(".")
