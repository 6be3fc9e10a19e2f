# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""A loop of the tests' own: driven by ``ansible-playbook`` as a user does, looked at by ordinary clients."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import requests
import yaml
from kubernetes import client, config

from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import printable

ROOT = Path(__file__).parents[2]
NAMESPACE = "flux-system"
# How long a run may take; one that takes longer is ended, and what is expected of it fails.
RUN_SECONDS = 600
# A time-out that no run lives to see: one that comes to its end did not wait for it, on any machine.
NEVER = 10 * RUN_SECONDS
# What may take longer on a machine that does other things beside the tests.
PATIENCE = dict.fromkeys(["cluster_timeout", "flux_timeout", "registry_timeout", "workloads_timeout"], 400)
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
# What runs for a loop that is up.
PROGRAMS = [
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kustomize-controller",
    "kwok",
    "registry",
    "source-controller",
    "supervisord",
]
# An ordinary user may not read or write what its mode forbids; root may, unless it gives these up.
AS_ORDINARY_USER = (
    ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]
    if os.geteuid() == 0
    else []
)

Found = TypeVar("Found")


def until(look: Callable[[], Found | None], what: str, *, seconds: float = 180) -> Found:
    """What ``look`` finds, as soon as it finds something; a look that fails found nothing."""
    deadline = time.monotonic() + seconds
    last: object = None
    while time.monotonic() < deadline:
        try:
            found = look()
        except (OSError, client.ApiException) as error:
            last = error
        else:
            if found:
                return found
            last = found
        time.sleep(0.05)
    raise AssertionError(f"after {seconds:g} s still not: {what} (last: {last!r})")


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def listening(port: int = 0) -> Iterator[int]:
    """Somebody else's program that has the port."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        yield int(listener.getsockname()[1])


@dataclass(frozen=True)
class Run:
    """What became of one ``ansible-playbook``."""

    playbook: str
    code: int
    output: str
    warnings: str
    seconds: float

    def __post_init__(self) -> None:
        for told in (self.text, self.warnings):
            assert printable(told, keeps_lines=True) == told, f"a terminal would obey it: {told!r}"

    @cached_property
    def _report(self) -> dict[str, Any]:
        try:
            report: dict[str, Any] = json.loads(self._stdout)
        except ValueError:
            raise AssertionError(f"{self.playbook}: {self.output}\n{self.warnings}") from None
        return report

    @property
    def text(self) -> str:
        """What it says in words: on stderr, where stdout is a report in JSON."""
        return self.warnings if self._stdout.startswith("{") else self.output

    @property
    def _stdout(self) -> str:
        """Without what Ansible itself writes in front with -v: its configuration, its version with -vv."""
        lines = self.output.splitlines(keepends=True)
        begin = next((number for number, line in enumerate(lines) if line == "{\n"), 0)
        return "".join(lines[begin:])

    @property
    def results(self) -> list[tuple[str, dict[str, Any]]]:
        """Name and result of every task, in order."""
        return [
            (task["task"]["name"].rpartition(" : ")[2], task["hosts"]["localhost"])
            for play in self._report["plays"]
            for task in play["tasks"]
            if "localhost" in task["hosts"]
        ]

    def result(self, name: str) -> dict[str, Any]:
        """The result of the last task whose name begins so."""
        return next(result for called, result in reversed(self.results) if called.startswith(name))

    def ended(self, name: str) -> datetime:
        """When the last task whose name has this part ended."""
        tasks = [task["task"] for play in self._report["plays"] for task in play["tasks"]]
        ends = [task["duration"]["end"] for task in tasks if name in task["name"]]
        return datetime.fromisoformat(ends[-1])

    @property
    def stats(self) -> dict[str, int]:
        """The recap."""
        recap: dict[str, int] = self._report["stats"].get("localhost", {})
        return recap

    @property
    def changed(self) -> list[str]:
        """Names of the tasks that changed something."""
        names = [name for name, result in self.results if result.get("changed") and not result.get("failed")]
        assert len(names) == self.stats["changed"], (names, self.stats)
        return names

    @property
    def facts(self) -> dict[str, Any]:
        """All facts that were set."""
        known: dict[str, Any] = {}
        for _name, result in self.results:
            known |= result.get("ansible_facts", {})
        return known

    @property
    def receipts(self) -> dict[str, dict[str, Any]]:
        """The workloads' receipts by name."""
        return {receipt["name"]: receipt for receipt in self.facts["workloads_receipts"]}

    @property
    def message(self) -> str:
        """What the tasks that failed have said, and the items of those that loop."""
        results = [each for _name, result in self.results for each in (result, *result.get("results", ()))]
        failed = [result for result in results if isinstance(result, dict) and result.get("failed")]
        return "\n".join(str(result.get("msg", result)) for result in failed)

    def succeeded(self) -> Run:
        """This very run, which must have succeeded."""
        assert (self.code, self.stats.get("failures")) == (0, 0), f"{self.playbook}: {self.message}"
        return self

    def refused(self, *said: str) -> Run:
        """This very run, which must have failed with a message that has all of ``said``, and no traceback."""
        assert self.code != 0, f"{self.playbook} succeeded"
        for part in said:
            assert part in self.message, f"{part!r} is not in:\n{self.message}"
        for text in (self.text, self.message, self.warnings):
            assert "Traceback" not in text, text
        return self


