# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""Modules in the task's own process: what they return, what is left of them, and where they run so."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.plugins.action import ActionBase
from ansible.release import __version__ as ansible_version
from ansible.utils.display import Display

from ansible_collections.gitops.flux_local.plugins.action import in_process as in_process_action
from ansible_collections.gitops.flux_local.plugins.action.in_process import ActionModule as OthersAction
from ansible_collections.gitops.flux_local.plugins.plugin_utils.in_process import (
    InProcessAction,
    action_of,
    run_module,
)

PLUGINS = "ansible_collections.gitops.flux_local.plugins"
ROOT = Path(__file__).parents[4]
SPEC = {"size": {"type": "int", "default": 1}, "password": {"type": "str", "no_log": True}}

Act = Callable[[Any], None]


def action(kind: type[ActionBase], args: dict[str, Any], **task: Any) -> Any:
    """An action as Ansible makes it for a task of this machine; ``task`` says more, or otherwise."""
    shell = SimpleNamespace(tmpdir=None, get_option=lambda name: f"/{name}")
    local = {"_shell": shell, "socket_path": None, "become": None, "has_native_async": False}
    settings = {
        "action": "gitops.flux_local.example",
        "async_val": 0,
        "check_mode": False,
        "delegate_to": None,
        "diff": False,
        "environment": [],
        "no_log": False,
        "transport": "local",
        "become": False,
        **task,
    }
    return kind(
        task=SimpleNamespace(args=args, **settings),
        connection=SimpleNamespace(transport=settings["transport"], **local),
        play_context=SimpleNamespace(become=settings["become"], executable="/bin/sh"),
        loader=None,
        templar=SimpleNamespace(template=lambda value: value),
        shared_loader_obj=None,
    )


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Callable[[Act], str]:
    """Makes a module that does what it is told with its AnsibleModule; returns Python's name for it."""

    def make(act: Act) -> str:
        def main() -> None:
            act(basic.AnsibleModule(argument_spec=SPEC, supports_check_mode=True))

        module = ModuleType("example_module")
        vars(module)["main"] = main
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return module.__name__

    return make


def run(python_name: str, **options: Any) -> dict[str, Any]:
    return run_module(python_name, "example.com.module", {"_ansible_check_mode": False, **options})


def test_options_are_validated_and_the_result_comes_back(example, capsys):
    name = example(lambda module: module.exit_json(changed=True, size=module.params["size"]))
    assert run(name, size="3") == {"changed": True, "size": 3}
    assert capsys.readouterr().out == ""


def test_an_option_that_is_none_is_refused_as_in_a_process_of_its_own(example):
    found = run(example(lambda module: module.exit_json()), sice=3, _ansible_module_name="example.com.module")
    assert found["failed"]
    assert found["msg"].startswith("Unsupported parameters for (example.com.module) module: sice.")


def test_what_is_secret_is_not_in_the_result(example):
    name = example(lambda module: module.fail_json(msg=f"not {module.params['password']}"))
    assert run(name, password="geheim")["msg"] == "not ********"


@pytest.mark.parametrize(("verbosity", "is_there"), [(0, False), (3, True)])
def test_the_invocation_is_there_when_ansible_would_show_it(example, monkeypatch, verbosity, is_there):
    monkeypatch.setattr(Display(), "verbosity", verbosity)
    # ansible-core 2.21 and later add it only if they are asked for it.
    found = run(example(lambda module: module.exit_json()), _ansible_inject_invocation=True)
    assert ("invocation" in found) == is_there


def test_warnings_are_part_of_the_result_and_of_that_one_only(example):
    def act(module: Any) -> None:
        module.warn("old")
        module.warn("older")
        module.exit_json()

    name = example(act)
    assert run(name)["warnings"] == ["old", "older"]
    assert run(name)["warnings"] == ["old", "older"]


