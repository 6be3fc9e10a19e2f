# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The cause of every failure, as the real registry, API server and Flux bring it about.

Most of them are brought about together, in one run of push.yml: a workload for each. Where a kubelet has a
part, a thread plays it: it writes the status of Pods, and answers for their logs.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import os
import signal
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from ansible_collections.gitops.flux_local.tests.integration.loops import (
    NAMESPACE,
    NEVER,
    Loop,
    Run,
    config_map,
    until,
    write,
)
from ansible_collections.gitops.flux_local.tests.integration.registries import (
    asks_for_a_password,
    issued,
    serving,
)

SOURCES = f"/apis/source.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/ocirepositories"
KUSTOMIZATIONS = f"/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/kustomizations"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
NO_UID = "00000000-0000-0000-0000-000000000000"
NO_DIGEST = f"sha256:{'0' * 64}"
LAST_WORDS = ["connecting to the data base", "no route to db:5432", "giving up"]
MALFORMED = "kind: ConfigMap\nmetadata:\n  name: x\n   namespace: y\n"


class Api:
    """The API as whoever has the kubeconfig has it."""

    def __init__(self, loop: Loop) -> None:
        self._api = loop.api
        self._host = self._api.configuration.host

    def call(self, method: str, path: str, body: Any = None, media_type: str = "application/json") -> Any:
        headers = {"Content-Type": media_type, "Accept": "application/json"}
        response = self._api.call_api(method, self._host + path, headers, body, _request_timeout=10)
        answer = json.loads(response.read())
        if response.status >= 400:
            raise client.ApiException(status=response.status, reason=str(answer))
        return answer

    def apply(self, path: str, name: str, item: Mapping[str, Any], *, api_version: str, kind: str) -> None:
        """Have an object, by another hand than the collection's."""
        whole = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **item}
        query = "?fieldManager=somebody&force=true"
        self.call("PATCH", f"{path}/{name}{query}", whole, "application/apply-patch+yaml")

    def status(self, path: str, status: Mapping[str, Any]) -> None:
        """Write a status, as the kubelet does."""
        self.call("PATCH", f"{path}/status", {"status": status}, "application/merge-patch+json")

    def namespace(self, name: str, **labels: str) -> None:
        metadata = {"name": name, "labels": labels}
        self.apply("/api/v1/namespaces", name, {"metadata": metadata}, api_version="v1", kind="Namespace")

    def source(self, name: str, **spec: Any) -> None:
        """An OCIRepository, or more fields of one."""
        self.apply(
            SOURCES, name, {"spec": spec}, api_version="source.toolkit.fluxcd.io/v1", kind="OCIRepository"
        )

    def kustomization(self, name: str, source: str, **spec: Any) -> None:
        """A Kustomization of that source."""
        given = {"interval": "1h", "prune": True, "sourceRef": {"kind": "OCIRepository", "name": source}}
        self.apply(
            KUSTOMIZATIONS,
            name,
            {"spec": given | spec},
            api_version="kustomize.toolkit.fluxcd.io/v1",
            kind="Kustomization",
        )


def deployment(name: str, **spec: Any) -> dict[str, Any]:
    """A Deployment whose Pods nobody schedules: their kubelet is the test."""
    labels = {"app": name}
    pod = {"schedulerName": "nobody", "containers": [{"name": "main", "image": "shop:1"}], **spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "progressDeadlineSeconds": 2,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def job(name: str) -> dict[str, Any]:
    pod = {
        "restartPolicy": "Never",
        "schedulerName": "nobody",
        "containers": [{"name": "main", "image": "i"}],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "backoffLimit": 0,
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
        },
    }


def waiting(why: str, message: str, **last: Any) -> dict[str, Any]:
    """The status of a Pod whose container waits; ``last`` is how it ended before."""
    container = {
        "name": "main",
        "image": "shop:1",
        "imageID": "",
        "ready": False,
        "started": False,
        "restartCount": 3 if last else 0,
        "state": {"waiting": {"reason": why, "message": message}},
        "lastState": {"terminated": last} if last else {},
    }
    return {"phase": "Running" if last else "Pending", "containerStatuses": [container]}


BACK_OFF = "back-off 40s restarting failed container=main"
STATUSES = {
    "pulling": waiting("ImagePullBackOff", 'Back-off pulling image "shop:1"'),
    "crashing": waiting("CrashLoopBackOff", BACK_OFF, exitCode=1, reason="Error"),
    "hungry": waiting("CrashLoopBackOff", BACK_OFF, exitCode=137, reason="OOMKilled"),
    "failing": {
        "phase": "Failed",
        "containerStatuses": [
            {
                "name": "main",
                "image": "shop:1",
                "imageID": "",
                "ready": False,
                "restartCount": 0,
                "state": {"terminated": {"exitCode": 3, "reason": "Error"}},
            }
        ],
    },
}


