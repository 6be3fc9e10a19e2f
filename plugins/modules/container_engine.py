#!/usr/bin/python
# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
# Apache License 2.0 (see LICENSE), compatible with the GNU General Public License v3.0 that Ansible itself is under.
"""Documentation and options of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: container_engine
short_description: Says which container engine answers, what of a loop it has, and what forbids to have it so
version_added: 0.1.0
author: The gitops.flux_local authors (@gitops-flux-local)
description:
  - Asks Docker and Podman with the modules of community.docker and containers.podman, in the task's own process.
  - The roles registry and cluster read from it what to do. What they must not do is in RV(refused), in the words of their options.
  - It answers one question, O(loop), O(registry), O(cluster) or O(containerd).
  - Variables and files are those of the controller, as with lookups.
extends_documentation_fragment:
  - gitops.flux_local.attributes
  - gitops.flux_local.attributes.info_module
options:
  loop:
    description: Look which provider a loop has, or may have. No engine is asked.
    type: dict
    suboptions:
      name:
        description: The name of the loop.
        type: str
        required: true
      state_dir:
        description: The state folder of the loop.
        type: path
        required: true
      provider:
        description: The provider that is asked for.
        type: str
        choices: [auto, embedded, kind, k3d, existing]
        default: auto
      kept:
        description: What the loop has kept of an earlier choice, with C(provider) and C(engine). Empty where there was none.
        type: dict
        default: {}
      registry_engine:
        description: What the registry is asked to run in. Empty where that is not said.
        type: str
        choices: ['', auto, docker, podman, process, existing]
        default: ''
      attach_registry:
        description: Whether the registry is to be attached to the nodes of a cluster that exists.
        type: bool
        default: false
      kind_program:
        description: The program kind that the user names.
        type: str
        default: ''
      k3d_program:
        description: The program k3d that the user names.
        type: str
        default: ''
  registry:
    description: Look for the container and the volume of a registry.
    type: dict
    suboptions:
      state:
        description: What the registry is going to be.
        type: str
        choices: [present, stopped, absent]
        default: present
      engine:
        description:
          - What runs the registry.
          - V(auto) is what holds its content, or else Docker where that answers, else Podman where that does, else V(process).
        type: str
        choices: [auto, docker, podman, process, existing]
        default: auto
      name:
        description: The name of the loop.
        type: str
        required: true
      state_dir:
        description: The state folder of the loop. C(registry.json) in it says in which engine the content is.
        type: path
        required: true
      container_name:
        description: The name of the container.
        type: str
        required: true
      volume:
        description: The volume or, with a slash first, the folder of the content. By default it is the one that has been used so far.
        type: str
        default: ''
      network:
        description: A network of the engine that the container has to be in.
        type: str
        default: ''
      adopt:
        description: Whether a container and a volume that no loop has made may be taken over.
        type: bool
        default: false
      garbage:
        description: Whether to have the registry's own program look for blobs that nothing refers to.
        type: bool
        default: false
      program:
        description: The registry program. Without it, RV(refused) says so where a process is to run it.
        type: str
        default: ''
      address:
        description: The address of a registry that exists. Without it, RV(refused) says so where O(registry.engine=existing).
        type: str
        default: ''
  cluster:
    description: Look for the nodes of a cluster, and for what there is of it in the loop's state folder.
    type: dict
    suboptions:
      state:
        description: What the cluster is going to be. Only with V(present) it is compared with what is asked for.
        type: str
        choices: [present, stopped, absent]
        default: present
      provider:
        description: What the cluster is. V(auto) is a choice that is open, which RV(choice) makes.
        type: str
        choices: [auto, embedded, kind, k3d, existing]
        required: true
      engine:
        description: The container engine to ask. V(auto) is Docker where that answers, else Podman. V(k3d) needs Docker.
        type: str
        choices: [auto, docker, podman]
        default: auto
      name:
        description: The name of the loop.
        type: str
        required: true
      state_dir:
        description: The state folder of the loop.
        type: path
        required: true
      program:
        description: The program kind or k3d. Where it is given, it is asked for its version.
        type: str
        default: ''
      node_image:
        description: The image that nodes of kind have, for RV(choice).
        type: str
        default: ''
      kind_image:
        description: The image that the user gives for nodes of kind.
        type: str
        default: ''
      kind_config:
        description: The configuration that the user gives for kind.
        type: dict
        default: {}
      k3d_config:
        description: The configuration that the user gives for k3d.
        type: dict
        default: {}
      registry_endpoint:
        description: The fact of the role registry, as far as it is known.
        type: dict
        default: {}
      kubernetes_nodes:
        description: What M(kubernetes.core.k8s_info) returned of a cluster's nodes, to be found among the containers. For V(existing).
        type: dict
      context:
        description: The context of that cluster, for what is refused.
        type: str
        default: ''
  containerd:
    description: Look where the containerd of nodes reads about a registry.
    type: dict
    suboptions:
      engine:
        description: The container engine that has the nodes.
        type: str
        choices: [docker, podman]
        required: true
      docker_host:
        description: Where Docker is, as this module has returned it.
        type: str
        default: ''
      nodes:
        description: The names of the containers.
        type: list
        elements: str
        required: true
      registry_endpoint:
        description: The fact of the role registry.
        type: dict
        required: true
      reads:
        description: Whether to return what is there.
        type: bool
        default: false
"""

