# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What the API server says when it refuses an object, and what that means: a table."""

from __future__ import annotations

from ansible_collections.gitops.flux_local.plugins.module_utils._flux.causes.rules import CauseKind, Rule

# What only a cluster writes: a manifest that has it was read from one (kubectl get -o yaml).
CLUSTERS_OWN = (
    "metadata.uid",
    "metadata.resourceVersion",
    "metadata.managedFields",
    "metadata.creationTimestamp",
    "metadata.generation",
    "metadata.ownerReferences",
    "metadata.selfLink",
    "status",
)
# Which of Flux's controllers brings the kinds of a group.
FLUX_CONTROLLERS = {
    "helm.toolkit.fluxcd.io": "helm-controller",
    "image.toolkit.fluxcd.io": "image-reflector-controller or image-automation-controller",
    "notification.toolkit.fluxcd.io": "notification-controller",
    "source.extensions.fluxcd.io": "source-watcher",
}
# Kinds that Kubernetes has given up, by group and kind: what to do instead.
# https://kubernetes.io/docs/reference/using-api/deprecation-guide/
REMOVED_KINDS = dict.fromkeys(
    (("policy", "PodSecurityPolicy"), ("extensions", "PodSecurityPolicy")),
    "remove it, and give the namespace the label pod-security.kubernetes.io/enforce",
)

# What the API server says about an object that has fields which only a cluster writes.
READ_FROM_A_CLUSTER = Rule(
    CauseKind.INVALID_FIELD,
    r"uid mismatch|managedFields must be nil|the object has been modified|resourceVersion",
    "it was read from a cluster, and has fields that only a cluster writes: {of_cluster}.",
    "Remove these fields from the manifest.",
)