class Kubelet(http.server.BaseHTTPRequestHandler):
    """Answers for the logs of Pods, and is a webhook that refuses everything."""

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = {"code": 403, "message": "this shop is closed"}
        review["response"] = {"uid": review["request"]["uid"], "allowed": False, "status": status}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(review).encode())

    def do_GET(self) -> None:
        text = "\n".join(LAST_WORDS).encode() if "/crashing-" in self.path else b""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *unused: object) -> None:
        """Keep quiet."""


@contextlib.contextmanager
def kubelet(api: Api, folder: Path) -> Iterator[None]:
    """A node whose kubelet is this process: it gives Pods their status, and answers for their logs.

    What it listens with refuses, as a webhook, all that comes into the namespace ``closed``.
    """
    certificate = issued(folder, "kubelet")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Kubelet)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    done = threading.Event()
    threads = [
        threading.Thread(target=server.serve_forever, daemon=True),
        threading.Thread(target=_give_status, args=(api, done), daemon=True),
    ]
    node = "/api/v1/nodes/test"
    api.apply("/api/v1/nodes", "test", {}, api_version="v1", kind="Node")
    # kwok gives it an address of its own first.
    until(lambda: api.call("GET", node)["status"].get("conditions"), "the node is known to kwok")
    api.status(
        node,
        {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": server.server_port}},
        },
    )
    authority = base64.b64encode(certificate.read_bytes()).decode()
    _webhook(api, "closed", url=f"https://127.0.0.1:{server.server_port}/", caBundle=authority)
    try:
        for thread in threads:
            thread.start()
        until(lambda: _is_refused(api, "closed"), "the namespace closed is guarded")
        yield
    finally:
        done.set()
        server.shutdown()
        threads[1].join()
        api.call("DELETE", node)


def _give_status(api: Api, done: threading.Event) -> None:
    pods = "/api/v1/namespaces/default/pods"
    told = set()
    while not done.wait(0.2):
        for pod in api.call("GET", pods)["items"]:
            name = pod["metadata"]["name"]
            status = STATUSES.get(pod["metadata"].get("labels", {}).get("app"))
            if status and name not in told:
                told.add(name)
                api.status(f"{pods}/{name}", status)
                target = {"target": {"kind": "Node", "name": "test"}, "metadata": {"name": name}}
                if status["phase"] == "Running":
                    api.call("POST", f"{pods}/{name}/binding", target)


@dataclass(frozen=True)
class Told:
    """What became of the workloads that failed together."""

    run: Run
    folder: Path

    def cause(self, name: str) -> dict[str, Any]:
        """The cause in a receipt, of a workload that is not ready."""
        receipt = self.run.receipts[name]
        assert not receipt["ready"], receipt
        cause: dict[str, Any] = receipt["cause"]
        return cause

    def paragraph(self, name: str) -> str:
        """What the failed task says about a workload."""
        [line] = [line for line in self.run.message.splitlines() if f" {NAMESPACE}/{name} is not" in line]
        return line

    def file(self, name: str) -> str:
        """Where the user's manifest of a workload is."""
        return str(self.folder / name / f"{name}.yaml")


def order(name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "shop.example.com/v1", "kind": "Order", "metadata": metadata}


DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "orders.shop.example.com"},
    "spec": {
        "group": "shop.example.com",
        "names": {"kind": "Order", "plural": "orders"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object"}},
            }
        ],
    },
}


def elsewhere(name: str, namespace: str) -> dict[str, Any]:
    return config_map(name) | {"metadata": {"name": name, "namespace": namespace}}


def with_replicas(name: str, replicas: Any) -> dict[str, Any]:
    whole = deployment(name)
    return whole | {"spec": whole["spec"] | {"replicas": replicas}}


def with_image(name: str, image: str) -> dict[str, Any]:
    return deployment(name, containers=[{"name": "main", "image": image}])


def role_binding(role: str) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "rebound", "namespace": "default"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role},
    }


SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "invalid", "namespace": "default"},
    "spec": {"ports": [{"port": 99999}]},
}
# Of each workload the one manifest, and what else the user says of it.
WORKLOADS: dict[str, tuple[Mapping[str, Any], dict[str, Any]]] = {
    "by-digest": (config_map("by-digest"), {}),
    "by-semver": (config_map("by-semver"), {}),
    "by-layer": (config_map("by-layer"), {}),
    "unsigned": (config_map("unsigned"), {}),
    "secretless": (config_map("secretless"), {}),
    "valueless": (
        config_map("valueless"),
        {"substitute_from": [{"kind": "ConfigMap", "name": "no"}]},
    ),
    "definitions": (DEFINITION, {"suspend": True}),
    "undefined": (order("one"), {}),
    "outdated": ({**deployment("outdated"), "apiVersion": "apps/v1beta9"}, {}),
    "mistyped": (with_replicas("mistyped", "two"), {}),
    "invalid": (SERVICE, {}),
    "unplaced": (deployment("unplaced") | {"metadata": {"name": "unplaced"}}, {}),
    "partial": (with_image("partial", ""), {}),
    "removed": (
        {
            "apiVersion": "extensions/v1beta1",
            "kind": "Ingress",
            "metadata": {"name": "old", "namespace": "default"},
        },
        {},
    ),
    "charted": (
        {
            "apiVersion": "helm.toolkit.fluxcd.io/v2",
            "kind": "HelmRelease",
            "metadata": {"name": "chart", "namespace": "default"},
        },
        {},
    ),
    "rebound": (role_binding("view"), {}),
    "copied": (
        config_map("copied")
        | {"metadata": {"name": "copied", "namespace": "default", "uid": NO_UID, "resourceVersion": "7"}},
        {},
    ),
    "immutable": (deployment("immutable"), {}),
    "hooked": (elsewhere("hooked", "hooked"), {}),
    "closed": (elsewhere("closed", "closed"), {}),
    "policed": (elsewhere("policed", "policed"), {}),
    "too-much": (elsewhere("too-much", "full"), {}),
    "weak": (config_map("weak"), {"service_account_name": "weak"}),
    "nowhere": (elsewhere("nowhere", "nowhere"), {}),
    "ending": (elsewhere("ending", "ending"), {}),
    "shared-1": (config_map("shared", text="1"), {}),
    "shared-2": (config_map("shared", text="2"), {}),
    "second": (config_map("second"), {"depends_on": ["invalid"]}),
    "third": (config_map("third"), {"depends_on": ["second"]}),
    "halted": (config_map("halted"), {"suspend": True}),
    "on-halted": (config_map("on-halted"), {"depends_on": ["halted"]}),
    "on-outsider": (config_map("on-outsider"), {"depends_on": ["outsider"]}),
    "pulling": (deployment("pulling"), {}),
    "crashing": (deployment("crashing"), {}),
    "hungry": (deployment("hungry"), {}),
    "homeless": (
        deployment("homeless", schedulerName="default-scheduler", nodeSelector={"disk": "none"}),
        {},
    ),
    "failing": (job("failing"), {}),
}