def test_whatever_a_module_says_is_safe_to_show(example, monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(Display, "display", lambda _self, line, **_more: shown.append(line))

    def act(module: Any) -> None:
        module.show("10 s\nTASK [x]\x1b[2K")
        module.warn("old\nTASK [x]\x9b2K")
        module.fail_json(msg="no\nTASK [x]\x07", stderr="a\nb\x1b")

    found = run(example(act))
    assert shown == ["10 s\\nTASK [x]\\x1b[2K"]
    assert found["warnings"] == ["old\n  TASK [x]\\x9b2K"]
    assert found["msg"] == "no\n  TASK [x]\\x07"
    assert (found["stderr"], found["stderr_lines"]) == ("a\nb\\x1b", ["a", "b\\x1b"])


def test_an_exception_is_safe_to_show(example):
    def act(module: Any) -> None:
        raise ValueError("\x1b]0;title\x07")

    assert run(example(act))["msg"] == r"example.com.module has ended with ValueError: \x1b]0;title\x07"


def test_lines_are_shown_while_the_module_runs(example, monkeypatch):
    shown: list[str] = []
    monkeypatch.setattr(Display, "display", lambda _self, line, **_more: shown.append(line))

    def act(module: Any) -> None:
        module.show("1 of 2")
        module.exit_json()

    assert run(example(act)) == {}
    assert shown == ["1 of 2"]


def test_afterwards_ansible_module_is_as_it_was(example):
    before = basic.AnsibleModule.warn
    run(example(lambda module: module.exit_json()))
    assert basic.AnsibleModule.warn is before
    assert not hasattr(basic.AnsibleModule, "show")
    assert vars(basic)["_ANSIBLE_ARGS"] is None


def test_lines_of_output_are_told_as_ansible_tells_them(example):
    name = example(lambda module: module.exit_json(stdout="a\nb", stderr=""))
    assert run(name) == {"stdout": "a\nb", "stdout_lines": ["a", "b"], "stderr": "", "stderr_lines": []}


def test_a_module_that_breaks_has_failed_with_the_first_line(example):
    def act(_module: Any) -> None:
        raise ValueError("403\nheaders")

    assert run(example(act)) == {"failed": True, "msg": "example.com.module has ended with ValueError: 403"}


@pytest.mark.skipif(ansible_version.startswith("2.18."), reason="a module cannot fail with one")
def test_an_exception_that_a_module_fails_with_comes_back_as_one(example):
    def act(module: Any) -> None:
        module.fail_json(msg="no", exception=ValueError("why"))

    found = run(example(act))
    assert found["msg"] == "no"
    assert not isinstance(found["exception"], dict)


def test_a_module_that_ends_without_a_result_is_a_mistake(example):
    with pytest.raises(AssertionError, match=r"example\.com\.module has ended without a result"):
        run(example(lambda module: None))


MODULES = sorted(
    source.stem for source in (ROOT / "plugins/action").glob("*.py") if "action_of(" in source.read_text()
)


def test_there_are_modules_that_run_so():
    assert "flux_workloads" in MODULES


@pytest.mark.parametrize("name", MODULES)
def test_the_action_of_a_module_has_imported_it(name):
    kind = importlib.import_module(f"{PLUGINS}.action.{name}").ActionModule
    assert issubclass(kind, InProcessAction)
    assert action(kind, {}).python_name("whatever") == f"{PLUGINS}.modules.{name}"
    assert f"{PLUGINS}.modules.{name}" in sys.modules


@pytest.mark.parametrize(
    ("module", "python_name"),
    [
        ("ansible.builtin.command", "ansible.modules.command"),
        ("community.docker.docker_host", "ansible_collections.community.docker.plugins.modules.docker_host"),
    ],
)
def test_any_module_is_found(module, python_name):
    assert action(InProcessAction, {}).python_name(module) == python_name


HERE = {"ansible_python_interpreter": sys.executable}


@pytest.mark.parametrize(
    ("variables", "task"),
    [
        (HERE, {"transport": "ssh"}),
        (HERE, {"become": True}),
        (HERE, {"delegate_to": "other"}),
        (HERE, {"async_val": 10}),
        ({"ansible_python_interpreter": "/usr/bin/python3"}, {}),
        ({}, {}),
    ],
)
def test_elsewhere_it_is_a_module_like_any_other(monkeypatch, variables, task):
    asked: list[dict[str, Any]] = []

    def execute(_self: ActionBase, **given: Any) -> dict[str, Any]:
        asked.append(given)
        return {"changed": True}

    monkeypatch.setattr(ActionBase, "_execute_module", execute)
    monkeypatch.setattr(ActionBase, "_make_tmp_path", lambda _self: None)
    found = action(InProcessAction, {"size": 1}, **task).run(task_vars=variables)
    assert found["changed"]
    assert asked == [
        {
            "module_name": "gitops.flux_local.example",
            "module_args": {"size": 1},
            "task_vars": variables,
            "wrap_async": bool(task.get("async_val")),
        }
    ]


def test_here_it_runs_in_this_process_in_the_tasks_mode(example, monkeypatch):
    name = example(lambda module: module.exit_json(mode=[module.check_mode, module._diff], **module.params))
    monkeypatch.setattr(
        f"{InProcessAction.__module__}.nothing_left", lambda: __import__("contextlib").nullcontext()
    )
    monkeypatch.setattr(InProcessAction, "python_name", lambda _self, _module: name)
    found = action(InProcessAction, {"size": 2}, check_mode=True, diff=True).run(task_vars=HERE)
    assert found == {"mode": [True, True], "size": 2, "password": None}


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("ends", [None, KeyboardInterrupt])
def test_what_is_to_be_done_afterwards_is_done_also_after_an_interrupt(monkeypatch, check_mode, ends):
    done: list[object] = []

    def run(_self: ActionBase, *_arguments: object) -> dict[str, Any]:
        done.append("the module")
        if ends:
            raise ends
        return {"changed": True}

    monkeypatch.setattr(InProcessAction, "run", run)
    monkeypatch.setattr(in_process_action, "result_of_action", lambda *given: done.append(given[2]))
    steps = [{"module": "one"}, {"module": "two", "options": {"a": 1}}]
    task = action(OthersAction, {"module": "m", "afterwards": steps}, check_mode=check_mode)
    with pytest.raises(ends) if ends else contextlib.nullcontext():
        assert task.run(task_vars={}) == {"changed": True}
    assert done == ["the module", *([] if check_mode else steps)]


def test_the_action_of_no_module_is_an_error():
    with pytest.raises(ModuleNotFoundError, match="no_such"):
        action_of(f"{PLUGINS}.action.no_such")


def execute(_self: ActionBase, **given: Any) -> dict[str, Any]:
    """What another process would find in the environment, and what Ansible would give it besides."""
    return {"environment": dict(os.environ), "given": _self._task.environment, **given}  # noqa: SLF001


@pytest.fixture
def hostile(monkeypatch):
    """The user's environment, which is as it was after the test."""
    environment = {
        "PATH": "/bin",
        "HTTPS_PROXY": "p",
        "ALL_PROXY": "p",
        "DOCKER_HOST": "d",
        "PYTHONPATH": "p",
    }
    environment |= {"K8S_AUTH_HOST": "h", "KUBECONFIG": "k"}
    monkeypatch.setattr(os, "environ", environment)
    monkeypatch.setattr(ActionBase, "_execute_module", execute)
    monkeypatch.setattr(ActionBase, "_make_tmp_path", lambda _self: None)
    return environment


@pytest.mark.parametrize(("options", "reaches"), [({"kubeconfig": "/k"}, False), ({"kubeconfig": ""}, True)])
def test_where_a_kubeconfig_is_named_no_variable_says_which_cluster(hostile, options, reaches):
    layers = [{"K8S_AUTH_CONTEXT": "c", "A": 1}]
    found = action(InProcessAction, options, transport="ssh", environment=layers).run(task_vars=HERE)
    assert [name for name in found["environment"] if name.startswith("K8S")] == (
        ["K8S_AUTH_HOST", "K8S_AUTH_CONTEXT"] if reaches else []
    )
    assert found["given"] == [{"A": "1"} | ({"K8S_AUTH_CONTEXT": "c"} if reaches else {})]
    assert "ALL_PROXY" not in found["environment"]
    assert "127.0.0.1" in found["environment"]["NO_PROXY"].split(",")
    assert found["environment"]["PYTHONPATH"] == "p"


@pytest.mark.parametrize(
    ("module", "named", "reaches"),
    [
        ("ansible.builtin.command", ["engines"], {"DOCKER_HOST"}),
        ("community.docker.docker_host_info", None, {"DOCKER_HOST", "HTTPS_PROXY"}),
        ("community.docker.docker_host_info", [], set()),
        (
            "ansible.builtin.command",
            None,
            {"DOCKER_HOST", "HTTPS_PROXY", "K8S_AUTH_HOST", "KUBECONFIG", "PYTHONPATH"},
        ),
    ],
)
def test_a_module_gets_the_variables_that_its_task_names(hostile, monkeypatch, module, named, reaches):
    monkeypatch.setattr(OthersAction, "asked", lambda _self: ("ansible.builtin.command", {}))
    args = {"module": module, **({} if named is None else {"variables": named})}
    found = action(OthersAction, args, transport="ssh", environment=[{"B": 2}]).run(task_vars=HERE)
    known = set(found["environment"]) - {"PYTEST_CURRENT_TEST"}
    assert known == {"PATH", "B", "NO_PROXY", "no_proxy", *reaches}
