# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A loop of a test's own, as the integration tests have it."""

from ansible_collections.gitops.flux_local.tests.integration.conftest import (
    home,
    new_loop,
    others,
    others_are_left_alone,
)

__all__ = ["home", "new_loop", "others", "others_are_left_alone"]
