#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""All certificates of a loop in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: loop_certificates
short_description: Keeps a folder of certificates valid
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Compares certificates with what they should be, and issues those that are due, with new keys. A certificate is due when it is missing,
    ends soon, has another subject, usage or key, or is not signed by the authority it should be signed by. When an authority is due, so is
    all that it signed.
  - All keys are on the curve P-256, and their files have mode 0600.
  - All certificates are looked at in one call, since a module call for each step of each certificate takes longer than to start the
    cluster that they are for.
extends_documentation_fragment:
  - gitops.flux_local.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
requirements:
  - cryptography (Python library) >= 42
options:
  directory:
    description:
      - The folder with all of them. The certificate of a name is C(<name>.crt), its private key C(<name>.key), both in PEM.
      - It is made with mode 0700.
    type: path
    required: true
  certificates:
    description: The certificates. An authority stands before the certificates that it signs.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name of its files.
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
  keys:
    description: Names of private keys without a certificate. They are made when they are missing, and never replaced.
    type: list
    elements: str
    default: []
  valid_days:
    description: For how many days a certificate is issued. Authorities are issued for ten times as long.
    type: int
    default: 365
  renew_before_days:
    description: A certificate that is valid for fewer days than this is due.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: A server has a certificate
  gitops.flux_local.loop_certificates:
    directory: /home/me/pki
    certificates:
      - name: ca
        issuer: ca
        common_name: my authority
      - name: server
        issuer: ca
        common_name: server
        subject_alt_name: ['DNS:localhost', 'IP:127.0.0.1']
        usages: [serverAuth]
"""

RETURN = r"""
due:
  description: Why each certificate or key that was issued had to be, by name.
  type: dict
  returned: success
  sample:
    kube-scheduler: it ends in 12 days
days_left:
  description: For how many days each certificate was valid before, by name. V(0) when there was none.
  type: dict
  returned: success
  sample:
    ca: 3649
    kube-scheduler: 12
"""

import datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.files import (
    read_bytes,
    write_atomically,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with, require
from ansible_collections.gitops.flux_local.plugins.module_utils._loop.certificates import (
    Issued,
    Wanted,
    issue,
    look,
    new_key,
)


def run(params: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
    """Issue what is due; in check mode only say what is."""
    directory = params["directory"]
    if not 0 <= params["renew_before_days"] < params["valid_days"]:
        raise LoopError(
            f"renew_before_days is {params['renew_before_days']}, but certificates are issued for "
            f"valid_days={params['valid_days']}. Choose less than that, so that a renewed certificate is not due at once."
        )
    wanted = [
        Wanted(**{**one, "subject_alt_name": tuple(one["subject_alt_name"]), "usages": tuple(one["usages"])})
        for one in params["certificates"]
    ]
    now = datetime.datetime.now(datetime.UTC)
    seen = look(
        wanted,
        read=lambda name: read_bytes(f"{directory}/{name}"),
        now=now,
        renew_before_days=params["renew_before_days"],
    )
    keys = [name for name in params["keys"] if not read_bytes(f"{directory}/{name}.key")]
    due = {name: found.why for name, found in seen.items() if found.why}
    due |= dict.fromkeys(keys, "there is none")
    if not check_mode:
        for one in wanted:
            if one.name in due:
                write(directory, one.name, issued(directory, one, now=now, valid_days=params["valid_days"]))
        for name in keys:
            write_atomically(f"{directory}/{name}.key", new_key(), mode=0o600)
    result = {
        "changed": bool(due),
        "due": due,
        "days_left": {name: found.days_left for name, found in seen.items()},
    }
    if due:
        lines = "".join(f"{name}: {why}\n" for name, why in due.items())
        result["diff"] = {"before": lines, "after": "".join(f"{name}: issued anew\n" for name in due)}
    return result


def issued(directory: str, one: Wanted, *, now: datetime.datetime, valid_days: int) -> Issued:
    """The certificate, signed by its authority as that stands in the folder now."""
    if one.issuer == one.name:
        return issue(one, None, now=now, days=10 * valid_days)
    certificate, key = (read_bytes(f"{directory}/{one.issuer}.{kind}") for kind in ("crt", "key"))
    if certificate is None or key is None:
        raise LoopError(
            f"certificates: {one.name} is to be signed by {one.issuer}, which does not stand before it. Put it there."
        )
    return issue(one, Issued(certificate, key), now=now, days=valid_days)


def write(directory: str, name: str, pair: Issued) -> None:
    """Keep the pair. Interrupted in between, the key does not belong to the certificate, which is then due."""
    write_atomically(f"{directory}/{name}.key", pair.key, mode=0o600)
    write_atomically(f"{directory}/{name}.crt", pair.certificate, mode=0o600)


def main() -> None:
    """The module's entry."""
    certificate = {
        "name": {"type": "str", "required": True},
        "issuer": {"type": "str", "required": True},
        "common_name": {"type": "str", "required": True},
        "organization": {"type": "str", "default": ""},
        "subject_alt_name": {"type": "list", "elements": "str", "default": []},
        "usages": {
            "type": "list",
            "elements": "str",
            "choices": ["serverAuth", "clientAuth"],
            "default": [],
        },
    }
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "certificates": {"type": "list", "elements": "dict", "required": True, "options": certificate},
            "keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
            "valid_days": {"type": "int", "default": 365},
            "renew_before_days": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    require(module, "cryptography")
    exit_with(module, lambda: run(module.params, check_mode=module.check_mode))


if __name__ == "__main__":
    main()
