# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a registry's answer, or the lack of one, is an error for: the sentence, and what to do."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.answers import said
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import Reference

with suppress(ImportError):  # module.require() names what is missing
    import requests

HOW_TO_ALLOW_DELETION = (
    "Allow it in its settings (distribution: `storage.delete.enabled: true`, or the variable "
    "REGISTRY_STORAGE_DELETE_ENABLED=true), or delete with the registry's own tools."
)


def untrusted(reference: Reference, why: str) -> LoopError:
    """The certificate of the registry is not trusted."""
    return LoopError(
        f"url: the certificate of {reference.host} is not trusted: {why}. Set `ca_cert` to the "
        "certificate of its authority, or `validate_certs` to false."
    )


def no_client_certificate(reference: Reference) -> LoopError:
    """The registry trusts no certificate of the client's."""
    return LoopError(
        f"client_cert: the registry {reference.host} asks for a client certificate that "
        "it trusts. Set `client_cert` and `client_key`, or correct them."
    )


def failed(reference: Reference, what: str, error: Exception) -> LoopError:
    """A request failed in a way that will not pass."""
    return LoopError(f"url: the registry {reference.host}: {what} failed: {error}.")


def given_up(reference: Reference, failure: str, tried: str, remedy: str) -> LoopError:
    """A request failed in a way that may pass, and did not; ``tried`` says how often and how long."""
    return LoopError(f"url: {failure}. {tried}. {remedy}", url=reference.url)


def unencrypted(reference: Reference, target: str) -> LoopError:
    """A registry that speaks https sends us where nothing is encrypted."""
    parts = urlsplit(target)
    return LoopError(
        f"url: the registry {reference.host} speaks https, and refers to {parts.scheme}://{parts.netloc}, "
        "where nothing is encrypted. Correct its settings (behind a proxy: X-Forwarded-Proto), or set "
        "`insecure`.",
        url=reference.url,
    )


def endless_list(reference: Reference, count: int, seconds: float) -> LoopError:
    """The list of tags does not end."""
    return LoopError(
        f"url: the registry {reference.host} has listed {count} tags of {reference.repository} in "
        f"{seconds:.0f} seconds, and has not come to the end. Remove tags, or set a longer `timeout`.",
        url=reference.url,
    )


def refused(reference: Reference, response: requests.Response, what: str, remedy: str) -> LoopError:
    """The registry does not do ``what`` it is asked for."""
    return LoopError(
        f"url: the registry {reference.host} refuses to {what} "
        f"({reference.repository}): {said(response)}. {remedy}",
        url=reference.url,
        status=response.status_code,
    )


def no_deletion(reference: Reference, response: requests.Response) -> LoopError:
    """The registry deletes nothing."""
    return LoopError(
        f"url: the registry {reference.host} does not allow to delete: {said(response)}. "
        f"{HOW_TO_ALLOW_DELETION}",
        url=reference.url,
        status=response.status_code,
    )


def no_registry(reference: Reference, response: requests.Response) -> LoopError:
    """Another program answers at the address."""
    server = response.headers.get("Server")
    return LoopError(
        f"url: {reference.host} is no registry: GET /v2/ was answered with {said(response)}"
        f"{f' by {server}' if server else ''}. Another program listens there: correct the host or port.",
        url=reference.url,
    )


def no_manifest(reference: Reference, name: str, media_type: str) -> LoopError:
    """A tag holds something else."""
    return LoopError(
        f"{reference.url}:{name} holds something of type {media_type or 'unknown'}, which is no "
        "manifest. Use another tag."
    )


def no_list(reference: Reference) -> LoopError:
    """Where tags should be listed, there is something else."""
    return LoopError(
        f"url: the registry {reference.host} answers with no list where it should list tags. Check the url.",
        url=reference.url,
    )


def damaged(reference: Reference, what: str, expected: str, actual: str) -> LoopError:
    """Something has another digest than it should have."""
    return LoopError(
        f"{reference.host}: {what} should have the digest {expected}, but has {actual}. It was "
        "damaged in the registry or on its way: push it again, or repair the registry."
    )
