# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The options of all modules that bring a list of workloads about."""

from __future__ import annotations


class ModuleDocFragment:
    """Options for C(extends_documentation_fragment), as WORKLOADS in _workloads/task.py has them.

    What a workload may say is ARGUMENTS in _workloads/workload.py.
    """

    DOCUMENTATION = r"""
options:
  workloads:
    description:
      - The workloads. C(name) and C(path) are all that one needs.
      - What else may be said of a Kustomization has the name that it has in M(gitops.flux_local.flux_kustomization). That module's
        C(wait_timeout) and C(force_conflicts) have no counterpart. The option C(timeout) of the task says how long to wait, and fields that
        another field manager has set are always taken over.
      - C(provider), C(secret_ref), C(cert_secret_ref), C(proxy_secret_ref) and C(verify) are those of M(gitops.flux_local.flux_source). The Secrets
        take the place of those that come of the registry's C(username) and C(ca_cert).
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name of the workload, of its OCIRepository and of its Kustomization, of at most 63 characters.
        type: str
        required: true
      path:
        description:
          - The folder or file with its manifests. A path that is not absolute begins at O(base_dir).
          - Required if it is to be present.
        type: path
      state:
        description: V(absent) has Flux prune what it applied for it, and removes its OCIRepository and its Kustomization.
        type: str
        choices: [present, absent]
        default: present
      namespace:
        description: Where its Flux objects are. By default it is O(namespace).
        type: str
      depends_on:
        description: Workloads that have to be ready first, by name, or any Kustomization as C(namespace/name).
        type: list
        elements: str
        default: []
      repository:
        description: Its repository in the registry. By default it is the name.
        type: str
      tag:
        description: Its tag in the registry.
        type: str
        default: latest
      ignore:
        description: Patterns of what is left out of the artifact, in the syntax of C(.gitignore), besides C(.sourceignore) and Flux's own.
        type: list
        elements: str
        default: []
      symlinks:
        description:
          - What to do about symbolic links, which Flux would drop silently.
          - V(refuse) fails and names them. V(follow) packs what they lead to, which has to be in the folder itself.
        type: str
        choices: [refuse, follow]
        default: refuse
      kustomization_path:
        description: The folder in the artifact that Flux builds. By default it is the uppermost.
        type: str
      wait:
        description: Whether everything that was applied must be healthy before the workload is ready.
        type: bool
        default: true
      timeout:
        description: How long Flux tries to build, apply and see healthy, for example V(1m30s).
        type: str
        default: 2m
      interval:
        description: How often Flux applies everything again, which undoes drift, for example V(1m30s).
        type: str
        default: 10m
      retry_interval:
        description: How long Flux waits after a failure. A push does not wait for it.
        type: str
        default: 30s
      prune:
        description: Whether Flux deletes what is no longer in the folder.
        type: bool
        default: true
      suspend:
        description: Whether Flux leaves the workload alone. Not given, it is left as it is.
        type: bool
      substitute:
        description:
          - Values of C(${variables}) in the manifests.
          - Where values are given, a variable that has neither a value nor a default is refused, as Flux does. An object with the annotation
            C(kustomize.toolkit.fluxcd.io/substitute) C(disabled) keeps its variables.
        type: dict
      substitute_from:
        description: Secrets and ConfigMaps whose entries are values of variables, each with C(kind), C(name) and C(optional).
        type: list
        elements: dict
      annotations:
        description: Annotations of both Flux objects. Those that others set are left alone.
        type: dict
      build_metadata:
        description: What kustomize notes in annotations of everything it builds.
        type: list
        elements: str
        choices: [originAnnotations, transformerAnnotations]
      cert_secret_ref:
        description: The Secret with a client certificate (C(tls.crt), C(tls.key)), a certificate authority (C(ca.crt)), or both.
        type: dict
        suboptions:
          name:
            description: The name of the Secret, in the same namespace.
            type: str
            required: true
      common_metadata:
        description: Metadata of everything that is applied.
        type: dict
        suboptions:
          labels:
            description: Labels that are set on everything.
            type: dict
          annotations:
            description: Annotations that are set on everything.
            type: dict
      components:
        description: Folders of kustomize components, relative to the folder that is built.
        type: list
        elements: str
      decryption:
        description: How encrypted Secrets in the source are decrypted.
        type: dict
        suboptions:
          provider:
            description: The tool that encrypted them.
            type: str
            choices: [sops]
            default: sops
          secret_ref:
            description: The Secret with the keys.
            type: dict
            suboptions:
              name:
                description: The name of the Secret, in the same namespace.
                type: str
                required: true
          service_account_name:
            description: The service account whose identity in the cloud is used for decryption.
            type: str
      deletion_policy:
        description: What becomes of everything that was applied when the workload is removed. By default C(prune) decides, which is V(MirrorPrune).
        type: str
        choices: [MirrorPrune, Delete, WaitForTermination, Orphan]
      force:
        description: Whether Flux recreates what cannot be changed because of an immutable field.
        type: bool
      health_check_exprs:
        description: How the health of custom resources is told, in CEL.
        type: list
        elements: dict
        suboptions:
          api_version:
            description: The API version of the objects.
            type: str
            required: true
          kind:
            description: The kind of the objects.
            type: str
          current:
            description: The expression that is true of a healthy object.
            type: str
            required: true
          in_progress:
            description: The expression that is true of an object that is not there yet.
            type: str
          failed:
            description: The expression that is true of a failed object.
            type: str
      health_checks:
        description: Objects that must be healthy before the workload is ready.
        type: list
        elements: dict
        suboptions:
          api_version:
            description: The API version of the object.
            type: str
          kind:
            description: The kind of the object.
            type: str
            required: true
          name:
            description: The name of the object.
            type: str
            required: true
          namespace:
            description: The namespace of the object.
            type: str
      ignore_fields:
        description: Fields of objects that Flux leaves to others once the objects are there, such as the replicas that an autoscaler sets.
        type: list
        elements: dict
        suboptions:
          paths:
            description: The fields, as JSON pointers.
            type: list
            elements: str
            required: true
          target:
            description: The objects. All by default.
            type: dict
            suboptions:
              group:
                description: The API group of the objects.
                type: str
              version:
                description: The API version of the objects.
                type: str
              kind:
                description: The kind of the objects.
                type: str
              name:
                description: The name of the objects, as a regular expression.
                type: str
              namespace:
                description: The namespace of the objects, as a regular expression.
                type: str
              label_selector:
                description: The labels of the objects.
                type: str
              annotation_selector:
                description: The annotations of the objects.
                type: str
      ignore_missing_components:
        description: Whether components that do not exist are passed over.
        type: bool
      images:
        description: Other names, tags or digests for container images.
        type: list
        elements: dict
        suboptions:
          name:
            description: The image as the source names it, without a tag.
            type: str
            required: true
          new_name:
            description: The name to use instead.
            type: str
          new_tag:
            description: The tag to use.
            type: str
          digest:
            description: The digest to use. It wins over C(new_tag).
            type: str
      kube_config:
        description: The cluster that Flux applies to. By default it is its own.
        type: dict
        suboptions:
          secret_ref:
            description: The Secret with a kubeconfig.
            type: dict
            suboptions:
              name:
                description: The name of the Secret, in the same namespace.
                type: str
                required: true
              key:
                description: The entry of the Secret. By default it is C(value) or C(value.yaml).
                type: str
          config_map_ref:
            description: The ConfigMap with the access to a cluster by a cloud's identity.
            type: dict
            suboptions:
              name:
                description: The name of the ConfigMap, in the same namespace.
                type: str
                required: true
      labels:
        description: Labels of both Flux objects. Those that others set are left alone.
        type: dict
      name_prefix:
        description: What is put before the names of everything that is applied.
        type: str
      name_suffix:
        description: What is put after the names of everything that is applied.
        type: str
      patches:
        description: Patches of what is applied.
        type: list
        elements: dict
        suboptions:
          patch:
            description: The patch, a strategic merge patch or a JSON patch in YAML.
            type: str
            required: true
          target:
            description: The objects it is for. All by default, for a strategic merge patch the one it names.
            type: dict
            suboptions:
              group:
                description: The API group of the objects.
                type: str
              version:
                description: The API version of the objects.
                type: str
              kind:
                description: The kind of the objects.
                type: str
              name:
                description: The name of the objects, as a regular expression.
                type: str
              namespace:
                description: The namespace of the objects, as a regular expression.
                type: str
              label_selector:
                description: The labels of the objects.
                type: str
              annotation_selector:
                description: The annotations of the objects.
                type: str
      provider:
        description: The cloud whose credentials Flux uses. It takes V(generic) by itself.
        type: str
        choices: [generic, aws, azure, gcp]
      proxy_secret_ref:
        description: The Secret with the proxy's C(address), C(username) and C(password).
        type: dict
        suboptions:
          name:
            description: The name of the Secret, in the same namespace.
            type: str
            required: true
      secret_ref:
        description: The Secret of type C(kubernetes.io/dockerconfigjson) with the credentials of the registry.
        type: dict
        suboptions:
          name:
            description: The name of the Secret, in the same namespace.
            type: str
            required: true
      service_account_name:
        description: The service account that Flux impersonates when it applies.
        type: str
      target_namespace:
        description: The namespace that everything is applied to, whatever the source says.
        type: str
      verify:
        description: How the signature of the artifact is verified.
        type: dict
        suboptions:
          provider:
            description: The tool that signed it.
            type: str
            choices: [cosign, notation]
            default: cosign
          secret_ref:
            description: The Secret with the trusted public keys.
            type: dict
            suboptions:
              name:
                description: The name of the Secret, in the same namespace.
                type: str
                required: true
          trusted_root_secret_ref:
            description: The Secret with a Sigstore C(trusted_root.json) of one's own.
            type: dict
            suboptions:
              name:
                description: The name of the Secret, in the same namespace.
                type: str
                required: true
          match_oidc_identity:
            description: The identities of which one must have signed it without a key.
            type: list
            elements: dict
            suboptions:
              issuer:
                description: A regular expression of Go for the issuer.
                type: str
                required: true
              subject:
                description: A regular expression of Go for the subject.
                type: str
                required: true
  namespace:
    description: The namespace of the Flux objects of all workloads that name none.
    type: str
    default: flux-system
  flux:
    description: The flux program, which renders folders before they are pushed.
    type: path
    required: true
  base_dir:
    description: What relative paths of workloads are relative to. The current folder when it is not given.
    type: path
  source:
    description: Where the content comes from. Asked of git when it is not given.
    type: str
  revision:
    description: The revision of the content. Asked of git when it is not given.
    type: str
  compare:
    description:
      - With V(content), a folder with the same content is not pushed again.
      - With V(exact), source and revision count too.
    type: str
    choices: [content, exact]
    default: content
  timeout:
    description: How long to wait for a workload to be proven, in seconds.
    type: int
    default: 300
  on_failure:
    description:
      - What becomes of a workload that was pushed and does not pass its health checks. The module fails in either case.
      - With V(stop), it stays as it is.
      - With V(rollback), its tag names the version again that was healthy last, as the Kustomization's status tells it, and that is proven.
    type: str
    choices: [stop, rollback]
    default: stop
  unknown_fields:
    description:
      - What becomes of a field that its kind does not have, such as C(replicaz) of a Deployment. Flux drops it without a word from objects of
        Kubernetes' own kinds, and applies the rest.
      - With V(warn), that is warned of, with its file and line.
      - With V(refuse), it is an error before anything is changed.
    type: str
    choices: [warn, refuse]
    default: warn
"""
