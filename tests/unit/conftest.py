# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""How often properties are tried: a little in every run, and very often in ``make test-deep``."""

from __future__ import annotations

from hypothesis import settings

# No example has a deadline: other programs of this machine would decide about it.
settings.register_profile("every run", max_examples=50, deadline=None)
settings.register_profile("deep", max_examples=2000, deadline=None)
settings.load_profile("every run")
