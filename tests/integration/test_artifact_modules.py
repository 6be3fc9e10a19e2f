# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Pull, info and tag against the real registry, and with what the flux and oras CLIs make and read."""

from __future__ import annotations

import base64
import filecmp
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact import info as artifact_info
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact import pull as artifact_pull
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact import push as artifact_push
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact import tag as artifact_tag
from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import pack
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import printable
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.blobs import upload_in_parts
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import Connection
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    CONFIG_TYPE,
    CREATED,
    LAYER_TYPE,
    Descriptor,
    Manifest,
    config_bytes,
    manifest_bytes,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.open import open_repository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import digest_of, parse_url
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.registry import RegistryRepository
from ansible_collections.gitops.flux_local.tests.integration.registries import (
    DELETES,
    Program,
    asks_for_a_password,
    issued,
    serving,
)

VERSION: dict[str, Any] = {"tag": None, "digest": None, "semver": None, "semver_filter": None}
PULL: dict[str, Any] = VERSION | {
    "include": [],
    "exclude": [],
    "media_type": None,
    "symlinks": "refuse",
    "max_size": 2 * 1024**3,
    "max_files": 200_000,
}
ORAS = {
    "name": "oras",
    "version": "1.3.6",
    "module": "oras",
    "source": "oras.land/oras",
    "package": "oras.land/oras/cmd/oras",
    "ldflags": "-X oras.land/oras/internal/version.BuildMetadata=",
    "check_arguments": ["version"],
    "check_text": "{version}",
}


def pull(url: str, dest: Path, **params: Any) -> dict[str, Any]:
    return artifact_pull.run(PULL | {"url": url, "dest": str(dest)} | params, connect=open_repository)


def info(url: str, **params: Any) -> dict[str, Any]:
    wanted = VERSION | {"url": url, "limit": None, "contents": False} | params
    return artifact_info.run(wanted, connect=open_repository)


def tag(url: str, *tags: str, **params: Any) -> dict[str, Any]:
    wanted = VERSION | {"url": url, "tags": list(tags), "state": "present", "immutable": False} | params
    return artifact_tag.run(wanted, connect=open_repository)


def push(folder: Path, url: str, *tags: str, **annotations: str) -> str:
    request = artifact_push.PushRequest(tags or ("latest",), "here", "main@sha1:1", annotations)
    with pack(str(folder)) as packed:
        return str(artifact_push.push(packed, request, open_repository({"url": url})).digest)


@pytest.fixture(scope="module")
def host(binary: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(binary, tmp_path_factory.mktemp("registry"), storage=DELETES["storage"]) as address:
        yield address


@pytest.fixture
def url(host: str, request: pytest.FixtureRequest) -> str:
    """A repository of this test's own."""
    return f"oci://{host}/{request.node.originalname.replace('_', '-')}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "sources"
    for name, content in {
        "kustomization.yaml": "resources: [app/a.yaml]\n",
        "app/a.yaml": "a: 1\r\n",
        "with space/ü.yaml": "",
        "-dash": "x" * 5000,
        ".hidden": "h",
        str(Path(*["d" * 100] * 4) / ("f" * 255)): "long",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, newline="")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "empty").mkdir()
    (root / "binary").write_bytes(os.urandom(300_000))
    return root


def assert_equal(one: Path, other: Path) -> None:
    """The same names, and the same bytes and executability of every file."""
    names = sorted(str(path.relative_to(one)) for path in one.rglob("*"))
    assert names == sorted(str(path.relative_to(other)) for path in other.rglob("*"))
    files = [name for name in names if (one / name).is_file()]
    assert filecmp.cmpfiles(one, other, files, shallow=False) == (files, [], [])
    for name in files:
        assert os.access(one / name, os.X_OK) == os.access(other / name, os.X_OK)


