# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Messages as Flux 2.9.5 and the API server 1.36.3 give them, and what is made of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.health import Unhealthy
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.namespaces import Hold
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.objects import ObjectRef
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.pods import PodTrouble
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.explain import (
    cause_of,
    shared_with,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.failure import (
    Controller,
    Failure,
    Link,
    Refusal,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.messages import (
    unhealthy_objects,
    unknown_kind,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.ruled import of_refusal
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.rules import CauseKind
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.conditions import State, Verdict
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import (
    KUSTOMIZATION,
    OCI_REPOSITORY,
)

SHOP = ObjectRef(KUSTOMIZATION, "flux-system", "shop")
SOURCE = ObjectRef(OCI_REPOSITORY, "flux-system", "shop")
SCRATCH = "/var/tmp/kustomization-3339829427"  # noqa: S108 - as Flux names it
DIGEST = f"sha256:{'0' * 64}"


class Folder:
    """A workload's folder that the user calls /home/me/shop."""

    registry = "127.0.0.1:5001"

    def file(self, name):
        return f"/home/me/shop/{name}".rstrip("/")

    def place_of(self, kind, name, field_path=""):
        del kind
        return f"/home/me/shop/{name}.yaml:{len(field_path) + 1}"

    def written(self, kind, name, field_paths):
        del kind
        return [path for path in field_paths if name == "copied" and path in ("metadata.uid", "status")]

    def bringer_of(self, kind, group):
        return "orders" if (kind, group) == ("Order", "shop.example.com") else ""


def failure(reason, message, *, ref=SHOP, state=State.FAILED, **known):
    verdict = Verdict(state, reason, message, subject=ref)
    return Failure(SHOP, verdict, 30.0, origin=known.pop("origin", Folder()), **known)


def source(**spec):
    return {"spec": {"url": "oci://registry:5000/shop", **spec}}


@pytest.mark.parametrize(
    ("reason", "message", "spec", "kind", "text", "remedy"),
    [
        (
            "OCIArtifactPullFailed",
            (
                'failed to determine artifact digest: Get "https://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1:'
                " connect:"
                ' connection refused; Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection'
                " refused"
            ),
            {},
            "registry_unreachable",
            (
                "Flux does not reach the registry registry:5000 from the cluster:"
                " dial tcp 127.0.0.1:1: connect: connection refused."
            ),
            "This machine reaches it as 127.0.0.1:5001: give its address in the cluster, too.",
        ),
        (
            "OCIArtifactPullFailed",
            (
                'failed to determine artifact digest: Get "https://registry.nowhere.invalid/v2/": dial tcp:'
                " lookup"
                " registry.nowhere.invalid on 10.255.255.53:53: no such host"
            ),
            {},
            "registry_unreachable",
            (
                "Flux does not reach the registry registry:5000 from the cluster:"
                " dial tcp: lookup registry.nowhere.invalid on 10.255.255.53:53: no such host."
            ),
            "This machine reaches it as 127.0.0.1:5001: give its address in the cluster, too.",
        ),
        (
            "OCIArtifactPullFailed",
            (
                'failed to determine artifact digest: Get "https://127.0.0.1:46515/v2/": tls: failed to'
                " verify"
                " certificate: x509: certificate signed by unknown authority; Get"
                ' "http://127.0.0.1:46515/v2/": read'
                " tcp 127.0.0.1:41780->127.0.0.1:46515: read: connection reset by peer"
            ),
            {},
            "registry_untrusted",
            (
                "Flux does not trust the certificate of the registry registry:5000:"
                " x509: certificate signed by unknown authority."
            ),
            "Give the source a cert_secret_ref with the authority that signed it.",
        ),
        (
            "OCIArtifactPullFailed",
            (
                "failed to pull artifact from 'oci://registry:5000/shop': GET"
                " http://registry:5000/v2/shop/manifests/"
                f"{DIGEST}: MANIFEST_UNKNOWN: manifest unknown; unknown manifest name=shop revision={DIGEST}"
            ),
            {"ref": {"digest": DIGEST, "tag": "latest"}},
            "artifact_missing",
            f"the registry has no digest {DIGEST} of oci://registry:5000/shop.",
            "Push it, or correct url, tag or digest of the source.",
        ),
        (
            "OCIArtifactPullFailed",
            (
                "failed to determine artifact digest: GET http://registry:5000/v2/shop/manifests/v2:"
                " MANIFEST_UNKNOWN:"
                " manifest unknown; unknown tag=v2"
            ),
            {"ref": {"tag": "v2"}},
            "artifact_missing",
            "the registry has no tag v2 of oci://registry:5000/shop.",
            "Push it, or correct url, tag or digest of the source.",
        ),
        (
            "ReadOperationFailed",
            (
                "failed to determine the artifact tag for 'oci://registry:5000/shop': no match found for"
                " semver: >=9.0.0"
            ),
            {"ref": {"semver": ">=9.0.0"}},
            "version_missing",
            "no tag of oci://registry:5000/shop matches the semver range >=9.0.0.",
            "Push a version that does, or correct semver of the source.",
        ),
        (
            "OCIArtifactPullFailed",
            (
                "failed to determine artifact digest: GET http://registry:5000/v2/shop/manifests/latest:"
                " UNAUTHORIZED:"
                " authentication required; [map[Action:pull Class: Name:shop Type:repository]]"
            ),
            {},
            "authentication",
            "the registry registry:5000 does not let Flux in: UNAUTHORIZED.",
            "Give the source a secret_ref with the credentials of the registry.",
        ),
        (
            "OCIArtifactPullFailed",
            (
                "failed to determine artifact digest: GET http://registry:5000/v2/shop/manifests/latest:"
                " UNAUTHORIZED:"
                " authentication required; [map[Action:pull Class: Name:shop Type:repository]]"
            ),
            {"secretRef": {"name": "login"}},
            "authentication",
            "the registry registry:5000 does not let Flux in: UNAUTHORIZED.",
            "Correct the credentials in the Secret login.",
        ),
        (
            "AuthenticationFailed",
            "failed to get credential: failed to get secret 'flux-system/login': secrets \"login\" not found",
            {"secretRef": {"name": "login"}},
            "authentication",
            "the Secret login that it names does not exist.",
            "Create it in namespace flux-system, or take its name out of the source.",
        ),
        (
            "AuthenticationFailed",
            "failed to generate transport for 'oci://registry:5000/shop': secret 'flux-system/ca' not found",
            {},
            "authentication",
            "the Secret ca that it names does not exist.",
            "Create it in namespace flux-system, or take its name out of the source.",
        ),
        (
            "VerificationError",
            (
                "failed to verify the signature using provider 'cosign': no matching signatures were found"
                " for"
                " 'registry:5000/shop@sha256:69fcbc01'"
            ),
            {},
            "signature",
            (
                "the signature of tag latest of oci://registry:5000/shop cannot be verified with cosign:"
                " no matching signatures were found for 'registry:5000/shop@sha256:69fcbc01'."
            ),
            "Sign it with the key that verify names, or correct verify and its Secret.",
        ),
        (
            "OCIArtifactLayerOperationFailed",
            "failed to find layer with media type 'application/vnd.none' in artifact",
            {},
            "layer",
            "tag latest of oci://registry:5000/shop has no layer of media type application/vnd.none.",
            (
                "Correct layer_selector of the source: what this collection pushes has one layer of"
                " application/vnd.cncf.flux.content.v1.tar+gzip."
            ),
        ),
        (
            "OCIArtifactLayerOperationFailed",
            (
                "failed to extract layer contents from artifact: requires gzip-compressed body: gzip: invalid"
                " header"
            ),
            {},
            "layer",
            (
                "the layer of tag latest of oci://registry:5000/shop cannot be used: failed to extract layer"
                " contents"
                " from artifact: requires gzip-compressed body: gzip: invalid header."
            ),
            "Push it as a Flux artifact, or name the layer with layer_selector of the source.",
        ),
        (
            "URLInvalid",
            (
                "URL validation failed for 'oci://registry:5000/x': repository must be between 2 and 255"
                " characters in"
                " length: x"
            ),
            {"url": "oci://registry:5000/x"},
            "source",
            (
                "its url oci://registry:5000/x is not valid:"
                " repository must be between 2 and 255 characters in length: x."
            ),
            "Correct url of the source.",
        ),
        (
            "StorageOperationFailed",
            "no space left on device",
            {},
            "other",
            "StorageOperationFailed: no space left on device.",
            "This is all that Flux says; its controllers' logs may have more.",
        ),
    ],
)
def test_what_a_source_says(reason, message, spec, kind, text, remedy):
    cause = cause_of(failure(reason, message, ref=SOURCE, source=source(**spec)))
    assert (cause.kind, cause.text, cause.remedy) == (kind, text, remedy)
    assert cause.place == "OCIRepository flux-system/shop"


@pytest.mark.parametrize(
    ("reason", "message", "kind", "place", "text"),
    [
        (
            "ArtifactFailed",
            f"kustomization path not found: stat {SCRATCH}/overlays/dev: no such file or directory",
            "path_missing",
            "/home/me/shop/overlays/dev",
            "the artifact has no such folder.",
        ),
        (
            "BuildFailed",
            (
                f"failed to decode Kubernetes YAML from {SCRATCH}/sub/b.yaml: MalformedYAMLError: yaml: line"
                " 5: mapping"
                " values are not allowed in this context"
            ),
            "build",
            "/home/me/shop/sub/b.yaml:5",
            "it does not build: yaml: line 5: mapping values are not allowed in this context.",
        ),
        (
            "BuildFailed",
            (
                "kustomize build failed: accumulating resources: accumulation err='accumulating resources"
                " from"
                f" 'missing.yaml': open {SCRATCH}/missing.yaml: no such file or directory': must build at"
                " directory: not"
                f" a valid directory: evalsymlink failure on '{SCRATCH}/missing.yaml' : lstat"
                f" {SCRATCH}/missing.yaml: no"
                " such file or directory"
            ),
            "build",
            "/home/me/shop/missing.yaml",
            "it does not build: there is no such file, though kustomization.yaml names it.",
        ),
        (
            "BuildFailed",
            (
                "kustomize build failed: accumulating resources: accumulation err='merging resources from"
                " './b.yaml':"
                " may not add resource with an already registered id: ConfigMap.v1.[noGrp]/dup.default':"
                " must"
                " build at"
                f" directory: '{SCRATCH}/b.yaml': file is not directory"
            ),
            "build",
            "/home/me/shop/b.yaml",
            "it does not build: ConfigMap.v1.[noGrp]/dup.default is there twice.",
        ),
        (
            "BuildFailed",
            (
                "kustomize build failed: replace operation does not apply: doc is missing path: /spec/no:"
                " missing value"
            ),
            "build",
            str(SHOP),
            (
                "it does not build: replace operation does not apply: doc is missing path: /spec/no: missing"
                " value."
            ),
        ),
        (
            "BuildFailed",
            (
                "post build failed for 'ConfigMap.v1.[noGrp]/a': substitute from 'ConfigMap/values' error:"
                " configmaps"
                ' "values" not found'
            ),
            "substitution",
            str(SHOP),
            'the values of ConfigMap/values cannot be substituted: configmaps "values" not found.',
        ),
        (
            "BuildFailed",
            'secrets "sops" not found',
            "authentication",
            str(SHOP),
            "the Secret sops that it names does not exist.",
        ),
        (
            "InvalidCELExpression",
            (
                "Reconciliation failed terminally due to configuration error: terminal error: failed to"
                " evaluate"
                " dependency base: failed to parse the CEL expression 'no(': ERROR: <input>:1:4: Syntax"
                " error\n | no(\n"
                " | ...^"
            ),
            "expression",
            str(SHOP),
            "failed to parse the CEL expression 'no(': ERROR: <input>:1:4: Syntax error.",
        ),
        (
            "ReconciliationFailed",
            (
                'Order/default/one dry-run failed: no matches for kind "Order" in version'
                ' "shop.example.com/v1"\n'
            ),
            "unknown_kind",
            "Order default/one in /home/me/shop/one.yaml:1",
            "the API server knows no kind Order of shop.example.com/v1.",
        ),
        (
            "ReconciliationFailed",
            (
                "Deployment/default/web dry-run failed: failed to create typed patch object (default/web;"
                " apps/v1,"
                " Kind=Deployment): .spec.replicas: expected numeric (int or float), got string\n"
            ),
            "invalid_field",
            "Deployment default/web in /home/me/shop/web.yaml:14",
            "spec.replicas: expected numeric (int or float), got string.",
        ),
        (
            "ReconciliationFailed",
            (
                'Service/default/web dry-run failed (Invalid): Service "web" is invalid: [spec.ports[0].port:'
                " Invalid"
                " value: 99999: must be between 1 and 65535, inclusive, spec.ports[0].targetPort: Invalid"
                " value: 99999:"
                " must be between 1 and 65535, inclusive]\n"
            ),
            "invalid_field",
            "Service default/web in /home/me/shop/web.yaml:19",
            (
                "spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive,"
                " spec.ports[0].targetPort: Invalid value: 99999: must be between 1 and 65535, inclusive."
            ),
        ),
        (
            "ReconciliationFailed",
            (
                'Deployment/default/web dry-run failed (Invalid): Deployment.apps "web" is invalid:'
                " spec.selector: Invalid"
                ' value: {"matchLabels":{"app":"web","x":"y"}}: field is immutable\n'
            ),
            "immutable_field",
            "Deployment default/web in /home/me/shop/web.yaml:14",
            "spec.selector cannot be changed in place.",
        ),
        (
            "ReconciliationFailed",
            (
                'StatefulSet/default/web dry-run failed (Invalid): StatefulSet.apps "web" is invalid: spec:'
                " Forbidden:"
                " updates to statefulset spec for fields other than 'replicas' are forbidden\n"
            ),
            "immutable_field",
            "StatefulSet default/web in /home/me/shop/web.yaml:5",
            "spec cannot be changed in place.",
        ),
        (
            "ReconciliationFailed",
            'ConfigMap/nowhere/x not found: namespaces "nowhere" not found\n',
            "namespace_missing",
            "ConfigMap nowhere/x in /home/me/shop/x.yaml:1",
            "there is no namespace nowhere.",
        ),
        (
            "ReconciliationFailed",
            (
                'ConfigMap/ending/x dry-run failed (Forbidden): configmaps "x" is forbidden: unable to create'
                " new content"
                " in namespace ending because it is being terminated\n"
            ),
            "namespace_terminating",
            "ConfigMap ending/x in /home/me/shop/x.yaml:1",
            "the namespace ending is being deleted.",
        ),
        (
            "ReconciliationFailed",
            (
                'ConfigMap/full/y dry-run failed (Forbidden): configmaps "y" is forbidden: exceeded quota:'
                " few, requested:"
                " configmaps=1, used: configmaps=1, limited: configmaps=1\n"
            ),
            "quota",
            "ConfigMap full/y in /home/me/shop/y.yaml:1",
            "the quota few is exceeded: requested: configmaps=1, used: configmaps=1, limited: configmaps=1.",
        ),
        (
            "ReconciliationFailed",
            (
                'ConfigMap/default/x dry-run failed (Forbidden): configmaps "x" is forbidden: User'
                ' "system:serviceaccount:flux-system:weak" cannot patch resource "configmaps" in API group ""'
                " in the"
                ' namespace "default"\n'
            ),
            "forbidden",
            "ConfigMap default/x in /home/me/shop/x.yaml:1",
            "system:serviceaccount:flux-system:weak may not patch configmaps.",
        ),
        (
            "ReconciliationFailed",
            (
                "ConfigMap/hooked/x dry-run failed (InternalError): Internal error occurred: failed calling"
                " webhook"
                ' "away.example.com": failed to call webhook: Post "https://127.0.0.1:1/x?timeout=10s":'
                " dial tcp"
                " 127.0.0.1:1: connect: connection refused\n"
            ),
            "admission",
            "ConfigMap hooked/x in /home/me/shop/x.yaml:1",
            (
                "the webhook away.example.com cannot be asked: failed to call webhook: Post"
                ' "https://127.0.0.1:1/x?'
                'timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused.'
            ),
        ),
        (
            "ReconciliationFailed",
            (
                'ConfigMap/a/x dry-run failed (Forbidden): admission webhook "owner.example.com" denied the'
                " request: it has"
                " no owner\n"
            ),
            "admission",
            "ConfigMap a/x in /home/me/shop/x.yaml:1",
            "the webhook owner.example.com refuses it: it has no owner.",
        ),
        (
            "ReconciliationFailed",
            (
                'ConfigMap/policed/x dry-run failed (Invalid): configmaps "x" is forbidden:'
                " ValidatingAdmissionPolicy"
                " 'owner' with binding 'owner' denied request: every ConfigMap names its owner\n"
            ),
            "admission",
            "ConfigMap policed/x in /home/me/shop/x.yaml:1",
            "the ValidatingAdmissionPolicy owner refuses it: every ConfigMap names its owner.",
        ),
        (
            "ReconciliationFailed",
            (
                "ConfigMap/default/x apply failed (Conflict): Apply failed with 1 conflict: conflict with"
                ' "kubectl-edit"'
                " using v1: .data.text\n"
            ),
            "owned_elsewhere",
            "ConfigMap default/x in /home/me/shop/x.yaml:1",
            "the field manager kubectl-edit has set fields of it to other values.",
        ),
        (
            "ReconciliationFailed",
            "Namespace/shop dry-run failed (Timeout): the server was too slow\n",
            "refused",
            "Namespace shop in /home/me/shop/shop.yaml:1",
            "the API server refuses it: the server was too slow.",
        ),
        (
            "BuildFailed",
            (
                "post build failed for 'ConfigMap.v1.[noGrp]/a': envsubst error: variable substitution"
                " failed:"
                " missing closing brace"
            ),
            "substitution",
            str(SHOP),
            "a variable in ConfigMap.v1.[noGrp]/a cannot be substituted: missing closing brace.",
        ),
        (
            "ReconciliationFailed",
            (
                'Pod/secure/p dry-run failed (Forbidden): pods "p" is forbidden: violates PodSecurity'
                ' "restricted:latest": runAsNonRoot != true (pod or container "a" must set'
                " securityContext.runAsNonRoot=true)\n"
            ),
            "admission",
            "Pod secure/p in /home/me/shop/p.yaml:1",
            (
                "it violates the Pod security level restricted:latest of its namespace: runAsNonRoot != true"
                ' (pod or container "a" must set securityContext.runAsNonRoot=true).'
            ),
        ),
        (
            "ReconciliationFailed",
            (
                'Pod/default/p dry-run failed (Invalid): Pod "p" is invalid: spec.containers: Forbidden: pod'
                " updates may not add or remove containers\n"
            ),
            "immutable_field",
            "Pod default/p in /home/me/shop/p.yaml:16",
            "spec.containers cannot be changed in place.",
        ),
        (
            "ReconciliationFailed",
            (
                'PersistentVolumeClaim/default/p dry-run failed (Invalid): PersistentVolumeClaim "p" is'
                " invalid:"
                " spec: Forbidden: spec is immutable after creation except resources.requests and"
                ' volumeAttributesClassName for bound claims\n@@ -1,6 +1,6 @@\n {\n-  "ReadWriteOnce"\n'
            ),
            "immutable_field",
            "PersistentVolumeClaim default/p in /home/me/shop/p.yaml:5",
            "spec cannot be changed in place.",
        ),
        (
            "ReconciliationFailed",
            (
                'Service/default/s dry-run failed (Invalid): Service "s" is invalid: spec.clusterIPs[0]:'
                " Invalid"
                ' value: ["10.96.7.8"]: may not change once set\n'
            ),
            "immutable_field",
            "Service default/s in /home/me/shop/s.yaml:19",
            "spec.clusterIPs[0] cannot be changed in place.",
        ),
        (
            "ReconciliationFailed",
            (
                'ConfigMap/default/c dry-run failed (Invalid): ConfigMap "c" is invalid: data: Forbidden:'
                " field"
                " is immutable when `immutable` is set\n"
            ),
            "immutable_field",
            "ConfigMap default/c in /home/me/shop/c.yaml:5",
            "data cannot be changed in place.",
        ),
        (
            "ReconciliationFailed",
            "Deployment/podinfo namespace not specified: the server could not find the requested resource\n",
            "namespace_missing",
            "Deployment podinfo in /home/me/shop/podinfo.yaml:1",
            "it names no namespace, and Flux has no default one for it.",
        ),
        (
            "ReconciliationFailed",
            (
                'Deployment/default/web dry-run failed (Invalid): Deployment.apps "web" is invalid:'
                " [spec.template.spec.containers[0].image: Required value, spec.replicas: Invalid value: -1:"
                " must be greater than or equal to 0]\nNamespace/partial created\nConfigMap/a/b configured\n"
            ),
            "invalid_field",
            "Deployment default/web in /home/me/shop/web.yaml:39",
            (
                "spec.template.spec.containers[0].image: Required value, spec.replicas: Invalid value: -1:"
                " must be greater than or equal to 0."
            ),
        ),
        (
            "ReconciliationFailed",
            (
                'RoleBinding/default/r dry-run failed (Invalid): RoleBinding.rbac.authorization.k8s.io "r"'
                ' is invalid: roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io","kind":"Role",'
                '"name":"other"}: cannot change roleRef\n'
            ),
            "immutable_field",
            "RoleBinding default/r in /home/me/shop/r.yaml:8",
            "roleRef cannot be changed in place.",
        ),
        (
            "ReconciliationFailed",
            (
                'StorageClass/fast dry-run failed (Invalid): StorageClass.storage.k8s.io "fast" is invalid:'
                " [parameters: Forbidden: updates to parameters are forbidden., provisioner: Forbidden:"
                " updates to provisioner are forbidden.]\n"
            ),
            "immutable_field",
            "StorageClass fast in /home/me/shop/fast.yaml:11",
            "parameters and provisioner cannot be changed in place.",
        ),
        (
            "ReconciliationFailed",
            (
                'PriorityClass/high dry-run failed (Invalid): PriorityClass.scheduling.k8s.io "high" is'
                " invalid: value: Forbidden: may not be changed in an update.\n"
            ),
            "immutable_field",
            "PriorityClass high in /home/me/shop/high.yaml:6",
            "value cannot be changed in place.",
        ),
        (
            "ReconciliationFailed",
            (
                "ConfigMap/default/copied dry-run failed (Conflict): Operation cannot be fulfilled on"
                ' configmaps "copied": uid mismatch: the provided object specified uid 1-2-3, and no existing'
                " object was found\n"
            ),
            "invalid_field",
            "ConfigMap default/copied in /home/me/shop/copied.yaml:13",
            ("it was read from a cluster, and has fields that only a cluster writes: metadata.uid, status."),
        ),
        (
            "ReconciliationFailed",
            (
                "Deployment/default/web dry-run failed: failed to create typed patch object (default/web;"
                " apps/v1, Kind=Deployment): errors:\n"
                '  .spec.template.spec.containers[name="main"].ports: duplicate entries for key'
                ' [containerPort=80,protocol="TCP"]\n  .spec.x: field not declared in schema\n'
            ),
            "invalid_field",
            "Deployment default/web in /home/me/shop/web.yaml:49",
            (
                'spec.template.spec.containers[name="main"].ports: duplicate entries for key'
                ' [containerPort=80,protocol="TCP"], spec.x: field not declared in schema.'
            ),
        ),
        (
            "ReconciliationFailed",
            (
                'Pod/default/p dry-run failed (Invalid): Pod "p" is invalid: spec.volumes: Invalid value:'
                f' {{"a":{{"b":"{"x" * 9000}"}}}}: it is too long\n'
            ),
            "invalid_field",
            "Pod default/p in /home/me/shop/p.yaml:13",
            "spec.volumes: it is too long.",
        ),
        (
            "ReconciliationFailed",
            (
                "Secret/default/s is SOPS encrypted, configuring decryption is required for this secret to be"
                " reconciled\n"
            ),
            "decryption",
            "Secret default/s in /home/me/shop/s.yaml:1",
            "it is encrypted with SOPS, and Flux has not been told how to decrypt it.",
        ),
        (
            "BuildFailed",
            "cannot get sops decryption Secret 'flux-system/keys': secrets \"keys\" not found",
            "decryption",
            str(SHOP),
            (
                "the Secret flux-system/keys with the keys for decryption cannot be read: secrets"
                ' "keys" not found.'
            ),
        ),
        (
            "BuildFailed",
            (
                "kustomize build failed: accumulating resources: accumulation err='accumulating resources"
                " from 'https://github.com/me/base//dev?ref=v1': URL is a git repository': failed to run"
                " '/usr/bin/git fetch --depth=1 https://github.com/me/base v1': fatal: unable to access"
                " 'https://github.com/me/base/': Could not resolve host: github.com\n: exit status 128"
            ),
            "build",
            str(SHOP),
            (
                "it does not build: the remote base https://github.com/me/base//dev?ref=v1 cannot be"
                " fetched: fatal: unable to access 'https://github.com/me/base/': Could not resolve host:"
                " github.com."
            ),
        ),
        (
            "BuildFailed",
            (
                "kustomize build failed: accumulating resources: accumulation err='accumulating resources"
                f" from 'ssh://git@me.example.com/base?ref=v1': open {SCRATCH}/ssh:/git@me.example.com/base?"
                "ref=v1: no such file or directory': failed to run '/usr/bin/git fetch --depth=1"
                " ssh://git@me.example.com/base v1': ssh: connect to host me.example.com port 22:"
                " Connection refused\nfatal: Could not read from remote repository.\n: exit status 128"
            ),
            "build",
            str(SHOP),
            (
                "it does not build: the remote base ssh://git@me.example.com/base?ref=v1 cannot be fetched:"
                " ssh: connect to host me.example.com port 22: Connection refused fatal: Could not read from"
                " remote repository."
            ),
        ),
        (
            "ReconciliationFailed",
            (
                'ConfigMap/default/x dry-run failed (Forbidden): object is being deleted: configmaps "x"'
                " already exists\n"
            ),
            "deleting",
            "ConfigMap default/x in /home/me/shop/x.yaml:1",
            "it is still being deleted.",
        ),
        (
            "ReconciliationFailed",
            (
                'Service/default/Big_Name dry-run failed (Invalid): Service "Big_Name" is invalid:'
                ' metadata.name: Invalid value: "Big_Name": a DNS-1035 label must start with a letter'
                " (e.g. 'my-name', or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')\n"
            ),
            "invalid_field",
            "Service default/Big_Name in /home/me/shop/Big_Name.yaml:14",
            'metadata.name: Invalid value: "Big_Name": a DNS-1035 label must start with a letter.',
        ),
        (
            "ReconciliationFailed",
            (
                "Deployment/default/web dry-run failed: failed to convert new object (default/web; apps/v1,"
                " Kind=Deployment) to proper version: unable to convert unstructured object to apps/v1,"
                " Kind=Deployment: quantities must match the regular expression"
                " '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'\n"
            ),
            "invalid_field",
            "Deployment default/web in /home/me/shop/web.yaml:1",
            "one of its quantities cannot be read.",
        ),
        (
            "ReconciliationFailed",
            (
                'ConfigMap/default/big dry-run failed (Invalid): ConfigMap "big" is invalid: []: Too long:'
                " may not be more than 1048576 bytes\n"
            ),
            "invalid_field",
            "ConfigMap default/big in /home/me/shop/big.yaml:1",
            "it is too large: it may not have more than 1048576 bytes.",
        ),
        (
            "PruneFailed",
            "it holds on",
            "other",
            str(SHOP),
            "PruneFailed: it holds on.",
        ),
    ],
)
def test_what_a_kustomization_says(reason, message, kind, place, text):
    cause = cause_of(failure(reason, message))
    assert (cause.kind, cause.place, cause.text) == (kind, place, text)
    assert cause.remedy
    assert "kustomization-33" not in f"{cause.text}{cause.remedy}{cause.place}", "no scratch folder of Flux's"


@pytest.mark.parametrize("page", ["docs/failures.md", "plugins/modules/flux_reconcile.py"])
def test_every_kind_of_cause_is_documented(page):
    text = (Path(__file__).parents[6] / page).read_text()
    assert [kind.value for kind in CauseKind if not re.search(rf"[`(]{kind.value}[`)]", text)] == []


def test_who_brings_a_kind_or_has_it_in_another_version_is_told():
    message = (
        'Order/default/one dry-run failed: no matches for kind "Order" in version "shop.example.com/v1"\n'
    )
    assert unknown_kind(message) == ("Order", "shop.example.com/v1")
    assert unknown_kind("it is broken") is None
    brought = cause_of(failure("ReconciliationFailed", message))
    assert brought.remedy == "The workload orders brings its definition: add it to depends_on."
    served = cause_of(failure("ReconciliationFailed", message, served_as=["shop.example.com/v2"]))
    assert served.remedy == "It has it as shop.example.com/v2: correct apiVersion."
    nobody = cause_of(failure("ReconciliationFailed", message.replace("Order", "Basket")))
    assert "Add the workload that brings its definition" in nobody.remedy
    release = message.replace("Order", "HelmRelease").replace("shop.example.com", "helm.toolkit.fluxcd.io")
    assert "It takes Flux's helm-controller" in cause_of(failure("ReconciliationFailed", release)).remedy
    policy = message.replace("Order", "PodSecurityPolicy").replace("shop.example.com/v1", "policy/v1beta1")
    assert "Kubernetes has it no more" in cause_of(failure("ReconciliationFailed", policy)).remedy


def test_what_the_api_server_refuses_in_a_dry_run_has_the_same_causes():
    said = (
        'configmaps "x" is forbidden: unable to create new content in namespace a because it is being'
        " terminated"
    )
    hold = Hold("finalizers keep what is in it: example.com/hold", "Remove them.")
    cause = of_refusal(Refusal("ConfigMap", "a", "x", said, hold=hold), Folder())
    assert (cause.kind, cause.place) == ("namespace_terminating", "ConfigMap a/x in /home/me/shop/x.yaml:1")
    assert cause.text == (
        "the namespace a is being deleted: finalizers keep what is in it: example.com/hold."
    )
    assert cause.remedy == "Remove them."


def test_a_namespace_that_flux_waits_for_is_told_with_what_keeps_it():
    shop = Unhealthy("Namespace", "", "shop", "it is being deleted")
    hold = Hold("it has the finalizers example.com/hold", "Remove them.")
    message = "timeout waiting for: [Namespace/shop status: 'Terminating']"
    cause = cause_of(failure("ReconciliationFailed", message, unhealthy=[shop], hold=hold))
    assert (cause.kind, cause.remedy) == ("namespace_terminating", "Remove them.")
    assert cause.text == "the namespace shop is being deleted: it has the finalizers example.com/hold."


def test_a_kustomization_that_is_applied_and_fails_is_told_with_its_own_cause():
    child = ObjectRef(KUSTOMIZATION, "flux-system", "child")
    nested = Failure(
        child, Verdict(State.FAILED, "BuildFailed", "kustomize build failed: no", subject=child), 3
    )
    ill = Unhealthy("Kustomization", "flux-system", "child", "its condition Ready is False")
    message = "timeout waiting for: [Kustomization/flux-system/child status: 'InProgress']"
    cause = cause_of(failure("HealthCheckFailed", message, unhealthy=[ill], first=nested))
    assert cause.kind == "unhealthy"
    assert cause.text == "it is not ready: it does not build: no."
    assert cause.remedy == "Correct what kustomization.yaml says."
    assert cause.details["first_cause"]["kind"] == "build"


CRASH = PodTrouble("web-1", "CrashLoopBackOff", "back-off 40s", "main", 1, 3, ["a", "b", "c", "no database"])


@pytest.mark.parametrize(
    ("troubles", "events", "text", "remedy"),
    [
        (
            [CRASH],
            [],
            (
                "0 of 1 replicas available; Pod web-1, container main: CrashLoopBackOff (exit code 1, 3"
                " restarts):"
                " back-off 40s; its log ends with: b | c | no database."
            ),
            "Correct what its log complains of.",
        ),
        (
            [PodTrouble("web-1", "Unschedulable", "0/1 nodes are available.")],
            [],
            "0 of 1 replicas available; Pod web-1: Unschedulable: 0/1 nodes are available.",
            "Ask for less, correct nodeSelector, affinity or tolerations, or add a node.",
        ),
        (
            [],
            [{"reason": "FailedBinding", "message": "no storage class is set."}],
            "0 of 1 replicas available; FailedBinding: no storage class is set.",
            "Name a storage class that provisions volumes, or create a PersistentVolume for the claim.",
        ),
        (
            [],
            [{"reason": "Odd", "message": "it is odd."}],
            "0 of 1 replicas available; Odd: it is odd.",
            "Look at its events and at what it waits for.",
        ),
        (
            [PodTrouble("web-1", "Unschedulable", 'persistentvolumeclaim "data" not found')],
            [],
            '0 of 1 replicas available; Pod web-1: Unschedulable: persistentvolumeclaim "data" not found.',
            "Create the PersistentVolumeClaim data.",
        ),
        (
            [],
            [
                {
                    "reason": "FailedCreate",
                    "message": (
                        'Error creating: pods "web-1" is forbidden: error looking up service account'
                        ' default/web: serviceaccount "web" not found'
                    ),
                }
            ],
            (
                '0 of 1 replicas available; FailedCreate: Error creating: pods "web-1" is forbidden: error'
                ' looking up service account default/web: serviceaccount "web" not found.'
            ),
            "Create it, or correct serviceAccountName.",
        ),
        (
            [],
            [
                {
                    "reason": "FailedCreate",
                    "message": (
                        'Error creating: pods "web-1" is forbidden: [maximum cpu usage per Container'
                        " is 1, but limit is 2, maximum memory usage per Pod is 1Gi, but limit is 2Gi]"
                    ),
                }
            ],
            (
                '0 of 1 replicas available; FailedCreate: Error creating: pods "web-1" is forbidden:'
                " [maximum cpu usage per Container is 1, but limit is 2, maximum memory usage per Pod is 1Gi,"
                " but limit is 2Gi]."
            ),
            "Change its resources to what the LimitRange allows, or the LimitRange.",
        ),
    ],
)
def test_what_is_not_healthy_is_told_with_what_holds_its_pods_back(troubles, events, text, remedy):
    web = Unhealthy("Deployment", "default", "web", "0 of 1 replicas available", (), troubles, events)
    message = (
        "health check failed after 3s: timeout waiting for: [Deployment/default/web status: 'InProgress']"
    )
    cause = cause_of(failure("HealthCheckFailed", message, unhealthy=[web]))
    assert (cause.kind, cause.text, cause.remedy) == ("unhealthy", text, remedy)
    assert cause.place == "Deployment default/web in /home/me/shop/web.yaml:1"
    assert cause.details["objects"][0]["pods"] == [
        {
            "pod": trouble.pod,
            "reason": trouble.reason,
            "message": trouble.message,
            "container": trouble.container,
            "exit_code": trouble.exit_code,
            "restarts": trouble.restarts,
            "log": list(trouble.log),
        }
        for trouble in troubles
    ]


def test_objects_of_a_failed_health_check_are_read_from_its_message():
    message = (
        "health check failed after 5.06s: failed early due to stalled resources: [Job/default/job status:"
        " 'Failed',"
        " Namespace/shop status: 'Terminating']"
    )
    assert [(str(each), each.status, each.said) for each in unhealthy_objects(message)] == [
        ("Job default/job", "Failed", ""),
        ("Namespace shop", "Terminating", ""),
    ]
    message = (
        "health check failed after 5s: timeout waiting for: [Order/a/b status: 'Unknown': no such key: x, y,"
        " Pod/a/c status: 'NotFound']"
    )
    assert [(str(each), each.status, each.said) for each in unhealthy_objects(message)] == [
        ("Order a/b", "Unknown", "no such key: x, y"),
        ("Pod a/c", "NotFound", ""),
    ]
    message = "health check failed after 5s: timeout waiting for: [can't determine status for Order/a/b]"
    assert [(str(each), each.status) for each in unhealthy_objects(message)] == [("Order a/b", "Unknown")]


def test_the_first_cause_of_a_chain_is_told_and_every_link_is_returned():
    base, data = (ObjectRef(KUSTOMIZATION, "flux-system", name) for name in ("base", "data"))
    waiting = Verdict(State.IN_PROGRESS, "DependencyNotReady", "dependency 'flux-system/data' is not ready")
    broken = Verdict(State.FAILED, "BuildFailed", "kustomize build failed: no")
    chain = [Link(base, waiting), Link(data, broken)]
    cause = cause_of(failure("DependencyFailed", "It waits.", chain=chain))
    assert cause.kind == "dependency"
    assert cause.text == (
        "it waits for Kustomization flux-system/base -> Kustomization flux-system/data, which is not ready:"
        " it does not build: no."
    )
    assert [link["name"] for link in cause.details["chain"]] == ["base", "data"]
    assert cause.details["first_cause"]["kind"] == "build"


@pytest.mark.parametrize(
    ("state", "reason", "kind", "said"),
    [
        (State.SUSPENDED, "Suspended", "suspended", "suspend to false"),
        (State.DELETING, "Deleting", "deleting", "being deleted"),
        (State.FAILED, "NotFound", "not_found", "does not exist"),
        (State.IN_PROGRESS, "ConnectionLost", "connection", "words"),
        (State.FAILED, "UnexpectedRevision", "unexpected_revision", "name what was pushed?"),
        (State.IN_PROGRESS, "Progressing", "time_out", "still awaited after 30 s: Progressing: words."),
        (State.IN_PROGRESS, "DependencyNotReady", "time_out", "still awaited"),
        (State.IN_PROGRESS, "NotHandled", "time_out", "still awaited"),
    ],
)
def test_how_an_object_stands_is_a_cause_too(state, reason, kind, said):
    cause = cause_of(failure(reason, "words", state=state))
    assert cause.kind == kind
    assert said in cause.about(str(SHOP))


@pytest.mark.parametrize(
    ("controller", "said"),
    [
        (
            Controller("source-controller"),
            ("source-controller has not taken it up for 30 s.", "does its log say"),
        ),
        (
            Controller(
                "source-controller",
                Unhealthy("Deployment", "flux-system", "source-controller", "0 of 1 replicas available"),
            ),
            ("0 of 1 replicas available", "Have the Deployment become available"),
        ),
        (
            Controller(
                "source-controller",
                Unhealthy("Deployment", "flux-system", "source-controller", ""),
                "v2.1.0",
                "v2.9.5",
            ),
            ("it is of version v2.1.0, and its API of v2.9.5", "in one version"),
        ),
        (
            Controller(
                "source-controller",
                Unhealthy("Deployment", "flux-system", "source-controller", ""),
                "v2.9.5",
                "v2.9.5",
            ),
            ("It runs: what does the log of Deployment flux-system/source-controller say?",),
        ),
    ],
)
def test_a_silent_controller_is_named(controller, said):
    cause = cause_of(
        failure("NotHandled", "words", ref=SOURCE, state=State.IN_PROGRESS, controller=controller)
    )
    assert cause.kind == "controller"
    for part in said:
        assert part in cause.about(str(SHOP))


def test_those_that_apply_the_same_object_are_named():
    cause = shared_with("ConfigMap default/x", [SHOP, ObjectRef(KUSTOMIZATION, "flux-system", "blog")])
    assert cause.about("") == (
        "ConfigMap default/x: Kustomization flux-system/shop and Kustomization flux-system/blog apply it,"
        " too:"
        " each undoes what the other sets. Take it out of all but one."
    )
