# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""An environment in which every variable that others read leads elsewhere, and a server that notices it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
BLOB = "docker/registry/v2/blobs/sha256/aa/{}/data".format("a" * 64)


@dataclass(frozen=True)
class Elsewhere:
    """A server that is neither a loop's registry nor its API server, and files of others in ``folder``."""

    port: int
    folder: Path
    asked: list[str] = field(default_factory=list)

    @property
    def storage(self) -> Path:
        """The content of another registry: one blob, which nothing refers to there."""
        return self.folder / "another registry"

    @property
    def environment(self) -> dict[str, str]:
        """All that could lead a playbook here."""
        here = f"http://127.0.0.1:{self.port}"
        return {
            **dict.fromkeys(PROXIES, here),
            "NO_PROXY": "",
            "no_proxy": "",
            "NETRC": str(self.folder / "netrc"),
            "REQUESTS_CA_BUNDLE": str(self.folder / "nowhere"),
            "CURL_CA_BUNDLE": str(self.folder / "nowhere"),
            "K8S_AUTH_HOST": here,
            "K8S_AUTH_API_KEY": "of-another-cluster",
            "K8S_AUTH_CONTEXT": "of-another-cluster",
            "K8S_AUTH_KUBECONFIG": str(self.folder / "nowhere"),
            "K8S_AUTH_PROXY": here,
            "K8S_AUTH_IMPERSONATE_USER": "somebody",
            "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(self.storage),
            "REGISTRY_AUTH_FILE": str(self.folder / "nowhere"),
            "REGISTRY_HTTP_ADDR": f"127.0.0.1:{self.port}",
            "ETCD_DATA_DIR": str(self.folder / "nowhere"),
            "FLUX_SYSTEM_NAMESPACE": "nowhere",
            "GIT_DIR": str(self.folder / "nowhere"),
            "GIT_WORK_TREE": str(self.folder / "nowhere"),
            "GOFLAGS": "-mod=vendor",
            "GOEXPERIMENT": "nowhere",
            "DOCKER_CONTEXT": "nowhere",
            "XDG_CONFIG_HOME": str(self.folder / "nowhere"),
        }


@contextmanager
def elsewhere(folder: Path) -> Iterator[Elsewhere]:
    """It is there, and remembers each request in ``asked``."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            line = self.rfile.readline(65537).decode(errors="replace").strip()
            self.close_connection = True
            if line:
                asked.append(line)
                self.wfile.write(b"HTTP/1.1 502 Nobody\r\nContent-Length: 0\r\n\r\n")

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
        found = Elsewhere(server.server_port, folder, asked)
        (found.storage / BLOB).parent.mkdir(parents=True)
        (found.storage / BLOB).write_text("of others")
        (found.storage / "docker/registry/v2/repositories").mkdir()
        (folder / "netrc").write_text("default login somebody password of-another-registry\n")
        (folder / "netrc").chmod(0o600)
        try:
            yield found
        finally:
            server.shutdown()
