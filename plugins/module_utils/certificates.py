# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Which certificates of a loop have to be issued, seen in one look at all of them."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:  # module.require() names what is missing
    pass


@dataclass(frozen=True)
class Wanted:
    """A certificate as it should be. ``issuer`` names the one it is signed by; its own name for a self-signed authority.

    ``subject_alt_name``: entries such as ``DNS:localhost`` and ``IP:127.0.0.1``. ``usages``: of RFC 5280's extended key usages,
    ``serverAuth`` and ``clientAuth``.
    """

    name: str
    issuer: str
    common_name: str
    organization: str = ""
    subject_alt_name: tuple[str, ...] = ()
    usages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What was found: why the certificate has to be issued (empty when it has not), and how many days it is still valid."""

    why: str
    days_left: int = 0


def look(
    wanted: Sequence[Wanted],
    *,
    read: Callable[[str], bytes | None],
    now: datetime.datetime,
    renew_before_days: int,
) -> dict[str, Seen]:
    """Compare every certificate with what is wanted. An authority stands before what it signs; with it, all that it signed is due.

    ``read`` gives the content of ``<name>.crt`` and ``<name>.key``, None where there is none.
    """
    seen: dict[str, Seen] = {}
    found: dict[str, x509.Certificate] = {}
    for one in wanted:
        certificate = _certificate(read(f"{one.name}.crt"))
        if certificate is None:
            seen[one.name] = Seen("there is none")
            continue
        days = (certificate.not_valid_after_utc - now).days
        issuer = certificate if one.issuer == one.name else found.get(one.issuer)
        found[one.name] = certificate
        seen[one.name] = Seen(
            _difference(one, certificate, read(f"{one.name}.key"), issuer, seen, days, renew_before_days),
            max(days, 0),
        )
    return seen


def _difference(
    one: Wanted,
    certificate: x509.Certificate,
    key: bytes | None,
    issuer: x509.Certificate | None,
    seen: Mapping[str, Seen],
    days: int,
    renew_before_days: int,
) -> str:
    if one.issuer != one.name and seen[one.issuer].why:
        return f"its authority {one.issuer} is issued anew"
    if issuer is None or not _signed_by(certificate, issuer):
        return f"it is not signed by {one.issuer}"
    if days < renew_before_days:
        return f"it ends in {max(days, 0)} days"
    if not _belongs(key, certificate):
        return "its key is missing or another one"
    if (_subject(certificate), _alternatives(certificate)) != (
        (one.common_name, one.organization),
        frozenset(one.subject_alt_name),
    ):
        return "it is for another subject"
    if _usages(certificate) != frozenset(one.usages):
        return "it is for another usage"
    return ""


def _certificate(pem: bytes | None) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(pem) if pem else None
    except ValueError:
        return None


def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _belongs(key: bytes | None, certificate: x509.Certificate) -> bool:
    try:
        public = load_pem_private_key(key, password=None).public_key() if key else None
    except (ValueError, TypeError):
        return False
    encoded = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return public is not None and public.public_bytes(*encoded) == certificate.public_key().public_bytes(
        *encoded
    )


def _subject(certificate: x509.Certificate) -> tuple[str, str]:
    def first(oid: x509.ObjectIdentifier) -> str:
        values = certificate.subject.get_attributes_for_oid(oid)
        return str(values[0].value) if values else ""

    return first(NameOID.COMMON_NAME), first(NameOID.ORGANIZATION_NAME)


def _alternatives(certificate: x509.Certificate) -> frozenset[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address] = [
        address
        for address in names.get_values_for_type(x509.IPAddress)
        if isinstance(address, ipaddress.IPv4Address | ipaddress.IPv6Address)
    ]
    return frozenset(
        [f"DNS:{name}" for name in names.get_values_for_type(x509.DNSName)]
        + [f"IP:{address}" for address in addresses]
    )


def _usages(certificate: x509.Certificate) -> frozenset[str]:
    names = {ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth", ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth"}
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(names.get(usage, usage.dotted_string) for usage in usages)
