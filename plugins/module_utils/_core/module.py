# Copyright (c) 2026, the gitops.flux_local authors
# SPDX-License-Identifier: Apache-2.0
"""How every module of the collection ends: with a result, or with one sentence."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.gitops.flux_local.plugins.module_utils._core.errors import LoopError
from ansible_collections.gitops.flux_local.plugins.module_utils._core.foreign_text import (
    printable_message,
    printable_result,
)
from ansible_collections.gitops.flux_local.plugins.module_utils._core.playbook import end_with_playbook


def require(module: AnsibleModule, *libraries: str) -> None:
    """Fail the module with Ansible's own sentence when one of the Python ``libraries`` cannot be imported."""
    for library in libraries:
        try:
            importlib.import_module(library)
        except ImportError:
            module.fail_json(msg=missing_required_lib(library), exception=traceback.format_exc())


def missing_library(library: str) -> LoopError:
    """Ansible's own sentence about a Python ``library`` that cannot be imported, for where no module is."""
    return LoopError(missing_required_lib(library))


def exit_with(module: AnsibleModule, call: Callable[[], dict[str, Any]]) -> None:
    """End ``module`` with what ``call`` returns, or with what the ``LoopError`` says that it raises.

    Text of others in it is made safe to show. It ends before, without a word, where its playbook was killed.
    """
    end_with_playbook()
    try:
        result = call()
    except LoopError as error:
        module.fail_json(msg=error.message, **printable_result(error.details))
    module.exit_json(**printable_result(result))


def warn_with(module: AnsibleModule) -> Callable[[str], None]:
    """What takes warnings for the result of ``module``; text of others in them is made safe to show."""
    return lambda warning: module.warn(printable_message(warning))


def is_verbose(module: AnsibleModule) -> bool:
    """Whether Ansible was called with -v or more."""
    return bool(module._verbosity >= 1)  # noqa: SLF001 - AnsibleModule has no public name for it
