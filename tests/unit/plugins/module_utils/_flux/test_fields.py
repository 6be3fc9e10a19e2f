# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._flux.fields import FIELDS, api_paths
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.options import (
    argument_spec,
)


@pytest.mark.parametrize("kind", FIELDS, ids=lambda kind: kind.name)
def test_every_field_of_the_api_has_an_option_and_no_option_is_of_another_api(kind):
    recorded = json.loads((Path(__file__).parent / "recordings" / "flux_fields.json").read_text())
    assert sorted(api_paths(FIELDS[kind])) == recorded[kind.name]


@pytest.mark.parametrize("kind", FIELDS, ids=lambda kind: kind.name)
def test_no_two_fields_share_an_option(kind):
    assert len(argument_spec(FIELDS[kind])) == len(FIELDS[kind])
