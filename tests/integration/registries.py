# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Registries of a test's own: the real program, with or without TLS and credentials."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.tests.integration.loops import free_port

Program = Callable[[str], str]
# bcrypt of "s3cret".
HTPASSWD = "ci:$2b$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK\n"
DELETES: dict[str, Any] = {"storage": {"delete": {"enabled": True}}}


@contextmanager
def serving(
    program: Program, folder: Path, *, auth: Any = None, storage: Any = None, **http: Any
) -> Iterator[str]:
    """A registry, as ``host:port``; its data stay in ``folder``. The rest are parts of its configuration."""
    host = f"127.0.0.1:{free_port()}"
    settings = {
        "version": "0.1",
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "store")}} | (storage or {}),
        "http": {"addr": host} | http,
    } | (auth or {})
    (folder / "config.yml").write_text(json.dumps(settings))
    log = (folder / "registry.log").open("w")
    process = subprocess.Popen(
        [program("registry"), "serve", str(folder / "config.yml")], stdout=log, stderr=log
    )
    try:
        _await_port(host, process)
        yield host
    finally:
        process.kill()
        process.wait()
        log.close()


def _await_port(host: str, process: subprocess.Popen[bytes]) -> None:
    address, port = host.split(":")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((address, int(port))) == 0:
                return
        time.sleep(0.02)
    pytest.fail(f"the registry did not start: {process.args!r}")


def asks_for_a_password(folder: Path) -> dict[str, Any]:
    """The configuration of a registry that knows the user ``ci`` with the password ``s3cret``."""
    (folder / "htpasswd").write_text(HTPASSWD)
    return {"auth": {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}}


def issued(folder: Path, name: str, ca: Path | None = None) -> Path:
    """A certificate ``name``.pem with its key ``name``.key, by ``ca`` or by itself."""
    subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
    key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        f"{folder}/{name}.key",
    ]
    by = ["-CA", str(ca), "-CAkey", str(ca.with_suffix(".key"))] if ca else []
    by += ["-addext", "basicConstraints=critical,CA:FALSE"] if ca else []
    command = ["openssl", "req", "-x509", "-days", "1", *key, *subject, *by, "-out", f"{folder}/{name}.pem"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / f"{name}.pem"
