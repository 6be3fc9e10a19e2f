# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The options of all modules that talk to a cluster."""

from __future__ import annotations


class ModuleDocFragment:
    """Options for C(extends_documentation_fragment): which cluster, and how its API server is reached.

    They are those of the collection kubernetes.core. They are told here, since the documentation of a collection is
    made without the collections that it depends on.
    """

    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - The kubeconfig that has the cluster, as a path, as several paths with C(:) between them, or as its content.
      - Where it is given, it says which cluster is meant and how that is reached, and none of the environment variables below counts.
      - Without it, the environment variable E(K8S_AUTH_KUBECONFIG) counts, then E(KUBECONFIG), then C(~/.kube/config), unless O(host) is given.
    type: raw
  context:
    description:
      - The context of the kubeconfig to use instead of its current one.
      - Without it, the environment variable E(K8S_AUTH_CONTEXT) counts.
    type: str
  host:
    description:
      - The address of the API server, such as C(https://127.0.0.1:6443), for what no kubeconfig has.
      - Without it, the environment variable E(K8S_AUTH_HOST) counts.
    type: str
  api_key:
    description:
      - The bearer token to authenticate with.
      - Without it, the environment variable E(K8S_AUTH_API_KEY) counts.
    type: str
  username:
    description:
      - The user for HTTP basic authentication, where a server in front of the API server asks for one.
      - Without it, the environment variable E(K8S_AUTH_USERNAME) counts.
    type: str
  password:
    description:
      - The password of O(username).
      - Without it, the environment variable E(K8S_AUTH_PASSWORD) counts.
    type: str
  client_cert:
    description:
      - A PEM file with the client certificate to authenticate with.
      - Without it, the environment variable E(K8S_AUTH_CERT_FILE) counts.
    type: path
    aliases: [cert_file]
  client_key:
    description:
      - A PEM file with the key of O(client_cert).
      - Without it, the environment variable E(K8S_AUTH_KEY_FILE) counts.
    type: path
    aliases: [key_file]
  ca_cert:
    description:
      - A PEM file with the certificates of the authorities that may have signed the API server's certificate, with all that are between.
      - Without it, the environment variable E(K8S_AUTH_SSL_CA_CERT) counts.
    type: path
    aliases: [ssl_ca_cert]
  validate_certs:
    description:
      - Whether the API server's certificate has to be trusted. It has to be unless this says otherwise.
      - Without it, the environment variable E(K8S_AUTH_VERIFY_SSL) counts.
    type: bool
    aliases: [verify_ssl]
  proxy:
    description:
      - The address of an HTTP proxy to the API server.
      - Without it, the environment variable E(K8S_AUTH_PROXY) counts.
    type: str
  no_proxy:
    description:
      - Hosts, domains and networks that are reached without O(proxy), with commas between them.
      - Without it, the environment variable E(K8S_AUTH_NO_PROXY) counts.
    type: str
  proxy_headers:
    description:
      - The headers that O(proxy) is sent.
    type: dict
    suboptions:
      proxy_basic_auth:
        description:
          - User and password for the proxy, with a colon between them.
          - Without it, the environment variable E(K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH) counts.
        type: str
      basic_auth:
        description:
          - User and password for HTTP basic authentication, with a colon between them.
          - Without it, the environment variable E(K8S_AUTH_PROXY_HEADERS_BASIC_AUTH) counts.
        type: str
      user_agent:
        description:
          - The name of the client.
          - Without it, the environment variable E(K8S_AUTH_PROXY_HEADERS_USER_AGENT) counts.
        type: str
  persist_config:
    description:
      - Whether a token that the kubernetes client has renewed is kept in the kubeconfig.
      - Without it, the environment variable E(K8S_AUTH_PERSIST_CONFIG) counts.
    type: bool
  impersonate_user:
    description:
      - The user in whose name requests are made.
      - Without it, the environment variable E(K8S_AUTH_IMPERSONATE_USER) counts.
    type: str
  impersonate_groups:
    description:
      - The groups in whose name requests are made.
      - Without it, the environment variable E(K8S_AUTH_IMPERSONATE_GROUPS) counts, with commas between them.
    type: list
    elements: str
"""
