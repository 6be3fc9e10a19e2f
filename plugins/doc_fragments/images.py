# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The options of all modules that read images."""

from __future__ import annotations


class ModuleDocFragment:
    """Options for C(extends_documentation_fragment): where images are had from, and how that is reached."""

    DOCUMENTATION = r"""
options:
  mirror:
    description:
      - What holds all images, and the manifests of the programs, as C(playbooks/mirror.yml) filled it.
      - Either a registry, C(host[:port][/prefix]), or the path of a folder, which is an OCI image layout. A path that is not absolute
        begins with C(./) or C(~).
      - Without it, the images come from their own registries.
    type: str
    default: ''
  registries:
    description:
      - What takes the place of an image's own registry, as C(host[:port][/prefix]) by the name of that registry, where O(mirror) is not
        given. A proxy of Docker Hub is an example.
    type: dict
    default: {}
  connection:
    description: How O(mirror), or each of the registries, is reached.
    type: dict
    suboptions:
      insecure:
        description:
          - Whether plain HTTP is allowed where the registry speaks no HTTPS.
          - A registry on this machine (C(localhost), names below it, loopback addresses) may always speak plain HTTP.
        type: bool
        default: false
      username:
        description: The user to authenticate as, together with C(password). Without it, access is anonymous.
        type: str
      password:
        description: The password or access token of C(username).
        type: str
      ca_cert:
        description: A PEM file with the certificates of the authorities that may have signed the registry's certificate.
        type: path
      client_cert:
        description: A PEM file with the client certificate to authenticate with, and its key unless C(client_key) has it.
        type: path
      client_key:
        description: A PEM file with the key of C(client_cert).
        type: path
      validate_certs:
        description: Whether the registry's certificate has to be trusted.
        type: bool
        default: true
      timeout:
        description:
          - After how many seconds a registry that does not answer, or answers with errors of its own, is given up.
          - A transfer takes as long as it needs, while data flow.
        type: float
        default: 5
requirements:
  - oras (Python library), for images
"""
