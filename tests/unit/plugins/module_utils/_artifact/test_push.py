# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._artifact.push import (
    PushRequest,
    PushResult,
    carry_out,
    plan_push,
    run,
    with_origin,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._content import packing
from ansible_collections.gitops.flux_local.plugins.module_utils._content.archive import compressed as compress
from ansible_collections.gitops.flux_local.plugins.module_utils._content.packing import pack
from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.connection import Connection
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.manifest import (
    CONTENT_DIGEST,
    CREATED,
    LAYER_TYPE,
    REVISION,
    SOURCE,
    Descriptor,
    Manifest,
    manifest_bytes,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.open import open_repository
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.references import digest_of, parse_url
from ansible_collections.gitops.flux_local.plugins.module_utils._oci.repository import Repository
from ansible_collections.gitops.flux_local.tests.unit.fakes.repository import MemoryRepository

REQUEST = PushRequest(("latest",), source="https://example.com/shop", revision="main@sha1:abc")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "a.yaml").write_text("a: 1\n")
    return tmp_path / "shop"


@pytest.fixture
def repository() -> MemoryRepository:
    return MemoryRepository()


def pushed(
    folder: Path,
    repository: MemoryRepository,
    request: PushRequest = REQUEST,
    *,
    check_mode: bool = False,
    with_diff: bool = False,
) -> PushResult:
    repository.asked.clear()
    with pack(str(folder)) as packed:
        plan = plan_push(packed, request, repository, with_diff=with_diff)
        return plan.predicted if check_mode else carry_out(plan)


def test_a_first_push_sends_blobs_and_then_the_tag(folder, repository):
    result = pushed(folder, repository)
    assert repository.asked == ["read latest", "blob", "blob", "tag latest"]
    held = repository.manifests["latest"]
    assert result.changed
    assert result.why == {"latest": "tag missing"}
    assert result.digest == held.digest
    assert result.previous_digest is None
    assert result.content_digest == held.annotations[CONTENT_DIGEST]
    assert (held.annotations[SOURCE], held.annotations[REVISION]) == (REQUEST.source, REQUEST.revision)
    assert held.annotations[CREATED].endswith("Z")
    assert result.size == held.layers[0].size
    with tarfile.open(fileobj=io.BytesIO(repository.blobs[held.layers[0].digest])) as tar:
        assert tar.getnames() == ["a.yaml"]


def test_the_same_content_is_one_question(folder, repository):
    first = pushed(folder, repository)
    (folder / "a.yaml").touch()
    request = PushRequest(("latest",), source="https://elsewhere", revision="main@sha1:def")
    second = pushed(folder, repository, request)
    assert repository.asked == ["read latest"]
    assert not second.changed
    assert second.why == {}
    assert second.digest == second.previous_digest == first.digest
    assert (second.source, second.revision) == (REQUEST.source, REQUEST.revision)  # what the tag holds
    assert second.size == first.size


def test_other_content_moves_the_tag(folder, repository):
    first = pushed(folder, repository)
    (folder / "a.yaml").write_text("a: 2\n")
    second = pushed(folder, repository)
    assert second.why == {"latest": "content differs"}
    assert second.previous_digest == first.digest
    assert second.digest == repository.manifests["latest"].digest != first.digest


@pytest.mark.parametrize("lost", ["layer", "config", "both"])
@pytest.mark.parametrize("immutable", [False, True])
def test_what_a_registry_has_lost_is_sent_again_for_the_same_manifest(folder, repository, lost, immutable):
    first = pushed(folder, repository)
    held = repository.manifests["latest"]
    for blob in held.blobs if lost == "both" else held.layers if lost == "layer" else held.blobs[:1]:
        del repository.blobs[blob.digest]
    request = PushRequest(("latest", "v1"), immutable=immutable)
    told = {"latest": "content missing", "v1": "tag missing"}
    assert pushed(folder, repository, request, check_mode=True).why == told
    second = pushed(folder, repository, request)
    assert (second.why, second.digest) == (told, first.digest)
    assert not pushed(folder, repository, request).changed
    assert all(repository.has_blob(blob) for blob in held.blobs)


def test_what_is_lost_and_was_packed_to_other_bytes_becomes_a_new_manifest(folder, repository):
    pushed(folder, repository)
    held = repository.manifests["latest"]
    other = Descriptor(LAYER_TYPE, digest_of(b"as another zlib does it"), 23)
    repository.manifests["latest"] = Manifest(manifest_bytes(held.blobs[0], other, held.annotations))
    request = PushRequest(("latest",), immutable=True)
    with pytest.raises(LoopError, match=r"has latest .content missing. already, which may not be moved"):
        pushed(folder, repository, request)
    second = pushed(folder, repository)
    assert second.why == {"latest": "content missing"}
    assert second.digest != second.previous_digest
    assert not pushed(folder, repository).changed


