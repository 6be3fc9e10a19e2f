# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which fields the kinds of a cluster have, as its API server describes them.

https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import Kind, Object
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.protocol import Cluster, ClusterError

Schema = Mapping[str, Any]
_REF = "#/components/schemas/"
# By addresses that have the digest of what is described: a process that goes on reads each of them once.
_READ: dict[str, Schema] = {}


@dataclass
class Schemas:
    """The API server's description of each version of its API, read once."""

    cluster: Cluster
    _addresses: dict[str, str] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def known_part(self, kind: Kind, item: Object) -> tuple[Object, list[str]]:
        """An object without the fields that its kind does not have, and these, as in ``spec.ports[0].prot``.

        It is the whole object where the API server does not say which fields there are. Raises ClusterError.
        """
        schemas = self._of_version(kind)
        dropped: list[str] = []
        for schema in schemas.values():
            for named in schema.get("x-kubernetes-group-version-kind") or ():
                if (named["group"], named["version"], named["kind"]) == (kind.group, kind.version, kind.name):
                    return _known(item, schema, schemas, "", dropped), dropped
        return item, dropped

    def _of_version(self, kind: Kind) -> Schema:
        api = f"apis/{kind.api_version}" if kind.group else f"api/{kind.version}"
        with self._lock:
            if self._addresses is None:
                listed = self._fetched("/openapi/v3").get("paths", {})
                self._addresses = {name: entry["serverRelativeURL"] for name, entry in listed.items()}
            address = self._addresses.get(api)
            if address is None:
                return {}
            if address not in _READ:
                _READ[address] = self._fetched(address).get("components", {}).get("schemas", {})
            return _READ[address]

    def _fetched(self, address: str) -> Schema:
        path, _mark, query = address.partition("?")
        try:
            text = self.cluster.fetch(path, **dict(parse_qsl(query)))
        except ClusterError as error:
            if error.status not in (403, 404):
                raise
            text = None
        read: Schema = json.loads(text or "{}")
        return read


def _known(value: Any, schema: Schema, schemas: Schema, path: str, dropped: list[str]) -> Any:
    """The part of a value that its schema has; what is free, as a CustomResourceDefinition's, is kept."""
    schema = _resolved(schema, schemas)
    if isinstance(value, list) and "items" in schema:
        return [
            _known(entry, schema["items"], schemas, f"{path}[{index}]", dropped)
            for index, entry in enumerate(value)
        ]
    properties, others = schema.get("properties"), schema.get("additionalProperties")
    if not isinstance(value, dict) or not (properties or isinstance(others, dict)):
        return value
    known = {}
    for key, nested in value.items():
        below = (properties or {}).get(key, others if isinstance(others, dict) else None)
        place = f"{path}.{key}" if path else str(key)
        if below is None:
            dropped.append(place)
        else:
            known[key] = _known(nested, below, schemas, place, dropped)
    return known


def _resolved(schema: Schema, schemas: Schema) -> Schema:
    """What a schema refers to, which it does alone or with a default beside it."""
    for each in (schema, *schema.get("allOf", ())):
        if "$ref" in each:
            found: Schema = schemas.get(each["$ref"].removeprefix(_REF), {})
            return found
    return schema
