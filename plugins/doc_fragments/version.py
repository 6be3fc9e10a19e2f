# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The options of modules that take one version of an artifact."""

from __future__ import annotations


class ModuleDocFragment:
    """Options for C(extends_documentation_fragment): which version, as in the C(ref) of Flux's OCIRepository."""

    DOCUMENTATION = r"""
options:
  tag:
    description:
      - The version under this tag. By default V(latest), unless O(digest) or O(semver) is set.
    type: str
  digest:
    description:
      - The version with this digest of its manifest, C(sha256:) and 64 hexadecimal digits.
    type: str
  semver:
    description:
      - The highest version in this range, as Flux chooses it, such as V(1.x), V(>=1.2.0 <2.0.0), V(^1.4) or V(>=1.0.0-0).
      - Pre-releases are only in a range that has a pre-release itself.
    type: str
  semver_filter:
    description:
      - A regular expression that tags have to match before O(semver) is applied, such as V(-stable$).
    type: str
"""
