# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""What modules in the task's own process need of Ansible's private parts. No other file uses them.

A release of ansible-core may take each of them away. A unit test
(tests/unit/plugins/plugin_utils/test_private_parts.py) then says which name it was, and what needs it.
What the collection uses of kubernetes.core is in module_utils/_cluster/kubernetes_core.py.
"""

from __future__ import annotations

import contextlib
import getpass
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible.executor import module_common
from ansible.module_utils import basic
from ansible.module_utils.common import json as ansible_json
from ansible.plugins.action import ActionBase

from ansible_collections.gitops.flux_local.plugins.module_utils._loop.place import Place

# How ansible-core 2.19 and later write and read arguments and results between Ansible and a module.
PROFILE = "legacy"


def with_internal_arguments(
    action: ActionBase, module: str, options: Mapping[str, Any], variables: Mapping[str, Any]
) -> dict[str, Any]:
    """The options, and what Ansible tells AnsibleModule beside them: check mode, diff, verbosity and more."""
    arguments = dict(options)
    action._update_module_args(module, arguments, variables)  # noqa: SLF001 - as _execute_module does
    return arguments


def with_defaults(action: ActionBase, module: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with what module_defaults say of the module; as the action ansible.builtin.package does."""
    task, templar = action._task, action._templar  # noqa: SLF001 - as above
    if hasattr(module_common, "_apply_action_arg_defaults"):  # ansible-core 2.19 and later
        given = module_common._apply_action_arg_defaults(module, task, options, templar)  # noqa: SLF001 - as above
    else:
        groups = task._parent._play._action_groups  # noqa: SLF001 - as above
        given = module_common.get_action_args_with_defaults(
            module, options, task.module_defaults, templar, action_groups=groups
        )
    return dict(given)


def result_of_action(
    action: ActionBase, name: str, arguments: Mapping[str, Any], variables: dict[str, Any]
) -> dict[str, Any]:
    """What another action returns for these arguments, not in check mode; as template calls copy.

    Raises AnsibleError.
    """
    task = action._task.copy()  # noqa: SLF001 - as above
    task.args, task.check_mode = dict(arguments), False
    plugins = action._shared_loader_obj  # noqa: SLF001 - as above
    other = plugins.action_loader.get(
        name,
        task=task,
        connection=action._connection,  # noqa: SLF001 - as above
        play_context=action._play_context,  # noqa: SLF001 - as above
        loader=action._loader,  # noqa: SLF001 - as above
        templar=action._templar,  # noqa: SLF001 - as above
        shared_loader_obj=plugins,
    )
    return dict(other.run(task_vars=variables))


def plain(value: Any) -> Any:
    """A value as a module gets it: nothing of Ansible's own types is left."""
    return json.loads(json.dumps(value))


def place_of(action: ActionBase) -> Place:
    """Where the task of an action runs, and as which user."""
    context = action._play_context  # noqa: SLF001 - as above
    return Place(
        host=context.remote_addr or "this host",
        connection=action._connection.transport,  # noqa: SLF001 - as above
        user=getpass.getuser(),
        become=(context.become_user or "root") if context.become else "",
    )


@contextlib.contextmanager
def handed_over(arguments: Mapping[str, Any]) -> Iterator[None]:
    """Have AnsibleModule take these for what was sent to it; as ansible.module_utils.testing does."""
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()  # noqa: SLF001 - nothing public sets it
    basic._ANSIBLE_PROFILE = PROFILE  # noqa: SLF001 - nothing public sets it
    try:
        yield
    finally:
        basic._ANSIBLE_ARGS = basic._ANSIBLE_PROFILE = None  # noqa: SLF001 - nothing public sets it


@contextlib.contextmanager
def told_to(warn: Callable[[str], None], show: Callable[[str], None]) -> Iterator[None]:
    """Have AnsibleModule hand its warnings to ``warn``, and have it ``show``, which writes a line at once.

    In a process of Ansible's, ansible-core 2.19 writes a module's warnings instead of returning them.
    """
    before = basic.AnsibleModule.warn
    basic.AnsibleModule.warn = lambda _module, warning, **_more: warn(str(warning))
    basic.AnsibleModule.show = staticmethod(show)
    try:
        yield
    finally:
        basic.AnsibleModule.warn = before
        del basic.AnsibleModule.show


def result_of(written: str) -> dict[str, Any]:
    """The result in what a module has written."""
    line = written.strip().rpartition("\n")[2]
    decoder = None
    if hasattr(ansible_json, "get_module_decoder"):  # ansible-core 2.19 and later
        decoder = ansible_json.get_module_decoder(PROFILE, ansible_json.Direction.MODULE_TO_CONTROLLER)
    result: dict[str, Any] = json.loads(line, cls=decoder)
    return result
