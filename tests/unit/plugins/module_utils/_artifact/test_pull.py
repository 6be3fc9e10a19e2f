# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact import push as artifact_push
from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.pull import run
from ansible_collections.gitops.flux_local.plugins.module_utils._content import folder_swap
from ansible_collections.gitops.flux_local.plugins.module_utils._content.folder_swap import (
    remove_leftovers,
    replacing,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import pack
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    CONFIG_TYPE,
    INDEX_TYPE,
    LAYER_TYPE,
    Descriptor,
    Manifest,
    manifest_bytes,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import digest_of
from ansible_collections.gitops.flux_local.tests.unit.fakes.repository import MemoryRepository

DEFAULTS: dict[str, Any] = {
    "tag": None,
    "digest": None,
    "semver": None,
    "semver_filter": None,
    "include": [],
    "exclude": [],
    "media_type": None,
    "symlinks": "refuse",
    "max_size": 10_000_000,
    "max_files": 1000,
}
FILES = {"kustomization.yaml": "resources: [app/a.yaml]\n", "app/a.yaml": "a: 1\n", "README.md": "read"}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> MemoryRepository:
    """Holds FILES as `latest` and `1.0.0`, and another version as `1.1.0`."""
    known = MemoryRepository()
    source = write(tmp_path / "source", FILES)
    for tags, files in ((("latest", "1.0.0"), {}), (("1.1.0",), {"app/a.yaml": "a: 2\n"})):
        with pack(str(write(source, files))) as packed:
            artifact_push.push(packed, artifact_push.PushRequest(tags, source="here"), known)
    known.asked.clear()
    return known


def foreign(repository: MemoryRepository, tag: str, *layers: tuple[str, bytes]) -> Manifest:
    """An artifact without the annotation of ours."""
    config = Descriptor(CONFIG_TYPE, digest_of(b"{}"), 2)
    repository.put_blob(config, b"{}")
    blobs = [Descriptor(kind, digest_of(content), len(content)) for kind, content in layers]
    for blob, (_kind, content) in zip(blobs, layers, strict=True):
        repository.put_blob(blob, content)
    body = manifest_bytes(config, blobs[0], {}).decode()
    for blob in blobs[1:]:
        more = f'{{"mediaType":"{blob.media_type}","digest":"{blob.digest}","size":{blob.size}}}'
        body = body.replace("}],", f"}},{more}],")
    repository.put_manifest(tag, Manifest(body.encode()))
    return Manifest(body.encode())


def tarred(**files: str) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content.encode()))
    return gzip.compress(archive.getvalue())


def pulled(
    repository: MemoryRepository, dest: Path, check_mode: bool = False, with_diff: bool = False, **params: Any
) -> dict[str, Any]:
    wanted = DEFAULTS | {"dest": str(dest)} | params
    return run(wanted, connect=lambda _params: repository, check_mode=check_mode, with_diff=with_diff)


def content(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_holds_what_the_artifact_holds(repository, tmp_path):
    dest = tmp_path / "deep/er/dest"
    result = pulled(repository, dest)
    assert content(dest) == FILES
    assert result == {
        "changed": True,
        "files": 3,
        "size": sum(map(len, FILES.values())),
        "url": "oci://localhost:5050/shop",
        "tag": "latest",
        "digest": repository.manifests["latest"].digest,
        "folder": str(dest),
        "media_type": LAYER_TYPE,
        "created": repository.manifests["latest"].annotations["org.opencontainers.image.created"],
        "source": "here",
        "revision": None,
    }
    assert dest.stat().st_mode & 0o777 == 0o755
    assert os.listdir(dest.parent) == ["dest"]


def test_the_second_time_nothing_is_fetched(repository, tmp_path):
    first = pulled(repository, tmp_path / "dest")
    repository.asked.clear()
    assert pulled(repository, tmp_path / "dest") == first | {"changed": False}
    assert repository.asked == ["read latest"]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda dest: (dest / "more.yaml").write_text("x"),
        lambda dest: (dest / "app/a.yaml").write_text("a: 3\n"),
        lambda dest: (dest / "app/a.yaml").unlink(),
        lambda dest: (dest / "app/a.yaml").chmod(0o755),
        lambda dest: (dest / "empty").mkdir(),
        lambda dest: (dest / "link").symlink_to("/etc"),
        lambda dest: os.mkfifo(dest / "pipe"),
    ],
)
def test_what_was_changed_is_put_right(repository, tmp_path, spoil):
    dest = tmp_path / "dest"
    pulled(repository, dest)
    dest.chmod(0o700)
    spoil(dest)
    assert pulled(repository, dest, check_mode=True)["changed"]
    assert pulled(repository, dest)["changed"]
    assert content(dest) == FILES
    assert not pulled(repository, dest)["changed"]
    assert dest.stat().st_mode & 0o777 == 0o700
    assert sorted(os.listdir(tmp_path)) == ["dest", "source"]