def _prepare(api: Api, loop: Loop, folder: Path) -> None:
    """What is in the cluster before, so that the workloads fail in their ways."""
    key = subprocess.run(
        ["openssl", "pkey", "-in", str(issued(folder, "signer").with_suffix(".key")), "-pubout"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    secret = {"stringData": {"cosign.pub": key}}
    api.apply(f"/api/v1/namespaces/{NAMESPACE}/secrets", "signer", secret, api_version="v1", kind="Secret")
    # Somebody has given the sources more fields than the workloads do.
    given: dict[str, dict[str, Any]] = {
        "by-digest": {"ref": {"digest": NO_DIGEST}},
        "by-semver": {"ref": {"semver": ">=9.0.0"}},
        "by-layer": {"layerSelector": {"mediaType": "application/vnd.none"}},
        "unsigned": {"verify": {"provider": "cosign", "secretRef": {"name": "signer"}}},
        "secretless": {"secretRef": {"name": "no-such-secret"}},
    }
    for name, spec in given.items():
        api.source(name, url=f"oci://{loop.registry}/{name}", interval="1h", **spec)
    api.source("outsider", url=f"oci://{loop.registry}/outsider", interval="1h", ref={"tag": "none"})
    api.kustomization("outsider", "outsider")
    other = deployment("immutable")
    other["spec"]["selector"]["matchLabels"] = {"app": "other"}
    other["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    deployments = "/apis/apps/v1/namespaces/default/deployments"
    api.apply(deployments, "immutable", other, api_version="apps/v1", kind="Deployment")
    bindings = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"
    role = role_binding("edit")
    api.apply(bindings, "rebound", role, api_version=role["apiVersion"], kind=role["kind"])
    for name in ("ending", "full"):
        api.namespace(name)
    for name in ("hooked", "closed", "policed"):
        api.namespace(name, test=name)
    path = "/api/v1/namespaces/full/resourcequotas"
    few = {"spec": {"hard": {"configmaps": "1"}}}
    api.apply(path, "few", few, api_version="v1", kind="ResourceQuota")
    path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
    api.apply(path, "weak", {}, api_version="v1", kind="ServiceAccount")
    held = {"metadata": {"name": "held", "finalizers": ["example.com/held"]}}
    path = "/api/v1/namespaces/ending/configmaps"
    api.apply(path, "held", held, api_version="v1", kind="ConfigMap")
    api.call("DELETE", "/api/v1/namespaces/ending")
    _admission(api)


RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}


def _webhook(api: Api, namespace: str, **client_config: str) -> None:
    webhook = {
        "name": f"{namespace}.example.com",
        "clientConfig": client_config,
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "namespaceSelector": {"matchLabels": {"test": namespace}},
        "rules": [RULE],
    }
    api.apply(
        f"{ADMISSION}/validatingwebhookconfigurations",
        namespace,
        {"webhooks": [webhook]},
        api_version="admissionregistration.k8s.io/v1",
        kind="ValidatingWebhookConfiguration",
    )


def _admission(api: Api) -> None:
    _webhook(api, "hooked", url="https://127.0.0.1:1/review")
    policy = {
        "matchConstraints": {
            "namespaceSelector": {"matchLabels": {"test": "policed"}},
            "resourceRules": [RULE],
        },
        "validations": [
            {
                "expression": "has(object.data) && 'owner' in object.data",
                "message": "a ConfigMap names its owner",
            }
        ],
    }
    for plural, kind, spec in (
        ("ies", "Policy", policy),
        ("ybindings", "PolicyBinding", {"policyName": "owner", "validationActions": ["Deny"]}),
    ):
        api.apply(
            f"{ADMISSION}/validatingadmissionpolic{plural}",
            "owner",
            {"spec": spec},
            api_version="admissionregistration.k8s.io/v1",
            kind=f"ValidatingAdmission{kind}",
        )
    for name in ("hooked", "policed", "full"):
        until(lambda name=name: _is_refused(api, name), f"namespace {name} is guarded")  # type: ignore[misc]  # bound


def _is_refused(api: Api, namespace: str) -> bool:
    try:
        api.call(
            "POST",
            f"/api/v1/namespaces/{namespace}/configmaps?dryRun=All",
            config_map("x") | {"metadata": {"name": "x"}},
        )
    except client.ApiException:
        return True
    return False


def _tidy_up(api: Api) -> None:
    for path in (
        f"{ADMISSION}/validatingwebhookconfigurations/hooked",
        f"{ADMISSION}/validatingwebhookconfigurations/closed",
        f"{ADMISSION}/validatingadmissionpolicies/owner",
        f"{ADMISSION}/validatingadmissionpolicybindings/owner",
    ):
        api.call("DELETE", path)
    until(lambda: _no_pods_are_left(api), "the Pods are gone")
    path = "/api/v1/namespaces/ending/configmaps/held"
    api.call("PATCH", path, {"metadata": {"finalizers": None}}, "application/merge-patch+json")
    for path in (
        "/apis/apps/v1/namespaces/default/deployments/immutable",
        "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings/rebound",
        f"/api/v1/namespaces/{NAMESPACE}/secrets/signer",
        f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/weak",
        *(f"/api/v1/namespaces/{name}" for name in ("full", "hooked", "closed", "policed")),
    ):
        api.call("DELETE", path)


def _no_pods_are_left(api: Api) -> bool:
    """Ends the Pods that played a part: their kubelet is gone, and would have to agree otherwise."""
    pods = "/api/v1/namespaces/default/pods"
    listed = api.call("GET", pods)["items"]
    left = [pod for pod in listed if pod["metadata"].get("labels", {}).get("app") in STATUSES]
    for pod in left:
        with contextlib.suppress(client.ApiException):  # it has gone meanwhile
            api.call("DELETE", f"{pods}/{pod['metadata']['name']}?gracePeriodSeconds=0")
    return not left


@pytest.fixture(scope="module")
def told(shared_loop: Loop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """All workloads, pushed together, and what was said of them."""
    api = Api(shared_loop)
    folder = tmp_path_factory.mktemp("causes")
    _prepare(api, shared_loop, folder)
    listed = [
        {"name": name, "path": str(write(folder / name, **{name: manifest})), "retry_interval": "1h", **more}
        for name, (manifest, more) in WORKLOADS.items()
    ]
    with kubelet(api, folder):
        run = shared_loop.push(*listed, workloads_timeout=NEVER)
        yield Told(run, folder)
    for kind in (KUSTOMIZATIONS, SOURCES):
        paths = [f"{kind}/{name}" for name in (*WORKLOADS, "outsider")]
        for path in paths:
            api.call("DELETE", path)
        until(lambda paths=paths: not any(map(shared_loop.get, paths)), "all is gone")  # type: ignore[misc]  # bound
    _tidy_up(api)


def test_a_failure_is_told_when_flux_knows_it(told, shared_loop):
    """Nothing waits for the time-out, which no run lives to see; what is told, Flux said before."""
    known = [
        datetime.fromisoformat(entry["lastTransitionTime"])
        for name in WORKLOADS
        for item in (shared_loop.source(name), shared_loop.kustomization(name))
        if item
        for entry in item["status"].get("conditions", [])
        if entry["type"] == "Ready" and entry["reason"] != "DependencyNotReady"
    ]
    assert max(known) <= told.run.ended("What the folders hold")


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("by-digest", "artifact_missing", (NO_DIGEST, "/by-digest", "Push it")),
        ("by-semver", "version_missing", (">=9.0.0", "semver")),
        ("by-layer", "layer", ("application/vnd.none", "layer_selector")),
        ("unsigned", "signature", ("no matching signatures", "cosign", "verify")),
        ("secretless", "authentication", ("Secret no-such-secret", "Create it in namespace flux-system")),
        ("valueless", "substitution", ("ConfigMap/no", "substitute_from")),
        ("undefined", "unknown_kind", ("kind Order", "workload definitions", "depends_on")),
        ("outdated", "unknown_kind", ("apps/v1beta9", "apps/v1: correct apiVersion")),
        ("mistyped", "invalid_field", ("spec.replicas", "expected numeric", "Correct")),
        ("invalid", "invalid_field", ("spec.ports[0].port", "99999", "Correct")),
        ("immutable", "immutable_field", ("spec.selector", "cannot be changed", "force")),
        ("hooked", "admission", ("hooked.example.com", "connection refused")),
        ("closed", "admission", ("closed.example.com refuses it", "this shop is closed")),
        ("policed", "admission", ("a ConfigMap names its owner", "policy")),
        ("too-much", "quota", ("few", "configmaps=1")),
        ("weak", "forbidden", ("flux-system:weak", "may not patch configmaps", "Role")),
        ("nowhere", "namespace_missing", ("no namespace nowhere", "Create it")),
        (
            "ending",
            "namespace_terminating",
            ("namespace ending is being deleted", "finalizers", "example.com/held in 1 resource"),
        ),
        ("unplaced", "namespace_missing", ("Deployment unplaced", "names no namespace", "target_namespace")),
        ("partial", "invalid_field", ("containers[0].image: Required value. Correct",)),
        ("removed", "unknown_kind", ("extensions/v1beta1", "networking.k8s.io/v1: correct apiVersion")),
        ("charted", "unknown_kind", ("HelmRelease", "helm-controller", "not installed")),
        ("rebound", "immutable_field", ("roleRef cannot be changed in place", "force")),
        ("copied", "invalid_field", ("read from a cluster", "metadata.uid", "metadata.resourceVersion")),
    ],
)
def test_what_flux_or_the_api_server_refuses(told, name, kind, said):
    cause = told.cause(name)
    assert cause["kind"] == kind
    for part in said:
        assert part in told.paragraph(name)
    assert cause["remedy"]
    assert cause["remedy"] in told.paragraph(name)
    assert len(told.paragraph(name)) < 500, "a short paragraph"


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("invalid", "port: 99999"),
        ("mistyped", "replicas: two"),
        ("nowhere", "apiVersion:"),
        ("copied", "uid: "),
    ],
)
def test_the_place_is_a_line_in_the_user_s_folder(told, name, field):
    file, _colon, line = told.cause(name)["place"].rpartition(" in ")[2].rpartition(":")
    assert file == told.file(name)
    assert field in Path(file).read_text().splitlines()[int(line) - 1]


