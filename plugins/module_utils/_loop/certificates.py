# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""The certificates of a loop: which of them have to be issued, seen in one look, and how they are issued."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
        load_pem_private_key,
    )
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    _USAGES = {"serverAuth": ExtendedKeyUsageOID.SERVER_AUTH, "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH}
except ImportError:  # module.require() names what is missing
    pass


@dataclass(frozen=True)
class Wanted:
    """A certificate as it should be.

    ``issuer`` names the one it is signed by, which is its own name for a self-signed authority.
    ``subject_alt_name`` has entries such as ``DNS:localhost`` and ``IP:127.0.0.1``, ``usages`` those of RFC
    5280's extended key usages: ``serverAuth`` and ``clientAuth``.
    """

    name: str
    issuer: str
    common_name: str
    organization: str = ""
    subject_alt_name: tuple[str, ...] = ()
    usages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What was found: why the certificate is due (empty when it is not), and the days it is valid for."""

    why: str
    days_left: int = 0


def look(
    wanted: Sequence[Wanted],
    *,
    read: Callable[[str], bytes | None],
    now: datetime.datetime,
    renew_before_days: int,
) -> dict[str, Seen]:
    """Compare every certificate with what is wanted.

    An authority stands before what it signs; when it is due, so is all that it signed. ``read`` gives the
    content of ``<name>.crt`` and ``<name>.key``, None where there is none.
    """
    seen: dict[str, Seen] = {}
    found: dict[str, x509.Certificate] = {}
    for target in wanted:
        certificate = _certificate(read(f"{target.name}.crt"))
        if certificate is None:
            seen[target.name] = Seen("there is none")
            continue
        days = (certificate.not_valid_after_utc - now).days
        issuer = certificate if target.issuer == target.name else found.get(target.issuer)
        found[target.name] = certificate
        seen[target.name] = Seen(
            _difference(
                target, certificate, read(f"{target.name}.key"), issuer, seen, days, renew_before_days
            ),
            max(days, 0),
        )
    return seen


def _difference(
    target: Wanted,
    certificate: x509.Certificate,
    key: bytes | None,
    issuer: x509.Certificate | None,
    seen: Mapping[str, Seen],
    days: int,
    renew_before_days: int,
) -> str:
    if target.issuer != target.name and seen[target.issuer].why:
        return f"its authority {target.issuer} is issued anew"
    if issuer is None or not _signed_by(certificate, issuer):
        return f"it is not signed by {target.issuer}"
    if days < renew_before_days:
        return f"it ends in {max(days, 0)} days"
    if not _belongs(key, certificate):
        return "its key is missing or another one"
    if (_subject(certificate), _alternatives(certificate)) != (
        (target.common_name, target.organization),
        frozenset(target.subject_alt_name),
    ):
        return "it is for another subject"
    if _usages(certificate) != frozenset(target.usages):
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
    names = {oid: usage for usage, oid in _USAGES.items()}
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(names.get(usage, usage.dotted_string) for usage in usages)


@dataclass(frozen=True)
class Issued:
    """A certificate and its private key, both in PEM."""

    certificate: bytes
    key: bytes


def new_key() -> bytes:
    """A private key on the curve P-256, in PEM.

    In the format of RFC 5915, the only one in which kube-apiserver finds the public key of a service
    accounts' key.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def issue(wanted: Wanted, authority: Issued | None, *, now: datetime.datetime, days: int) -> Issued:
    """A certificate as wanted with a new key, valid for ``days``.

    It is signed by ``authority``, or by itself when there is none. An authority may sign certificates and
    nothing else, all others may sign and nothing else (RFC 5280, 4.2.1.3).
    """
    pem = new_key()
    key = _private_key(pem)
    issuer = x509.load_pem_x509_certificate(authority.certificate) if authority else None
    signer = _private_key(authority.key) if authority else key
    subject = _subject_name(wanted)
    is_authority = authority is None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks of containers and virtual machines are not always the same.
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(_key_usage(is_authority=is_authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if wanted.usages:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([_USAGES[usage] for usage in wanted.usages]), critical=False
        )
    if wanted.subject_alt_name:
        names = [_general_name(name) for name in wanted.subject_alt_name]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return Issued(builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM), pem)


def _private_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise LoopError(
            "The authority's key is not an elliptic curve key. Remove the folder with the certificates to "
            "have all issued anew."
        )
    return key


def _subject_name(wanted: Wanted) -> x509.Name:
    organization = (
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, wanted.organization)] if wanted.organization else []
    )
    return x509.Name([*organization, x509.NameAttribute(NameOID.COMMON_NAME, wanted.common_name)])


def _general_name(text: str) -> x509.GeneralName:
    kind, _colon, value = text.partition(":")
    return x509.IPAddress(ipaddress.ip_address(value)) if kind == "IP" else x509.DNSName(value)


def _key_usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