def test_check_mode_writes_nothing_and_tells_the_truth(repository, tmp_path):
    predicted = pulled(repository, tmp_path / "deep/dest", check_mode=True, with_diff=True)
    assert os.listdir(tmp_path) == ["source"]
    done = pulled(repository, tmp_path / "deep/dest", with_diff=True)
    assert predicted == done
    assert done["diff"]["before"] == ""
    assert [line.split("  ")[0] for line in done["diff"]["after"].splitlines()] == sorted(FILES)


def test_the_difference(repository, tmp_path):
    pulled(repository, tmp_path / "dest")
    (tmp_path / "dest/empty").mkdir()
    diff = pulled(repository, tmp_path / "dest", with_diff=True, tag="1.1.0")["diff"]
    before, after = (set(diff[side].splitlines()) for side in ("before", "after"))
    assert {line.split("  ")[0] for line in before ^ after} == {"app/a.yaml", "empty/"}


def test_a_version_by_tag_digest_or_range(repository, tmp_path):
    digest = repository.manifests["1.1.0"].digest
    for how, tag in (({"tag": "1.1.0"}, "1.1.0"), ({"digest": digest}, None), ({"semver": "1.x"}, "1.1.0")):
        result = pulled(repository, tmp_path / "dest", **how)
        assert (result["digest"], result["tag"]) == (digest, tag)
    filtered = pulled(repository, tmp_path / "dest", semver=">=0.0.0", semver_filter="0$", tag=None)
    assert filtered["tag"] == "1.1.0"


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"tag": "2.0.0"}, "has no tag 2.0.0. It has latest, 1.1.0, 1.0.0"),
        ({"semver": ">=2"}, "no tag in the range '>=2'"),
        ({"semver": "two"}, "'two' is no range"),
        ({"semver_filter": "x"}, "belongs to `semver`"),
        ({"semver": "1.x", "semver_filter": "(?=x)"}, "Flux's regular expressions lack"),
        ({"semver": "1.x", "semver_filter": "("}, "is no regular expression"),
        ({"tag": "no tag"}, "is no tag"),
        ({"digest": "sha256:short"}, "is no digest"),
        ({"digest": digest_of(b"")}, "holds no sha256:"),
        ({"max_size": 3}, "max_size"),
        ({"max_files": 1}, "max_files"),
        ({"max_files": 0}, "allows nothing"),
        ({"media_type": "text/plain"}, "has no layer of the type text/plain, only application/vnd.cncf"),
    ],
)
def test_what_cannot_be_pulled(repository, tmp_path, params, said):
    write(tmp_path / "dest", {"old": "old"})
    with pytest.raises(LoopError) as caught:
        pulled(repository, tmp_path / "dest", **params)
    assert said in caught.value.message
    assert content(tmp_path / "dest") == {"old": "old"}
    assert sorted(os.listdir(tmp_path)) == ["dest", "source"]


def test_other_producers_artifacts_are_compared_by_content(repository, tmp_path):
    foreign(repository, "foreign", (LAYER_TYPE, tarred(a="1", b="2")))
    assert pulled(repository, tmp_path / "dest", tag="foreign")["changed"]
    assert content(tmp_path / "dest") == {"a": "1", "b": "2"}
    inode = (tmp_path / "dest").stat().st_ino
    assert not pulled(repository, tmp_path / "dest", tag="foreign")["changed"]
    assert (tmp_path / "dest").stat().st_ino == inode


