# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What a refusal says helps, also where certificates have ended."""

from __future__ import annotations

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.origin import Address
from ansible_collections.gitops.flux_local.plugins.module_utils._cluster.refusals import Refusals
from ansible_collections.gitops.flux_local.plugins.module_utils._flux.kinds import OCI_REPOSITORY

# As urllib3 and OpenSSL say it.
ENDED = (
    "SSLError\n[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired "
    "(_ssl.c:1006)"
)
UNKNOWN = ENDED.replace("certificate has expired", "unable to get local issuer certificate")


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        (0, ENDED, r"The certificate of https://127\.0\.0\.1:1 .* has ended\. .* are renewed by `make up`"),
        (0, UNKNOWN, r"There is no secure connection .* Check ca_cert and validate_certs"),
        # The server says no more of a client's certificate that has ended.
        (401, "Unauthorized", r"does not accept the credentials .* renew its certificate\. .* by `make up`"),
    ],
)
def test_what_helps_against_a_certificate_is_said(status, reason, said):
    refusals = Refusals(Address({}, "https://127.0.0.1:1"))
    error = refusals.failure("list", OCI_REPOSITORY, status, reason, None)
    with pytest.raises(type(error), match=said):
        raise error