def test_what_another_producer_pushed_and_the_registry_lost_is_pushed(folder, repository):
    foreign(folder, repository)
    repository.blobs.clear()
    assert pushed(folder, repository).why == {"latest": "content missing"}
    assert not pushed(folder, repository).changed


@pytest.mark.parametrize(
    "request_",
    [
        PushRequest(("latest",), source=REQUEST.source, revision="main@sha1:def", compare="exact"),
        PushRequest(("latest",), source=REQUEST.source, compare="exact"),
        PushRequest(("latest",), REQUEST.source, REQUEST.revision, {"x": "y"}, compare="exact"),
    ],
)
def test_exact_compares_the_metadata(folder, repository, request_):
    pushed(folder, repository)
    assert pushed(folder, repository, request_).why == {"latest": "metadata differs"}
    assert not pushed(folder, repository, request_).changed


def test_a_further_tag_takes_the_manifest_that_is_there(folder, repository):
    first = pushed(folder, repository)
    second = pushed(folder, repository, PushRequest(("v1", "latest", "v2"), revision="other"))
    assert repository.asked == ["read v1", "read latest", "read v2", "tag v1", "tag v2"]
    assert second.why == {"v1": "tag missing", "v2": "tag missing"}
    assert second.digest == first.digest
    assert second.previous_digest is None
    assert {manifest.digest for manifest in repository.manifests.values()} == {first.digest}
    assert second.revision == REQUEST.revision


def test_check_mode_only_reads(folder, repository):
    predicted = pushed(folder, repository, check_mode=True)
    assert repository.asked == ["read latest"]
    real = pushed(folder, repository)
    assert predicted.digest is None
    assert (predicted.why, predicted.size, predicted.content_digest, predicted.revision) == (
        real.why,
        real.size,
        real.content_digest,
        real.revision,
    )
    more = pushed(folder, repository, PushRequest(("v1", "latest")), check_mode=True)
    assert repository.asked == ["read v1", "read latest"]
    assert more.digest == real.digest


def test_what_is_planned_and_pushed_is_read_and_compressed_once(folder, repository, monkeypatch):
    compressed = []

    def counting(archive):
        compressed.append(archive)
        return compress(archive)

    monkeypatch.setattr(packing, "compressed", counting)
    with pack(str(folder)) as packed:
        plan = plan_push(packed, REQUEST, repository)
        assert plan.predicted.size == carry_out(plan).size
    assert repository.asked == ["read latest", "blob", "blob", "tag latest"]
    assert len(compressed) == 1


def test_created_can_be_given(folder, repository):
    request = PushRequest(("latest",), annotations={CREATED: "2026-01-01T00:00:00Z"})
    one = pushed(folder, repository, request)
    other = pushed(folder, MemoryRepository(), request)
    assert one.digest == other.digest


