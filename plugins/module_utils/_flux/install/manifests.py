# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The objects that Flux consists of in a cluster, composed of the manifests that Flux publishes.

Each controller's own module has its resources (CRDs), its Deployment and its Service; Flux's own has what it
lays around them: accounts, patches, labels, roles and network policies. What ``flux install`` makes of them
is made here.
https://github.com/fluxcd/flux2/tree/main/manifests
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import (
    Kind,
    Object,
    ObjectRef,
    ref_of,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.yaml import (
    UnreadableError,
    documents,
)

CONTROLLERS = ("source-controller", "kustomize-controller")
CONTAINER = "manager"

MANAGED_BY = "app.kubernetes.io/managed-by"
PART_OF = "app.kubernetes.io/part-of"
VERSION = "app.kubernetes.io/version"
OURS = "gitops.flux_local"  # the value of MANAGED_BY
LOOP = "gitops.flux-local/loop"  # the annotation that names the loop an installation is of

# What Flux's own manifests call their namespace.
PUBLISHED_NAMESPACE = "flux-system"

NAMESPACE = Kind("", "v1", "namespaces", "Namespace", is_namespaced=False)
CRD = Kind(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", is_namespaced=False
)
CLUSTER_ROLE = Kind("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", is_namespaced=False)
CLUSTER_ROLE_BINDING = Kind(
    "rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", is_namespaced=False
)
SERVICE_ACCOUNT = Kind("", "v1", "serviceaccounts", "ServiceAccount")
RESOURCE_QUOTA = Kind("", "v1", "resourcequotas", "ResourceQuota")
NETWORK_POLICY = Kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
SERVICE = Kind("", "v1", "services", "Service")
DEPLOYMENT = Kind("apps", "v1", "deployments", "Deployment")
KINDS = (
    NAMESPACE,
    CRD,
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    SERVICE_ACCOUNT,
    RESOURCE_QUOTA,
    NETWORK_POLICY,
    SERVICE,
    DEPLOYMENT,
)
_KINDS = {(kind.api_version, kind.name): kind for kind in KINDS}


@dataclass(frozen=True)
class Settings:
    """What is decided about an installation; ``images`` and ``arguments`` are by the controllers' names."""

    namespace: str
    version: str  # of Flux, without a leading v
    loop: str
    images: Mapping[str, str]
    arguments: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pull_secrets: Sequence[str] = ()
    with_network_policies: bool = True


@dataclass(frozen=True)
class Published:
    """The manifests as they are published; ``controllers`` and ``flux`` are documents by folder."""

    controllers: Mapping[str, Mapping[str, Sequence[Any]]]
    flux: Mapping[str, Sequence[Any]]


def kind_of(item: Object) -> Kind:
    """The kind of a composed object. Raises LoopError for one that Flux was not known to have."""
    kind = _KINDS.get((item["apiVersion"], item["kind"]))
    if kind is None:
        raise LoopError(
            f"The manifests hold a {item['kind']} of {item['apiVersion']}, which is unknown here."
            " Use the manifests that this version of the collection pins."
        )
    return kind


def ref_to(item: Object) -> ObjectRef:
    """The reference to a composed object. Raises LoopError as ``kind_of``."""
    return ref_of(kind_of(item), item)


def is_of(item: Object, loop: str) -> bool:
    """Whether an object is part of what the loop installed."""
    labels, annotations = (item["metadata"].get(key, {}) for key in ("labels", "annotations"))
    return (labels.get(MANAGED_BY), annotations.get(LOOP)) == (OURS, loop)


def read_published(folders: Mapping[str, str]) -> Published:
    """The manifests in ``folders``, which are named after the controllers, and ``flux``."""
    wanted: dict[str, tuple[str, ...]] = dict.fromkeys(CONTROLLERS, ("crds", "manager"))
    wanted["flux"] = (*CONTROLLERS, "rbac", "policies", "install")
    missing = [
        path
        for name, below in wanted.items()
        for path in ([Path(folders[name], folder) for folder in below] if name in folders else [name])
        if not (isinstance(path, Path) and path.is_dir())
    ]
    if missing:
        raise LoopError(
            f"manifests: there is no {', '.join(map(str, missing))}. Have the role binaries put the manifests"
            " there (flux-manifests, source-controller-manifests, kustomize-controller-manifests)."
        )
    read = {
        name: {folder: _read_folder(Path(folders[name], folder)) for folder in below}
        for name, below in wanted.items()
    }
    return Published({controller: read[controller] for controller in CONTROLLERS}, read["flux"])


def _read_folder(folder: Path) -> list[Any]:
    found: list[Any] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            found += documents(path.read_bytes())
        except UnreadableError as error:
            raise LoopError(
                f"{path} is no YAML. Delete its folder and have the role binaries fetch it again."
            ) from error
    return found


def compose(published: Published, settings: Settings) -> list[Object]:
    """All objects of an installation, in the order in which they can be applied."""
    objects = [*_common(published.flux, settings)]
    for controller in CONTROLLERS:
        objects += _controller(controller, published, settings)
    labels = {
        "app.kubernetes.io/instance": settings.namespace,
        PART_OF: "flux",
        VERSION: f"v{settings.version}",
        MANAGED_BY: OURS,
    }
    for item in objects:
        _label(item, labels)
        item["metadata"].setdefault("annotations", {})[LOOP] = settings.loop
        if kind_of(item).is_namespaced:
            item["metadata"]["namespace"] = settings.namespace
    order = {kind.name: number for number, kind in enumerate(KINDS)}
    return sorted(objects, key=lambda item: order[kind_of(item).name])


def _common(flux: Mapping[str, Sequence[Any]], settings: Settings) -> Iterator[Object]:
    """The namespace, and what all controllers share."""
    for item in _objects(flux["install"], kind="Namespace"):
        item["metadata"]["name"] = settings.namespace
        yield item
    shared = _objects(flux["rbac"])
    roles = {item["metadata"]["name"] for item in shared if item["kind"] == CLUSTER_ROLE.name}
    for item in shared:
        yield _in_namespace(item, roles, settings.namespace)
    if settings.with_network_policies:
        yield from _objects(flux["policies"])


def _in_namespace(item: Object, roles: Collection[str], namespace: str) -> Object:
    """A role, binding or quota as ``flux install`` names it: for one namespace of possibly several."""
    item["metadata"]["name"] += f"-{namespace}"
    if item["kind"] == "ClusterRoleBinding":
        own = {PUBLISHED_NAMESPACE: namespace}
        for subject in item["subjects"]:
            subject["namespace"] = own.get(subject["namespace"], subject["namespace"])
        if item["roleRef"]["name"] in roles:
            item["roleRef"]["name"] += f"-{namespace}"
    return item


def _controller(controller: str, published: Published, settings: Settings) -> list[Object]:
    own, around = published.controllers[controller], published.flux[controller]
    objects = [*_objects(own["crds"]), *_objects(own["manager"]), *_objects(around, kind="ServiceAccount")]
    [deployment] = [item for item in objects if item["kind"] == "Deployment"]
    for operations in around:
        if isinstance(operations, list):
            patch(deployment, operations)
    for transformer in around:
        if isinstance(transformer, dict) and transformer.get("kind") == "LabelTransformer":
            for item in objects:
                _label(item, transformer["labels"])
    _adapt(deployment, controller, settings)
    return objects


def _adapt(deployment: Object, controller: str, settings: Settings) -> None:
    """Image, arguments and what else ``flux install`` has options for."""
    pod = deployment["spec"]["template"]["spec"]
    [container] = [item for item in pod["containers"] if item["name"] == CONTAINER]
    container["image"] = settings.images[controller]
    # There is no notification-controller that events could be sent to.
    wanted = ["--events-addr=", *settings.arguments.get(controller, ())]
    container["args"] = with_arguments(container["args"], wanted)
    pod["nodeSelector"] = {"kubernetes.io/os": "linux"}
    if settings.pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in settings.pull_secrets]


