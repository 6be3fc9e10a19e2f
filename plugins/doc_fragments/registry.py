# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The options of all modules that talk to a registry."""

from __future__ import annotations


class ModuleDocFragment:
    """Options for C(extends_documentation_fragment): which repository, and how its registry is reached."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - The repository, as Flux names it, C(oci://host[:port]/repository), without a tag or digest.
      - Or C(oci-layout://path), an OCI image layout in a folder, as handed over without a network. It is made when something
        is written to it. The options about registries do not matter then.
    type: str
    required: true
  insecure:
    description:
      - Whether plain HTTP is allowed where the registry speaks no HTTPS.
      - A registry on this machine (C(localhost), names below it, loopback addresses) may always speak plain HTTP.
      - Without it, a registry that speaks HTTPS and refers to an address without it, for an upload, a redirect or a token, is an error.
        Credentials are never sent to another scheme, host or port than the registry's own, and that of the token server it names.
    type: bool
    default: false
  username:
    description:
      - The user to authenticate as, together with O(password).
      - Without it, a registry that asks for credentials is shown those that Docker's configuration has for it, in the folder that the
        environment variable E(DOCKER_CONFIG) names, else in C(~/.docker). Credential helpers and identity tokens are used as Docker does.
      - Where Docker's has none, Podman's logins are read, which are those of Buildah and Skopeo too, in the file E(REGISTRY_AUTH_FILE), in
        C(containers/auth.json) below E(XDG_RUNTIME_DIR), and below E(XDG_CONFIG_HOME) or C(~/.config). Of several logins to one host, the
        one with the longest path that fits the repository is taken. Where there are none, access is anonymous.
    type: str
  password:
    description:
      - The password or access token of O(username).
    type: str
  ca_cert:
    description:
      - A PEM file with the certificates of the authorities that may have signed the registry's certificate.
      - With it, only HTTPS is spoken.
    type: path
  client_cert:
    description:
      - A PEM file with the client certificate to authenticate with, and its key unless O(client_key) has it.
      - With it, only HTTPS is spoken.
    type: path
  client_key:
    description:
      - A PEM file with the key of O(client_cert).
    type: path
  validate_certs:
    description:
      - Whether the registry's certificate has to be trusted.
    type: bool
    default: true
  timeout:
    description:
      - After how many seconds a registry that does not answer, or answers with errors of its own, is given up.
      - Meanwhile it is tried again, at most four times, and no earlier than the registry asks for.
      - An answer that has begun has to be complete by then too. A list of tags may take six times as long.
      - A transfer takes as long as it needs, while no less than 16 KiB a second come, or 64 KiB a second are taken. A download that breaks
        off is continued from there.
    type: float
    default: 10
requirements:
  - oras (Python library)
"""
