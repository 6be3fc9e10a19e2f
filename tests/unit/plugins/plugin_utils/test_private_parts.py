# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What the collection uses of private parts of Ansible and kubernetes.core is there, and used in one file."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[4]
KUBERNETES_CORE = "ansible_collections.kubernetes.core"
CORE_VERSION = metadata.version("ansible-core")


@dataclass(frozen=True)
class Part:
    """A name of somebody else's that no one has promised to keep; in an instance, what its class gives it."""

    used_in: str
    module: str
    name: str
    needed_for: str
    core: str = ""

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


ACTIONS = "plugins/plugin_utils/in_process.py"
OTHERS_ACTION = "plugins/action/in_process.py"
ANSIBLE = "plugins/plugin_utils/private_parts.py"
CLUSTER = "plugins/module_utils/_cluster/kubernetes_core.py"
MODULE = "plugins/module_utils/_core/module.py"
REPORT = "plugins/action/loop_report.py"
OPTIONS = "plugins/action/role_options.py"

_ACTION = "ansible.plugins.action"
_BASIC = "ansible.module_utils.basic"
_CLIENT = f"{KUBERNETES_CORE}.plugins.module_utils.k8s.client"
_COMMON = "ansible.executor.module_common"
_JSON = "ansible.module_utils.common.json"
_SINCE_2_19, _BEFORE_2_19 = ">=2.19", "<2.19"

_IS_HERE = "it is known whether a task is for this machine, this user and this Python"
_DEFAULTS = "module_defaults of a module that in_process runs apply"
_ASKED = "container_engine asks the modules of other collections"
_SENT = "a module in the task's own process finds its options"
_RETURNED = "what it returns is read as Ansible reads it"

PARTS = (
    Part(ACTIONS, _ACTION, "ActionBase._connection", _IS_HERE),
    Part(ACTIONS, _ACTION, "ActionBase._play_context", _IS_HERE),
    Part(ACTIONS, _ACTION, "ActionBase._task", _IS_HERE),
    Part(ACTIONS, _ACTION, "ActionBase._templar", _IS_HERE),
    Part(ACTIONS, _ACTION, "ActionBase._execute_module", "elsewhere a module gets a process of its own"),
    Part(OTHERS_ACTION, _ACTION, "ActionBase._shared_loader_obj", "the module that in_process runs is found"),
    Part(
        ANSIBLE,
        _ACTION,
        "ActionBase._update_module_args",
        "a module in the task's own process knows check mode, diff and verbosity",
    ),
    Part(ANSIBLE, _ACTION, "ActionBase._task", _DEFAULTS),
    Part(ANSIBLE, _ACTION, "ActionBase._templar", _DEFAULTS),
    Part(ANSIBLE, _ACTION, "ActionBase._connection", _ASKED),
    Part(ANSIBLE, _ACTION, "ActionBase._loader", _ASKED),
    Part(ANSIBLE, _ACTION, "ActionBase._play_context", _ASKED),
    Part(ANSIBLE, _ACTION, "ActionBase._shared_loader_obj", _ASKED),
    Part(ANSIBLE, _COMMON, "_apply_action_arg_defaults", _DEFAULTS, _SINCE_2_19),
    Part(ANSIBLE, _COMMON, "get_action_args_with_defaults", _DEFAULTS, _BEFORE_2_19),
    Part(ANSIBLE, "ansible.playbook.task", "Task._parent", _DEFAULTS, _BEFORE_2_19),
    Part(ANSIBLE, "ansible.playbook.block", "Block._play", _DEFAULTS, _BEFORE_2_19),
    Part(ANSIBLE, "ansible.playbook.play", "Play._action_groups", _DEFAULTS, _BEFORE_2_19),
    Part(ANSIBLE, _BASIC, "_ANSIBLE_ARGS", _SENT),
    Part(ANSIBLE, _BASIC, "_ANSIBLE_PROFILE", _SENT, _SINCE_2_19),
    Part(ANSIBLE, _JSON, "get_module_decoder", _RETURNED, _SINCE_2_19),
    Part(ANSIBLE, _JSON, "Direction.MODULE_TO_CONTROLLER", _RETURNED, _SINCE_2_19),
    Part(MODULE, _BASIC, "AnsibleModule._verbosity", "results have more in them from -v on"),
    Part(OPTIONS, _ACTION, "ActionBase._templar", "options of roles have their values when they are checked"),
    Part(REPORT, "ansible.utils.color", "ANSIBLE_COLOR", "it is known whether there is a terminal"),
    Part(
        CLUSTER,
        f"{KUBERNETES_CORE}.plugins.module_utils.args_common",
        "AUTH_ARG_SPEC",
        "the options that name a cluster are those of kubernetes.core's modules",
    ),
    Part(
        CLUSTER,
        f"{KUBERNETES_CORE}.plugins.module_utils.args_common",
        "AUTH_ARG_MAP",
        "where a kubeconfig is named, what else the options say is taken from them alone",
    ),
    Part(
        CLUSTER,
        _CLIENT,
        "_create_auth_spec",
        "an option that is not given is taken from its K8S_AUTH_ variable",
    ),
    Part(
        CLUSTER,
        _CLIENT,
        "_create_configuration",
        "the options become a configuration of the kubernetes client",
    ),
    Part(CLUSTER, _CLIENT, "_create_headers", "the options of impersonation become headers"),
    Part(CLUSTER, _CLIENT, "_set_header", "those headers are sent"),
)