def test_what_one_waits_for_is_told_down_to_the_first_cause(told):
    cause = told.cause("third")
    assert cause["kind"] == "dependency"
    assert [link["name"] for link in cause["details"]["chain"]] == ["second", "invalid"]
    assert cause["details"]["first_cause"]["kind"] == "invalid_field"
    assert "spec.ports[0].port" in told.paragraph("third")


def test_what_is_suspended_is_waited_for_in_vain(told):
    cause = told.cause("on-halted")
    assert (cause["kind"], cause["details"]["first_cause"]["kind"]) == ("dependency", "suspended")
    assert f"{NAMESPACE}/halted" in told.paragraph("on-halted")
    assert "suspend to false" in cause["remedy"]


def test_the_failure_of_what_is_not_listed_is_told_with_the_source_that_is_its_cause(told):
    cause = told.cause("on-outsider")
    assert [(link["kind"], link["name"]) for link in cause["details"]["chain"]] == [
        ("Kustomization", "outsider"),
        ("OCIRepository", "outsider"),
    ]
    assert cause["details"]["first_cause"]["kind"] == "artifact_missing"


@pytest.mark.parametrize(
    ("name", "said", "reason"),
    [
        (
            "pulling",
            ("0 of 1 replicas", 'pulling image "shop:1"', "name or tag of the image"),
            "ImagePullBackOff",
        ),
        ("crashing", ("exit code 1", "no route to db:5432", "its log"), "CrashLoopBackOff"),
        ("hungry", ("exit code 137", "resources.limits.memory"), "OOMKilled"),
        ("homeless", ("0/2 nodes are available", "nodeSelector"), "Unschedulable"),
        ("failing", ("it has failed", "exit code 3"), "Error"),
    ],
)
def test_what_is_not_healthy_is_told_with_what_holds_its_pods_back(told, name, said, reason):
    cause = told.cause(name)
    assert cause["kind"] == "unhealthy"
    for part in (reason, *said):
        assert part in told.paragraph(name)
    [item] = cause["details"]["objects"]
    assert item["name"] == name
    assert item["conditions"]
    assert item["pods"][0]["reason"] == reason
    assert told.file(name) in cause["place"]


