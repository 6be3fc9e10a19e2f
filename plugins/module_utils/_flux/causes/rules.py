# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What Flux 2 and the API server say when something fails, and what that means: a table."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class CauseKind(StrEnum):
    """What a failure is, in one word for programs."""

    REGISTRY_UNREACHABLE = "registry_unreachable"
    REGISTRY_UNTRUSTED = "registry_untrusted"
    AUTHENTICATION = "authentication"
    ARTIFACT_MISSING = "artifact_missing"
    VERSION_MISSING = "version_missing"
    UNEXPECTED_REVISION = "unexpected_revision"
    SIGNATURE = "signature"
    LAYER = "layer"
    SOURCE = "source"
    PATH_MISSING = "path_missing"
    BUILD = "build"
    SUBSTITUTION = "substitution"
    UNKNOWN_KIND = "unknown_kind"
    INVALID_FIELD = "invalid_field"
    IMMUTABLE_FIELD = "immutable_field"
    ADMISSION = "admission"
    QUOTA = "quota"
    FORBIDDEN = "forbidden"
    NAMESPACE_MISSING = "namespace_missing"
    NAMESPACE_TERMINATING = "namespace_terminating"
    OWNED_ELSEWHERE = "owned_elsewhere"
    REFUSED = "refused"
    EXPRESSION = "expression"
    DEPENDENCY = "dependency"
    UNHEALTHY = "unhealthy"
    CONTROLLER = "controller"
    SUSPENDED = "suspended"
    DELETING = "deleting"
    NOT_FOUND = "not_found"
    TIME_OUT = "time_out"
    CONNECTION = "connection"
    OTHER = "other"


class Rule(NamedTuple):
    """What Flux says, and what that means. The groups of the pattern fill the braces of text and remedy."""

    kind: CauseKind
    pattern: str
    text: str
    remedy: str


SOURCE_RULES = (
    Rule(
        CauseKind.SIGNATURE,
        r"^VerificationError: .*?provider '(?P<provider>[^']+)': (?P<why>.*)",
        "the signature of {asked} cannot be verified with {provider}: {why}.",
        "Sign it with the key that verify names, or correct verify and its Secret.",
    ),
    Rule(
        CauseKind.AUTHENTICATION,
        r"""secrets? ["'](?:[^"'/]*/)?(?P<secret>[^"']+)["'] not found""",
        "the Secret {secret} that it names does not exist.",
        "Create it in namespace {namespace}, or take its name out of the source.",
    ),
    Rule(
        CauseKind.REGISTRY_UNTRUSTED,
        r"(?P<why>x509: [^;]*)",
        "Flux does not trust the certificate of the registry {host}: {why}.",
        "Give the source a cert_secret_ref with the authority that signed it.",
    ),
    Rule(
        CauseKind.AUTHENTICATION,
        r"(?P<why>UNAUTHORIZED|DENIED|FORBIDDEN|authentication required|40[13] (?:Unauthorized|Forbidden))",
        "the registry {host} does not let Flux in: {why}.",
        "{credentials}",
    ),
    Rule(
        CauseKind.VERSION_MISSING,
        r"no match found for semver: (?P<range>.*)",
        "no tag of {url} matches the semver range {range}.",
        "Push a version that does, or correct semver of the source.",
    ),
    Rule(
        CauseKind.ARTIFACT_MISSING,
        r"MANIFEST_UNKNOWN|NAME_UNKNOWN|manifest unknown|repository name not known",
        "the registry has no {asked}.",
        "Push it, or correct url, tag or digest of the source.",
    ),
    Rule(
        CauseKind.LAYER,
        r"failed to find layer with media type '(?P<media>[^']+)'",
        "{asked} has no layer of media type {media}.",
        "Correct layer_selector of the source: what this collection pushes has one layer of"
        " application/vnd.cncf.flux.content.v1.tar+gzip.",
    ),
    Rule(
        CauseKind.LAYER,
        r"^OCIArtifactLayerOperationFailed: (?P<why>.*)",
        "the layer of {asked} cannot be used: {why}.",
        "Push it as a Flux artifact, or name the layer with layer_selector of the source.",
    ),
    Rule(
        CauseKind.SOURCE,
        r"^URLInvalid: URL validation failed for '[^']*': (?P<why>.*)",
        "its url {url} is not valid: {why}.",
        "Correct url of the source.",
    ),
    Rule(
        CauseKind.REGISTRY_UNREACHABLE,
        r"(?P<why>dial tcp[^;]*|lookup [^;]*no such host|[^;:]*i/o timeout|context deadline exceeded"
        r"|[^;:]*connection reset by peer|\bEOF\b)",
        "Flux does not reach the registry {host} from the cluster: {why}.",
        "{reachable}",
    ),
)