def test_a_layer_is_chosen_by_its_type(repository, tmp_path):
    foreign(repository, "two", ("text/yaml", b"plain"), ("application/x.tar+gzip", tarred(a="1")))
    with pytest.raises(LoopError, match=r"no gzip archive.*of the type text/yaml; `media_type` chooses"):
        pulled(repository, tmp_path / "dest", tag="two")
    result = pulled(repository, tmp_path / "dest", tag="two", media_type="application/x.tar+gzip")
    assert (result["files"], result["media_type"]) == (1, "application/x.tar+gzip")


def test_an_index_is_no_artifact(repository, tmp_path):
    repository.manifests["index"] = Manifest(b'{"manifests":[]}', INDEX_TYPE)
    with pytest.raises(LoopError, match="no artifact with layers"):
        pulled(repository, tmp_path / "dest", tag="index")


def test_part_of_an_artifact(repository, tmp_path):
    dest = tmp_path / "dest"
    assert pulled(repository, dest, exclude=["*.md"])["files"] == 2
    assert set(content(dest)) == {"kustomization.yaml", "app/a.yaml"}
    assert not pulled(repository, dest, exclude=["*.md"])["changed"]
    assert pulled(repository, dest)["changed"]


@pytest.mark.parametrize("kind", ["file", "home", "here", "above", "git", "worktree", "root"])
def test_a_folder_that_must_not_be_replaced(repository, tmp_path, monkeypatch, kind):
    dest = tmp_path / "dest"
    (dest / "below").mkdir(parents=True)
    if kind == "file":
        dest = write(tmp_path, {"file": ""}) / "file"
    elif kind == "home":
        monkeypatch.setenv("HOME", str(dest))
    elif kind in ("here", "above"):
        monkeypatch.chdir(dest / ("below" if kind == "above" else ""))
    elif kind == "git":
        (dest / ".git/objects/ab").mkdir(parents=True)
        (dest / ".git/objects/ab/cd").write_text("")
    elif kind == "worktree":
        (dest / ".git").write_text("gitdir: /elsewhere")
    else:
        dest = Path("/")
    with pytest.raises(LoopError, match=r"dest: .*Name a folder of its own"):
        pulled(repository, dest)
    assert repository.asked == []


def test_a_folder_into_which_an_older_pull_brought_a_git_of_its_own_is_replaced(repository, tmp_path):
    dest = tmp_path / "dest"
    write(dest, {".git/config": "[core]\n\tfsmonitor = touch harm", ".git/HEAD": "", "a": ""})
    (dest / ".git/objects").mkdir()
    pulled(repository, dest)
    assert content(dest) == FILES


def test_a_link_to_a_folder_stays(repository, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    pulled(repository, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert content(tmp_path / "real") == FILES


@pytest.mark.parametrize("exchanges", [True, False])
def test_a_folder_is_replaced(tmp_path, monkeypatch, exchanges):
    if not exchanges:
        monkeypatch.setattr(folder_swap, "_exchanged", lambda one, other: False)
    write(tmp_path / "dest", {"old": "old"})
    with replacing(str(tmp_path / "dest")) as staging:
        write(Path(staging), {"new": "new"})
        assert content(tmp_path / "dest") == {"old": "old"}
    assert content(tmp_path / "dest") == {"new": "new"}
    assert os.listdir(tmp_path) == ["dest"]


def test_what_a_killed_run_left_is_removed_and_what_a_live_one_uses_is_not(tmp_path):
    dest = str(tmp_path / "dest")
    with replacing(dest) as staging:
        dead = Path(f"{staging}-dead")
        write(dead, {"half": "half"})
        remove_leftovers(dest)
        assert Path(staging).is_dir()
        assert not dead.exists()


def test_an_exception_leaves_the_old_content(tmp_path):
    write(tmp_path / "dest", {"old": "old"})

    def interrupted():
        with replacing(str(tmp_path / "dest")) as staging:
            write(Path(staging), {"new": "new"})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert content(tmp_path / "dest") == {"old": "old"}
    assert os.listdir(tmp_path) == ["dest"]
