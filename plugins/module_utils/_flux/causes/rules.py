# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What Flux 2 says when something fails, and what that means: a table. Of objects, ``object_rules`` tells."""

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
    DECRYPTION = "decryption"
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
        CauseKind.ARTIFACT_MISSING,
        r"BLOB_UNKNOWN",
        "the registry has lost a layer of {asked}.",
        "Push it again.",
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
        r"server gave HTTP response to HTTPS client",
        "the registry {host} answers with http, and the source asks with https.",
        "Set insecure of the source to true.",
    ),
    Rule(
        CauseKind.REGISTRY_UNREACHABLE,
        r"unexpected status code (?P<why>5\d\d[^:;]*)",
        "the registry {host} answers {why}.",
        "What does the log of the registry say?",
    ),
    Rule(
        CauseKind.REGISTRY_UNREACHABLE,
        r"(?P<why>dial tcp[^;]*|lookup [^;]*no such host|[^;:]*i/o timeout|context deadline exceeded"
        r"|[^;:]*connection reset by peer|\bEOF\b)",
        "Flux does not reach the registry {host} from the cluster: {why}.",
        "{reachable}",
    ),
)

# As kustomize fetches it, whose words come first, then git's.
REMOTE_BASE = Rule(
    CauseKind.BUILD,
    r"^BuildFailed: .*from '(?P<base>[^']+)': .*?"
    r"(?:failed to run '[^']*git [^']*': (?P<why>.*?):? exit status \d+"
    r"|(?P<late>hit \S+ timeout running '[^']*'))",
    "it does not build: the remote base {base} cannot be fetched: {why}{late}.",
    "Correct its address, let git reach it from here and from where Flux runs, or copy it into the folder.",
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
        CauseKind.CONTROLLER,
        r"failed to download archive from \S+ \(status: (?P<why>[^)]*)\)",
        "source-controller does not hand out the artifact: {why}.",
        "Have the source reconciled, so that source-controller fetches the artifact again.",
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
        CauseKind.DECRYPTION,
        r"cannot get .*?decryption Secret '(?P<secret>[^']+)': (?P<why>.*)",
        "the Secret {secret} with the keys for decryption cannot be read: {why}.",
        "Create it, or correct decryption.secret_ref.",
    ),
    Rule(
        CauseKind.DECRYPTION,
        r"(?:decryption failed for '[^']+'|error decrypting sources|failed to import '[^']*' data):"
        r" (?P<why>.*)",
        "what is encrypted with SOPS cannot be decrypted: {why}.",
        "Give decryption.secret_ref a Secret with the key that it was encrypted for.",
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
    REMOTE_BASE,
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