# What the API server says about one object.
OBJECT_RULES = (
    Rule(
        CauseKind.UNKNOWN_KIND,
        r'no matches for kind "(?P<kind>[^"]+)" in version "(?P<version>[^"]+)"',
        "the API server knows no kind {kind} of {version}.",
        "{bringer}",
    ),
    Rule(
        CauseKind.NAMESPACE_MISSING,
        r"^namespace not specified",
        "it names no namespace, and Flux has no default one for it.",
        "Set target_namespace of the workload, or metadata.namespace of the object.",
    ),
    Rule(
        CauseKind.DECRYPTION,
        r"^is SOPS encrypted",
        "it is encrypted with SOPS, and Flux has not been told how to decrypt it.",
        "Set decryption of the workload, with a Secret that has the key.",
    ),
    Rule(
        CauseKind.NAMESPACE_MISSING,
        r'namespaces "(?P<missing>[^"]+)" not found',
        "there is no namespace {missing}.",
        "Create it: add it to the workload, or depend on the workload that brings it.",
    ),
    Rule(
        CauseKind.NAMESPACE_TERMINATING,
        r"in namespace (?P<ending>\S+) because it is being terminated",
        "the namespace {ending} is being deleted{hold}.",
        "{release}",
    ),
    Rule(
        CauseKind.DELETING,
        r"object is being deleted",
        "it is still being deleted.",
        "Wait until it is gone, then run this again; if it stays, look at its finalizers.",
    ),
    Rule(
        CauseKind.QUOTA,
        r"exceeded quota: (?P<quota>[^,]+), (?P<why>.*)",
        "the quota {quota} is exceeded: {why}.",
        "Raise the ResourceQuota, or ask for less.",
    ),
    Rule(
        CauseKind.QUOTA,
        r"is forbidden: \[?(?P<why>(?:(?:minimum|maximum) \S+ usage|\S+ max limit to request ratio) per .*?)"
        r"\]?$",
        "a LimitRange of its namespace forbids it: {why}.",
        "Change its resources to what the LimitRange allows, or the LimitRange.",
    ),
    Rule(
        CauseKind.ADMISSION,
        r"conversion webhook for (?P<kind>.*?),? (?:Kind=\w+ )?failed: (?P<why>.*)",
        "the webhook that converts {kind} cannot be asked: {why}.",
        "Have its service run, or correct spec.conversion of the definition.",
    ),
    Rule(
        CauseKind.ADMISSION,
        r'failed calling webhook "(?P<webhook>[^"]+)": (?P<why>.*)',
        "the webhook {webhook} cannot be asked: {why}.",
        "Have its service run, or delete the webhook configuration that names it.",
    ),
    Rule(
        CauseKind.ADMISSION,
        r'admission webhook "(?P<webhook>[^"]+)" denied the request(?: without explanation)?:? ?(?P<why>.*)',
        "the webhook {webhook} refuses it: {why}.",
        "Change the object to what the webhook allows.",
    ),
    Rule(
        CauseKind.ADMISSION,
        r"ValidatingAdmissionPolicy '(?P<policy>[^']+)'.*? denied request: (?P<why>.*)",
        "the ValidatingAdmissionPolicy {policy} refuses it: {why}.",
        "Change the object to what the policy allows.",
    ),
    Rule(
        CauseKind.ADMISSION,
        r'violates PodSecurity "(?P<level>[^"]+)": (?P<why>.*)',
        "it violates the Pod security level {level} of its namespace: {why}.",
        "Change the Pod, or the level of the namespace.",
    ),
    Rule(
        CauseKind.FORBIDDEN,
        r'[Uu]ser "(?P<user>[^"]+)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]+)"(?P<scope>.*)',
        "{user} may not {verb} {resource}.",
        "Bind a Role with this right to it, or correct service_account_name of the Kustomization.",
    ),
    Rule(
        CauseKind.FORBIDDEN,
        r"error looking up service account (?P<account>\S+): ",
        "the service account {account} does not exist.",
        "Create it, or correct serviceAccountName.",
    ),
    Rule(
        CauseKind.IMMUTABLE_FIELD,
        r"(?P<why>.*(?:(?:is|are) immutable|immutable field|cannot change roleRef"
        r"|(?:may not|can ?not) (?:be )?changed? (?:once set|in an update|after)|may not be changed"
        r"|updates to .* (?:is|are) forbidden|updates to statefulset spec for fields other than"
        r"|pod updates may not).*)",
        "{fields} cannot be changed in place.",
        "Take the change back, or set force of the Kustomization to true: Flux then deletes the object and"
        " creates it anew.",
    ),
    Rule(
        CauseKind.OWNED_ELSEWHERE,
        r'conflict with "(?P<manager>[^"]+)"(?P<why>.*)',
        "the field manager {manager} has set fields of it to other values.",
        "Have only one of the two manage it.",
    ),
    Rule(
        CauseKind.INVALID_FIELD,
        r"\[\]: Too long: may not be more than (?P<bytes>\d+) bytes",
        "it is too large: it may not have more than {bytes} bytes.",
        "Make it smaller, for example by dividing it.",
    ),
    Rule(
        CauseKind.INVALID_FIELD,
        r"failed to create typed (?:patch object|live object|value) \([^)]*\): (?:errors: )?\.?(?P<why>.*)",
        "{why}.",
        "Correct this field.",
    ),
    Rule(
        CauseKind.INVALID_FIELD,
        r"^(?:[\w.]+ \"[^\"]*\" is invalid: )(?P<why>.*)",
        "{why}.",
        "Correct this field.",
    ),
    Rule(
        CauseKind.INVALID_FIELD,
        r'(?P<why>(?:strict decoding error: )?unknown field "[^"]+".*|field not declared in schema.*)',
        "{why}.",
        "Correct this field.",
    ),
    Rule(
        CauseKind.INVALID_FIELD,
        r"failed to convert new object .*quantities must match the regular expression",
        "one of its quantities cannot be read.",
        "Write quantities as a number and a suffix: 500m for half a CPU, 128Mi for memory.",
    ),
    Rule(
        CauseKind.INVALID_FIELD,
        r"failed to convert new object \([^)]*\) to proper version:"
        r" (?:unable to convert unstructured object to [^:]*: )?(?P<why>.*)",
        "{why}.",
        "Correct the field with this value.",
    ),
    Rule(
        CauseKind.REFUSED,
        r"(?P<why>.*(?:request is too large|entity too large).*)",
        "it is too large for the API server: {why}.",
        "Make it smaller, for example by dividing it.",
    ),
)