def with_arguments(published: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The arguments of a controller, where ``wanted`` takes the place of the same option, or follows."""
    options = {argument.partition("=")[0]: argument for argument in published}
    options |= {argument.partition("=")[0]: argument for argument in wanted}
    return list(options.values())


def _objects(read: Iterable[Any], kind: str | None = None) -> list[Object]:
    """Copies of the documents that are objects of Kubernetes, and not what kustomize makes of them."""
    return [
        copy.deepcopy(document)
        for document in read
        if isinstance(document, dict)
        and (document.get("apiVersion"), document.get("kind")) in _KINDS
        and kind in (None, document["kind"])
    ]


def _label(item: Object, labels: Mapping[str, str]) -> None:
    metadata = [item["metadata"]]
    if item["kind"] == "Deployment":
        metadata.append(item["spec"]["template"]["metadata"])
    for part in metadata:
        part.setdefault("labels", {}).update(labels)


def patch(item: Object, operations: Sequence[Mapping[str, Any]]) -> None:
    """Apply a JSON patch (RFC 6902) of ``add`` and ``replace``, which are all that Flux uses."""
    for operation in operations:
        *parents, last = [
            part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]
        ]
        place: Any = item
        for part in parents:
            place = place[int(part)] if isinstance(place, list) else place[part]
        if operation["op"] not in ("add", "replace"):
            raise LoopError(f"A patch of Flux's manifests has the operation {operation['op']}, unknown here.")
        value = copy.deepcopy(operation["value"])
        if not isinstance(place, list):
            place[last] = value
        elif operation["op"] == "replace":
            place[int(last)] = value
        else:
            place.insert(len(place) if last == "-" else int(last), value)
