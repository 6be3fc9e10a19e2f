#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""One look at all certificates of a loop."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificates_info
short_description: Says which of many certificates have to be issued
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Compares certificates with what they should be, all in one call. A certificate is due when it is missing, ends soon, has another
    subject or key, or is not signed by the authority it should be signed by.
  - Issuing is left to the modules of the community.crypto collection, which then run only for those that are due.
extends_documentation_fragment:
  - gitops.flux_local.attributes
  - gitops.flux_local.attributes.info_module
requirements:
  - cryptography (Python library)
options:
  directory:
    description: The folder with all of them. The certificate of a name is C(<name>.crt), its private key C(<name>.key), both in PEM.
    type: path
    required: true
  certificates:
    description: The certificates. An authority stands before the certificates that it signs.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name by which it is returned.
        type: str
        required: true
      issuer:
        description: The name of the authority that signs it. An authority names itself.
        type: str
        required: true
      common_name:
        description: The subject's common name.
        type: str
        required: true
      organization:
        description: The subject's organization. Kubernetes reads it as a group.
        type: str
        default: ''
      subject_alt_name:
        description: Alternative names such as V(DNS:localhost) and V(IP:127.0.0.1).
        type: list
        elements: str
        default: []
      usages:
        description: The extended key usages.
        type: list
        elements: str
        choices: [serverAuth, clientAuth]
        default: []
  renew_before_days:
    description: A certificate that is valid for fewer days than this is due.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Certificates are looked at
  gitops.flux_local.certificates_info:
    directory: /home/me/pki
    certificates:
      - name: ca
        issuer: ca
        common_name: flux-local
  register: certificates
"""

RETURN = r"""
due:
  description: Why each certificate that has to be issued has to be, by name.
  type: dict
  returned: success
  sample:
    scheduler: it ends in 12 days
days_left:
  description: For how many days each certificate is still valid, by name.
  type: dict
  returned: success
  sample:
    ca: 3649
    scheduler: 12
"""

import datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils.certificates import Wanted, look
from ansible_collections.gitops.flux_local.plugins.module_utils.module import exit_with, require
from ansible_collections.gitops.flux_local.plugins.module_utils.processes import read_bytes


def run(params: dict[str, Any]) -> dict[str, Any]:
    """What ``look`` found, as return values."""
    wanted = [
        Wanted(**{**one, "subject_alt_name": tuple(one["subject_alt_name"]), "usages": tuple(one["usages"])})
        for one in params["certificates"]
    ]
    now = datetime.datetime.now(datetime.UTC)
    directory = params["directory"]
    seen = look(
        wanted,
        read=lambda name: read_bytes(f"{directory}/{name}"),
        now=now,
        renew_before_days=params["renew_before_days"],
    )
    return {
        "changed": False,
        "due": {name: found.why for name, found in seen.items() if found.why},
        "days_left": {name: found.days_left for name, found in seen.items()},
    }


def main() -> None:
    """The module's entry."""
    certificate = {
        "name": {"type": "str", "required": True},
        "issuer": {"type": "str", "required": True},
        "common_name": {"type": "str", "required": True},
        "organization": {"type": "str", "default": ""},
        "subject_alt_name": {"type": "list", "elements": "str", "default": []},
        "usages": {"type": "list", "elements": "str", "choices": ["serverAuth", "clientAuth"], "default": []},
    }
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "certificates": {"type": "list", "elements": "dict", "required": True, "options": certificate},
            "renew_before_days": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    require(module, "cryptography")
    exit_with(module, lambda: run(module.params))


if __name__ == "__main__":
    main()