def foreign(
    folder: Path, repository: MemoryRepository, media_type: str = LAYER_TYPE, body: bytes | None = None
) -> None:
    """Let the tag hold the folder as another program packs it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(folder, arcname=".")
    layer = gzip.compress(buffer.getvalue()) if body is None else body
    repository.blobs[digest_of(layer)] = layer
    config = Descriptor("application/vnd.oci.empty.v1+json", digest_of(b"{}"), 2)
    repository.blobs[config.digest] = b"{}"
    descriptor = Descriptor(media_type, digest_of(layer), len(layer))
    repository.manifests["latest"] = Manifest(manifest_bytes(config, descriptor, {}))


@pytest.mark.parametrize("media_type", [LAYER_TYPE, "application/vnd.oci.image.layer.v1.tar+gzip"])
def test_the_same_content_from_another_producer_is_unchanged(folder, repository, media_type):
    foreign(folder, repository, media_type)
    assert not pushed(folder, repository).changed
    assert repository.asked == ["read latest", "fetch"]
    (folder / "a.yaml").write_text("a: 2\n")
    assert pushed(folder, repository).why == {"latest": "content differs"}


def test_what_is_no_archive_is_other_content(folder, repository):
    foreign(folder, repository, body=b"no archive")
    result = pushed(folder, repository, with_diff=True)
    assert result.why == {"latest": "content differs"}
    assert result.diff
    assert result.diff[0]["before"].startswith(f"layer 1, {LAYER_TYPE}  sha256:")


def test_another_kind_of_artifact_is_not_fetched(folder, repository):
    foreign(folder, repository, media_type="application/octet-stream")
    assert pushed(folder, repository, with_diff=True).why == {"latest": "content differs"}
    assert "fetch" not in repository.asked


def test_the_diff_names_files_and_metadata(folder, repository):
    digest = digest_of(b"a: 1\n")
    first, text = pushed(folder, repository, with_diff=True).diff
    assert first["before"] == ""
    assert first["before_header"] == "oci://localhost:5050/shop:latest (does not exist)"
    assert first["after"].splitlines() == [
        f"{REVISION}: main@sha1:abc",
        f"{SOURCE}: https://example.com/shop",
        f"a.yaml  {digest}  5 bytes",
    ]
    assert (text["before"], text["after"]) == ("", "a: 1\n")
    (folder / "a.yaml").chmod(0o755)
    (second,) = pushed(folder, repository, with_diff=True, check_mode=True).diff
    assert second["before"] == f"a.yaml  {digest}  5 bytes\n"
    assert second["after"].endswith("5 bytes, executable\n")
    (folder / "a.yaml").chmod(0o644)
    assert pushed(folder, repository, with_diff=True).diff == ()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"tags": ("latest", "a/b")}, "'a/b' is no tag"),
        ({"tags": ("latest",), "annotations": {CONTENT_DIGEST: "x"}}, "written by this collection"),
    ],
)
def test_a_request_that_cannot_work_is_none(arguments, said):
    with pytest.raises(LoopError, match=said):
        PushRequest(**arguments)


def test_given_origin_wins_over_git_and_empty_is_none(tmp_path):
    request, warnings = with_origin(REQUEST, str(tmp_path), "", "v1")
    assert (request.source, request.revision, warnings) == (None, "v1", [])
    request, warnings = with_origin(REQUEST, str(tmp_path), None, "v1")
    assert (request.source, request.revision, warnings) == (None, "v1", [])


def module(
    folder: Path,
    repository: MemoryRepository,
    connecting: Callable[[Mapping[str, Any]], Repository] | None = None,
    **params: Any,
) -> tuple[dict[str, Any], list[str]]:
    warnings: list[str] = []
    defaults: dict[str, Any] = {
        "path": str(folder),
        "url": repository.reference.url,
        "tag": None,
        "tags": [],
        "ignore": [],
        "symlinks": "refuse",
        "source": None,
        "revision": None,
        "annotations": {},
        "compare": "content",
        "dest_layout": None,
        "mount_from": None,
        "next": None,
        "immutable": False,
        "secrets": "warn",
        "max_size": None,
        "max_files": None,
    }

    def fake(wanted: Mapping[str, Any]) -> MemoryRepository:
        parse_url(wanted["url"])
        Connection.from_params(wanted)
        return repository

    result = run(defaults | params, connect=connecting or fake, warn=warnings.append)
    return result, warnings


def test_another_repository_is_offered_for_every_blob(folder, repository):
    module(folder, repository, mount_from="shop/staging")
    assert repository.asked.count("mount from shop/staging") == repository.asked.count("blob") == 2


def test_the_module_returns_what_it_documents(folder, repository):
    result, warnings = module(folder, repository, tags=["v1", "latest"], revision="r")
    assert warnings == []
    assert result == {
        "changed": True,
        "content_digest": result["content_digest"],
        "digest": repository.manifests["v1"].digest,
        "files": 1,
        "previous_digest": None,
        "revision": "r",
        "size": result["size"],
        "source": None,
        "tags": ["latest", "v1"],
        "url": "oci://localhost:5050/shop",
        "why": {"latest": "tag missing", "v1": "tag missing"},
    }


def test_the_module_warns(folder, repository):
    (folder / "logo.png").write_text("")
    warnings = module(folder, repository, ignore=["!*.png"])[1]
    assert "logo.png" in warnings[0]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"url": "localhost/x"}, "url"),
        ({"tag": "a/b"}, "tag"),
        ({"path": "/none"}, "path"),
        ({"annotations": {"x": {"y": 1}}}, "annotations"),
        ({"username": "me"}, "password"),
        ({"ca_cert": "/none.pem"}, "ca_cert"),
        ({"timeout": 0}, "timeout"),
        ({"ignore": ["!"]}, "ignore"),
    ],
)
def test_bad_input_is_an_error_before_anything_is_asked(folder, repository, params, said):
    with pytest.raises(LoopError) as caught:
        module(folder, repository, **params)
    assert caught.value.message.startswith(said)
    assert repository.asked == []


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: hunter2}\n"


def test_an_immutable_tag_is_not_moved(folder, repository):
    module(folder, repository, tag="v1", immutable=True)
    assert module(folder, repository, tag="v1", immutable=True)[0]["changed"] is False
    assert module(folder, repository, tag="v2", tags=["v1"], immutable=True)[0]["why"] == {
        "v2": "tag missing"
    }
    (folder / "a.yaml").write_text("a: 2\n")
    before = dict(repository.manifests)
    for check_mode in (True, False):
        repository.asked.clear()
        request = PushRequest(("v3", "v1"), immutable=True)
        with pytest.raises(LoopError, match=r"immutable: .*shop has v1 .content differs. already"):
            pushed(folder, repository, request, check_mode=check_mode)
        assert repository.asked == ["read v3", "read v1"]
    assert repository.manifests == before
    assert module(folder, repository, tag="v1")[0]["changed"]


def test_tags_say_where_the_content_is_from(folder, repository):
    tags = ["{branch}-{short_commit}", "{commit}"]
    revision = "feature/new@sha1:0123456789abcdef-dirty"
    result = module(folder, repository, tag=tags[0], tags=tags[1:], revision=revision)[0]
    assert result["tags"] == ["feature-new-0123456-dirty", "0123456789abcdef-dirty"]


@pytest.mark.parametrize(
    ("tag", "revision", "warns"),
    [
        ("{branch}-{short_commit}", "HEAD@sha1:0123456789", True),
        ("{commit}", "HEAD@sha1:0123456789", False),
        ("{branch}", "v1.0@sha1:0123456789", False),
    ],
)
def test_a_checkout_on_no_branch_is_warned_of_where_a_tag_has_one(folder, repository, tag, revision, warns):
    _result, warnings = module(folder, repository, tag=tag, revision=revision)
    told = "tag: {branch} in '{branch}-{short_commit}' becomes HEAD, since the checkout is on no branch"
    assert [warning.startswith(told) for warning in warnings] == [True] * warns


def test_the_next_version_follows_the_newest_when_the_content_changes(folder, repository):
    def tags(part: str, **params: Any) -> list[str]:
        found: list[str] = module(folder, repository, next=part, **params)[0]["tags"]
        return found

    assert tags("patch") == ["0.1.0"]
    assert tags("patch") == ["0.1.0"]  # the same content
    (folder / "a.yaml").write_text("a: 2\n")
    assert tags("minor", tag="v{next}", tags=["latest"]) == ["v0.2.0", "latest"]
    assert tags("major", tag="v{next}") == ["v0.2.0"]
    (folder / "a.yaml").write_text("a: 3\n")
    assert tags("major") == ["1.0.0"]
    module(folder, repository, tag="2.0.0-rc.1")
    (folder / "a.yaml").write_text("a: 4\n")
    assert tags("patch") == ["2.0.0"]
    assert "latest" in repository.manifests


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"tag": "{next}"}, "needs `next`"),
        ({"tag": "{branch}", "revision": ""}, "needs a revision"),
        ({"tag": "{branch}", "revision": "sha1:abc"}, "none is known that has a branch"),
        ({"tag": "{date}"}, "unknown placeholder {date}"),
        ({"tag": "{commit", "revision": "main@sha1:abc"}, "is no tag"),
    ],
)
def test_a_template_that_cannot_be_filled_in_is_an_error(folder, repository, params, said):
    with pytest.raises(LoopError, match=said):
        module(folder, repository, **params)
    assert repository.manifests == {}


def test_secrets_in_plain_text(folder, repository):
    (folder / "s.yaml").write_text(SECRET)
    with pytest.raises(LoopError, match=r"secrets: These hold Secrets in plain text.*s.yaml") as caught:
        module(folder, repository, secrets="refuse")
    assert caught.value.details == {"secrets": ["s.yaml"]}
    assert repository.asked == []
    assert "s.yaml" in module(folder, repository)[1][0]
    assert module(folder, repository, secrets="allow")[1] == []


def test_what_cannot_be_read_may_hold_a_secret(folder, repository):
    (folder / "s.yaml").write_text("kind: Secret\ndata:\n\tp: aGk=\n")
    with pytest.raises(LoopError, match=r"secrets: These cannot be read.*: s\.yaml \(line 3: "):
        module(folder, repository, secrets="refuse")
    for _pushed in (True, False):
        [warning] = module(folder, repository, secrets="warn")[1]
        assert "These are no YAML, which Flux cannot apply: s.yaml (line 3: " in warning


def test_what_is_pushed_is_examined_once(folder, repository):
    (folder / "b.yaml").write_text("a: [\n")
    assert "b.yaml (line 2: " in module(folder, repository)[1][0]
    assert module(folder, repository)[1] == []


def test_a_layout_takes_the_place_of_a_registry(folder, repository, tmp_path):
    result = module(
        folder, repository, url=None, dest_layout=str(tmp_path / "out"), connecting=open_repository
    )[0]
    layout = open_repository({"url": f"oci-layout://{tmp_path}/out"})
    held = layout.manifest("latest")
    assert held
    assert held.digest == result["digest"]
    assert result["url"] == f"oci-layout://{tmp_path}/out"