def test_the_last_lines_of_its_log_and_the_last_events_are_told(told):
    [crashing] = told.cause("crashing")["details"]["objects"]
    assert crashing["pods"][0]["log"] == LAST_WORDS
    [homeless] = told.cause("homeless")["details"]["objects"]
    assert "FailedScheduling" in [event["reason"] for event in homeless["events"]]


def test_an_object_of_two_workloads_is_warned_of(told):
    causes = [told.run.receipts[name]["cause"] for name in ("shared-1", "shared-2")]
    assert all(told.run.receipts[name]["ready"] for name in ("shared-1", "shared-2"))
    owners = [cause["details"]["owners"][0]["name"] for cause in causes]
    assert {cause["kind"] for cause in causes} == {"owned_elsewhere"}
    assert owners == ["shared-2", "shared-1"]
    assert "ConfigMap default/shared" in str(told.run.result("What the folders hold")["warnings"])


def test_a_registry_that_only_this_machine_reaches(loop, folder):
    workload = {"name": "far-off", "path": str(write(folder, one=config_map("far-off")))}
    registry = {"host": loop.registry, "cluster": "127.0.0.1:1"}
    run = loop.push(workload, workloads_registry=registry, workloads_timeout=NEVER)
    run.refused("127.0.0.1:1 from the cluster", "connection refused", f"reaches it as {loop.registry}")
    assert run.receipts["far-off"]["cause"]["kind"] == "registry_unreachable"
    loop.remove("far-off")


def test_a_file_that_does_not_build_is_named_with_its_line(loop, folder):
    write(folder, broken=MALFORMED)
    run = loop.push({"name": "broken", "path": str(folder)})
    run.refused(f"{folder}/broken.yaml:4", "mapping values are not allowed", "Nothing was pushed")


def reconciled(loop: Loop, *names: str, **options: Any) -> dict[str, dict[str, Any]]:
    """What flux_reconcile says of Kustomizations that nobody has brought about."""
    listed = [
        {
            "name": name,
            "gitops.flux_local.flux_reconcile": {"name": name, **options},
            "ignore_errors": True,
        }
        for name in names
    ]
    return dict(loop.tasks(listed).results)


