# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Where what all loops of a user share is kept."""

from __future__ import annotations

import os


def user_cache(part: str) -> str:
    """The path of a part of this user's cache; the XDG Base Directory specification says where that is."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "flux-local", part)
