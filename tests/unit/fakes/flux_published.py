# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Manifests in the form in which Flux publishes them, as few and as short as the code can tell them apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

RESOURCES = {
    "source-controller": ("source.toolkit.fluxcd.io", "ocirepositories", "OCIRepository"),
    "kustomize-controller": ("kustomize.toolkit.fluxcd.io", "kustomizations", "Kustomization"),
}


def crd(group: str, plural: str, kind: str, *versions: str) -> dict[str, Any]:
    """A definition that serves these versions, and stores the last one."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural},
            "versions": [
                {"name": version, "served": True, "storage": version == versions[-1]} for version in versions
            ],
        },
    }


def deployment(name: str) -> dict[str, Any]:
    """A controller's Deployment as its own module has it."""
    container = {"name": "manager", "image": f"fluxcd/{name}", "env": [], "args": ["--log-level=info"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"control-plane": "controller"}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
        },
    }


def published(root: Path) -> dict[str, str]:
    """The folders of manifests below ``root``, as the module flux_install takes them."""
    for name, resource in RESOURCES.items():
        _write(root / name / "crds/one.yaml", crd(*resource, "v1"))
        _write(root / name / "manager/deployment.yaml", deployment(name))
        around = root / "flux" / name
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
        _write(around / "account.yaml", account)
        transformer = {"kind": "LabelTransformer", "labels": {"app.kubernetes.io/component": name}}
        _write(
            around / "labels.yaml", {"apiVersion": "builtin", "metadata": {"name": "labels"}, **transformer}
        )
        argument = {
            "op": "add",
            "path": "/spec/template/spec/containers/0/args/0",
            "value": "--events-addr=http://n.",
        }
        priority = {"op": "add", "path": "/spec/template/spec/priorityClassName", "value": "critical"}
        memory = {
            "op": "add",
            "path": "/spec/template/spec/containers/0/env/-",
            "value": {"name": "GOMEMLIMIT"},
        }
        _write(around / "patch.yaml", [argument, priority, memory])
    _write_rights(root / "flux/rbac")
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "allow-egress"},
    }
    _write(root / "flux/policies/allow-egress.yaml", {**policy, "spec": {"podSelector": {}}})
    _write(
        root / "flux/install/namespace.yaml",
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": "flux-system", "labels": {"warn": "yes"}},
        },
    )
    return {name: str(root / name) for name in (*RESOURCES, "flux")}


def _write_rights(folder: Path) -> None:
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": "crd-controller"}}
    subject = {"kind": "ServiceAccount", "name": "source-controller", "namespace": "flux-system"}
    _write(
        folder / "controller.yaml",
        {**rbac, "kind": "ClusterRole", "rules": []},
        {
            **rbac,
            "kind": "ClusterRoleBinding",
            "roleRef": {"kind": "ClusterRole", "name": "crd-controller"},
            "subjects": [subject],
        },
    )
    _write(
        folder / "reconciler.yaml",
        {
            "apiVersion": rbac["apiVersion"],
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "cluster-reconciler"},
            "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [subject, {"kind": "ServiceAccount", "name": "other", "namespace": "elsewhere"}],
        },
    )


def _write(path: Path, *documents: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump_all(documents))
