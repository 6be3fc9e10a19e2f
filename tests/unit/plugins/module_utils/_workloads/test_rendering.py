# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ansible_collections.gitops.flux_local.plugins.module_utils._workloads.rendering import (
    render_error,
    run_bounded,
)


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (
            "✗ failed: lstat /scratch/content/missing.yaml: no such file\n",
            "./shop does not build: failed: lstat ./shop/missing.yaml: no such file",
        ),
        (
            "► building\n✗ malformed /scratch/content/a b.yaml\n\n",
            "./shop does not build: malformed ./shop/a b.yaml",
        ),
        (
            (
                "✗ failed to generate kustomization.yaml: failed to decode Kubernetes YAML from"
                " /scratch/content/a b.yaml: MalformedYAMLError: yaml: line 4: mapping values are not"
                " allowed in"
                " this context <nil>\n"
            ),
            "./shop/a b.yaml:4 does not build: yaml: line 4: mapping values are not allowed in this context",
        ),
        (
            "✗ failed to decode Kubernetes YAML from /scratch/content/b.yaml: missing kind in object\n",
            "./shop/b.yaml does not build: missing kind in object",
        ),
        (
            (
                "✗ kustomize build failed: accumulating resources: accumulation err='accumulating resources"
                " from 'https://example.com/me/base//dev?ref=v1': Get \"https://example.com/me/base//dev?ref=v1"
                "\": dial tcp 127.0.0.1:1: connect: connection refused': failed to run '/usr/bin/git fetch"
                " --depth=1 https://example.com/me/base v1': fatal: unable to access"
                " 'https://example.com/me/base/': Could not resolve host: example.com\n: exit status 128\n"
            ),
            (
                "./shop does not build: the remote base https://example.com/me/base//dev?ref=v1 cannot be"
                " fetched: fatal: unable to access 'https://example.com/me/base/': Could not resolve host:"
                " example.com. Correct its address, let git reach it from here and from where Flux runs, or"
                " copy it into the folder"
            ),
        ),
        ("", "./shop does not build: it ended without a word"),
        (
            "runtime: goroutine stack exceeds\nfatal error: stack overflow\n\ngoroutine 1:\nmain.main()\n",
            (
                "./shop does not build: the flux program ended with 'stack overflow', and may use 1024 MiB of"
                " memory. Look for YAML aliases that multiply or contain themselves, also in patches"
            ),
        ),
        (
            "# Warning: bases\n✗ kustomize build failed: no patch in `\n{}\n`: say one\n\n",
            "./shop does not build: kustomize build failed: no patch in ` {} `: say one",
        ),
    ],
)
def test_the_users_own_path_is_named(output, told):
    assert render_error(output, "/scratch/content", "./shop") == f"{told}."


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of another process")
def test_a_program_may_not_use_more_memory_than_it_was_given():
    program = [sys.executable, "-c", "import sys; sys.stdin.read(); bytearray(int(sys.argv[1]))"]
    for size, code in ((1 << 20, 0), (1 << 30, 1)):
        ended = run_bounded([*program, str(size)], os.environ, "/", seconds=60, memory=512 << 20)
        assert (ended.returncode, b"MemoryError" in ended.stderr) == (code, code == 1)


def test_a_program_may_not_take_longer_than_it_was_given():
    with pytest.raises(subprocess.TimeoutExpired):
        run_bounded(["sleep", "600"], os.environ, "/", seconds=0.1, memory=1 << 30)


UNSET = (
    "✗ var substitution failed for 'shop': envsubst error: variable substitution failed:"
    ' variable not set (strict mode): "WHO"\n'
)


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"a.yaml": "name: other\ndata: ${WHO}", "b/c.yaml": "name: shop\na: 1\nb: x${WHO}"}, "/b/c.yaml:3"),
        ({"kustomization.yaml": "a:\n  b: ${#WHO}"}, "/kustomization.yaml:2"),
        ({"a.yaml": "generated: elsewhere"}, ""),
    ],
)
def test_a_variable_without_a_value_is_told_with_its_line_and_the_ways_to_go_on(tmp_path, files, place):
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    told = render_error(UNSET, str(tmp_path), "./shop")
    assert told.startswith(
        f"./shop{place}: the variable WHO of shop has no value. Give it one with substitute"
    )
    assert "${WHO:=value}" in told
    assert "kustomize.toolkit.fluxcd.io/substitute: disabled" in told


def test_of_one_file_the_file_is_named(tmp_path):
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "shop.yaml").write_text("name: shop\nb: ${WHO}")
    path = str(tmp_path / "shop.yaml")
    (tmp_path / "shop.yaml").touch()
    scratch = str(tmp_path / "content")
    assert render_error(UNSET, scratch, path).startswith(f"{path}:2: the variable WHO")
    broken = f"✗ failed to decode Kubernetes YAML from {scratch}/shop.yaml: missing kind"
    assert render_error(broken, scratch, path) == f"{path} does not build: missing kind."
