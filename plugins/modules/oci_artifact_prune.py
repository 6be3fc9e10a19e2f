#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Ansible module: remove the versions of an artifact that nobody needs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oci_artifact_prune
version_added: 0.1.0
short_description: Removes old versions of an artifact, but none that a live cluster refers to
description:
  - Keeps the versions that one of the rules asks for, and removes all others with their tags.
  - A version is a manifest with all tags that name it. It is kept or removed as a whole.
  - Versions that Flux refers to in one of the O(clusters) are kept whatever the rules say. These are what
    C(OCIRepository) objects ask for (digest, tag, or the tag that a semver range selects) and have stored, and what
    C(Kustomization) objects have applied, have attempted and have in their history.
  - Signatures and other companions by cosign's tags share the fate of what they belong to, and the parts of an index
    that of the index. They do not count for O(keep_last).
  - What is pushed or tagged while the module runs is never removed.
  - Every version is returned with the reasons why it is kept or removed, in check mode as well.
author:
  - The gitops.flux_local authors (@gitops-flux-local)
extends_documentation_fragment:
  - gitops.flux_local.attributes
  - gitops.flux_local.registry
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - With O(keep_newer_than), versions become due as time passes.
options:
  keep_last:
    description:
      - How many of the newest versions to keep. With V(0), this keeps none, so that only other rules and references do.
    type: int
  order:
    description:
      - What O(keep_last) takes for the newest.
      - V(created) goes by the time in the annotation C(org.opencontainers.image.created).
      - V(semver) goes by the highest semantic version among a version's tags. Versions without one come last, by time.
    type: str
    choices: [created, semver]
    default: created
  keep_newer_than:
    description:
      - Keep what was created within this time, such as V(12h), V(30d) or V(1d12h), with the units s, m, h, d and w.
      - What does not say when it was created is kept as well.
    type: str
  keep_tags:
    description:
      - Keep versions with a tag like one of these patterns, in which C(*), C(?) and C([abc]) mean what they mean in a shell.
    type: list
    elements: str
    default: []
  keep_latest_of:
    description:
      - Keep the highest release of each V(major) version, or of each V(minor) version, by semantic versions in tags.
        Pre-releases are not counted.
    type: str
    choices: [major, minor]
  keep_digests:
    description:
      - More digests to keep, such as those that a cluster out of reach refers to.
    type: list
    elements: str
    default: []
  clusters:
    description:
      - The clusters whose Flux may refer to versions of this artifact. Each has options of M(kubernetes.core.k8s).
      - All objects of all namespaces are read. When a cluster cannot be asked, nothing is removed.
    type: list
    elements: dict
    default: []
    suboptions:
      kubeconfig:
        description: The path of a kubeconfig, or its content as a dictionary. C(~/.kube/config) by default.
        type: raw
      context:
        description: The context of the kubeconfig, by default its current one.
        type: str
      host:
        description: The URL of the API server.
        type: str
      api_key:
        description: A token to authenticate with.
        type: str
      username:
        description: A user name for basic authentication.
        type: str
      password:
        description: The password of that user.
        type: str
      validate_certs:
        description: Whether the API server's certificate has to be trusted.
        type: bool
        aliases: [verify_ssl]
      ca_cert:
        description: A file with the certificate of the authority that signed the API server's.
        type: path
        aliases: [ssl_ca_cert]
      client_cert:
        description: A file with the client certificate to authenticate with.
        type: path
        aliases: [cert_file]
      client_key:
        description: A file with the key of the client certificate.
        type: path
        aliases: [key_file]
      proxy:
        description: The URL of a proxy to reach the API server by.
        type: str
      no_proxy:
        description: Hosts that are reached without the proxy, with commas between them.
        type: str
      proxy_headers:
        description: Headers for the proxy.
        type: dict
        suboptions:
          proxy_basic_auth:
            description: User and password for the proxy, with a colon between them.
            type: str
          basic_auth:
            description: User and password for basic authentication, with a colon between them.
            type: str
          user_agent:
            description: The user agent.
            type: str
      persist_config:
        description: Whether refreshed tokens are written to the kubeconfig.
        type: bool
      impersonate_user:
        description: A user to impersonate.
        type: str
      impersonate_groups:
        description: Groups to impersonate.
        type: list
        elements: str
  storage_dir:
    description:
      - The folder where the registry's program keeps its files, if it is on this machine, as that of the role
        P(gitops.flux_local.registry#role) is. With it, versions that lost their last tag are found and judged, too.
      - No registry lists those, so that without this folder they stay.
    type: path
requirements:
  - kubernetes (Python library) >= 24.2, for O(clusters)
notes:
  - Removing versions wins no space by itself, only the registry's garbage collection does.
    See M(gitops.flux_local.registry_garbage_collect).
seealso:
  - module: gitops.flux_local.registry_garbage_collect
"""

EXAMPLES = r"""
- name: The last fifty versions stay, and whatever is in use
  gitops.flux_local.oci_artifact_prune:
    url: oci://localhost:5050/shop
    keep_last: 50
    clusters:
      - kubeconfig: ~/.local/share/flux-local/flux-local/kubeconfig

- name: Releases stay for good, branches for a month
  gitops.flux_local.oci_artifact_prune:
    url: oci://registry.example.com/team/shop
    username: ci
    password: "{{ registry_password }}"
    keep_newer_than: 30d
    keep_tags: ["[0-9]*.[0-9]*.[0-9]*", stable]
    clusters:
      - context: staging
      - context: production

- name: The newest release of each minor version, and the five newest of all
  gitops.flux_local.oci_artifact_prune:
    url: oci://registry.example.com/team/shop
    order: semver
    keep_last: 5
    keep_latest_of: minor
  check_mode: true
  register: shop

- name: What would go, and why
  ansible.builtin.debug:
    msg: "{{ item.tags | join(' ') }}: {{ item.why | join('; ') }}"
  loop: "{{ shop.versions | rejectattr('kept') }}"
"""

RETURN = r"""
url:
  description: The repository.
  type: str
  returned: success
  sample: oci://localhost:5050/shop
clusters:
  description: The clusters that were asked, each by its kubeconfig and context, or by its host.
  type: list
  elements: str
  returned: success
  sample: ["/home/me/.local/share/flux-local/flux-local/kubeconfig#flux-local"]
kept:
  description: How many versions stay.
  type: int
  returned: success
  sample: 50
removed:
  description: How many versions went, or would go in check mode.
  type: int
  returned: success
  sample: 950
released:
  description:
    - The size of the layers that no version refers to any more, in bytes. Garbage collection can win that much, where no
      other repository has the same layers.
  type: int
  returned: success
  sample: 203300
versions:
  description: What became of each version, in the order in which they count.
  type: list
  elements: dict
  returned: success
  contains:
    digest:
      description: The digest of the manifest.
      type: str
      sample: sha256:3f4c52c43ee00abcee3fb899cd602af66325d72c3a5e10a23af7d04184b3b805
    tags:
      description: The tags, in alphabetical order.
      type: list
      elements: str
      sample: [1.4.0, stable]
    created:
      description: When it was created, V(null) when it does not say.
      type: str
      sample: "2026-11-24T15:02:10Z"
    kept:
      description: Whether it stays.
      type: bool
      sample: true
    why:
      description: Every reason why it stays, or why none of the rules keeps it.
      type: list
      elements: str
      sample: ["Kustomization flux-system/shop: applied", "keep_last: number 3 of 1000"]
  sample:
    - digest: sha256:3f4c52c43ee00abcee3fb899cd602af66325d72c3a5e10a23af7d04184b3b805
      tags: [1.4.0, stable]
      created: "2026-11-24T15:02:10Z"
      kept: true
      why: ["Kustomization flux-system/shop: applied", "keep_last: number 3 of 1000"]
"""

from datetime import UTC, datetime

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.client import KubernetesCluster
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.kubernetes_core import AUTH_ARG_SPEC
from ansible_collections.gitops.flux_local.plugins.module_utils._core.module import exit_with, require
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import ARGUMENTS
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.open import open_repository
from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.prune import run


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENTS
        | {
            "keep_last": {"type": "int"},
            "order": {"type": "str", "choices": ["created", "semver"], "default": "created"},
            "keep_newer_than": {"type": "str"},
            "keep_tags": {"type": "list", "elements": "str", "default": []},
            "keep_latest_of": {"type": "str", "choices": ["major", "minor"]},
            "keep_digests": {"type": "list", "elements": "str", "default": []},
            "clusters": {"type": "list", "elements": "dict", "default": [], "options": AUTH_ARG_SPEC},
            "storage_dir": {"type": "path"},
        },
        supports_check_mode=True,
    )
    require(module, "oras", *(["kubernetes"] if module.params["clusters"] else []))
    # A path is no secret, and an error that may not name it is of no use; a whole kubeconfig is one.
    paths = [each["kubeconfig"] for each in module.params["clusters"] if isinstance(each["kubeconfig"], str)]
    module.no_log_values.difference_update(paths)
    exit_with(
        module,
        lambda: run(
            module.params,
            connect=open_repository,
            connect_cluster=KubernetesCluster,
            now=datetime.now(UTC),
            check_mode=module.check_mode,
            with_diff=module._diff,
        ),
    )


if __name__ == "__main__":
    main()