KUSTOMIZATION_RULES = (
    Rule(
        CauseKind.PATH_MISSING,
        r"kustomization path not found: stat (?P<file>.*): no such file or directory",
        "the artifact has no such folder.",
        "Correct path of the Kustomization, or push a folder that has it.",
    ),
    Rule(
        CauseKind.CONTROLLER,
        r"failed to download archive: .*?: Get \"[^\"]*\": (?P<why>.*)",
        "source-controller does not hand out the artifact: {why}.",
        "Does source-controller run, and what does its log say? site.yml starts what is not running.",
    ),
    Rule(
        CauseKind.SUBSTITUTION,
        r"substitute from '(?P<what>[^']+)' error: (?P<why>.*)",
        "the values of {what} cannot be substituted: {why}.",
        "Create it in namespace {namespace}, or correct substitute_from.",
    ),
    Rule(
        CauseKind.SUBSTITUTION,
        r"post build failed for '(?P<object>[^']+)': .*variable substitution failed: (?P<why>.*)",
        "a variable in {object} cannot be substituted: {why}.",
        "Correct it, or write $$ for a $ that is to stay.",
    ),
    Rule(
        CauseKind.AUTHENTICATION,
        r"""secrets ["'](?P<secret>[^"']+)["'] not found""",
        "the Secret {secret} that it names does not exist.",
        "Create it in namespace {namespace}, or correct the name.",
    ),
    Rule(
        CauseKind.EXPRESSION,
        r"^InvalidCELExpression: (?:.*?)(?P<why>failed to parse .*?)(?: \||$)",
        "{why}.",
        "Correct the expression; Flux does not try again before.",
    ),
    Rule(
        CauseKind.BUILD,
        r"failed to decode Kubernetes YAML from .*?: (?:MalformedYAMLError: )?(?P<why>.*)",
        "it does not build: {why}.",
        "Correct the file.",
    ),
    Rule(
        CauseKind.BUILD,
        r"^BuildFailed: .*open (?P<file>\S+): no such file or directory",
        "it does not build: there is no such file, though kustomization.yaml names it.",
        "Add the file, or take its name out of kustomization.yaml.",
    ),
    Rule(
        CauseKind.BUILD,
        r"may not add resource with an already registered id: (?P<id>[^'\s]+)",
        "it does not build: {id} is there twice.",
        "Take one of the two out.",
    ),
    Rule(
        CauseKind.BUILD,
        r"^BuildFailed: (?:kustomize build failed: )?(?P<why>.*)",
        "it does not build: {why}.",
        "Correct what kustomization.yaml says.",
    ),
    Rule(
        CauseKind.FORBIDDEN,
        r"^AccessDenied: (?P<why>.*)",
        "{why}.",
        "Move both into one namespace, or let Flux's controllers cross namespaces.",
    ),
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
        r'namespaces "(?P<missing>[^"]+)" not found',
        "there is no namespace {missing}.",
        "Create it: add it to the workload, or depend on the workload that brings it.",
    ),
    Rule(
        CauseKind.NAMESPACE_TERMINATING,
        r"in namespace (?P<ending>\S+) because it is being terminated",
        "the namespace {ending} is being deleted.",
        "Wait until it is gone; if it stays, look for finalizers of what is in it.",
    ),
    Rule(
        CauseKind.QUOTA,
        r"exceeded quota: (?P<quota>[^,]+), (?P<why>.*)",
        "the quota {quota} is exceeded: {why}.",
        "Raise the ResourceQuota, or ask for less.",
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
        CauseKind.IMMUTABLE_FIELD,
        r"(?P<why>.*(?:field is immutable|is immutable|may not change once set"
        r"|updates to statefulset spec for fields other than|pod updates may not).*)",
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
        r"failed to create typed patch object \([^)]*\): \.?(?P<why>.*)",
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
    Rule(CauseKind.REFUSED, r"(?P<why>.*)", "the API server refuses it: {why}.", "Correct the object."),
)
