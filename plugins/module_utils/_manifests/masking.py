# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Manifests as they can be shown: without the values of Secrets."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from contextlib import suppress
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Object
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.yaml import (
    UnreadableError,
    documents,
    dumped,
)

with suppress(ImportError):  # module.require() names what is missing
    import yaml

# Whatever mentions a Secret is never shown as it is written, only after masking.
_MENTIONS_SECRET = re.compile(r"kind[\"']?\s*:\s*(?:[&!]\S*\s+)*[\"']?Secret\b|secretGenerator")


class Mask:
    """Stands in for secret values: equal ones look equal, and nobody can try out what they are.

    That is why the ``key`` is a new one for each comparison, and forgotten afterwards.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)

    def value(self, secret: Any) -> str:
        """The stand-in for one value."""
        # YAML keeps anchors, which JSON would multiply.
        text = secret if isinstance(secret, str) else f"{type(secret)} {yaml.safe_dump(secret)}"
        return f"*** ({hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:6]})"

    def document(self, document: Any) -> Any:
        """A document of a manifest, without the values of Secrets and of kustomize's secretGenerator."""
        if not isinstance(document, dict):
            return self._mentions_masked(document)
        masked = self._mentions_masked(document)
        if document.get("kind") == "Secret":
            masked = self._secret(masked)
        if isinstance(document.get("items"), list):
            masked["items"] = [self.document(item) for item in document["items"]]
        generators = document.get("secretGenerator")
        if isinstance(generators, list):
            masked["secretGenerator"] = [self._generator(generator) for generator in generators]
        return masked

    def _secret(self, document: Object) -> Object:
        masked = dict(document)
        for name in ("data", "stringData"):
            values = document.get(name)
            if isinstance(values, dict):
                masked[name] = {key: self.value(value) for key, value in values.items()}
            elif values is not None:
                masked[name] = self.value(values)
        metadata = document.get("metadata")
        annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
        applied = "kubectl.kubernetes.io/last-applied-configuration"
        if isinstance(metadata, dict) and isinstance(annotations, dict) and applied in annotations:
            hidden = dict(annotations) | {applied: self.value(annotations[applied])}
            masked["metadata"] = dict(metadata) | {"annotations": hidden}
        return masked

    def _generator(self, generator: Any) -> Any:
        if not isinstance(generator, dict) or not isinstance(generator.get("literals"), list):
            return generator
        literals = []
        for literal in generator["literals"]:
            key, equals, value = str(literal).partition("=")
            literals.append(f"{key}={self.value(value)}" if equals else self.value(literal))
        return dict(generator) | {"literals": literals}

    def _mentions_masked(self, value: Any, depth: int = 0) -> Any:
        """``value``, less the texts in it that hold a Secret themselves, as an inline patch may."""
        if isinstance(value, str):
            return self.value(value) if _MENTIONS_SECRET.search(value) else value
        if depth > 3:  # kustomize's patches[].patch is at 3; going on would multiply anchors
            return value
        if isinstance(value, dict):
            return {key: self._mentions_masked(each, depth + 1) for key, each in value.items()}
        if isinstance(value, list):
            return [self._mentions_masked(each, depth + 1) for each in value]
        return value


def mentions_secret(text: str) -> bool:
    """Whether a text may hold the values of a Secret."""
    return bool(_MENTIONS_SECRET.search(text))


def without_secrets(text: str, mask: Mask) -> str | None:
    """``text`` as it can be shown, None where nobody can tell what in it is secret."""
    if not mentions_secret(text):
        return text
    try:
        found = documents(text)
    except UnreadableError:
        return None
    return "---\n".join(dumped(mask.document(document)) for document in found)
