# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import datetime
import ipaddress
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.certificates import (
    Wanted,
    issue,
    look,
    new_key,
)

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
CA = Wanted("ca", issuer="ca", common_name="authority")
SERVER = Wanted(
    "server",
    issuer="ca",
    common_name="server",
    organization="org",
    subject_alt_name=("DNS:localhost", "IP:127.0.0.1"),
    usages=("serverAuth",),
)


class Authority:
    """Files as a folder would hold them."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.keys: dict[str, ec.EllipticCurvePrivateKey] = {}

    def issue(self, wanted: Wanted, *, days: int = 365, signed_by: str | None = None) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        self.keys[wanted.name] = key
        issuer = signed_by or wanted.issuer
        issued_by = CA if issuer == "ca" else wanted
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(wanted))
            .issuer_name(_name(issued_by))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - datetime.timedelta(days=1))
            .not_valid_after(NOW + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=wanted is CA, path_length=None), critical=True)
        )
        if wanted.subject_alt_name:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_alternative(name) for name in wanted.subject_alt_name]),
                critical=False,
            )
        if wanted.usages:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
            )
        certificate = builder.sign(self.keys[issuer], hashes.SHA256())
        self.files[f"{wanted.name}.crt"] = certificate.public_bytes(Encoding.PEM)
        self.files[f"{wanted.name}.key"] = key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )


def _name(wanted: Wanted) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, wanted.common_name)]
    if wanted.organization:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, wanted.organization))
    return x509.Name(attributes)


def _alternative(text: str) -> x509.GeneralName:
    kind, _colon, value = text.partition(":")
    return x509.DNSName(value) if kind == "DNS" else x509.IPAddress(ipaddress.ip_address(value))


@pytest.fixture
def issued():
    authority = Authority()
    authority.issue(CA, days=3650)
    authority.issue(SERVER)
    return authority


def why(authority, *wanted, renew_before_days=30):
    seen = look(wanted, read=authority.files.get, now=NOW, renew_before_days=renew_before_days)
    return {name: found.why for name, found in seen.items() if found.why}


def test_what_is_as_wanted_is_not_due(issued):
    assert why(issued, CA, SERVER) == {}


def test_days_left_are_told(issued):
    seen = look([CA, SERVER], read=issued.files.get, now=NOW, renew_before_days=30)
    assert {name: found.days_left for name, found in seen.items()} == {"ca": 3650, "server": 365}


def test_one_that_ends_soon_is_due(issued):
    assert why(issued, CA, SERVER, renew_before_days=366) == {"server": "it ends in 365 days"}


def test_one_that_has_ended_is_due(issued):
    issued.issue(SERVER, days=-0)
    assert why(issued, CA, SERVER) == {"server": "it ends in 0 days"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"common_name": "other"}, "it is for another subject"),
        ({"organization": ""}, "it is for another subject"),
        ({"subject_alt_name": ("DNS:localhost",)}, "it is for another subject"),
        ({"usages": ("clientAuth",)}, "it is for another usage"),
    ],
)
def test_one_that_says_something_else_is_due(issued, change, reason):
    assert why(issued, CA, replace(SERVER, **change)) == {"server": reason}


@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_one_that_is_missing_or_broken_is_due(issued, content):
    issued.files["server.crt"] = content
    assert why(issued, CA, SERVER) == {"server": "there is none"}


@pytest.mark.parametrize("content", [None, b"nonsense"])
def test_one_without_its_key_is_due(issued, content):
    issued.files["server.key"] = content
    assert why(issued, CA, SERVER) == {"server": "its key is missing or another one"}


def test_one_with_another_key_is_due(issued):
    issued.files["server.key"] = issued.files["ca.key"]
    assert why(issued, CA, SERVER) == {"server": "its key is missing or another one"}


def test_all_that_an_authority_signed_is_due_with_it(issued):
    issued.files["ca.crt"] = None
    assert why(issued, CA, SERVER) == {
        "ca": "there is none",
        "server": "its authority ca is issued anew",
    }


def test_one_that_another_authority_of_that_name_signed_is_due(issued):
    issued.issue(CA, days=3650)
    assert why(issued, CA, SERVER) == {"server": "it is not signed by ca"}


def test_what_is_issued_is_as_wanted():
    authority = issue(CA, None, now=NOW, days=3650)
    server = issue(SERVER, authority, now=NOW, days=365)
    files = {
        "ca.crt": authority.certificate,
        "ca.key": authority.key,
        "server.crt": server.certificate,
        "server.key": server.key,
    }
    seen = look([CA, SERVER], read=files.get, now=NOW, renew_before_days=30)
    assert {name: (found.why, found.days_left) for name, found in seen.items()} == {
        "ca": ("", 3650),
        "server": ("", 365),
    }


def test_only_an_authority_may_sign():
    authority = issue(CA, None, now=NOW, days=1)
    server = issue(SERVER, authority, now=NOW, days=1)
    for pair, is_authority in ((authority, True), (server, False)):
        certificate = x509.load_pem_x509_certificate(pair.certificate)
        assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is is_authority
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        assert (usage.key_cert_sign, usage.digital_signature) == (is_authority, not is_authority)


def test_keys_are_in_the_format_that_kube_apiserver_reads():
    assert new_key().startswith(b"-----BEGIN EC PRIVATE KEY-----")
