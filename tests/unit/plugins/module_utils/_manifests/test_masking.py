# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from ansible_collections.gitops.flux_local.plugins.module_utils._manifests.masking import (
    Mask,
    without_secrets,
)


def test_text_without_secrets_is_as_it_is():
    assert without_secrets("kind: SecretStore # x\n", Mask()) == "kind: SecretStore # x\n"
    assert without_secrets("kind: Secret\nbroken: [", Mask()) is None