@pytest.fixture(scope="session")
def oras(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """The oras CLI; it is built into the cache of programs once."""
    modules = Path(__file__).parent / "modules"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flux-local"
    installed = module(
        "program_install", program=ORAS, method="go", cache_dir=str(cache), modules_dir=str(modules)
    )
    assert "program" in installed, installed
    environment = os.environ | {"DOCKER_CONFIG": str(tmp_path_factory.mktemp("docker"))}

    def run(*arguments: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            [installed["program"], *arguments],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def flux(binary: Program, tmp_path: Path) -> Callable[..., str]:
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [binary("flux"), *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def module(name: str, *options: str, **params: Any) -> dict[str, Any]:
    """The result of a module when Ansible runs it."""
    command = [
        str(Path(sys.executable).with_name("ansible")),
        "localhost",
        "-e",
        f"ansible_python_interpreter={sys.executable}",
        *("-m", f"gitops.flux_local.{name}", "-a", json.dumps(params)),
        *options,
    ]
    environment = os.environ | {
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "1",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
    }
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)["plays"][0]["tasks"][0]["hosts"]["localhost"]
    return result


def test_what_was_pushed_is_pulled(folder, url, tmp_path):
    digest = push(folder, url, "1.0.0", "latest")
    result = pull(url, tmp_path / "dest")
    assert (result["changed"], result["digest"], result["files"]) == (True, digest, 8)
    assert_equal(folder, tmp_path / "dest")
    assert not pull(url, tmp_path / "dest", semver="1.x")["changed"]


def test_what_flux_pushed_is_pulled_and_listed(flux, folder, url, tmp_path):
    origin = ["--source", "https://example.com/shop", "--revision", "main@sha1:abc"]
    flux("push", "artifact", f"{url}:v1", "--path", str(folder), *origin)
    assert pull(url, tmp_path / "dest", tag="v1")["revision"] == "main@sha1:abc"
    assert_equal(folder, tmp_path / "dest")
    assert not pull(url, tmp_path / "dest", tag="v1")["changed"]
    version = info(url, contents=True)["versions"][0]
    assert (version["tags"], version["source"], version["revision"]) == (
        ["v1"],
        "https://example.com/shop",
        "main@sha1:abc",
    )
    sizes = {
        str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()
    }
    assert {file["name"]: file["size"] for file in version["contents"]} == sizes


def test_what_oras_pushed_is_pulled(oras, folder, url, tmp_path):
    name = url.removeprefix("oci://")
    oras("push", "--plain-http", f"{name}:v1", "sources", cwd=tmp_path)
    layer = info(url)["versions"][0]["layers"][0]
    result = pull(url, tmp_path / "dest", tag="v1")
    assert (result["files"], result["media_type"]) == (8, layer["media_type"])
    assert_equal(folder, tmp_path / "dest/sources")
    assert not pull(url, tmp_path / "dest", tag="v1")["changed"]


def test_oras_and_flux_read_what_we_pushed_and_tagged(oras, flux, folder, url, tmp_path):
    digest = push(folder, url, "v1")
    tag(url, "stable", tag="v1")
    name = url.removeprefix("oci://")
    assert oras("repo", "tags", "--plain-http", name).split() == ["stable", "v1"]
    assert json.loads(oras("manifest", "fetch", "--plain-http", "--descriptor", f"{name}:stable"))[
        "digest"
    ] == (digest)
    oras("pull", "--plain-http", "--output", str(tmp_path / "oras"), f"{name}:stable")
    assert digest in flux("list", "artifacts", url)
    (tmp_path / "flux").mkdir()
    flux("pull", "artifact", f"{url}:stable", "--output", str(tmp_path / "flux"))
    assert_equal(folder, tmp_path / "flux")


def test_layouts_go_to_oras_and_come_back(oras, folder, url, tmp_path):
    name = url.removeprefix("oci://")
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    layout = f"oci-layout://{ours}"
    digest = push(folder, layout, "v1")
    tag(layout, "stable", tag="v1")
    assert oras("repo", "tags", "--oci-layout", str(ours)).split() == ["stable", "v1"]
    oras("cp", "--from-oci-layout", f"{ours}:stable", "--to-plain-http", f"{name}:v1")
    assert info(url)["versions"][0]["digest"] == digest
    oras("cp", "--from-plain-http", f"{name}:v1", "--to-oci-layout", f"{theirs}:v2")
    back = f"oci-layout://{theirs}"
    assert [(each["digest"], each["tags"]) for each in info(back)["versions"]] == [(digest, ["v2"])]
    pull(back, tmp_path / "dest", tag="v2")
    assert_equal(folder, tmp_path / "dest")


def test_a_removed_tag_leaves_the_other_one(folder, url):
    digest = push(folder, url, "v1", "stable")
    assert tag(url, "v1", state="absent")["previous"] == {"v1": digest}
    assert info(url)["versions"][0]["tags"] == ["stable"]
    assert not tag(url, "v1", state="absent")["changed"]
    assert tag(url, "stable", state="absent")["changed"]
    assert open_repository({"url": url}).tags() == []
    assert info(url, digest=digest)["total"] == 1
    assert tag(url, "again", digest=digest)["changed"]
    assert info(url)["versions"][0]["tags"] == ["again"]


def test_a_registry_without_deletion_keeps_its_tags(binary, folder, tmp_path):
    where = tmp_path / "keeps"
    where.mkdir()
    with serving(binary, where) as address:
        url = f"oci://{address}/shop"
        digest = push(folder, url, "v1", "stable")
        with pytest.raises(LoopError, match=r"does not allow to remove the tag v1.*storage\.delete\.enabled"):
            tag(url, "v1", state="absent")
        with pytest.raises(LoopError, match=r"405 Method Not Allowed.*storage\.delete\.enabled"):
            open_repository({"url": url}).delete_manifest(digest)
        assert info(url)["versions"][0]["tags"] == ["stable", "v1"]


def test_deleted_manifests_are_gone_with_their_tags(folder, url):
    digest = push(folder, url, "v1", "stable")
    repository = open_repository({"url": url})
    repository.delete_manifest(digest)
    repository.delete_manifest(digest)
    assert (repository.tags(), repository.manifest(digest)) == ([], None)
    assert open_repository({"url": f"{url}/never"}).tags() == []


def test_every_character_of_a_tag(folder, url, tmp_path):
    tags = ["_", "0", "A.b-C_d", "a" * 128, "v1.0.0-rc.1", "9__--..x"]
    push(folder, url, *tags)
    assert info(url)["versions"][0]["tags"] == sorted(tags)
    assert pull(url, tmp_path / "dest", tag="9__--..x")["changed"]
    tag(url, "_", "9__--..x", state="absent")
    assert info(url)["versions"][0]["tags"] == sorted(set(tags) - {"_", "9__--..x"})


def filled(url: str, number: int) -> None:
    """Make ``number`` versions with one tag each."""
    repository = open_repository({"url": url})
    empty = config_bytes(digest_of(b""))
    config = Descriptor(CONFIG_TYPE, digest_of(empty), len(empty))
    layer = Descriptor(LAYER_TYPE, digest_of(b"layer"), 5)
    repository.put_blob(config, empty)
    repository.put_blob(layer, b"layer")

    def put(version: int) -> None:
        created = {CREATED: f"2026-01-{1 + version // 1440:02}T{version // 60 % 24:02}:{version % 60:02}:00Z"}
        repository.put_manifest(f"1.0.{version}", Manifest(manifest_bytes(config, layer, created)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(number)))


def test_a_thousand_versions(url):
    filled(url, 1003)
    result = info(url)
    assert result["total"] == 1003
    assert [version["tags"] for version in result["versions"][:2]] == [["1.0.1002"], ["1.0.1001"]]
    assert info(url, semver="<1.0.500", limit=1)["versions"][0]["tags"] == ["1.0.499"]


def test_a_list_of_tags_comes_in_pages(binary, tmp_path):
    where = tmp_path / "pages"
    where.mkdir()
    with serving(binary, where, auth={"tags": {"maxtags": 7}}) as address:
        url = f"oci://{address}/shop"
        filled(url, 30)
        assert len(open_repository({"url": url}).tags()) == 30


def test_a_blob_is_mounted_from_another_repository(folder, url):
    push(folder, url)
    layer = Descriptor(**info(url)["versions"][0]["layers"][0])
    sent: list[str] = []
    repository = RegistryRepository(parse_url(f"{url}/other"), Connection())
    repository.transport.session.http.hooks["response"] = lambda response, **_: sent.append(
        response.request.method
    )
    blob = io.BytesIO()
    open_repository({"url": url}).fetch_blob(layer, blob)
    repository.put_blob(layer, blob, mount_from=parse_url(url).repository)
    assert sent == ["HEAD", "POST"]
    into = io.BytesIO()
    repository.fetch_blob(layer, into)
    assert into.getvalue() == blob.getvalue()


def test_a_push_takes_its_blobs_from_the_repository_it_is_offered(folder, url):
    push(folder, url)
    sent: list[tuple[str, int]] = []
    repository = RegistryRepository(parse_url(f"{url}/released"), Connection())
    repository.transport.session.http.hooks["response"] = lambda response, **_: sent.append(
        (response.request.method, response.status_code)
    )
    request = artifact_push.PushRequest(("latest",), mount_from=parse_url(url).repository)
    with pack(str(folder)) as packed:
        artifact_push.push(packed, request, repository)
    # Two blobs were mounted (201 at once), and only the manifest was put.
    assert sent.count(("POST", 201)) == 2
    assert [method for method, _status in sent if method == "PUT"] == ["PUT"]


def test_an_upload_in_chunks(host, url, monkeypatch):
    repository = RegistryRepository(parse_url(url), Connection())
    content = os.urandom(300_000)
    blob = Descriptor("x", digest_of(content), len(content))
    monkeypatch.setattr(
        "ansible_collections.gitops.flux_local.plugins.module_utils._oci.blobs.UPLOAD_CHUNK", 70_000
    )
    start = f"http://{host}/v2/{parse_url(url).repository}/blobs/uploads/"
    answer = upload_in_parts(repository.transport, start, blob, io.BytesIO(content))
    assert answer.status_code == 201
    into = io.BytesIO()
    repository.fetch_blob(blob, into)
    assert into.getvalue() == content


@pytest.fixture
def guarded(binary: Program, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A registry that wants a client certificate and a password, and the folder of its certificates."""
    where = tmp_path / "guarded"
    where.mkdir()
    ca = issued(where, "ca")
    server = issued(where, "server", ca)
    issued(where, "client", ca)
    tls = {
        "certificate": str(server),
        "key": str(server.with_suffix(".key")),
        "clientcas": [str(ca)],
    }
    with serving(
        binary, where, auth=asks_for_a_password(where), tls=tls, storage=DELETES["storage"]
    ) as address:
        yield address, where


def connections(guarded: tuple[str, Path]) -> dict[str, Any]:
    _address, where = guarded
    return {
        "ca_cert": str(where / "ca.pem"),
        "client_cert": str(where / "client.pem"),
        "client_key": str(where / "client.key"),
    }


def test_a_client_certificate_and_a_password(guarded, folder, tmp_path):
    url = f"oci://{guarded[0]}/shop"
    user = {"username": "ci", "password": "s3cret"}
    reached = connections(guarded) | user
    repository = open_repository({"url": url} | reached)
    with pack(str(folder)) as packed:
        artifact_push.push(packed, artifact_push.PushRequest(("v1",)), repository)
    assert pull(url, tmp_path / "dest", tag="v1", **reached)["changed"]
    assert tag(url, "stable", tag="v1", **reached)["changed"]
    assert tag(url, "v1", state="absent", **reached)["changed"]
    assert info(url, **reached)["versions"][0]["tags"] == ["stable"]
    for missing, said in (
        (("client_cert", "client_key"), "client_cert: the registry .* asks for a client certificate"),
        (("ca_cert",), "certificate of 127.0.0.1"),
        (("username", "password"), "set `username` and `password`"),
    ):
        with pytest.raises(LoopError, match=said):
            info(url, **{key: value for key, value in reached.items() if key not in missing})
    with pytest.raises(LoopError) as caught:
        info(url, **reached | {"password": "wr0ng-s3cret"})
    assert "wr0ng-s3cret" not in f"{caught.value.message}{caught.value.details}{caught.value.__cause__!r}"


def test_dockers_configuration_is_used(guarded, folder, tmp_path, monkeypatch):
    address, _where = guarded
    reached = connections(guarded)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    config = tmp_path / "config.json"
    auth = base64.b64encode(b"ci:s3cret").decode()
    config.write_text(json.dumps({"auths": {address: {"auth": auth}}}))
    assert info(f"oci://{address}/shop", **reached)["total"] == 0
    helper = tmp_path / "docker-credential-test"
    helper.write_text(
        f"#!{sys.executable}\nimport json, sys\n"
        f"assert sys.argv[1:] == ['get'] and sys.stdin.read() == '{address}'\n"
        "print(json.dumps({'ServerURL': '', 'Username': 'ci', 'Secret': 's3cret'}))\n"
    )
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for settings in ({"credHelpers": {address: "test"}}, {"credsStore": "test", "auths": {address: {}}}):
        config.write_text(json.dumps(settings))
        assert info(f"oci://{address}/shop", **reached)["total"] == 0
    config.write_text(json.dumps({"auths": {address: {"auth": base64.b64encode(b"ci:no").decode()}}}))
    with pytest.raises(LoopError, match="or Podman's configuration do not suffice"):
        info(f"oci://{address}/shop", **reached)


def test_as_modules(folder, url, tmp_path):
    push(folder, url, "1.0.0")
    dest = tmp_path / "dest"
    assert module("oci_artifact_pull", "--check", url=url, dest=str(dest), tag="1.0.0")["changed"]
    assert not dest.exists()
    pulled = module("oci_artifact_pull", "--diff", url=url, dest=str(dest), semver="1.x")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert (pulled["changed"], pulled["files"]) == (True, 8)
    assert pulled["size"] == sum(path.stat().st_size for path in files)
    assert module("oci_artifact_tag", url=url, tags=["stable"], tag="1.0.0")["changed"]
    listed = module("oci_artifact_info", url=url, contents=True)
    assert listed["versions"][0]["tags"] == ["1.0.0", "stable"]
    assert len(listed["versions"][0]["contents"]) == 8
    refused = module("oci_artifact_pull", url=url, dest=str(dest), tag="2.0.0")
    assert "It has stable, 1.0.0" in refused["msg"]


def push_archive(url: str, tag: str, members: dict[str, bytes]) -> None:
    """An artifact of these files, whatever their names."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    repository = open_repository({"url": url})
    config, layer = config_bytes(digest_of(b"")), archive.getvalue()
    settings = Descriptor(CONFIG_TYPE, digest_of(config), len(config))
    content = Descriptor(LAYER_TYPE, digest_of(layer), len(layer))
    repository.put_blob(settings, config)
    repository.put_blob(content, layer)
    repository.put_manifest(tag, Manifest(manifest_bytes(settings, content, {})))


HARM = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - gitops.flux_local.oci_artifact_pull: {url: "%(url)s", tag: odd, dest: "%(dest)s"}
      ignore_errors: true
    - gitops.flux_local.oci_artifact_diff: {url: "%(url)s", before: {tag: sound}, after: {tag: odd}}
    - gitops.flux_local.oci_artifact_push: {url: "%(url)s", tag: "{branch}", path: "%(path)s"}
"""
FORGED = "TASK [All is well] ***"


def test_nothing_that_an_artifact_or_a_manifest_says_is_obeyed(folder, url, tmp_path):
    """Not in what Ansible shows on a terminal; nor does git, for an artifact brings no .git."""
    name = r"n\e[2K\n" + FORGED
    odd = f'apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: "{name}", labels: {{a: "\\x9b31m"}}}}\n'
    members = {
        f"a\x1b[2K\n{FORGED}\x9b31m.yaml": b"",
        ".git/config": b"[core]\n\tfsmonitor = touch harm\n",
        "app/a.yaml": odd.encode(),
    }
    push_archive(url, "odd", members)
    push(folder, url, "sound")
    for command in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "a"],
        ["checkout", "-q", "--detach"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    playbook = tmp_path / "play.yml"
    playbook.write_text(HARM % {"url": url, "dest": tmp_path / "dest", "path": folder})
    program = Path(sys.executable).with_name("ansible-playbook")
    done = subprocess.run([program, playbook, "--diff", "-v"], capture_output=True, text=True, check=False)
    shown = done.stdout + done.stderr
    assert done.returncode == 0, shown
    assert printable(shown, keeps_lines=True) == shown
    assert not any(line.startswith(FORGED) for line in shown.splitlines())
    assert f"a\\x1b[2K\\n{FORGED}\\x9b31m.yaml" in shown
    assert "{branch} in '{branch}' becomes HEAD" in " ".join(shown.split())
    assert not (tmp_path / "dest").exists()


def test_a_pull_that_is_killed_leaves_the_old_content_or_the_new(folder, url, tmp_path):
    """At any moment of it; and the next one completes."""
    versions = []
    for number in (1, 2):
        for file in range(200):
            (folder / f"file-{file}").write_text(f"{number} {file}\n" * 200)
        push(folder, url, f"v{number}")
        versions.append({path.name: path.read_bytes() for path in folder.glob("file-*")})
    dest = tmp_path / "dest"
    pull(url, dest, tag="v1")
    script = (
        "import sys, json; "
        "from ansible_collections.gitops.flux_local.plugins.module_utils._artifact import pull; "
        "from ansible_collections.gitops.flux_local.plugins.module_utils._oci import open; "
        "print(flush=True); pull.run(json.loads(sys.argv[1]), connect=open.open_repository)"
    )
    seen = set()
    for attempt in range(12):
        wanted = PULL | {"url": url, "dest": str(dest), "tag": f"v{1 + (attempt + 1) % 2}"}
        process = subprocess.Popen([sys.executable, "-c", script, json.dumps(wanted)], stdout=subprocess.PIPE)
        assert process.stdout
        process.stdout.readline()
        time.sleep(0.025 * attempt)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        seen.add(versions.index({path.name: path.read_bytes() for path in dest.glob("file-*")}))
    pull(url, dest, tag="v2")
    assert_equal(folder, dest)
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".pull-")]
    assert seen


def test_two_pushes_to_one_tag_at_once(host, url, tmp_path):
    """One of the two wins whole, every time."""
    for number in (0, 1):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}/a.yaml").write_text(f"number: {number}\n")
    for _round in range(5):
        with ThreadPoolExecutor(2) as pool:
            digests = list(pool.map(lambda number: push(tmp_path / f"{number}", url), (0, 1)))
        assert info(url, tag="latest")["versions"][0]["digest"] in digests
        pull(url, tmp_path / "dest")
        assert (tmp_path / "dest/a.yaml").read_text() in ("number: 0\n", "number: 1\n")