@pytest.fixture
def by_hand(loop: Loop, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Makes Kustomizations of a source by hand, which are gone after the test."""
    api = Api(loop)
    made: list[str] = []

    def make(name: str, source: str, **spec: Any) -> None:
        api.kustomization(name, source, **spec)
        made.append(f"{KUSTOMIZATIONS}/{name}")

    yield make
    for path in made:
        api.call("DELETE", path)
    for path in made:
        until(lambda path=path: loop.get(path) is None, f"{path} is gone")  # type: ignore[misc]  # bound at once


def test_a_registry_that_does_not_let_flux_in(loop, binary, tmp_path, by_hand):
    api = Api(loop)
    with serving(binary, tmp_path, auth=asks_for_a_password(tmp_path)) as host:
        wrong = {"auths": {host: {"username": "ci", "password": "wrong"}}}
        secret = {
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": json.dumps(wrong)},
        }
        path = f"/api/v1/namespaces/{NAMESPACE}/secrets"
        api.apply(path, "wrong", secret, api_version="v1", kind="Secret")
        for name, more in (("locked", {}), ("wrong", {"secretRef": {"name": "wrong"}})):
            api.source(name, url=f"oci://{host}/shop", interval="1h", **more)
            by_hand(name, name)
        said = reconciled(loop, "locked", "wrong", timeout=60)
    for name, part in (("locked", "Give the source a secret_ref"), ("wrong", "in the Secret wrong")):
        assert said[name]["receipt"]["cause"]["kind"] == "authentication"
        assert f"the registry {host} does not let Flux in" in said[name]["msg"]
        assert part in said[name]["msg"]
        api.call("DELETE", f"{SOURCES}/{name}")
    api.call("DELETE", f"{path}/wrong")


MISPLACED = {"patch": "- {op: replace, path: /no/such, value: 1}", "target": {"kind": "Deployment"}}
STOCKS = "/apis/store.example.com/v1/namespaces/default/stocks"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def unfinished(name: str, **spec: Any) -> dict[str, Any]:
    """A Deployment that is waited for, however long that takes."""
    whole = deployment(name, **spec)
    del whole["spec"]["progressDeadlineSeconds"]
    return whole


def a_dozen() -> dict[str, Any]:
    """Deployments of which the last one finds no node."""
    idle = {f"idle-{number:02}": unfinished(f"idle-{number:02}") for number in range(11)}
    for item in idle.values():
        item["spec"]["replicas"] = 0
    return idle | {
        "late": unfinished("late", schedulerName="default-scheduler", nodeSelector={"disk": "none"})
    }


def stocked() -> dict[str, Any]:
    """A custom resource whose condition is written later, beside what is waited for until then."""
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
    }
    spec = {
        "group": "store.example.com",
        "names": {"kind": "Stock", "plural": "stocks"},
        "scope": "Namespaced",
        "versions": [version],
    }
    definition = DEFINITION | {"metadata": {"name": "stocks.store.example.com"}, "spec": spec}
    metadata = {"name": "apples", "namespace": "default"}
    stock = {"apiVersion": "store.example.com/v1", "kind": "Stock", "metadata": metadata}
    return {"definition": definition, "stock": stock, "slow": unfinished("slow")}


def child_of(source: str) -> dict[str, Any]:
    """A Kustomization for a folder that its source does not have."""
    return {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "child", "namespace": NAMESPACE},
        "spec": {
            "interval": "1h",
            "prune": True,
            "path": "./no/such",
            "sourceRef": {"kind": "OCIRepository", "name": source},
        },
    }


def _sell_out(api: Api, loop: Loop, status: str) -> None:
    until(lambda: loop.get(f"{STOCKS}/apples"), "there is a stock")
    ready = {"type": "Ready", "status": status, "reason": "SoldOut", "message": "no more apples"}
    patch = {"status": {"conditions": [ready]}}
    api.call("PATCH", f"{STOCKS}/apples", patch, "application/merge-patch+json")


def _become_healthy(api: Api, loop: Loop) -> None:
    """Flux, which still waits for the health of these, could not delete them before."""
    for name in ("late", "slow"):
        none = {"spec": {"replicas": 0}}
        api.call("PATCH", f"{DEPLOYMENTS}/{name}", none, "application/merge-patch+json")
    _sell_out(api, loop, "True")
    path = {"spec": {"path": "./low"}}
    api.call("PATCH", f"{KUSTOMIZATIONS}/child", path, "application/merge-patch+json")


def _have_sources(api: Api, loop: Loop, folders: list[Path]) -> None:
    """An artifact and a source of each folder, by its name."""
    pushes = [
        {
            "gitops.flux_local.oci_artifact_push": {
                "path": str(folder),
                "url": f"oci://{loop.registry}/{folder.name}",
                "tags": ["latest"],
            }
        }
        for folder in folders
    ]
    loop.tasks(pushes).succeeded()
    for folder in folders:
        url = f"oci://{loop.registry}/{folder.name}"
        api.source(folder.name, url=url, interval="1h", ref={"tag": "latest"})


def test_what_flux_reconcile_says_without_a_folder(loop, tmp_path, by_hand):
    api = Api(loop)
    folders: dict[str, dict[str, Any]] = {
        "malformed": {"broken": MALFORMED},
        "late": a_dozen(),
        "stocked": stocked(),
        "nested": {},
    }
    write(tmp_path / "nested" / "top", child=child_of("nested"))
    write(tmp_path / "nested" / "low", low=config_map("low"))
    _have_sources(api, loop, [write(tmp_path / name, **files) for name, files in folders.items()])
    for name in folders:
        by_hand(name, name, wait=True, timeout="5m", path="./top" if name == "nested" else "./")
    by_hand("orphan", "late", dependsOn=[{"name": "ghost"}])
    by_hand("sourceless", "ghost")
    by_hand("resting", "late", suspend=True)
    by_hand("astray", "late", path="./no/such")
    by_hand("patched", "late", patches=[MISPLACED])
    by_hand("expressive", "late", dependsOn=[{"name": "late", "readyExpr": "nonsense("}])
    said = reconciled(
        loop, "malformed", "orphan", "sourceless", "resting", "astray", "patched", "expressive", timeout=60
    )
    _sell_out(api, loop, "False")
    said |= reconciled(loop, "late", "stocked", "nested", "ghost", timeout=3)
    _become_healthy(api, loop)
    causes = {name: result["receipt"]["cause"] for name, result in said.items()}
    assert {name: cause["kind"] for name, cause in causes.items()} == {
        "malformed": "build",
        "orphan": "dependency",
        "sourceless": "not_found",
        "resting": "suspended",
        "astray": "path_missing",
        "patched": "build",
        "expressive": "expression",
        "late": "time_out",
        "stocked": "time_out",
        "nested": "time_out",
        "ghost": "not_found",
    }
    assert causes["malformed"]["place"] == "broken.yaml:4"
    for name, part in (
        ("orphan", f"Kustomization {NAMESPACE}/ghost"),
        ("sourceless", f"OCIRepository {NAMESPACE}/ghost"),
        ("resting", "suspend to false"),
        ("astray", "no/such"),
        ("patched", "/no/such"),
        ("expressive", "nonsense("),
        ("late", "Deployment default/late: 0 of 1 replicas available"),
        ("late", "Unschedulable"),
        ("late", "correct nodeSelector"),
        ("stocked", "Stock default/apples: its condition Ready is False, SoldOut: no more apples"),
        ("stocked", "Nor healthy: Deployment default/slow"),
        ("stocked", "Correct what its condition says"),
        ("nested", f"Kustomization {NAMESPACE}/child: it is not ready: "),
        ("nested", "no/such: the artifact has no such folder. Correct path of the Kustomization"),
        ("late", "is not proven after 3 s"),
    ):
        assert part in said[name]["msg"], name
    for name in folders:
        api.call("DELETE", f"{SOURCES}/{name}")


@pytest.fixture
def waiting_kustomization(loop: Loop, tmp_path: Path, by_hand: Callable[..., None]) -> Iterator[None]:
    """A Kustomization that is well as long as Flux is."""
    push = {
        "path": str(write(tmp_path / "waiting", waiting=config_map("waiting"))),
        "url": f"oci://{loop.registry}/waiting",
        "tags": ["latest"],
    }
    loop.tasks([{"gitops.flux_local.oci_artifact_push": push}]).succeeded()
    Api(loop).source("waiting", url=f"oci://{loop.registry}/waiting", interval="1h")
    by_hand("waiting", "waiting")
    yield
    Api(loop).call("DELETE", f"{SOURCES}/waiting")


def test_a_controller_that_is_stuck_is_named(loop, waiting_kustomization):
    stuck = loop.pid("source-controller")
    os.kill(stuck, signal.SIGSTOP)
    try:
        result = reconciled(loop, "waiting", timeout=4)["waiting"]
    finally:
        os.kill(stuck, signal.SIGCONT)
    assert result["receipt"]["cause"]["kind"] == "controller"
    for part in ("source-controller has not taken it up for 4 s", "log"):
        assert part in result["msg"]


def test_a_controller_s_deployment_says_why_it_does_not_run_or_that_it_is_old(loop, waiting_kustomization):
    """Of a cluster whose controllers are Deployments: one without Pods, then one older than its API."""
    api = Api(loop)
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
    definition = (
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/kustomizations.kustomize.toolkit.fluxcd.io"
    )
    label = "app.kubernetes.io/version"
    item = deployment(
        "kustomize-controller", schedulerName="default-scheduler", nodeSelector={"disk": "none"}
    )
    item["metadata"] = {"name": "kustomize-controller", "labels": {label: "v2.1.0"}}
    api.apply(path, "kustomize-controller", item, api_version="apps/v1", kind="Deployment")
    stuck = loop.pid("kustomize-controller")
    os.kill(stuck, signal.SIGSTOP)
    try:
        idle = reconciled(loop, "waiting", timeout=3)["waiting"]
        del item["spec"]["template"]["spec"]["nodeSelector"]
        api.apply(path, "kustomize-controller", item, api_version="apps/v1", kind="Deployment")
        labels = {"metadata": {"labels": {label: "v2.9.5"}}}
        api.call("PATCH", definition, labels, "application/merge-patch+json")
        until(
            lambda: (loop.get(f"{path}/kustomize-controller") or {})["status"].get("availableReplicas"),
            "it is available",
        )
        old = reconciled(loop, "waiting", timeout=3)["waiting"]
    finally:
        os.kill(stuck, signal.SIGCONT)
        api.call("PATCH", definition, {"metadata": {"labels": None}}, "application/merge-patch+json")
        api.call("DELETE", f"{path}/kustomize-controller")
    for part in ("kustomize-controller has not taken it up", "0 of 1 replicas", "Unschedulable"):
        assert part in idle["msg"]
    for part in ("version v2.1.0", "v2.9.5", "in one version"):
        assert part in old["msg"]