@dataclass(frozen=True)
class Started:
    """An ``ansible-playbook`` that runs."""

    playbook: str
    process: subprocess.Popen[bytes]
    began: float
    heard: Mapping[str, bytearray] = field(
        default_factory=lambda: {"stdout": bytearray(), "stderr": bytearray()}
    )

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def said(self, part: str) -> str:
        """What is said so far, as soon as that has ``part``; nothing of it is lost to ``finish``."""
        with selectors.DefaultSelector() as readable:
            for name in self.heard:
                readable.register(getattr(self.process, name), selectors.EVENT_READ, name)
            while part not in (words := "".join(self._heard(name) for name in self.heard)):
                assert readable.get_map(), f"{part!r} was not said in:\n{words}"
                for key, _events in readable.select():
                    chunk = os.read(key.fd, 1 << 16)
                    self.heard[key.data].extend(chunk)
                    if not chunk:
                        readable.unregister(key.fileobj)
        return words

    def _heard(self, name: str, rest: bytes = b"") -> str:
        return bytes(self.heard[name] + rest).decode(errors="replace")

    def finish(self) -> Run:
        """Wait for its end, which has to come by itself."""
        try:
            output, warnings = self.process.communicate(timeout=RUN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            output, warnings = self.process.communicate()
            said = self._heard("stdout", output) + self._heard("stderr", warnings)
            raise AssertionError(f"{self.playbook} had to be ended after {RUN_SECONDS} s: {said}") from None
        return Run(
            self.playbook,
            self.process.returncode,
            self._heard("stdout", output),
            self._heard("stderr", warnings),
            time.monotonic() - self.began,
        )


@dataclass(frozen=True)
class Loop:
    """A loop by name, with a home of its own for state, and a folder for what the tests write."""

    name: str
    home: Path
    variables: Mapping[str, Any] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    surroundings: Mapping[str, str] = field(default_factory=dict)

    @property
    def state_dir(self) -> Path:
        named = self.variables.get("flux_local_state_dir")
        return Path(named) if named else self.home / "flux-local" / (self.name or "flux-local")

    @property
    def environment(self) -> dict[str, str]:
        """The user's, less what could lead to another loop; the cache of programs is shared.

        The ``surroundings`` come on top of it.
        """
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "XDG_D"))
        }
        return kept | {
            "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
            "KUBECONFIG": str(self.home / "no-kubeconfig"),
            "XDG_DATA_HOME": str(self.home),
            **self.surroundings,
        }

    def start(
        self,
        playbook: str,
        *arguments: str,
        prefix: Sequence[str] = (),
        cwd: Path = ROOT,
        environment: Mapping[str, str] | None = None,
        umask: int = -1,
        **variables: Any,
    ) -> Started:
        """Start ``ansible-playbook`` on this loop."""
        named = {
            "flux_local_name": self.name,
            "flux_local_provider": "embedded",  # also where a container engine answers
            **PATIENCE,
            **self.variables,
            **variables,
        }
        program = Path(sys.executable).with_name("ansible-playbook")
        process = subprocess.Popen(
            [*prefix, str(program), playbook, "-e", json.dumps(named), *arguments],
            env=self.environment | dict(environment or {}),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            umask=umask,
        )
        return Started(playbook, process, time.monotonic())

    def play(self, playbook: str, *arguments: str, **options: Any) -> Run:
        """Run one of the playbooks."""
        run = self.start(f"playbooks/{playbook}.yml", *arguments, **options).finish()
        self.runs.append(run)
        return run

    def up(self, *arguments: str, **variables: Any) -> Run:
        """Bring everything up."""
        return self.play("site", *arguments, **variables).succeeded()

    def push(self, *workloads: Mapping[str, Any], arguments: Sequence[str] = (), **options: Any) -> Run:
        """Push workloads of a list."""
        return self.play("push", *arguments, workloads_list=list(workloads), **options)

    def remove(self, *names: str) -> Run:
        """Have workloads absent."""
        return self.push(*({"name": name, "state": "absent"} for name in names)).succeeded()

    def start_tasks(self, tasks: Sequence[Mapping[str, Any]], *arguments: str, **options: Any) -> Started:
        """Start a playbook of one's own, with this loop's kubeconfig for all Kubernetes modules."""
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
            "module_defaults": {"group/gitops.flux_local.k8s": {"kubeconfig": str(self.kubeconfig)}},
            "tasks": list(tasks),
        }
        descriptor, playbook = tempfile.mkstemp(dir=self.home, prefix="tasks-", suffix=".yml", text=True)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            yaml.safe_dump([play], stream, allow_unicode=True)
        return self.start(playbook, *arguments, **options)

    def tasks(self, tasks: Sequence[Mapping[str, Any]], *arguments: str, **options: Any) -> Run:
        """Run a playbook of one's own, as ``start_tasks`` starts it."""
        return self.start_tasks(tasks, *arguments, **options).finish()

    def apply(self, *items: Mapping[str, Any]) -> None:
        """Have objects in the cluster that belong to no workload."""
        module = "kubernetes.core.k8s"
        asked = [{"module": module, "options": {"definition": dict(item)}} for item in items]
        self.tasks([{"gitops.flux_local.in_process": one} for one in asked]).succeeded()

    # --- as others see it

    @property
    def kubeconfig(self) -> Path:
        return self.state_dir / "kubeconfig"

    @property
    def ports(self) -> dict[str, int]:
        """The ports it keeps."""
        kept: dict[str, int] = json.loads((self.state_dir / "ports.json").read_text())
        return kept

    @property
    def registry(self) -> str:
        """The registry's address, as ``host:port``."""
        return f"127.0.0.1:{self.ports['registry']}"

    @property
    def api(self) -> client.ApiClient:
        """A client as whoever has the kubeconfig has it."""
        api: client.ApiClient = config.new_client_from_config(str(self.kubeconfig))
        return api

    @property
    def core(self) -> client.CoreV1Api:
        return client.CoreV1Api(self.api)

    def get(self, path: str) -> dict[str, Any] | None:
        """An object by its path in the API; None when there is none."""
        api = self.api
        # How the ApiClient itself is called differs between the lowest and the newest version of the client.
        response = api.rest_client.pool_manager.request("GET", api.configuration.host + path, timeout=60)
        body = response.data
        if response.status == 404:
            return None  # also without a word of JSON, where the API does not know the kind
        if response.status != 200:
            raise client.ApiException(status=response.status, reason=body.decode())
        found: dict[str, Any] = json.loads(body)
        return found

    def source(self, name: str, namespace: str = NAMESPACE) -> dict[str, Any] | None:
        """An OCIRepository."""
        return self.get(f"/apis/source.toolkit.fluxcd.io/v1/namespaces/{namespace}/ocirepositories/{name}")

    def kustomization(self, name: str, namespace: str = NAMESPACE) -> dict[str, Any] | None:
        """A Kustomization."""
        return self.get(f"/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{namespace}/kustomizations/{name}")

    def config_map(self, name: str, namespace: str = "default") -> dict[str, Any] | None:
        """A ConfigMap."""
        return self.get(f"/api/v1/namespaces/{namespace}/configmaps/{name}")

    def digest(self, repository: str, tag: str = "latest") -> str | None:
        """The digest of what the tag names in the registry; None when there is no such tag."""
        url = f"http://{self.registry}/v2/{repository}/manifests/{tag}"
        answer = requests.head(url, headers={"Accept": MANIFEST}, timeout=10)
        return answer.headers["Docker-Content-Digest"] if answer.ok else None

    # --- its processes (proc(5))

    def processes(self) -> dict[int, str]:
        """Pid and program of everything that runs for this loop, and of nothing else."""
        return {pid: name for pid, name in processes_below(self.state_dir).items() if name}

    def pid(self, program: str) -> int:
        """The one process of a program."""
        [pid] = [pid for pid, name in self.processes().items() if name == program]
        return pid

    def kill(self, program: str) -> int:
        """Kill a program's process, as a crash or the kernel would; returns its pid."""
        pid = self.pid(program)
        os.kill(pid, signal.SIGKILL)
        return pid

    def purge(self) -> Run:
        """Destroy it with all it holds. Whatever happens, none of its processes is left."""
        try:
            return self.play("destroy", flux_local_purge=True)
        finally:
            kill_all_below(self.state_dir)