EXAMPLES = r"""
- name: Docker or Podman was asked for the registry's container
  gitops.flux_local.container_engine:
    registry:
      name: flux-local
      state_dir: /home/me/.local/share/flux-local/flux-local
      container_name: flux-local-registry
  register: found

- name: The registry can be had so
  ansible.builtin.assert:
    that: found.refused == ''
    fail_msg: "{{ found.refused }}"

- name: What this machine could have a cluster in was looked for
  gitops.flux_local.container_engine:
    cluster:
      provider: auto
      name: flux-local
      state_dir: /home/me/.local/share/flux-local/flux-local
      node_image: kindest/node:v1.37.0
  register: machine

- name: It is known where a node reads about the registry
  gitops.flux_local.container_engine:
    containerd:
      engine: docker
      docker_host: "{{ machine.docker_host }}"
      nodes: [flux-local-control-plane]
      registry_endpoint: "{{ registry_endpoint }}"
      reads: true
  register: places
"""

RETURN = r"""
loop:
  description:
    - C(open) is the provider to choose, V(auto) where any will do, unless it C(is_settled) by what was kept. C(present) is the one whose cluster is
      stopped or removed.
    - For each provider, C(refused) says why it cannot be had, and C(programs) which programs it needs of the role binaries, none meaning all that
      the embedded loop needs.
  type: dict
  returned: when a loop is asked for
  sample:
    open: auto
    is_settled: false
    present: embedded
    refused: {embedded: '', kind: '', k3d: '', existing: ''}
    programs: {embedded: [], kind: [flux, kind], k3d: [flux, k3d], existing: [flux]}
engine:
  description:
    - What runs the registry, V(docker), V(podman), V(process) or V(existing).
    - What has the cluster's nodes, V(docker), V(podman), or nothing where neither answers or none is needed.
  type: str
  returned: when a registry or a cluster is asked for
  sample: docker
version:
  description: The version of the container engine; nothing where none is asked for, or where it does not answer.
  type: str
  returned: when a registry or a cluster is asked for
  sample: 28.2.2
docker_host:
  description: Where Docker was asked; nothing with another engine.
  type: str
  returned: when a registry or a cluster is asked for
  sample: unix:///var/run/docker.sock
refused:
  description: Why what is asked for cannot be had so, and what to do; nothing where it can.
  type: str
  returned: success
  sample: ''
kept:
  description: What has held the content so far (C(engine)), and there the volume or folder (C(storage)); nothing where there is no content.
  type: dict
  returned: when a registry is asked for
  sample:
    engine: docker
    storage: flux-local-registry
keep:
  description: The same for what is asked for.
  type: dict
  returned: when a registry is asked for
  sample:
    engine: docker
    storage: flux-local-registry
container:
  description: The container as it is. Its C(state) is V(absent) where there is none.
  type: dict
  returned: when a registry is asked for
  sample:
    configuration: /etc/distribution/config.yml
    image: docker.io/library/registry:3
    image_id: sha256:3d7b1fb9d2b2b1c1f8a4a7a4d4e6e8c6a0a5c5f0a7c9e1d3b5f7a9c1e3d5f7a9
    is_ours: true
    loop: flux-local
    mount: flux-local-registry:/var/lib/registry
    networks: [bridge, kind]
    port: '5001'
    state: running
volume:
  description: Whether the volume C(exists), and whether it is of this loop.
  type: dict
  returned: when a registry is asked for
  sample:
    exists: true
    is_ours: true
storage:
  description: The volume or folder that holds the content.
  type: str
  returned: when a registry is asked for
  sample: flux-local-registry
storage_is_folder:
  description: Whether that is a folder.
  type: bool
  returned: when a registry is asked for
  sample: false
networks:
  description: The networks that the container has to be in, besides the engine's own, each with its C(name).
  type: list
  elements: dict
  returned: when a registry is asked for
  sample:
    - name: kind
garbage:
  description: The digests of the blobs that nothing refers to.
  type: list
  elements: str
  returned: when a registry is asked for
  sample: []
network:
  description: The engine's network that the nodes are in.
  type: str
  returned: when a cluster is asked for
  sample: kind
nodes:
  description: The containers that are nodes; of a cluster that exists, all containers.
  type: list
  elements: dict
  returned: when a cluster is asked for
  sample:
    - name: flux-local-control-plane
      state: running
      role: control-plane
      networks: [kind]
      addresses: [172.18.0.2]
      mounts: [/var, /lib/modules, /etc/containerd/certs.d]
registry:
  description:
    - The registry as nodes reach it. C(names) are those by which its images may be named, C(url) is where it is, C(hosts) a C(hosts.toml) for it,
      and C(container) what it would be called as a container.
    - C(is_told) says whether nodes have to be told of it, and C(is_out_of_reach) whether they cannot reach it.
  type: dict
  returned: when a cluster is asked for
  sample:
    names: ['127.0.0.1:5001', 'localhost:5001']
    url: http://flux-local-registry:5000
    hosts: "[host.\"http://flux-local-registry:5000\"]\n"
    container: flux-local-registry
    is_told: true
    is_out_of_reach: false
kind:
  description:
    - The cluster of kind. C(is_made) says whether it is there, C(config) is what kind makes it with, C(refused) why one that is there is not
      what is asked for, and C(job) the file of a creation that was interrupted.
    - C(strangers) are nodes that do not read the loop's folder for registries, and C(hosts_are_written) says whether that says what it should.
  type: dict
  returned: when a cluster of kind is asked for that is to be present
  sample:
    is_made: true
    config: "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\n"
    refused: ''
    job: ''
    strangers: []
    hosts_are_written: true
k3d:
  description:
    - The cluster of k3d, as RV(kind). C(registries) is what its nodes are told of registries, and C(registries_are_known) whether it was made
      with that.
  type: dict
  returned: when a cluster of k3d is asked for that is to be present
  sample:
    is_made: true
    config: "apiVersion: k3d.io/v1alpha5\nkind: Simple\n"
    registries: "mirrors: {}\n"
    registries_are_known: true
    refused: ''
attachment:
  description:
    - Which containers are O(cluster.kubernetes_nodes) (C(nodes)), their C(networks), and why not all are found (C(refused)).
    - C(apart) is the registry's container, if it is in none of these networks.
  type: dict
  returned: when the nodes of a cluster that exists are given
  sample:
    nodes: [shop-control-plane]
    networks: [kind]
    apart: ''
    refused: ''
choice:
  description: What the cluster is going to be, where the image of nodes is there, with the C(engine), its C(network), and C(why) it was chosen.
  type: dict
  returned: when a cluster is asked for
  sample:
    provider: kind
    engine: docker
    network: kind
    why: Docker 28.2.2 answers
choice_without_image:
  description: The same where that image is not there. It differs where the choice is open only.
  type: dict
  returned: when a cluster is asked for
  sample:
    provider: embedded
    engine: ''
    network: ''
    why: Docker 28.2.2 answers, and it lacks the image kindest/node:v1.37.0, which cannot be pulled
places:
  description:
    - Where the containerd of each node reads about registries (C(folder), or nothing, and what it C(said) instead), and there the C(folder) of
      each name of the registry, with the C(content) of its C(hosts.toml).
  type: list
  elements: dict
  returned: when containerd is asked for
  sample:
    - node: flux-local-control-plane
      folder: /etc/containerd/certs.d
      said: no reason given
      registries:
        - folder: /etc/containerd/certs.d/localhost:5001
          content: "[host.\"http://flux-local-registry:5000\"]\n"
"""