def is_in(place: Any, name: str) -> bool:
    """Whether a module, a class or an instance of that class has the name."""
    if hasattr(place, name):
        return True
    return inspect.isclass(place) and any(
        re.search(rf"\bself\.{name}(: [^=\n]+)? = ", inspect.getsource(base))
        for base in place.__mro__
        if base is not object
    )


def check(part: Part) -> None:
    """Fail with what is gone, and what needs it, unless the installed version has the part."""
    place: Any = importlib.import_module(part.module)
    for name in part.name.split("."):
        if not is_in(place, name):
            versions = f"ansible-core {CORE_VERSION} with ansible {metadata.version('ansible')}"
            pytest.fail(f"{part} is gone in {versions}. {part.used_in} needs it so that {part.needed_for}.")
        place = getattr(place, name, None)


NEEDED = [part for part in PARTS if SpecifierSet(part.core).contains(CORE_VERSION, prereleases=True)]


@pytest.mark.parametrize("part", NEEDED, ids=str)
def test_a_private_part_is_there(part: Part):
    check(part)


@pytest.mark.parametrize(
    ("module", "name"), [(_CLIENT, "_no_such_name"), (_BASIC, "AnsibleModule._no_such_attribute")]
)
def test_a_part_that_is_gone_is_named_with_what_needs_it(module, name):
    told = rf"{re.escape(name)} is gone in ansible-core 2.* a\.py needs it so that nothing breaks\."
    with pytest.raises(pytest.fail.Exception, match=told):
        check(Part("a.py", module, name, "nothing breaks"))


def parsed() -> Iterator[tuple[str, ast.AST]]:
    """All that stands in the plugins, each with the path of its file."""
    for source in (ROOT / "plugins").rglob("*.py"):
        path = str(source.relative_to(ROOT))
        yield from ((path, node) for node in ast.walk(ast.parse(source.read_text())))


def test_kubernetes_core_is_imported_in_one_file_and_each_name_is_in_the_table():
    used = {
        (path, node.module, alias.name)
        for path, node in parsed()
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(KUBERNETES_CORE)
        for alias in node.names
    }
    assert used == {(part.used_in, part.module, part.name) for part in PARTS if part.used_in == CLUSTER}


def is_action(path: str) -> bool:
    """Whether a file may have a subclass of Ansible's, to which Ansible's private names are its own."""
    return path.startswith(("plugins/action/", "plugins/plugin_utils/"))


def is_own(node: ast.Attribute) -> bool:
    """Whether the attribute is looked for in ``self``."""
    return isinstance(node.value, ast.Name) and node.value.id == "self"


def test_what_is_private_in_ansible_is_used_where_the_table_says_and_nowhere_else():
    private = {part.name.rpartition(".")[2] for part in PARTS} | {"_diff"}
    used = {
        (path, node.attr)
        for path, node in parsed()
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and node.attr in private
        if is_action(path) or not is_own(node)
    }
    # Every action plugin has a task.
    actions = {(path, name) for path, name in used if path.startswith("plugins/action/") and name == "_task"}
    # Ansible's documentation says to ask for --diff so.
    diffs = {(path, name) for path, name in used if name == "_diff"}
    named = {
        (part.used_in, part.name.rpartition(".")[2])
        for part in PARTS
        if part.used_in != CLUSTER and part.name.rpartition(".")[2].startswith("_")
    }
    assert used - actions - diffs == named


def test_no_other_private_name_is_used_where_ansibles_are():
    used = {
        node.attr
        for path, node in parsed()
        if path == ANSIBLE and isinstance(node, ast.Attribute) and node.attr.startswith("_")
    }
    assert used == {
        name
        for part in PARTS
        if part.used_in == ANSIBLE
        for name in part.name.split(".")
        if name.startswith("_")
    }