def processes_below(folder: Path) -> dict[int, str]:
    """Pid and program of all that has to do with a folder; a Python has no name but supervisord's."""
    mark = os.fsencode(f"{folder}/")
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes()
            if mark in command + (process / "environ").read_bytes():
                found[int(process.name)] = _program(os.fsdecode(command).split("\0"))
    return found


def _program(arguments: Sequence[str]) -> str:
    if "supervisor.supervisord" in arguments:
        return "supervisord"
    name = Path(arguments[0]).name
    return "" if name.startswith("python") else name


def kill_all_below(folder: Path) -> None:
    """End every process that has to do with a folder, supervisors first: they would start the others anew."""
    for pid, _name in sorted(processes_below(folder).items(), key=lambda entry: entry[1] != "supervisord"):
        if pid != os.getpid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def nothing_left_below(folder: Path) -> Iterator[None]:
    """When this ends, in whatever way, also by SIGKILL, so does every process that has to do with a folder.

    A process of its own sees to that: it waits for the end of its input, which is the end of this process.
    """
    command = [sys.executable, __file__, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):
        yield


def write(folder: Path, **files: str | Mapping[str, Any]) -> Path:
    """A folder of manifests: ``name`` becomes ``name.yaml``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        text = content if isinstance(content, str) else yaml.safe_dump(dict(content), allow_unicode=True)
        (folder / f"{name}.yaml").write_text(text)
    return folder


def config_map(name: str, **entries: str) -> dict[str, Any]:
    """The smallest thing that Flux can apply."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
        "data": entries,
    }


if __name__ == "__main__":
    sys.stdin.read()
    kill_all_below(Path(sys.argv[1]))
